"""Zero-shot classification, for comparison: the prompts alone."""

from __future__ import annotations

from medimeta_c.probing.heads.contract import Fit, Task

__all__ = ["fit"]


def fit(task: Task) -> Fit:
    """Return the model's own logits, ``scale * f·t_k + bias``; no example is looked at."""
    return Fit(logits=task.known_texts.logits)
