"""Which images a model gets right, a bit each: what an entry keeps of its predictions for comparing it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Resampling, Units, resampled_units
from medimeta_c.results.assessment.loss import chance_of
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import correctness_of
from medimeta_c.results.scoring import Groups

__all__ = ["ImageSet", "RightBits", "image_set", "packed", "packed_result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """The images of a dataset, and how they are drawn: what two models must share to be compared on it.

    Parameters
    ----------
    dataset, split, fingerprint : str
        As the results name them.
    digest : str
        SHA-256 of the ids, ascending, and of `of_image`.
    of_image : tuple of int
        Of each of N images, what is drawn with it: the number of its group, where groups are drawn, else
        its own.
    """

    dataset: str
    split: str
    fingerprint: str
    digest: str
    of_image: tuple[int, ...] = field(repr=False)

    @property
    def key(self) -> str:
        """A name of its own for files."""
        return f"{self.dataset}-{self.split}-{self.fingerprint[:12]}-{self.digest[:8]}"

    @property
    def units(self) -> Units:
        """What resamples draw."""
        return Units(dataset=self.dataset, split=self.split, of_image=np.array(self.of_image, dtype=np.int64))

    def values(self) -> dict[str, Any]:
        """Return what the page and the data files call it."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "fingerprint": self.fingerprint,
            "digest": self.digest,
            "images": len(self.of_image),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RightBits:
    """Which images of a dataset a model gets right in each cell.

    Parameters
    ----------
    images : ImageSet
        N images, ascending by id.
    corruptions : tuple of str
        Those requested, in the order of reports.
    severities : tuple of int
        Those requested, ascending.
    chance : float
        The accuracy of a model that knows nothing: the share of the most frequent class.
    cells : tuple of (str, int)
        Corruption and severity of each of M valid cells.
    bits : bytes
        M times ceil(N / 8) bytes, cell by cell; image i is bit ``i % 8`` of byte ``i // 8``.
    """

    images: ImageSet
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    chance: float
    cells: tuple[tuple[str, int], ...]
    bits: bytes


def image_set(table: CorrectnessTable, fingerprint: str, units: Units) -> ImageSet:
    """Return the images of a table, of a dataset with this fingerprint."""
    of_image = tuple(units.of_image.tolist())
    return ImageSet(
        dataset=table.dataset,
        split=table.split,
        fingerprint=fingerprint,
        digest=hashlib.sha256(json.dumps([table.image_ids, of_image]).encode()).hexdigest(),
        of_image=of_image,
    )


def packed(table: CorrectnessTable, images: ImageSet, scope: Scope, chance: float) -> RightBits:
    """Pack the correctness of a model on the images of one dataset.

    Parameters
    ----------
    table : CorrectnessTable
        The dataset's.
    images : ImageSet
        Its images.
    scope : Scope
        The cells requested.
    chance : float
        See `RightBits`.
    """
    return RightBits(
        images=images,
        corruptions=scope.corruptions[table.dataset],
        severities=scope.severities,
        chance=chance,
        cells=tuple((key.corruption, key.severity) for key in table.keys),
        bits=np.packbits(table.correct.T, axis=1, bitorder="little").tobytes(),
    )


def packed_result(saved: SavedResult, datasets: tuple[str, ...], groups: Groups) -> tuple[RightBits, ...]:
    """Pack a result's predictions on some of its datasets, in all the cells that were requested.

    Parameters
    ----------
    saved : SavedResult
        The result.
    datasets : tuple of str
        Which datasets; one without a single valid cell is left out.
    groups : mapping
        Which images are drawn together; see `Groups`.
    """
    result = saved.result
    wanted = {key for key in result.scope.cells() if key.dataset in datasets}
    tables = correctness_of({key: cell for key, cell in saved.predictions.items() if key in wanted})
    plan = Resampling().for_groups(groups, {name: table.image_ids for name, table in tables.items()})
    chance = chance_of(saved.predictions)
    found = []
    for name in datasets:
        if name in tables:
            units = resampled_units(tables[name], plan, groups)
            fingerprint = result.run.benchmark.dataset(name).fingerprint
            images = image_set(tables[name], fingerprint, units)
            found.append(packed(tables[name], images, result.scope, chance[name]))
    return tuple(found)
