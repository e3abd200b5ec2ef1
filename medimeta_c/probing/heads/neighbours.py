"""Heads without training: votes of the nearest neighbours, and the nearest class mean."""

from __future__ import annotations

import torch

from medimeta_c.probing.heads.contract import Fit, Logits, Task, best_on, one_hot

__all__ = ["NEIGHBOURS", "SCALES", "TEMPERATURE", "class_means", "fit_knn", "fit_ncm", "mean_logits", "votes"]

NEIGHBOURS = (1, 3, 5, 10, 20, 50, 100, 200)
"""The values of k tried, as far as there are so many examples."""

TEMPERATURE = 0.07
"""Divides the cosine in a vote's weight."""

SCALES = tuple(2.0**power for power in range(13))
"""The factors tried on the squared distance to a class mean."""

_CHUNK_ROWS = 4096


def fit_knn(task: Task) -> Fit:
    """Let the k nearest examples by cosine vote; val chooses k of `NEIGHBOURS`.

    A class's probability is its share of the votes, which neighbour i casts for its class y_i::

        p_c = Σ_i [y_i = c] v_i / Σ_i v_i,    v_i = exp(f·f_i / 0.07),    i among the k nearest

    The logits are the logarithms of the sums; a class without a vote has the logit minus infinity.

    References
    ----------
    Z. Wu et al. (2018), Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR,
    section 3.4.
    """
    counts = [k for k in NEIGHBOURS if k <= len(task.train)]
    return best_on(task.val, (Fit(logits=votes(task, k), settings={"k": k}) for k in counts))


def votes(task: Task, k: int) -> Logits:
    """Return the logarithm of the weighted votes of k neighbours, as logits."""
    train, classes = task.train, task.classes

    def logits(features: torch.Tensor) -> torch.Tensor:
        parts = []
        for rows in torch.split(features, _CHUNK_ROWS):
            similarity = rows @ train.features.T
            # A stable order: of equal neighbours the first examples vote.
            order = similarity.argsort(dim=1, descending=True, stable=True)[:, :k]
            weights = torch.exp((similarity.gather(1, order) - 1) / TEMPERATURE)
            sums = torch.zeros(len(rows), classes, dtype=torch.float64)
            parts.append(sums.scatter_add_(1, train.labels[order], weights).log())
        return torch.cat(parts)

    return logits


def fit_ncm(task: Task) -> Fit:
    """Score classes by the squared distance to their mean; val chooses the factor s of `SCALES`.

    ::

        l_k = -s |f - m_k|²,    m_k = mean of the f_i of class k

    The factor changes no prediction, only how sure they are.

    References
    ----------
    T. Mensink et al. (2013), Distance-Based Image Classification: Generalizing to New Classes at Near-Zero
    Cost, TPAMI 35(11). J. Snell et al. (2017), Prototypical Networks for Few-shot Learning, NeurIPS.
    """
    means = class_means(task)
    fits = (Fit(logits=mean_logits(means, scale), settings={"scale": scale}) for scale in SCALES)
    return best_on(task.val, fits)


def mean_logits(means: torch.Tensor, scale: float) -> Logits:
    """Return the negative squared distance to class means, times a factor, as logits."""
    # By products: `cdist` would round differently for few rows than for many.
    return lambda features: (
        -scale * (features.square().sum(1, keepdim=True) - 2 * features @ means.T + means.square().sum(1))
    )


def class_means(task: Task) -> torch.Tensor:
    """Return the mean feature of each class of the examples: (K, D)."""
    members = one_hot(task.train.labels, task.classes)
    return (members.T @ task.train.features) / members.sum(0)[:, None]
