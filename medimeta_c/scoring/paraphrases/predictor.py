"""A predictor that also scores paraphrases: each image is embedded once, whatever the number of prompts."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from medimeta_c.format.keys import SetKey
from medimeta_c.models import Model
from medimeta_c.results.paraphrases.cells import SweptCell
from medimeta_c.results.paraphrases.folder import AskedParaphrases
from medimeta_c.results.predictions import NO_PREDICTION, CellPredictions
from medimeta_c.scoring.inference import ClassScorer, Predictor, softmax_and_best
from medimeta_c.scoring.zero_shot import ZeroShot, class_embeddings

__all__ = ["SweptPredictor"]


class SweptPredictor(Predictor):
    """A model with text, its own prompts, and paraphrases.

    Of the paraphrases only the class predicted is kept, two bytes an image, from batch to batch. Each is
    scored by itself, with the same operations as a run of its own, so that rounding cannot tell the two
    apart.

    Parameters
    ----------
    model : Model
        On its device.
    scorer : ClassScorer
        The model with the run's own prompts.
    asked : AskedParaphrases
        The paraphrases.
    device, batch_size, workers
        As `Predictor` takes them.

    Raises
    ------
    ModelError
        If a paraphrase does not fit the text tower.
    """

    def __init__(  # noqa: PLR0913  (those of `Predictor`, and what is swept)
        self,
        model: Model,
        scorer: ClassScorer,
        asked: AskedParaphrases,
        *,
        device: torch.device,
        batch_size: int,
        workers: int,
    ) -> None:
        super().__init__(scorer, device=device, batch_size=batch_size, workers=workers)
        self.asked = asked
        self._paraphrases = {
            dataset: [ZeroShot(model, {dataset: class_embeddings(model, one)}) for one in prompts]
            for dataset, prompts in asked.prompts.items()
        }
        self._best: dict[SetKey, list[NDArray[np.int16]]] = {}

    def swept(self, cell: CellPredictions) -> SweptCell:
        """Return what the paraphrases predict of a cell that was yielded last; once."""
        best = np.concatenate(self._best.pop(cell.key))
        return SweptCell(key=cell.key, image_ids=cell.image_ids, labels=cell.labels, predictions=best)

    def _logits(self, features: torch.Tensor, key: SetKey) -> torch.Tensor:
        columns = [_classes(one.logits(features, key.dataset)) for one in self._paraphrases[key.dataset]]
        self._best.setdefault(key, []).append(np.stack(columns, axis=1))
        return super()._logits(features, key)


def _classes(logits: torch.Tensor) -> NDArray[np.int16]:
    """Return the class that a result would have of each row, or `NO_PREDICTION`."""
    probabilities, best = softmax_and_best(logits.cpu())
    finite = torch.isfinite(probabilities).all(dim=-1)
    return torch.where(finite, best, NO_PREDICTION).numpy().astype(np.int16)
