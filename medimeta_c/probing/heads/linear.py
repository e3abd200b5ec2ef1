"""The linear probe: logistic regression by L-BFGS, its penalty chosen on val."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sklearn.linear_model import LogisticRegression

from medimeta_c.probing.heads.contract import Fit, Logits, Task, best_on

__all__ = ["STRENGTHS", "fit", "fit_one"]

STRENGTHS = tuple(10.0**power for power in range(-3, 5))
"""The values of C tried, strongest penalty first."""

_ITERATIONS = 20_000
_TOLERANCE = 1e-10  # of the gradient; at the weakest penalty, 1e-8 leaves errors of 1e-4 in probabilities


def fit(task: Task) -> Fit:
    """Fit a linear probe for each C of `STRENGTHS`; val chooses.

    Weights w_k and intercepts b_k of the K classes minimise::

        Σ_i -ln p_i[y_i] + Σ_k |w_k|² / (2C),    p_i = softmax_k(f_i·w_k + b_k)

    For two classes, one weight vector stands for the difference of the two, as in scikit-learn, whose
    ``LogisticRegression`` does the work.

    References
    ----------
    A. Radford et al. (2021), Learning Transferable Visual Models From Natural Language Supervision,
    appendix A.3: L-BFGS and a penalty chosen on validation data.
    """

    def candidates() -> Iterator[Fit]:
        for strength in STRENGTHS:
            yield Fit(logits=fit_one(task, strength), settings={"C": strength})

    return best_on(task.val, candidates())


def fit_one(task: Task, strength: float) -> Logits:
    """Return the linear probe of one C, as logits."""
    probe = LogisticRegression(C=strength, solver="lbfgs", tol=_TOLERANCE, max_iter=_ITERATIONS)
    probe.fit(task.train.features.numpy(), task.train.labels.numpy())
    weights = torch.from_numpy(probe.coef_.copy())
    bias = torch.from_numpy(probe.intercept_.copy())
    if len(weights) == 1:  # two classes: the log-odds of the second
        weights = torch.cat([torch.zeros_like(weights), weights])
        bias = torch.cat([torch.zeros_like(bias), bias])
    return lambda features: features @ weights.T + bias
