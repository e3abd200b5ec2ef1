"""Heads: classifiers of frozen features, one registry line each."""

from __future__ import annotations

from medimeta_c.errors import ConfigError
from medimeta_c.probing.heads.contract import Examples, Fit, Head, Task, Texts
from medimeta_corruptions.registry import Registry

__all__ = ["HEADS", "Examples", "Fit", "Head", "Task", "Texts"]

_HERE = "medimeta_c.probing.heads"

HEADS = Registry(
    "medimeta_c.heads",
    Head,
    (
        Head(
            name="zero-shot",
            title="Zero-shot",
            fit=f"{_HERE}.zero_shot:fit",
            word="zero_shot",
            needs_texts=True,
            is_trained=False,
        ),
        Head(name="linear", title="Linear probe", fit=f"{_HERE}.linear:fit"),
        Head(name="lp++", title="LP++", fit=f"{_HERE}.lp_plus:fit", word="lp_plus_plus", needs_texts=True),
        Head(name="knn", title="Nearest neighbours", fit=f"{_HERE}.neighbours:fit_knn"),
        Head(name="ncm", title="Nearest class mean", fit=f"{_HERE}.neighbours:fit_ncm"),
        Head(name="tip", title="Tip-Adapter", fit=f"{_HERE}.tip:fit", needs_texts=True),
        Head(
            name="tip-f",
            title="Tip-Adapter-F",
            fit=f"{_HERE}.tip:fit_trained",
            word="tip_f",
            needs_texts=True,
            is_random=True,
        ),
        Head(
            name="clip-adapter",
            title="CLIP-Adapter",
            fit=f"{_HERE}.clip_adapter:fit",
            word="clip_adapter",
            needs_texts=True,
            is_random=True,
        ),
    ),
    error=ConfigError,
)
"""Every head by name: our own, then those that other distributions add."""
