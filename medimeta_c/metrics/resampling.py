"""Bootstrap resamples of images, and accuracies on them.

One resampling of a dataset's image ids serves all its sets: an image drawn twice counts twice under
every corruption and severity, clean included, because the sets are renderings of the same images. It
depends on the seed, the dataset, the split and the number of images alone, so that two models scored
on the same images meet the same resamples, whichever was scored first. Datasets are independent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.io.records import Text
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.values import Asked

__all__ = ["RESAMPLING_SCHEME", "Resampling", "image_weights", "resampled_accuracies"]

RESAMPLING_SCHEME = "medimeta-c/bootstrap/1"
"""Version of the derivation of resamples from the seed."""

_CHUNK_ELEMENTS = 1 << 21
"""Resamples times images held at once: about 25 MB of weights."""


class Resampling(Asked):
    """How intervals are made; the same on another machine with the same NumPy.

    Attributes
    ----------
    scheme : str
        How resamples derive from the seed.
    resamples : int
        Bootstrap replicates R, at least 100.
    level : float
        Confidence level, at least 0.5 and below 1.
    seed : int
        Seed of the resampling.
    numpy : str
        The version that drew them.
    """

    scheme: Text = RESAMPLING_SCHEME
    resamples: Annotated[int, Field(le=1_000_000)] = 1000
    level: float = 0.95
    seed: int = 0
    numpy: Text = np.__version__

    @model_validator(mode="after")
    def _makes_intervals(self) -> Resampling:
        if self.resamples < 100:
            raise ValueError(f"{self.resamples} resamples are too few for an interval: use at least 100")
        if not 0.5 <= self.level < 1:
            raise ValueError(f"confidence level {self.level} is not usable: use 0.5 or more, below 1")
        return self


def image_weights(table: CorrectnessTable, plan: Resampling) -> Iterator[NDArray[np.int64]]:
    """Yield how often each image of a table is drawn in each resample, some resamples at a time.

    Yields
    ------
    ndarray of int64, shape (r, N)
        The r of all arrays sum to the plan's number of resamples.
    """
    n = len(table.image_ids)
    generator = _generator(plan.seed, table.dataset, table.split)
    share = np.full(n, 1 / n)
    chunk = max(1, _CHUNK_ELEMENTS // n)
    for start in range(0, plan.resamples, chunk):
        yield generator.multinomial(n, share, size=min(chunk, plan.resamples - start))


def resampled_accuracies(tables: Sequence[CorrectnessTable], plan: Resampling) -> list[NDArray[np.float64]]:
    """Compute every cell's accuracy on every resample of the images.

    A resample is N images drawn with replacement. Only how often each was drawn matters, a multinomial
    count, so accuracies are one matrix product of counts and correctness. Counts and sums are whole
    numbers below 2**24, exact in float32: neither the chunks nor the threads of the product can show.

    Parameters
    ----------
    tables : sequence of CorrectnessTable
        Tables of one dataset over the same N images, e.g. a model's and the baseline's.
    plan : Resampling
        Number of resamples and seed.

    Returns
    -------
    list of ndarray of float64, shape (R, M)
        One per table, in [0, 1]; column j belongs to the table's key j.

    Raises
    ------
    ConfigError
        If the tables are not over the same images.
    """
    first = tables[0]
    for table in tables[1:]:
        if (table.dataset, table.split, table.image_ids) != (first.dataset, first.split, first.image_ids):
            raise ConfigError(
                f"results on {first.dataset} are not over the same images ({len(first.image_ids)} and "
                f"{len(table.image_ids)} of them): pair only results of one benchmark fingerprint"
            )
    correct = np.concatenate([table.correct for table in tables], axis=1).astype(np.float32)
    right = np.concatenate([counts.astype(np.float32) @ correct for counts in image_weights(first, plan)])
    accuracies = right.astype(np.float64) / len(first.image_ids)
    bounds = np.cumsum([len(table.keys) for table in tables])[:-1]
    return list(np.split(accuracies, bounds, axis=1))


def _generator(seed: int, dataset: str, split: str) -> np.random.Generator:
    """Return the generator of one dataset's resampling."""
    text = f"{RESAMPLING_SCHEME}|{seed}|{dataset}|{split}"
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
