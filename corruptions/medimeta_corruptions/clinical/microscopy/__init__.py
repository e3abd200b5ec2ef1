"""Faults of microscopy images."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.microscopy.air_bubble import AIR_BUBBLE
from medimeta_corruptions.clinical.microscopy.giemsa_stain import GIEMSA_STAIN
from medimeta_corruptions.clinical.microscopy.he_stain import HE_STAIN
from medimeta_corruptions.clinical.microscopy.pen_ink import PEN_INK
from medimeta_corruptions.clinical.microscopy.section_thickness import SECTION_THICKNESS
from medimeta_corruptions.clinical.microscopy.stitching import STITCHING
from medimeta_corruptions.clinical.microscopy.tissue_fold import TISSUE_FOLD

__all__ = ["MICROSCOPY"]

MICROSCOPY: tuple[Corruption, ...] = (
    GIEMSA_STAIN,
    HE_STAIN,
    SECTION_THICKNESS,
    TISSUE_FOLD,
    STITCHING,
    PEN_INK,
    AIR_BUBBLE,
)
"""Their records."""
