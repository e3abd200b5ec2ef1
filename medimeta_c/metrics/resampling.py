"""Bootstrap resamples of images or of groups of images, and accuracies on them.

One resampling of a dataset serves all its sets: an image drawn twice counts twice under every corruption
and severity, clean included, because the sets are renderings of the same images. It depends on the seed,
the dataset, the split and the number of units alone, so that two models scored on the same images meet the
same resamples, whichever was scored first. Datasets are independent.

Where it is known which images belong together, such as those of one patient, whole groups are drawn, each
with all its images: a cluster bootstrap. The number of images then varies from resample to resample.

References
----------
.. [1] A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", Cambridge University Press
   1997, section 3.8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.io.records import Name, Since, Text
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.values import Asked

__all__ = [
    "RESAMPLING_SCHEME",
    "Groups",
    "Resampling",
    "Units",
    "generator_of",
    "image_weights",
    "resample_counts",
    "resampled_accuracies",
    "resampled_units",
]

Groups = Mapping[str, Mapping[str, int]]
"""By dataset and image id, a running number of what belongs together; datasets without groups are absent."""

RESAMPLING_SCHEME = "medimeta-c/bootstrap/1"
"""Version of the derivation of resamples from the seed."""

_CHUNK_ELEMENTS = 1 << 21
"""Resamples times units held at once: about 25 MB of weights."""

_EXACT = 1 << 24
"""Whole numbers up to here are exact in float32."""


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
    grouped : tuple of str
        Datasets in which groups of images are drawn, ascending; in all others, single images are.
    """

    scheme: Text = RESAMPLING_SCHEME
    resamples: Annotated[int, Field(le=1_000_000)] = 1000
    level: float = 0.95
    seed: int = 0
    numpy: Text = np.__version__
    grouped: Annotated[tuple[Name, ...], Since(2)] = ()

    def for_groups(self, groups: Groups, image_ids: Mapping[str, Sequence[str]]) -> Resampling:
        """Return the same plan, drawing groups in each dataset in which some images share one.

        Parameters
        ----------
        groups : mapping
            See `Groups`.
        image_ids : mapping of str to sequence of str
            By dataset, the images scored.
        """
        shared = (
            name
            for name, ids in image_ids.items()
            if name in groups and len({groups[name].get(image_id) for image_id in ids}) < len(ids)
        )
        return self.model_copy(update={"grouped": tuple(sorted(shared))})

    def assumption(self, datasets: Collection[str]) -> str:
        """Return what intervals over some datasets take as independent, a sentence.

        Examples
        --------
        >>> Resampling().assumption(["pbc"])
        'Intervals take images as independent.'
        >>> Resampling(grouped=("pbc",)).assumption(["pbc"])
        'Intervals take groups of images, such as those of one patient, as independent.'
        """
        grouped = [name for name in datasets if name in self.grouped]
        if not grouped:
            return "Intervals take images as independent."
        whole = "Intervals take groups of images, such as those of one patient, as independent"
        if len(grouped) == len({*datasets}):
            return f"{whole}."
        return f"{whole} in {', '.join(grouped)}, and single images in the other datasets."

    @model_validator(mode="after")
    def _makes_intervals(self) -> Resampling:
        if self.resamples < 100:
            raise ValueError(f"{self.resamples} resamples are too few for an interval: use at least 100")
        if not 0.5 <= self.level < 1:
            raise ValueError(f"confidence level {self.level} is not usable: use 0.5 or more, below 1")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """What is drawn with replacement from a dataset: its images, or groups of them.

    Parameters
    ----------
    dataset, split : str
        Whose images they are.
    of_image : ndarray of int64, shape (N,)
        The unit of each image, images by ascending id; the U units are numbered from 0 as they first appear.
    """

    dataset: str
    split: str
    of_image: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of images of each unit, shape (U,)."""
        return np.bincount(self.of_image)

    def sums(self, values: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the sum of an (N, M) array over the images of each unit, shape (U, M)."""
        totals = np.zeros((len(self), values.shape[1]))
        np.add.at(totals, self.of_image, values)
        return totals


def resampled_units(table: CorrectnessTable, plan: Resampling, groups: Groups | None = None) -> Units:
    """Return what a plan draws from the images of a table.

    Raises
    ------
    ConfigError
        If the plan draws groups and the group of an image is not known.
    """
    dataset, ids = table.dataset, table.image_ids
    if dataset not in plan.grouped:
        return Units(dataset=dataset, split=table.split, of_image=np.arange(len(ids)))
    known = (groups or {}).get(dataset, {})
    if alone := next((image_id for image_id in ids if image_id not in known), None):
        raise ConfigError(
            f"the group of the image {alone!r} of {dataset} is not known, and its intervals are over groups: "
            "give the groups of the benchmark that was scored"
        )
    numbers = {group: i for i, group in enumerate(dict.fromkeys(known[image_id] for image_id in ids))}
    of_image = np.array([numbers[known[image_id]] for image_id in ids], dtype=np.int64)
    return Units(dataset=dataset, split=table.split, of_image=of_image)


def resample_counts(units: Units, plan: Resampling) -> Iterator[NDArray[np.int64]]:
    """Yield how often each unit is drawn in each resample, some resamples at a time.

    A resample is U units drawn with replacement; only how often each was drawn matters, a multinomial count.
    ``counts[:, units.of_image]`` are the weights of single images.

    Parameters
    ----------
    units : Units
        U of them.
    plan : Resampling
        Number of resamples and seed.

    Yields
    ------
    ndarray of int64, shape (r, U)
        Each row sums to U; the r of all arrays sum to the plan's number of resamples.
    """
    generator = generator_of(plan.seed, units.dataset, units.split)
    share = np.full(len(units), 1 / len(units))
    chunk = max(1, _CHUNK_ELEMENTS // len(units.of_image))
    for start in range(0, plan.resamples, chunk):
        yield generator.multinomial(len(units), share, size=min(chunk, plan.resamples - start))


def image_weights(
    table: CorrectnessTable, plan: Resampling, groups: Groups | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield how often each image of a table is drawn in each resample, some resamples at a time.

    Yields
    ------
    ndarray of int64, shape (r, N)
        The r of all arrays sum to the plan's number of resamples.

    Raises
    ------
    ConfigError
        If the plan draws groups and the group of an image is not known.
    """
    units = resampled_units(table, plan, groups)
    yield from (counts[:, units.of_image] for counts in resample_counts(units, plan))


def resampled_accuracies(
    tables: Sequence[CorrectnessTable], plan: Resampling, groups: Groups | None = None
) -> list[NDArray[np.float64]]:
    """Compute every cell's accuracy on every resample: right images divided by images drawn.

    Both are matrix products of counts. Counts and sums are whole numbers, and float32 is used only where it
    holds them exactly: neither the chunks nor the threads of the product can show.

    Parameters
    ----------
    tables : sequence of CorrectnessTable
        Tables of one dataset over the same N images, e.g. a model's and the baseline's.
    plan : Resampling
        Number of resamples, seed, and whether groups are drawn.
    groups : mapping, optional
        See `Groups`; needed where the plan draws groups.

    Returns
    -------
    list of ndarray of float64, shape (R, M)
        One per table, in [0, 1]; column j belongs to the table's key j.

    Raises
    ------
    ConfigError
        If the tables are not over the same images, or the group of an image is not known.
    """
    first = tables[0]
    for table in tables[1:]:
        if (table.dataset, table.split, table.image_ids) != (first.dataset, first.split, first.image_ids):
            raise ConfigError(
                f"results on {first.dataset} are not over the same images ({len(first.image_ids)} and "
                f"{len(table.image_ids)} of them): pair only results of one benchmark fingerprint"
            )
    units = resampled_units(first, plan, groups)
    dtype = np.float32 if len(units) * int(units.sizes.max()) < _EXACT else np.float64
    right = units.sums(np.concatenate([table.correct for table in tables], axis=1)).astype(dtype)
    sizes = units.sizes.astype(dtype)[:, None]
    accuracies = np.concatenate(
        [
            (counts @ right).astype(np.float64) / (counts @ sizes).astype(np.float64)
            for counts in (drawn.astype(dtype) for drawn in resample_counts(units, plan))
        ]
    )
    bounds = np.cumsum([len(table.keys) for table in tables])[:-1]
    return list(np.split(accuracies, bounds, axis=1))


def generator_of(seed: int, *parts: str) -> np.random.Generator:
    """Return the generator of one resampling: of a dataset's split, or of what else the parts name."""
    digest = hashlib.blake2b(
        "|".join([RESAMPLING_SCHEME, str(seed), *parts]).encode(), digest_size=16
    ).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
