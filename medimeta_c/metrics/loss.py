"""Loss to corruption: how much accuracy a model loses, and what share of what it knows it keeps.

Errors under corruption (`corruption_error`) reward a model that starts more accurate. These numbers do not:

- points lost = A_clean - A, where A is the mean over corruptions of the mean over severities, or over the
  severities of one corruption, or over the corruptions at one severity;
- share kept = (A - chance) / (A_clean - chance): 1 if nothing is lost, 0 if the model falls to chance.

Over datasets, points lost are the mean of the datasets' numbers. Of the share, the means of both differences
are taken first and divided then: a mean of shares would hang on the dataset of which the model knows least.

A share is undefined unless the interval of clean accuracy lies above chance: who knows nothing keeps nothing.

References
----------
.. [1] D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
   Perturbations", ICLR 2019 (points lost are the numerator of its relative CE).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.records import Name, Record
from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.measures.cell_values import CellValues
from medimeta_c.metrics.values import Difference, Estimate

__all__ = ["Loss", "LossNumbers", "Losses", "Lost", "loss", "loss_difference"]

T = TypeVar("T")

_ALIKE = "no interval: the same on every resample"
_LONE = "no interval: the images of a dataset are of a single group"
_SHOWN = 3


class Lost(Record, Generic[T]):
    """What is lost of clean accuracy.

    Attributes
    ----------
    points : Estimate or Difference
        Clean accuracy minus accuracy, a fraction; below 0 where corruption helps.
    share_kept : Estimate or Difference
        The share of accuracy above chance that is left.
    """

    points: T
    share_kept: T


class Loss(Record, Generic[T]):
    """What corruption costs a model on one dataset, or over the datasets.

    Attributes
    ----------
    clean, corrupted : Estimate or Difference
        Accuracy on clean images, and its mean over corruptions and severities.
    chance : float
        What a model that knows nothing scores.
    beside_chance : int or None
        1 if the interval of clean accuracy lies above chance, -1 below, 0 if it includes chance or there is
        nothing to know; None where clean accuracy is undefined, and of a difference.
    lost : Lost
        Over all corruptions.
    corruptions : dict of str to Lost
        By corruption; over datasets, the mean of those that have it.
    severities : dict of int to Lost
        By severity.
    """

    clean: T
    corrupted: T
    chance: float
    beside_chance: int | None
    lost: Lost[T]
    corruptions: dict[Name, Lost[T]]
    severities: dict[int, Lost[T]]


class Losses(Record, Generic[T]):
    """What corruption costs a model, by dataset and over the datasets."""

    datasets: dict[Name, Loss[T]]
    overall: Loss[T]


def loss(cells: CellValues) -> Losses[Estimate]:
    """Return what corruption costs a model, each number with its interval.

    An interval is undefined where the number is, and where every resample gives the same number.
    """
    return LossNumbers.of(cells).estimates()


def loss_difference(one: CellValues, other: CellValues) -> Losses[Difference]:
    """Return what one model loses minus what another does, paired resample by resample.

    Raises
    ------
    ConfigError
        If the two are not over the same scope, images and resamples.
    """
    return LossNumbers.of(one).minus(LossNumbers.of(other))


Where = tuple[str, str, str | int]
"""Dataset, or "" for all; name; corruption or severity, or "" for all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossNumbers:
    """Every number of a model on the images and on each resample, computed once for all comparisons.

    Parameters
    ----------
    cells : CellValues
        What they were computed from.
    arrays : dict of Where to ndarray of float64, shape (1 + R,)
        The numbers; NaN where undefined.
    reasons : dict of Where to str
        Why, where a number is undefined.
    beside : dict of str to (int or None)
        By dataset, "" for all, on which side of chance clean accuracy lies; see `Loss`.
    """

    cells: CellValues
    arrays: dict[Where, FloatArray]
    reasons: dict[Where, str]
    beside: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: CellValues) -> LossNumbers:
        """Compute what corruption costs a model."""
        scope, values = cells.scope, cells.values
        unknown = np.full(1 + cells.resamples, np.nan)
        clean = {d: values.get(SetKey(d, scope.split, CLEAN, 0), unknown) for d in scope.corruptions}
        found = cls(cells=cells, arrays={}, reasons={})
        for part in _parts(scope):
            under = {
                d: np.mean([values.get(key, unknown) for key in keys], axis=0)
                for d in scope.corruptions
                if (keys := _keys(scope, d, part))
            }
            for d in under:
                found._add(d, part, {d: clean[d]}, under)
            found._add("", part, {d: clean[d] for d in under}, under)
        return found

    def estimates(self) -> Losses[Estimate]:
        """Return each number with its interval."""
        return self._arranged(lambda array, why, lone: _estimate(array, why, self.cells.level, lone))

    def minus(self, other: LossNumbers) -> Losses[Difference]:
        """Return each number minus another model's, paired resample by resample; see `loss_difference`."""
        one, two = self.cells, other.cells
        alike = all(two.units.get(name, count) == count for name, count in one.units.items())
        if not alike or (one.scope, one.level, one.resamples) != (two.scope, two.level, two.resamples):
            raise ConfigError("the two models were not resampled alike: use one scope, and the same images")
        paired = LossNumbers(
            cells=one,
            arrays={where: array - other.arrays[where] for where, array in self.arrays.items()},
            reasons={
                where: why or (other.reasons[where] and f"of the other model: {other.reasons[where]}")
                for where, why in self.reasons.items()
            },
        )
        return paired._arranged(lambda array, why, lone: _difference(array, why, one.level, lone))

    def _add(
        self, owner: str, part: str | int, clean: Mapping[str, FloatArray], under: Mapping[str, FloatArray]
    ) -> None:
        """Compute the numbers of one dataset, or the means of several, under a part of the grid."""
        cells, scope, members = self.cells, self.cells.scope, list(clean)
        known = np.mean(list(clean.values()), axis=0)
        left = np.mean([under[d] for d in members], axis=0)
        chance = float(np.mean([cells.chance[d] for d in members]))
        lacking = [
            str(key)
            for d in members
            for key in (SetKey(d, scope.split, CLEAN, 0), *_keys(scope, d, part))
            if key not in cells.values
        ]
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        absent = f"the model has no valid {', '.join(lacking[:_SHOWN])}{more}" if lacking else ""
        beside = None if np.isnan(known[0]) else _beside_chance(clean, cells, chance)
        why = absent or _no_share(beside, chance)
        share = np.full_like(known, np.nan)
        np.divide(left - chance, known - chance, out=share, where=(known > chance) & (not why))
        self._put((owner, "points", part), known - left, absent)
        self._put((owner, "share_kept", part), share, why)
        if part == "":
            self.beside[owner] = beside
            unclean = f"the model has no valid {lacking[0]}" if np.isnan(known[0]) else ""
            self._put((owner, "clean", ""), known, unclean)
            self._put((owner, "corrupted", ""), left, absent if np.isnan(left[0]) else "")

    def _put(self, where: Where, array: FloatArray, reason: str) -> None:
        self.arrays[where], self.reasons[where] = array, reason

    def _arranged(self, view: Callable[[FloatArray, str, bool], T]) -> Losses[T]:
        scope, chance, units = self.cells.scope, self.cells.chance, self.cells.units

        def one(owner: str, corruptions: Iterable[str], chance: float) -> Loss[T]:
            def number(name: str, part: str | int = "") -> T:
                lone = any(units.get(d) == 1 for d in ([owner] if owner else scope.datasets))
                return view(self.arrays[owner, name, part], self.reasons[owner, name, part], lone)

            def lost(part: str | int = "") -> Lost[T]:
                return Lost(points=number("points", part), share_kept=number("share_kept", part))

            return Loss(
                clean=number("clean"),
                corrupted=number("corrupted"),
                chance=chance,
                beside_chance=self.beside.get(owner),
                lost=lost(),
                corruptions={c: lost(c) for c in corruptions},
                severities={s: lost(s) for s in scope.severities},
            )

        every = dict.fromkeys(c for names in scope.corruptions.values() for c in names)
        return Losses(
            datasets={d: one(d, names, chance[d]) for d, names in scope.corruptions.items()},
            overall=one("", every, float(np.mean([chance[d] for d in scope.corruptions]))),
        )


def _parts(scope: Scope) -> Iterable[str | int]:
    """Yield what is averaged over: all, each corruption, each severity."""
    names = dict.fromkeys(c for names in scope.corruptions.values() for c in names)
    return ("", *names, *scope.severities)


def _keys(scope: Scope, dataset: str, part: str | int) -> list[SetKey]:
    """Return a dataset's corrupted cells of a part; none where it does not have the corruption."""
    return [
        SetKey(dataset, scope.split, corruption, severity)
        for corruption in scope.corruptions[dataset]
        for severity in scope.severities
        if part in ("", corruption, severity)
    ]


def _beside_chance(clean: Mapping[str, FloatArray], cells: CellValues, chance: float) -> int:
    """Return on which side of chance the interval of clean accuracy lies.

    Where all images are right, or all are wrong, the exact interval of Clopper and Pearson takes the
    bootstrap's place. Resamples alike for another reason, such as a single patient, tell nothing.
    """
    tail = (1 - cells.level) / 2
    low, high = np.nanquantile(np.mean([array[1:] for array in clean.values()], axis=0), [tail, 1 - tail])
    for dataset, array in clean.items():
        if (units := cells.units.get(dataset)) is None or array.min() < array.max():
            continue
        slack = (1 - tail ** (1 / units)) / len(clean)
        if array[0] == 1:
            low -= slack
        elif array[0] == 0:
            high += slack
        else:
            return 0
    return 1 if low > chance else -1 if high < chance else 0


def _no_share(beside: int | None, chance: float) -> str:
    """Return why no share is kept above chance, empty where one is."""
    if beside == 1:
        return ""
    if chance >= 1:
        return "all images are of one class, so there is nothing to know"
    side = "lies below" if beside == -1 else "includes"
    return f"the interval of clean accuracy {side} chance ({100 * chance:.1f} %)"


def _estimate(array: FloatArray, reason: str, level: float, lone: bool) -> Estimate:
    """Return a number with the percentile interval of its resamples."""
    if not np.isfinite(array[0]) or reason:
        return Estimate.undefined(reason)
    # Equal sums added up in another order differ by 1e-16: an end that is 0 must not seem to leave 0 out.
    rounded = np.round(array, 12) + 0.0
    point, samples = float(rounded[0]), rounded[1:]
    if bad := int(np.count_nonzero(~np.isfinite(samples))):
        why = f"{bad} of {len(samples)} resamples leave nothing to measure, or nothing above chance"
    elif lone:
        why = _LONE
    elif samples.min() == samples.max():
        why = _ALIKE
    else:
        low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2]).tolist()
        return Estimate(value=point, low=low, high=high)
    return Estimate(value=point, low=None, high=None, interval_reason=why)


def _difference(array: FloatArray, reason: str, level: float, lone: bool) -> Difference:
    found = _estimate(array, reason, level, lone)
    if found.value == 0 and found.interval_reason == _ALIKE:  # two models that lose alike tie
        return Difference(value=0.0, low=0.0, high=0.0, tie=True)
    return Difference(**found.model_dump(), tie=found.contains(0.0))
