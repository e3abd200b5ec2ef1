"""Faults of images of optical coherence tomography (OCT)."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.oct.oct_axial_motion import OCT_AXIAL_MOTION
from medimeta_corruptions.clinical.oct.oct_defocus import OCT_DEFOCUS
from medimeta_corruptions.clinical.oct.oct_low_signal import OCT_LOW_SIGNAL
from medimeta_corruptions.clinical.oct.oct_roll_off import OCT_ROLL_OFF
from medimeta_corruptions.clinical.oct.oct_shadow import OCT_SHADOW
from medimeta_corruptions.clinical.oct.oct_speckle import OCT_SPECKLE

__all__ = ["OCT"]

OCT: tuple[Corruption, ...] = (
    OCT_SPECKLE,
    OCT_LOW_SIGNAL,
    OCT_SHADOW,
    OCT_ROLL_OFF,
    OCT_DEFOCUS,
    OCT_AXIAL_MOTION,
)
"""Their records."""
