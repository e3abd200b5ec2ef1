"""Faults of ultrasound images."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.ultrasound.us_annotations import US_ANNOTATIONS
from medimeta_corruptions.clinical.ultrasound.us_attenuation import US_ATTENUATION
from medimeta_corruptions.clinical.ultrasound.us_clutter import US_CLUTTER
from medimeta_corruptions.clinical.ultrasound.us_contact_loss import US_CONTACT_LOSS
from medimeta_corruptions.clinical.ultrasound.us_gain import US_GAIN
from medimeta_corruptions.clinical.ultrasound.us_reverberation import US_REVERBERATION
from medimeta_corruptions.clinical.ultrasound.us_speckle import US_SPECKLE

__all__ = ["ULTRASOUND"]

ULTRASOUND: tuple[Corruption, ...] = (
    US_SPECKLE,
    US_ATTENUATION,
    US_GAIN,
    US_CONTACT_LOSS,
    US_REVERBERATION,
    US_CLUTTER,
    US_ANNOTATIONS,
)
"""Their records."""
