"""Conformal prediction sets: whether sets calibrated on clean images keep their promise under corruption.

The images are split into two halves. On clean images of one half the least probability is found that a set
must admit to hold the label of 90 % of images; the sets are measured on the other half, clean and corrupted.
If both were drawn alike, the sets would hold the label of at least 90 % of images, whatever the model. So
the coverage that is missing under a corruption is what the corruption does to the model's own estimate of
how sure it is. The score is that of least-ambiguous sets: 1 minus the probability of the label.

References
----------
.. [1] M. Sadinle, J. Lei and L. Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded Error
   Levels", JASA 2019 (the score).
.. [2] A. N. Angelopoulos and S. Bates, "Conformal Prediction: A Gentle Introduction", Foundations and Trends
   in Machine Learning 2023, section 1 (the quantile).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medimeta_c.io.records import Text
from medimeta_c.metrics.values import Asked

__all__ = ["SPLIT_SCHEME", "ConformalPlan", "Coverage", "calibrating", "coverage", "thresholds"]

SPLIT_SCHEME = "medimeta-c/conformal/1"
"""Version of the derivation of splits from the seed."""

_ROUNDING = 1e-9

Floats = NDArray[np.float64]
Halves = NDArray[np.bool_]


class ConformalPlan(Asked):
    """How conformal sets are made and measured.

    Attributes
    ----------
    scheme : str
        How splits derive from the seed.
    splits : int
        Random halves, 2 or more: means and deviations are over them.
    level : float
        Share of images whose label a set shall hold, at least 0.5 and below 1.
    seed : int
        Seed of the splits.
    """

    scheme: Text = SPLIT_SCHEME
    splits: Annotated[int, Field(ge=2, le=10_000)] = 100
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    seed: int = 0

    @property
    def fewest(self) -> int:
        """The fewest images to calibrate on: with fewer, only a set of all classes keeps the level."""
        return math.ceil(self.level / (1 - self.level) - _ROUNDING)

    def rank(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ⌈(n + 1) · level⌉: of n probabilities of the label, the how-largest is the threshold."""
        return np.asarray(np.ceil((images + 1) * self.level - _ROUNDING), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coverage:
    """What the sets of one cell hold, on each of S splits.

    Parameters
    ----------
    shares : ndarray of float64, shape (S,)
        Share of the measured images whose set holds the label.
    sizes : ndarray of float64, shape (S,)
        Mean number of classes in a set; a set may be empty.
    """

    shares: Floats
    sizes: Floats


def calibrating(
    dataset: str, image_ids: Sequence[str], plan: ConformalPlan, groups: Mapping[str, int] | None = None
) -> Halves:
    """Return which images each split calibrates on; the others are measured.

    Every split sorts the images by a hash of seed, dataset and id, and calibrates on the first half. So it
    depends on nothing else: not on the model, nor on the order of rows.

    Parameters
    ----------
    dataset : str
        Its name.
    image_ids : sequence of str
        N distinct ids.
    plan : ConformalPlan
        Number of splits and seed.
    groups : mapping of str to int, optional
        By image id, what belongs together, such as a patient: all images of a group are in one half.

    Returns
    -------
    ndarray of bool, shape (S, N)
        Columns in the order of `image_ids`.
    """
    # A group is hashed by its first id, because the running numbers of groups are no part of the data.
    first: dict[int, str] = {}
    for image_id in sorted(image_ids) if groups is not None else ():
        first.setdefault(groups[image_id], image_id)  # type: ignore[index]
    units = [image_id if groups is None else first[groups[image_id]] for image_id in image_ids]
    names = sorted({*units})
    place = {name: index for index, name in enumerate(names)}
    keys = np.stack([_keys(f"{SPLIT_SCHEME}|{plan.seed}|{dataset}|{name}", plan.splits) for name in names])
    order = np.argsort(keys, axis=0, kind="stable")
    chosen = np.zeros((len(names), plan.splits), dtype=bool)
    np.put_along_axis(chosen, order[: len(names) // 2], True, axis=0)
    return np.ascontiguousarray(chosen[[place[unit] for unit in units]].T)


def thresholds(of_label: Floats, calibrates: Halves, plan: ConformalPlan) -> Floats:
    """Return the least probability that a class of a set has, on each split.

    Of the n clean images of the calibrating half, it is the ⌈(n + 1) · level⌉-th largest probability of the
    label. In terms of the score 1 - p it is the usual finite-sample quantile.

    Parameters
    ----------
    of_label : ndarray of float64, shape (N,)
        Probability of the label of each clean image.
    calibrates : ndarray of bool, shape (S, N)
        As `calibrating` gives them, with at least ``plan.fewest`` images each.
    plan : ConformalPlan
        The level.
    """
    order = np.argsort(-of_label, kind="stable")
    seen = np.cumsum(calibrates[:, order], axis=1, dtype=np.int64)
    places = np.argmax(seen >= plan.rank(seen[:, -1])[:, None], axis=1)
    return np.asarray(of_label[order][places])


def coverage(labels: NDArray[np.int64], probabilities: Floats, least: Floats, calibrates: Halves) -> Coverage:
    """Measure the sets of one cell: those classes whose probability is at least the threshold.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
        True labels.
    probabilities : ndarray of float64, shape (N, K)
        Class probabilities.
    least : ndarray of float64, shape (S,)
        As `thresholds` gives them.
    calibrates : ndarray of bool, shape (S, N)
        The images that are not measured.
    """
    measured = ~calibrates
    images = np.count_nonzero(measured, axis=1)

    def held(of_class: Floats) -> NDArray[np.int64]:
        return np.asarray(np.count_nonzero((of_class >= least[:, None]) & measured, axis=1))

    of_label = probabilities[np.arange(len(labels)), labels]
    classes = np.sum([held(of_class) for of_class in np.ascontiguousarray(probabilities.T)], axis=0)
    return Coverage(shares=held(of_label) / images, sizes=classes / images)


def _keys(text: str, splits: int) -> NDArray[np.uint64]:
    """Return a number for each split; more splits add to them and change none."""
    return np.frombuffer(hashlib.shake_128(text.encode()).digest(8 * splits), dtype="<u8")
