"""Faults of dermatoscopy images."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.dermatoscopy.dark_corners import DARK_CORNERS
from medimeta_corruptions.clinical.dermatoscopy.gel_bubbles import GEL_BUBBLES
from medimeta_corruptions.clinical.dermatoscopy.hair import HAIR

__all__ = ["DERMATOSCOPY"]

DERMATOSCOPY: tuple[Corruption, ...] = (HAIR, DARK_CORNERS, GEL_BUBBLES)
"""Their records."""
