"""Predictions of a fitted head, from kept features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch

from medimeta_c.errors import ModelError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.probing.heads import Fit
from medimeta_c.probing.store import FeatureStore
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.scoring.inference import predictions_of

__all__ = ["Fitted", "HeadPredictor"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A head that was fitted to one dataset.

    Parameters
    ----------
    fit : Fit
        The head.
    classes : int
        K.
    width : int
        D of the features that it was fitted to.
    """

    fit: Fit
    classes: int
    width: int

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Score features (N, D); a row that is not finite has no logits that are."""
        finite = features.isfinite().all(dim=1)
        found = torch.full((len(features), self.classes), torch.nan, dtype=torch.float64)
        found[finite] = self.fit.logits(features[finite])
        return found


class HeadPredictor:
    """Heads of several datasets; a `medimeta_c.scoring.jobs.predictors.CellPredictor`.

    Parameters
    ----------
    store : FeatureStore
        Gives the features of sets.
    heads : mapping of str to Fitted
        By dataset.
    """

    def __init__(self, store: FeatureStore, heads: Mapping[str, Fitted]) -> None:
        self._store, self._heads = store, heads

    @property
    def batch_size(self) -> int:
        """Images a batch of the encoder."""
        return self._store.batch_size

    def predict(
        self,
        benchmark: Benchmark,  # its sets are the store's
        keys: Iterable[SetKey],
        on_images: Callable[[int], None] = lambda count: None,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, each as it is finished, in order.

        Raises
        ------
        ModelError
            If the features of a set have another width than those that the head was fitted to.
        """
        for key in keys:
            head, found = self._heads[key.dataset], self._store.of_set(key)
            width = found.vectors.shape[1]
            if width != head.width:
                raise ModelError(
                    f"the image encoder gives {width} numbers for images of {key}, and gave {head.width} for "
                    "those that the head was trained on: it must always give as many"
                )
            ids, labels = found.image_ids[:limit], found.labels[:limit].tolist()
            logits = head.logits(torch.from_numpy(found.vectors[:limit]).double())
            yield predictions_of(key, ids, labels, logits)
            on_images(len(ids))
