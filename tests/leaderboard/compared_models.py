"""Boards with predictions, without results on disk, and what the page that compares two models shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from made_up_boards import board, entry

from medimeta_c.leaderboard.site.entries import Board
from medimeta_c.leaderboard.site.pairs.bits import image_set, packed
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Resampling, resampled_units
from medimeta_c.results.baseline_choice import ChosenBaseline

Open = Callable[..., Any]


CELL = """one => ({...one.dataset, text: one.firstChild.textContent,
    interval: one.querySelector("small")?.textContent})"""


ROWS = ("clean_accuracy", "average_accuracy", "lost", "mce")


SCOPE = Scope(
    corruptions={"pbc": ("motion_blur", "contrast"), "oct": ("contrast", "pixelate")},
    severities=(1, 2, 3, 4, 5),
)


IMAGES = {"pbc": 131, "oct": 64}


PRINTS = {"pbc": "a" * 64, "oct": "b" * 64, "fundus": "c" * 64}


def tables(seed: int, skill: float, scope: Scope = SCOPE) -> dict[str, CorrectnessTable]:
    """Made-up correctness: some images are hard for every model, and severity costs something."""
    found = {}
    for dataset, count in {name: IMAGES.get(name, 40) for name in scope.datasets}.items():
        keys = tuple(sorted(key for key in scope.cells() if key.dataset == dataset))
        hard = np.random.default_rng((7, count)).normal(size=(count, 1))
        draw = np.random.default_rng((seed, count)).normal(size=(count, len(keys)))
        cost = np.array([0.2 * key.severity for key in keys])
        found[dataset] = CorrectnessTable(
            dataset=dataset,
            split="test",
            image_ids=tuple(f"{i:04d}" for i in range(count)),
            keys=keys,
            correct=skill - cost + hard + 0.7 * draw > 0,
        )
    return found


def answered(index: int, held: dict[str, CorrectnessTable], scope: Scope = SCOPE, **changes: Any) -> Any:
    """An entry that has these predictions."""
    prints, chance = {**PRINTS, **changes.pop("prints", {})}, changes.pop("chance", 0.3)
    right = tuple(
        packed(table, image_set(table, prints[name], resampled_units(table, Resampling())), scope, chance)
        for name, table in held.items()
    )
    return entry(index, np.random.default_rng(index), right=right, **changes)


def made_up(*entries: Any, baseline: ChosenBaseline | None = None) -> Board:
    return replace(board(0, *entries), divisor=baseline)


MODELS = {"model-0001": tables(1, 1.2), "model-0002": tables(2, 0.6), "model-0003": tables(3, 1.15)}


def shown(page: Any, selector: str) -> list[dict[str, str]]:
    """The numbers behind the cells of a table, unrounded."""
    page.locator("#result").wait_for(state="visible")
    found: list[dict[str, str]] = page.eval_on_selector_all(selector, f"all => all.map({CELL})")
    return found
