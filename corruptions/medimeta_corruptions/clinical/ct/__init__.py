"""Faults of CT: of the scan, for axial slices, and of pictures cut across the slices."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.ct.ct_breathing import CT_BREATHING
from medimeta_corruptions.clinical.ct.ct_low_dose import CT_LOW_DOSE
from medimeta_corruptions.clinical.ct.ct_metal import CT_METAL
from medimeta_corruptions.clinical.ct.ct_motion import CT_MOTION
from medimeta_corruptions.clinical.ct.ct_reformat_noise import CT_REFORMAT_NOISE
from medimeta_corruptions.clinical.ct.ct_ring import CT_RING
from medimeta_corruptions.clinical.ct.ct_slice_thickness import CT_SLICE_THICKNESS
from medimeta_corruptions.clinical.ct.ct_sparse_view import CT_SPARSE_VIEW

__all__ = ["CT"]

CT: tuple[Corruption, ...] = (
    CT_LOW_DOSE,
    CT_SPARSE_VIEW,
    CT_RING,
    CT_METAL,
    CT_MOTION,
    CT_REFORMAT_NOISE,
    CT_SLICE_THICKNESS,
    CT_BREATHING,
)
"""Their records."""
