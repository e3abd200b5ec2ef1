"""What an evaluation would score, counted without loading a model."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.parts import dealt, share_of
from medimeta_c.results.scoring import scope_of
from medimeta_c.scoring.config import EvaluateConfig

__all__ = ["PlannedCells", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCells:
    """What an evaluation would score of one dataset.

    Parameters
    ----------
    dataset, split : str
        What they are of.
    there, wanted : int
        Cells whose sets the benchmark has, and cells of its whole grid.
    images : int
        Images of all cells that are there, counted once for each cell.
    """

    dataset: str
    split: str
    there: int
    wanted: int
    images: int


def plan(config: EvaluateConfig) -> list[PlannedCells]:
    """Count the cells and images that `evaluate` would score, finished ones included.

    Neither the model nor the baseline is looked at, so a run may still refuse them.

    Raises
    ------
    ConfigError
        If a dataset or split is not of the benchmark.
    ManifestError
        If the benchmark is missing or damaged.
    """
    benchmark = open_benchmark(config.benchmark)
    datasets = benchmark.chosen(config.datasets)
    wanted = scope_of(benchmark.manifest, datasets=datasets, split=config.split).cells()
    built = {key: benchmark.record(key).rows for key in benchmark.sets}
    if config.part is not None:
        own = set(dealt({key: built[key] for key in wanted if key in built}, *share_of(config.part)))
        wanted = tuple(key for key in wanted if key in own)
    rows = {key: min(count, config.limit or sys.maxsize) for key, count in built.items()}
    planned = []
    for name in datasets:
        cells = [key for key in wanted if key.dataset == name]
        there = [rows[key] for key in cells if key in rows]
        planned.append(
            PlannedCells(
                dataset=name, split=config.split, there=len(there), wanted=len(cells), images=sum(there)
            )
        )
    return planned
