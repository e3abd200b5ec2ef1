"""Which images a model gets right, a bit each: what an entry keeps of its predictions for comparing it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.results.assessment.loss import chance_of
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.predictions import correctness_of

__all__ = ["ImageSet", "RightBits", "packed", "packed_result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """The images of a dataset: what two models must share to be compared on it.

    Parameters
    ----------
    dataset, split, fingerprint : str
        As the results name them.
    count : int
        Number N of images.
    ids_sha256 : str
        Of their ids, ascending.
    """

    dataset: str
    split: str
    fingerprint: str
    count: int
    ids_sha256: str

    @property
    def key(self) -> str:
        """A name of its own for files."""
        return f"{self.dataset}-{self.split}-{self.fingerprint[:12]}-{self.ids_sha256[:8]}"

    def values(self) -> dict[str, Any]:
        """Return what the page and the data files call it."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "fingerprint": self.fingerprint,
            "images": self.count,
            "ids": self.ids_sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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


def packed(table: CorrectnessTable, fingerprint: str, scope: Scope, chance: float) -> RightBits:
    """Pack the correctness of a model on one dataset.

    Parameters
    ----------
    table : CorrectnessTable
        The dataset's.
    fingerprint : str
        Of the dataset that was scored.
    scope : Scope
        The cells requested.
    chance : float
        See `RightBits`.
    """
    ids = json.dumps(table.image_ids).encode()
    return RightBits(
        images=ImageSet(
            dataset=table.dataset,
            split=table.split,
            fingerprint=fingerprint,
            count=len(table.image_ids),
            ids_sha256=hashlib.sha256(ids).hexdigest(),
        ),
        corruptions=scope.corruptions[table.dataset],
        severities=scope.severities,
        chance=chance,
        cells=tuple((key.corruption, key.severity) for key in table.keys),
        bits=np.packbits(table.correct.T, axis=1, bitorder="little").tobytes(),
    )


def packed_result(saved: SavedResult, datasets: tuple[str, ...]) -> tuple[RightBits, ...]:
    """Pack a result's predictions on some of its datasets, all the cells that were requested.

    A dataset without a single valid cell is left out.
    """
    scope = saved.result.scope
    wanted = {key for key in scope.cells() if key.dataset in datasets}
    tables = correctness_of({key: cell for key, cell in saved.predictions.items() if key in wanted})
    fingerprints = {one.dataset: one.fingerprint for one in saved.result.run.benchmark.datasets}
    chance = chance_of(saved.predictions)
    return tuple(
        packed(tables[name], fingerprints[name], scope, chance[name]) for name in datasets if name in tables
    )
