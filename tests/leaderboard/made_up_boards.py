"""Boards of made-up entries, as many as wanted, without any file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medimeta_c.format.suites import CORE
from medimeta_c.leaderboard.site.entries import (
    VIEWS,
    Assessment,
    Board,
    CellShown,
    DatasetShown,
    Entry,
    Training,
)
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.results.baseline_choice import ChosenBaseline

HOSTILE = "</script><img src=x onerror=window.pwned=1><b title='\"`"
"""A name that would be a script on a page that let it."""

BACKBONES = ("ViT-B/16", "ViT-L/14", "ResNet-50")


def estimate(value: float, width: float = 0.03) -> Estimate:
    """A number with an interval about it."""
    return Estimate(value=value, low=value - width, high=value + width)


def summary(accuracies: dict[str, float], clean: float, errors: Mapping[str, float]) -> Summary[Estimate]:
    """A summary whose CE are relative to a baseline's errors, "clean" among them."""
    ce = {name: estimate((1 - accuracy) / errors[name]) for name, accuracy in accuracies.items()}
    mce = float(np.mean([one.value for one in ce.values()]))
    return Summary(
        clean_accuracy=estimate(clean),
        average_accuracy=estimate(float(np.mean(list(accuracies.values())))),
        accuracy={name: Number(value=accuracy) for name, accuracy in accuracies.items()},
        clean_error=estimate((1 - clean) / errors["clean"]),
        ce=ce,
        mce=estimate(mce),
        relative_ce=ce,
        relative_mce=estimate(mce),
    )


def mean_summary(parts: Mapping[str, Summary[Estimate]]) -> Summary[Estimate]:
    """The means over datasets."""

    def mean(numbers: Iterable[Number]) -> float:
        return float(np.mean([one.value for one in numbers]))

    found = list(parts.values())
    ce = {name: estimate(mean(one.ce[name] for one in found)) for name in found[0].ce}
    return Summary(
        clean_accuracy=estimate(mean(one.clean_accuracy for one in found)),
        average_accuracy=estimate(mean(one.average_accuracy for one in found)),
        accuracy={name: Number(value=mean(one.accuracy[name] for one in found)) for name in ce},
        clean_error=estimate(mean(one.clean_error for one in found)),
        ce=ce,
        mce=estimate(mean(one.mce for one in found)),
        relative_ce=ce,
        relative_mce=estimate(mean(one.mce for one in found)),
    )


def baseline_errors(dataset: str) -> dict[str, float]:
    """The published baseline's errors, means over severities, and that on clean images."""
    grid = published_baseline().grids[dataset]
    errors = {name: row.total / len(row.severities) for name, row in grid.corrupted.items()}
    return {**errors, "clean": grid.clean or 1.0}


def assessment(one: Summary[Estimate]) -> Assessment:
    """What a made-up model loses, and how sure it is."""
    clean, average = one.clean_accuracy.value or 0.0, one.average_accuracy.value or 0.0
    return Assessment(
        points_lost=estimate(clean - average, 0.01),
        share_kept=estimate(max(0.0, (average - 0.1) / max(clean - 0.1, 0.01))),
        coverage_gap=estimate(-0.4 * (clean - average), 0.005),
    )


def entry(index: int, generator: np.random.Generator, **changes: Any) -> Entry:
    """One made-up model."""
    skill = float(generator.uniform(0.2, 0.9))
    datasets, cells = {}, {}
    for dataset in CORE.headline["medimeta"]:
        clean = skill * float(generator.uniform(0.8, 1.0))
        rows: dict[str, dict[int, CellShown]] = {"clean": {0: CellShown(top1=clean, images=100)}}
        for corruption in CORE.corruptions:
            loss = float(generator.uniform(0.02, 0.12))
            rows[corruption] = {
                s: CellShown(top1=max(0.0, clean - loss * s), low=0.1, high=0.9, images=100)
                for s in CORE.severities
            }
        means = {
            name: float(np.mean([cell.top1 for cell in row.values()]))
            for name, row in rows.items()
            if name != "clean"
        }
        datasets[dataset] = summary(means, clean, baseline_errors(dataset))
        cells[dataset] = rows
    overall = mean_summary(datasets)
    values: dict[str, Any] = {
        "key": f"model-{index:04d}",
        "name": f"Model {index:04d}",
        "organisation": f"Laboratory {index % 7}",
        "backbone": BACKBONES[index % 3],
        "source": "measured",
        "training": Training(kind=("general", "medical")[index % 2], description="made up", overlap="none"),
        "adaptation": ("base", "few-shot", "fine-tuned")[index % 3],
        "overall": overall,
        "datasets": datasets,
        "cells": cells,
        "parameters": 1_000_000 * (index + 1),
        "code": "https://example.org/code",
        "ranks": (index + 1, index + 1),
        "assessed": {name: assessment(one) for name, one in {**datasets, "": overall}.items()},
        "view": tuple(VIEWS)[index % 4],
        "date": f"2026-{1 + index % 12:02d}-{1 + index % 28:02d}",
        "input_size": ("224", "336", "384")[index % 3],
        "weights": index % 2 == 0,
        "command": {"model": f"hf-hub:test/model-{index}", "benchmark": "ORG/MediMeta-C"},
        "facts": {"Specification": f"hf-hub:test/model-{index}"},
    }
    return Entry(**{**values, **changes})


def only(whole: Entry, dataset: str) -> Entry:
    """An entry that was scored on one dataset."""
    parts = {name: {dataset: getattr(whole, name)[dataset]} for name in ("datasets", "cells", "assessed")}
    return replace(whole, overall=None, ranks=None, **parts)  # type: ignore[arg-type]


def board(count: int, *extra: Entry, seed: int = 3) -> Board:
    """A board of made-up models, best first, with others after them."""
    generator = np.random.default_rng(seed)
    made = [entry(index, generator) for index in range(count)]
    made.sort(key=lambda one: one.overall.mce.value if one.overall else 9.0)  # type: ignore[arg-type, return-value]
    made = [replace(one, ranks=(place, place)) for place, one in enumerate(made, 1)]
    return Board(
        key="medimeta-c-1-0",
        title="MediMeta-C 1.0",
        datasets=tuple(
            DatasetShown(dataset=name, title=f"The {name} images", key=f"medimeta-c-1-0--{name}--5f5f5f5f")
            for name in CORE.headline["medimeta"]
        ),
        corruptions=CORE.corruptions,
        severities=CORE.severities,
        baseline="OpenAI CLIP ViT-B/16",
        ranked_by="mce",
        entries=(*made, *extra),
        divisor=ChosenBaseline(published_baseline()),
        fingerprint="5f" * 32,
    )
