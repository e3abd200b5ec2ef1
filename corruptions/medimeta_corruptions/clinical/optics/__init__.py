"""Faults of microscopes' and cameras' optics, light and sensors."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.optics.camera_motion import CAMERA_MOTION
from medimeta_corruptions.clinical.optics.defocus import DEFOCUS
from medimeta_corruptions.clinical.optics.dust import DUST
from medimeta_corruptions.clinical.optics.glare import GLARE
from medimeta_corruptions.clinical.optics.sensor_noise import SENSOR_NOISE
from medimeta_corruptions.clinical.optics.uneven_illumination import UNEVEN_ILLUMINATION
from medimeta_corruptions.clinical.optics.white_balance import WHITE_BALANCE

__all__ = ["OPTICS"]

OPTICS: tuple[Corruption, ...] = (
    DEFOCUS,
    CAMERA_MOTION,
    UNEVEN_ILLUMINATION,
    WHITE_BALANCE,
    SENSOR_NOISE,
    DUST,
    GLARE,
)
"""Their records."""
