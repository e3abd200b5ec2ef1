"""LP++: a linear probe whose weights are a class's prototype and a multiple of its text embedding."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from medimeta_c.probing.heads.contract import Fit, Logits, Task, best_on, one_hot
from medimeta_c.probing.heads.neighbours import class_means

__all__ = ["CYCLES", "descend", "fit", "multiplier", "probe_logits"]

CYCLES = 30
"""Cycles of ten steps on the prototypes and one on the multipliers: 300 steps, as in the published code."""

_STEPS = 10
_MOMENTUM = 0.9
_START = 250.0


def fit(task: Task) -> Fit:
    """Minimise the cross-entropy by steps on blocks; val chooses after which cycle to stop.

    ::

        l_ik = f_i·(w_k + a_k t_k),    L(w, a) = -1/N Σ_i ln softmax(l_i)[y_i]

    Prototypes w_k start at the class means, multipliers a_k all at 250 times the mean, over classes, of the
    mean cosine of a class's images and its text t_k. No step size is tuned: each is one over a bound of its
    block's curvature::

        4N / (largest eigenvalue of FᵀF)    for the w_k, with momentum 0.9
        2N / (max_k Σ_i (f_i·t_k)²)         for the a_k

    The first uses that p (1 - p) is at most 1/4, the second that no eigenvalue of the Hessian of the
    log-sum-exp is above 1/2.

    References
    ----------
    Y. Huang et al. (2024), LP++: A Surprisingly Strong Linear Probe for Few-Shot CLIP, CVPR. Momentum and
    cycles are those of the code that goes with it; its intercept is left out.
    """
    texts = task.known_texts.embeddings

    def candidates() -> Iterator[Fit]:
        for cycle, (prototypes, multipliers) in enumerate(descend(task, CYCLES)):
            yield Fit(logits=probe_logits(prototypes, multipliers, texts), settings={"cycles": cycle})

    return best_on(task.val, candidates())


def descend(task: Task, cycles: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield prototypes (K, D) and multipliers (K,): the start, then after each cycle."""
    train, texts = task.train, task.known_texts.embeddings
    features, count = train.features, len(train)
    truth, cosines = one_hot(train.labels, task.classes), features @ texts.T
    step_w = 4 * count / float(torch.linalg.matrix_norm(features, 2) ** 2)
    step_a = 2 * count / max(float(cosines.square().sum(0).max()), torch.finfo(torch.float64).tiny)
    w = class_means(task)
    a = torch.full((task.classes,), multiplier(task), dtype=torch.float64)
    velocity = torch.zeros_like(w)
    yield w, a

    def excess() -> torch.Tensor:
        return torch.softmax(features @ w.T + a * cosines, dim=1) - truth

    for _ in range(cycles):
        for _ in range(_STEPS):
            velocity = _MOMENTUM * velocity + excess().T @ features / count
            w = w - step_w * velocity
        a = a - step_a * (excess() * cosines).sum(0) / count
        yield w, a


def multiplier(task: Task) -> float:
    """Return the value at which all multipliers start."""
    return _START * float((class_means(task) * task.known_texts.embeddings).sum(1).mean())


def probe_logits(prototypes: torch.Tensor, multipliers: torch.Tensor, texts: torch.Tensor) -> Logits:
    """Return the logits of prototypes (K, D) and multipliers (K,)."""
    weights = prototypes + multipliers[:, None] * texts
    return lambda features: features @ weights.T
