"""Tip-Adapter: a cache of the examples beside the prompts; and Tip-Adapter-F, whose keys are trained."""

from __future__ import annotations

from itertools import product

import torch

from medimeta_c.probing.heads.contract import Fit, Logits, Task, Texts, best_on, one_hot
from medimeta_c.probing.heads.training import train

__all__ = ["ALPHAS", "BETAS", "EPOCHS", "cache_logits", "fit", "fit_trained"]

ALPHAS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""The weights of the cache that are tried."""

BETAS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 10.0, 15.0, 20.0)
"""The sharpnesses of the cache that are tried."""

EPOCHS = 20
_START = (1.0, 1.0)  # alpha and beta while keys are trained


def fit(task: Task) -> Fit:
    """Add the votes of a cache to the zero-shot logits; val chooses alpha of `ALPHAS` and beta of `BETAS`.

    The examples' features are the keys F (N, D); their classes, as rows of zeros and a one, are the values L
    (N, K). W are the class embeddings, s is the model's logit scale (its bias is added where it has one)::

        l = s f·Wᵀ + alpha φ(f·Fᵀ) L,    φ(x) = exp(-beta (1 - x))

    References
    ----------
    R. Zhang et al. (2022), Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification, ECCV,
    equations 4 to 6. There the keys are means over ten random crops; here, of clean images as they are.
    """
    return _chosen(task, task.train.features)


def fit_trained(task: Task) -> Fit:
    """Train the keys of the cache, then choose alpha and beta as `fit` does.

    The keys start at the features and are trained by cross-entropy for 20 epochs with alpha and beta 1, in
    batches of 256; see `medimeta_c.probing.heads.training.train`. The last step is kept. The code that goes
    with the paper keeps the epoch that is best on the test images.

    References
    ----------
    As `fit`, section 3.2.
    """
    keys = task.train.features.clone().requires_grad_(True)
    values = one_hot(task.train.labels, task.classes)
    logits = cache_logits(task.known_texts, keys, values, *_START)
    train([keys], logits, task.train, epochs=EPOCHS, seed=task.seed)
    return _chosen(task, keys)


def cache_logits(texts: Texts, keys: torch.Tensor, values: torch.Tensor, alpha: float, beta: float) -> Logits:
    """Return the logits of a cache: keys (N, D) and one-hot values (N, K)."""

    def logits(features: torch.Tensor) -> torch.Tensor:
        affinity = torch.exp(-beta * (1 - features @ keys.T))
        return texts.logits(features) + alpha * (affinity @ values)

    return logits


def _chosen(task: Task, keys: torch.Tensor) -> Fit:
    texts, values = task.known_texts, one_hot(task.train.labels, task.classes)
    return best_on(
        task.val,
        (
            Fit(
                logits=cache_logits(texts, keys, values, alpha, beta), settings={"alpha": alpha, "beta": beta}
            )
            for alpha, beta in product(ALPHAS, BETAS)
        ),
    )
