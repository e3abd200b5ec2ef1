"""What predicts the cells of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.results.paraphrases.cells import SweptCell
from medimeta_c.results.paraphrases.folder import AskedParaphrases
from medimeta_c.results.predictions import CellPredictions

__all__ = ["CellPredictor", "ParaphrasePredictor"]


class CellPredictor(Protocol):
    """What gives predictions of whole sets."""

    @property
    def batch_size(self) -> int:
        """Images a batch, at the time of asking: it may shrink."""
        ...

    def predict(
        self,
        benchmark: Benchmark,
        keys: Iterable[SetKey],
        on_images: Callable[[int], None] = ...,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, each as it is finished, in order; see `Predictor.predict`.

        Sets are taken from `keys` as they are needed; each that is taken is predicted.
        """
        ...


class ParaphrasePredictor(CellPredictor, Protocol):
    """What also predicts under other wordings of the prompts."""

    @property
    def asked(self) -> AskedParaphrases:
        """The wordings."""
        ...

    def swept(self, cell: CellPredictions) -> SweptCell:
        """Return what they predict of a cell that `predict` yielded last; once."""
        ...
