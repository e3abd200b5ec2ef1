"""Faults of MR: between the coils and k-space. For own data; no dataset of MedIMeta is MR."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.mr.mr_bias_field import MR_BIAS_FIELD
from medimeta_corruptions.clinical.mr.mr_ghosting import MR_GHOSTING
from medimeta_corruptions.clinical.mr.mr_motion import MR_MOTION
from medimeta_corruptions.clinical.mr.mr_rician_noise import MR_RICIAN_NOISE
from medimeta_corruptions.clinical.mr.mr_spike import MR_SPIKE
from medimeta_corruptions.clinical.mr.mr_truncation import MR_TRUNCATION

__all__ = ["MR"]

MR: tuple[Corruption, ...] = (
    MR_MOTION,
    MR_GHOSTING,
    MR_SPIKE,
    MR_BIAS_FIELD,
    MR_TRUNCATION,
    MR_RICIAN_NOISE,
)
"""Their records."""
