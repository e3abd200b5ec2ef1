"""Patients that are scored and were also learned from."""

from __future__ import annotations

from medimeta_c.probing.clean import CleanData
from medimeta_c.probing.config import TRAIN, VAL
from medimeta_c.results.probes import Overlap

__all__ = ["overlap_of"]


def overlap_of(data: CleanData, split: str) -> Overlap | None:
    """Count the patients of a scored split that also have images in train or val.

    Parameters
    ----------
    data : CleanData
        Of one dataset.
    split : str
        The split scored.

    Returns
    -------
    Overlap or None
        None where patients are not known.
    """
    scored = data.groups(split)
    seen = {*data.groups(TRAIN).values(), *data.groups(VAL).values()}
    if not scored or not seen:
        return None
    return Overlap(
        groups=len({*scored.values()}),
        shared=len({*scored.values()} & seen),
        images=len(scored),
        shared_images=sum(group in seen for group in scored.values()),
    )
