"""Split the variance of a number into images, prompts and seeds.

The number is a mean over images, and over datasets of such means: an accuracy, or points lost. On one
dataset, x_spi is image i's part of it with seed s and prompt p. The model has crossed random effects:

    x_spi = m + a_s + b_p + (ab)_sp + c_i + (ac)_si + (bc)_pi + (abc)_spi

with independent effects of mean 0. The number of one seed, one prompt and n images has the variance

    var(a) + var(b) + var(ab) + [var(c) + var(ac) + var(bc) + var(abc)] / n
    seeds    prompts  both      images

Images: the bootstrap's variance of the number over images, in closed form (that of infinitely many
resamples, Σ (x_i - mean)² / n²), times n / (n - 1), and averaged over seeds and prompts. Where images come in
groups, groups are resampled: g / (g - 1) · Σ_g (Σ_i in g (x_i - mean))² / n².

The rest is the analysis of variance: mean squares of the marginal means, minus what sampling images adds to
them (the same closed form, of the marginal deviations), solved for the components. Without groups these are
exactly the estimators of the three-way crossed design, and they are unbiased. A component may then come out
below 0, which stands for 0 in shares.

Over datasets the number is the mean of the datasets' numbers. Images and prompts of datasets are
independent, so that their parts add up, divided by the square of the number of datasets. A seed is the same
adapter on all.

References
----------
.. [1] S. R. Searle, G. Casella and C. E. McCulloch, "Variance Components", Wiley 1992, chapters 4 and 5.
.. [2] R. L. Brennan, "Generalizability Theory", Springer 2001, chapter 3 (designs with crossed facets).
.. [3] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall 1993, chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from medimeta_c.errors import ConfigError
from medimeta_c.io.records import Record

__all__ = ["VarianceSplit", "variance_split"]

FloatArray: TypeAlias = NDArray[np.float64]


class VarianceSplit(Record):
    """Where the variance of a number comes from. Numbers are fractions, so that variances are of fractions.

    Attributes
    ----------
    images : float
        From which images were drawn.
    prompts : float
        From the wording of the prompts; with one seed, as that seed's model takes them.
    seeds : float or None
        From the seed; None with one seed.
    seeds_by_prompts : float or None
        From wordings that suit one seed and not another; None with one seed.
    n_seeds, n_prompts : int
        Seeds, and the fewest prompts of a dataset.
    """

    images: Annotated[float, Field(ge=0)]
    prompts: float
    seeds: float | None = None
    seeds_by_prompts: float | None = None
    n_seeds: Annotated[int, Field(ge=1)] = 1
    n_prompts: Annotated[int, Field(ge=2)]

    @property
    def components(self) -> dict[str, float]:
        """Every component that was estimated, not below 0, by name."""
        parts = {name: getattr(self, name) for name in ("images", "prompts", "seeds", "seeds_by_prompts")}
        return {name: max(0.0, each) for name, each in parts.items() if each is not None}

    @property
    def deviations(self) -> dict[str, float]:
        """The components' square roots: standard deviations of the number."""
        return {name: each**0.5 for name, each in self.components.items()}

    @property
    def shares(self) -> dict[str, float] | None:
        """The components' shares of their sum; None where nothing varies."""
        total = sum(self.components.values())
        return {name: each / total for name, each in self.components.items()} if total else None


def variance_split(
    values: Sequence[ArrayLike], groups: Sequence[ArrayLike | None] | None = None
) -> VarianceSplit:
    """Estimate the variance components of a mean over images, then over datasets.

    Parameters
    ----------
    values : sequence of array_like of float, shape (S, P, N)
        One array a dataset: each image's part of the number, by seed and prompt. Datasets have the same S
        seeds, and their own P and N.
    groups : sequence of array_like of int, shape (N,), or None, optional
        Which images belong together, one a dataset; None where they are independent.

    Raises
    ------
    ConfigError
        If a dataset has fewer than 2 prompts, images or groups, or datasets differ in their seeds.

    Examples
    --------
    >>> split = variance_split([[[[1, 0, 1, 0], [1, 1, 1, 0]]]])
    >>> round(split.images, 6), split.seeds is None
    (0.072917, True)
    """
    arrays = [_checked(each) for each in values]
    members = groups or [None] * len(arrays)
    if not arrays or len({len(array) for array in arrays}) != 1:
        raise ConfigError("the variance of a number needs one or more datasets, all with the same seeds")
    parts = [_Dataset(array, _totals(array, group)) for array, group in zip(arrays, members, strict=True)]
    seeds, square = len(arrays[0]), len(arrays) ** 2
    both = sum(part.both for part in parts) / square
    of_seeds = None
    if seeds > 1:
        means = np.mean([part.table.mean(axis=1) for part in parts], axis=0)
        noise = sum(part.noise_of_seeds + part.both / part.table.shape[1] for part in parts) / square
        of_seeds = float(means.var(ddof=1)) - noise
    return VarianceSplit(
        images=sum(part.images for part in parts) / square,
        prompts=sum(part.prompts for part in parts) / square,
        seeds=of_seeds,
        seeds_by_prompts=both if seeds > 1 else None,
        n_seeds=seeds,
        n_prompts=min(array.shape[1] for array in arrays),
    )


class _Dataset:
    """Components of one dataset: `totals` has, for each seed, prompt and group, Σ x / N of its images."""

    def __init__(self, values: FloatArray, totals: tuple[FloatArray, FloatArray]) -> None:
        seeds, prompts, _ = values.shape
        self._sums, self._sizes = totals
        self.table = values.mean(axis=2)
        self.images = float(self._sampling(self._sums).mean())
        by_prompt = self._sums.mean(axis=0)
        by_seed = self._sums.mean(axis=1)
        grand = by_prompt.mean(axis=0)
        self.both = 0.0
        self.noise_of_seeds = 0.0
        if seeds > 1:
            inner = self._sums - by_seed[:, None] - by_prompt + grand
            freedom = (seeds - 1) * (prompts - 1)
            self.both = (self._squares(inner) - self._noise(inner)) / freedom
            self.noise_of_seeds = self._noise(by_seed - grand) / (seeds - 1)
        outer = by_prompt - grand
        self.prompts = (self._squares(outer) - self._noise(outer)) / (prompts - 1) - self.both / seeds

    def _squares(self, sums: FloatArray) -> float:
        """Return Σ of the squared means of rows of images."""
        return float((sums.sum(axis=-1) ** 2).sum())

    def _noise(self, sums: FloatArray) -> float:
        """Return what sampling images adds to `_squares` in expectation."""
        return float(self._sampling(sums).sum())

    def _sampling(self, sums: FloatArray) -> FloatArray:
        """Return the variance of means of rows over samples of images, or of groups of them."""
        count = sums.shape[-1]
        deviations = sums - sums.sum(axis=-1, keepdims=True) * self._sizes
        return np.asarray(count / (count - 1) * (deviations**2).sum(axis=-1))


def _totals(values: FloatArray, group: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """Return, by group, Σ x / N for each seed and prompt, and the group's share of the images."""
    n = values.shape[2]
    if group is None:
        return values / n, np.full(n, 1 / n)
    members = np.asarray(group)
    if members.shape != (n,):
        raise ConfigError(f"groups of shape {members.shape} are not one for each of {n} images")
    _, place = np.unique(members, return_inverse=True)
    count = int(place.max()) + 1
    if count < 2:
        raise ConfigError("the variance over images needs at least 2 groups")
    sums = values / n @ np.eye(count)[place]
    return sums, np.bincount(place, minlength=count) / n


def _checked(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or array.shape[0] < 1 or min(array.shape[1:]) < 2 or not np.isfinite(array).all():
        raise ConfigError(
            f"an array of shape {array.shape} is not finite numbers by seed, prompt and image, with at "
            "least 2 prompts and 2 images"
        )
    return array
