"""Compact numbers for the pages' charts: percent with two digits, lists instead of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN
from medimeta_c.leaderboard.site.entries import Board, CellShown, Entry
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate

__all__ = ["boards_data", "curves_data"]


def boards_data(boards: tuple[Board, ...]) -> dict[str, Any]:
    """Return what the ranking page's script sorts, filters and draws."""
    return {
        "boards": [
            {
                "key": board.key,
                "title": board.title,
                "baseline": board.baseline,
                "rankedBy": board.ranked_by,
                "datasets": [one.dataset for one in board.datasets],
                "corruptions": _names(board.corruptions),
                "severities": list(board.severities),
                "entries": [_entry(entry) for entry in board.entries],
            }
            for board in boards
        ]
    }


def curves_data(entry: Entry, board: Board) -> dict[str, Any]:
    """Return the severity curves of one model: by dataset and corruption, accuracy from clean to severest."""
    return {
        "severities": list(board.severities),
        "corruptions": _names(board.corruptions),
        "curves": _curves(entry.cells),
    }


def _names(corruptions: tuple[str, ...]) -> list[list[str]]:
    return [[name, display_name(name)] for name in corruptions]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "name": entry.name,
        "organisation": entry.organisation,
        "source": entry.source,
        "group": entry.source if entry.comparable or entry.source != "measured" else "seen",
        "backbone": entry.backbone,
        "training": entry.training.kind,
        "type": entry.adaptation,
        "ranks": list(entry.ranks) if entry.ranks else None,
        "overall": _summary(entry.overall),
        "datasets": {name: _summary(summary) for name, summary in entry.datasets.items()},
        "curves": _curves(entry.cells),
    }


def _summary(summary: Summary[Estimate] | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {
        "mce": _estimate(summary.mce),
        "error": _estimate(summary.clean_error),
        "average": _estimate(summary.average_accuracy),
        "clean": _estimate(summary.clean_accuracy),
    }


def _estimate(one: Estimate) -> list[float] | None:
    """Return ``[value, low, high]``, ``[value]`` without interval, None without value."""
    if one.value is None:
        return None
    parts = [one.value] if one.low is None or one.high is None else [one.value, one.low, one.high]
    return [_percent(part) for part in parts]


def _curves(cells: Mapping[str, Mapping[str, Mapping[int, CellShown]]]) -> dict[str, dict[str, list[float]]]:
    """Return by dataset and corruption the accuracies by severity; clean, which all share, by itself."""
    return {
        dataset: {
            corruption: [_percent(row[severity].top1) for severity in sorted(row)]
            for corruption, row in rows.items()
        }
        for dataset, rows in cells.items()
        if CLEAN in rows
    }


def _percent(fraction: float) -> float:
    return round(100 * fraction, 2)
