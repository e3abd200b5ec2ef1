"""Faults of fundus images."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.fundus.fundus_crescent import FUNDUS_CRESCENT
from medimeta_corruptions.clinical.fundus.fundus_defocus import FUNDUS_DEFOCUS
from medimeta_corruptions.clinical.fundus.fundus_eyelashes import FUNDUS_EYELASHES
from medimeta_corruptions.clinical.fundus.fundus_haze import FUNDUS_HAZE
from medimeta_corruptions.clinical.fundus.fundus_illumination import FUNDUS_ILLUMINATION
from medimeta_corruptions.clinical.fundus.fundus_lens_spots import FUNDUS_LENS_SPOTS
from medimeta_corruptions.clinical.fundus.fundus_underexposure import FUNDUS_UNDEREXPOSURE

__all__ = ["FUNDUS"]

FUNDUS: tuple[Corruption, ...] = (
    FUNDUS_DEFOCUS,
    FUNDUS_ILLUMINATION,
    FUNDUS_HAZE,
    FUNDUS_UNDEREXPOSURE,
    FUNDUS_LENS_SPOTS,
    FUNDUS_CRESCENT,
    FUNDUS_EYELASHES,
)
"""Their records."""
