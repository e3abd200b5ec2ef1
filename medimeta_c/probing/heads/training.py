"""The optimiser that the trained adapters share."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from medimeta_c.format.seeding import order_key
from medimeta_c.probing.heads.contract import Examples, Logits

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "batches", "train"]

BATCH_SIZE = 256
LEARNING_RATE = 1e-3
_EPSILON = 1e-4
_ORDER = "medimeta-c/probe-order/1"


def train(
    parameters: list[torch.Tensor], logits: Logits, examples: Examples, *, epochs: int, seed: int
) -> None:
    """Minimise the mean cross-entropy of logits, in place, by AdamW with a cosine schedule.

    Parameters
    ----------
    parameters : list of torch.Tensor
        Leaves that require a gradient and that `logits` depends on.
    logits : callable
        Scores features.
    examples : Examples
        What is trained on, in batches of `BATCH_SIZE`.
    epochs : int
        Passes over them. The last step is kept.
    seed : int
        Orders each epoch's examples.

    Notes
    -----
    Learning rate 1e-3, weight decay 0.01, epsilon 1e-4, annealed to 0 over all steps: Tip-Adapter-F's recipe.
    """
    optimiser = AdamW(parameters, lr=LEARNING_RATE, eps=_EPSILON)
    steps = epochs * -(-len(examples) // BATCH_SIZE)
    schedule = CosineAnnealingLR(optimiser, steps)
    for epoch in range(epochs):
        for batch in batches(len(examples), seed=seed, epoch=epoch):
            loss = cross_entropy(logits(examples.features[batch]), examples.labels[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    for parameter in parameters:
        parameter.requires_grad_(False)


def batches(count: int, *, seed: int, epoch: int) -> Iterator[torch.Tensor]:
    """Yield the examples of an epoch by number, in an order that seed and epoch decide."""
    order = sorted(range(count), key=lambda index: order_key(_ORDER, seed, epoch, index))
    yield from torch.split(torch.tensor(order), BATCH_SIZE)
