"""Compact data for the ranking's script: what it sorts, filters, computes again and draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN
from medimeta_c.leaderboard.site.drawing.scatter import GROUPS, group_of
from medimeta_c.leaderboard.site.entries import VIEWS, Board, CellShown, Entry
from medimeta_c.leaderboard.site.parts.columns import Shown, columns_of
from medimeta_c.metrics.values import Number

__all__ = ["boards_data"]

_HUNDREDTHS = 10_000
"""Accuracies are whole hundredths of a percent: half the bytes of decimal fractions."""


def boards_data(boards: tuple[Board, ...]) -> dict[str, Any]:
    """Return what the ranking page's script works on."""
    return {"groups": GROUPS, "views": VIEWS, "boards": [_board(board) for board in boards]}


def _board(board: Board) -> dict[str, Any]:
    return {
        "key": board.key,
        "title": board.title,
        "baseline": board.baseline,
        "rankedBy": "mce" if board.ranked_by == "mce" else "average",
        "ranked": board.ranked,
        "columns": [
            {"name": one.name, "head": one.head, "better": one.better, "chosen": one.chosen}
            for one in columns_of(board)
        ],
        "datasets": [one.dataset for one in board.datasets],
        "corruptions": [[name, display_name(name)] for name in board.corruptions],
        "severities": list(board.severities),
        "divisor": _divisor(board),
        "entries": [_entry(entry, board) for entry in board.entries],
    }


def _divisor(board: Board) -> list[list[float | None] | None]:
    """Return by dataset and corruption the baseline's mean error over severities, in percent."""
    if board.divisor is None:
        return []
    grids = board.divisor.baseline.grids
    return [
        [
            round(100 * row.total / len(row.severities), 4) if row is not None else None
            for row in map(grids[one.dataset].corrupted.get, board.corruptions)
        ]
        if one.dataset in grids
        else None
        for one in board.datasets
    ]


def _entry(entry: Entry, board: Board) -> dict[str, Any]:
    shown = [column.of(entry, "") for column in columns_of(board)]
    return {
        "key": entry.key,
        "name": entry.name,
        "organisation": entry.organisation,
        "source": entry.source,
        "group": group_of(entry),
        "backbone": entry.backbone,
        "training": entry.training.kind,
        "type": entry.adaptation,
        "view": entry.view,
        "overlap": entry.training.overlap,
        "size": entry.input_size,
        "weights": "yes" if entry.weights else "no",
        "marks": [mark.label for mark in entry.marks],
        "words": entry.words,
        "ranks": list(entry.ranks) if entry.ranks else None,
        "values": [_rounded(one.value) for one in shown],
        "intervals": [_interval(one) for one in shown],
        "mce": [
            _percent(entry.datasets[name].mce) if name in entry.datasets else None for name in _ids(board)
        ],
        "cells": [_cells(entry.cells.get(name), board) for name in _ids(board)] if entry.cells else None,
        "means": None if entry.cells else [_means(entry, name, board) for name in _ids(board)],
    }


def _ids(board: Board) -> list[str]:
    return [one.dataset for one in board.datasets]


def _rounded(value: float | str | None) -> float | str | None:
    return round(value, 2) if isinstance(value, float) else value


def _interval(shown: Shown) -> list[float] | None:
    if shown.low is None or shown.high is None:
        return None
    return [round(shown.low, 2), round(shown.high, 2)]


def _percent(one: Number) -> float | None:
    return None if one.value is None else round(100 * one.value, 2)


def _hundredths(fraction: float | None) -> int | None:
    return None if fraction is None else round(_HUNDREDTHS * fraction)


def _cells(rows: Mapping[str, Mapping[int, CellShown]] | None, board: Board) -> list[int | None] | None:
    """Return a dataset's accuracies: clean, then by corruption and severity; None where a cell is missing."""
    if rows is None:
        return None
    keys = [(CLEAN, 0), *((name, severity) for name in board.corruptions for severity in board.severities)]
    cells = [rows.get(name, {}).get(severity) for name, severity in keys]
    return [_hundredths(None if cell is None else cell.top1) for cell in cells]


def _means(entry: Entry, dataset: str, board: Board) -> list[int | None] | None:
    """Return what was printed of a dataset: clean accuracy, then the means over severities."""
    summary = entry.datasets.get(dataset)
    if summary is None:
        return None
    means = [summary.accuracy.get(name) for name in board.corruptions]
    return [
        _hundredths(summary.clean_accuracy.value),
        *(_hundredths(None if one is None else one.value) for one in means),
    ]
