"""Faults of radiographs and of mammograms on film."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.radiograph.film_exposure import FILM_EXPOSURE
from medimeta_corruptions.clinical.radiograph.film_scratches import FILM_SCRATCHES
from medimeta_corruptions.clinical.radiograph.xray_collimation import XRAY_COLLIMATION
from medimeta_corruptions.clinical.radiograph.xray_grid import XRAY_GRID
from medimeta_corruptions.clinical.radiograph.xray_motion import XRAY_MOTION
from medimeta_corruptions.clinical.radiograph.xray_overexposure import XRAY_OVEREXPOSURE
from medimeta_corruptions.clinical.radiograph.xray_quantum_noise import XRAY_QUANTUM_NOISE
from medimeta_corruptions.clinical.radiograph.xray_scatter import XRAY_SCATTER

__all__ = ["RADIOGRAPH"]

RADIOGRAPH: tuple[Corruption, ...] = (
    XRAY_QUANTUM_NOISE,
    XRAY_SCATTER,
    XRAY_OVEREXPOSURE,
    XRAY_MOTION,
    XRAY_GRID,
    XRAY_COLLIMATION,
    FILM_EXPOSURE,
    FILM_SCRATCHES,
)
"""Their records."""
