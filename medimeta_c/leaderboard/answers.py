"""Plausibility checks on predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.accepted import label_digest
from medimeta_c.results.predictions import CellPredictions

__all__ = ["check_one_truth", "check_renderings_differ", "decided"]


def check_one_truth(cells: Mapping[SetKey, CellPredictions]) -> None:
    """Check that every cell of a dataset has the same image ids and labels.

    Raises
    ------
    ResultError
        Naming the first two that differ.
    """
    first: dict[str, tuple[SetKey, str]] = {}
    for key, cell in cells.items():
        digest = label_digest(cell.image_ids, cell.labels.tolist())
        other, expected = first.setdefault(key.dataset, (key, digest))
        if digest != expected:
            raise ResultError(
                f"{key} has other image ids or labels than {other}: all sets of a dataset are renderings of "
                "the same images"
            )


def check_renderings_differ(cells: Mapping[SetKey, CellPredictions]) -> None:
    """Check that no cell repeats another cell's probabilities, such as those for the clean images.

    Renderings differ, so the probabilities of a model must differ too, at least in their last
    digits. Bare decisions may agree, and a model may give every image one answer: these are left alone.

    Raises
    ------
    ResultError
        Naming the first two that are the same.
    """
    first: dict[tuple[str, str], SetKey] = {}
    for key, cell in cells.items():
        p = cell.probabilities
        if p is None or decided(cell) or (p == p[0]).all():
            continue
        other = first.setdefault((key.dataset, cell.digest), key)
        if other != key:
            raise ResultError(
                f"{key} has exactly the same probabilities as {other}, although their images differ: "
                "evaluate the model on each set"
            )


def decided(cell: CellPredictions) -> bool:
    """Return whether a cell holds only the probabilities 0 and 1, or none."""
    return cell.probabilities is None or bool(np.isin(cell.probabilities, (0.0, 1.0)).all())
