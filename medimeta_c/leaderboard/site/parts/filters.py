"""Filters and views of the ranking: only values that occur are offered."""

from __future__ import annotations

from collections.abc import Iterable

from medimeta_c.leaderboard.site.entries import VIEWS, Board
from medimeta_c.leaderboard.submission import ADAPTATIONS, TRAINING_KINDS

__all__ = ["Filter", "filters", "views"]

Filter = tuple[str, str, list[tuple[str, str]]]
"""Name of the field, label, and options (value, text)."""

_OVERLAPS = {
    "none": "none",
    "unknown": "unknown",
    "train": "training splits",
    "test": "test splits",
}
_SOURCES = {
    "measured": "measured here",
    "paper": "reported in the paper",
    "unverified": "predictions made elsewhere",
}


def views(boards: Iterable[Board]) -> list[tuple[str, str]]:
    """Return the views that have entries, with what readers call them."""
    found = {entry.view for board in boards for entry in board.entries}
    return [(name, text) for name, text in VIEWS.items() if name in found]


def filters(boards: Iterable[Board]) -> list[Filter]:
    """Return the filters that can tell entries apart."""
    entries = [entry for board in boards for entry in board.entries]

    present: dict[str, set[str]] = {
        "training": {entry.training.kind for entry in entries},
        "overlap": {entry.training.overlap for entry in entries},
        "source": {entry.source for entry in entries},
        "type": {entry.adaptation for entry in entries},
    }

    def options(field: str, texts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(value, text) for value, text in texts if value in present[field]]

    kinds = [(kind, kind.replace("-and-", " and ")) for kind in TRAINING_KINDS]
    types = [(kind, kind) for kind in ADAPTATIONS if kind != "base"]
    backbones = sorted({entry.backbone for entry in entries}, key=str.lower)
    sizes = sorted({entry.input_size for entry in entries if entry.input_size}, key=_pixels)
    found: list[Filter] = [
        ("weights", "Weights", [("yes", "available"), ("no", "not linked")]),
        ("overlap", "Data overlap", options("overlap", _OVERLAPS.items())),
        ("size", "Input size", [(size, f"{size} px") for size in sizes]),
        ("backbone", "Backbone", [(each, each) for each in backbones]),
        ("training", "Trained on", options("training", kinds)),
        ("type", "Type", [("base", "base"), ("adapted", "adapted"), *options("type", types)]),
        ("source", "Numbers", options("source", _SOURCES.items())),
    ]
    return [one for one in found if one[2]]


def _pixels(size: str) -> tuple[int, ...]:
    return tuple(int(side) for side in size.split("\N{MULTIPLICATION SIGN}"))
