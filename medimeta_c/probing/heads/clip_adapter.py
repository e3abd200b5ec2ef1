"""CLIP-Adapter: a bottleneck of two layers on the image features, mixed with them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn.functional import normalize, relu

from medimeta_c.probing.heads.contract import Fit, Logits, Task, Texts, best_on
from medimeta_c.probing.heads.training import BATCH_SIZE, train

__all__ = ["RATIOS", "REDUCTION", "adapter_logits", "fit", "start"]

RATIOS = (0.2, 0.4, 0.6, 0.8)
"""The shares of the adapted features that are tried."""

REDUCTION = 4
_EPOCHS = 200
_MOST_STEPS = 2000


def fit(task: Task) -> Fit:
    """Train an adapter for each ratio r of `RATIOS`; val chooses.

    ::

        A(f) = relu(W2 relu(W1 f)),    g = r A(f) + (1 - r) f,    l = s (g / |g|)·Wᵀ

    W1 maps D to D/4 numbers, W2 back; W are the class embeddings, s is the model's logit scale. There are no
    intercepts, so that A(c f) = c A(f) for c > 0: features of unit norm give what features of any norm give.

    The weights start as a linear layer's of PyTorch, and are trained by cross-entropy for 200 epochs, at most
    2,000 steps, in batches of 256; see `medimeta_c.probing.heads.training.train`. The last step is kept.

    References
    ----------
    P. Gao et al. (2024), CLIP-Adapter: Better Vision-Language Models with Feature Adapters, IJCV 132,
    equations 3 to 6, its visual adapter. The recipe of training is ours.
    """
    steps = -(-len(task.train) // BATCH_SIZE)
    epochs = max(1, min(_EPOCHS, _MOST_STEPS // steps))

    def candidates() -> Iterator[Fit]:
        for ratio in RATIOS:
            down, up = start(task.train.features.shape[1], task.seed)
            logits = adapter_logits(task.known_texts, down, up, ratio)
            train([down, up], logits, task.train, epochs=epochs, seed=task.seed)
            yield Fit(logits=logits, settings={"ratio": ratio})

    return best_on(task.val, candidates())


def start(width: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first weights of both layers, (D/4, D) and (D, D/4), drawn with a seed."""
    inner = max(1, width // REDUCTION)
    generator = torch.Generator().manual_seed(seed)

    def layer(rows: int, columns: int) -> torch.Tensor:
        drawn = torch.rand(rows, columns, dtype=torch.float64, generator=generator)
        return ((2 * drawn - 1) / math.sqrt(columns)).requires_grad_(True)

    return layer(inner, width), layer(width, inner)


def adapter_logits(texts: Texts, down: torch.Tensor, up: torch.Tensor, ratio: float) -> Logits:
    """Return the logits of an adapter with these weights."""

    def logits(features: torch.Tensor) -> torch.Tensor:
        adapted = relu(relu(features @ down.T) @ up.T)
        return texts.logits(normalize(ratio * adapted + (1 - ratio) * features, dim=1))

    return logits
