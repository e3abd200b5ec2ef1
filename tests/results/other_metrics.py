"""Metrics of another distribution, installed for a test: one that falls, and one that needs groups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medimeta_c.metrics.registry import METRICS
from medimeta_corruptions import registry

_MODULE = """
import numpy as np
from medimeta_c.metrics.registry import Metric


def distance(labels, probabilities):
    return np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1).mean()


def worst_group(labels, predictions, groups):
    return min(np.mean(predictions[groups == one] == labels[groups == one]) for one in np.unique(groups))


DISTANCE = Metric(
    name="distance", label="Squared distance", function=distance, inputs=("labels", "probabilities"),
    high=2.0, lower_is_better=True)
WORST = Metric(
    name="worst_group", label="Worst group", function=worst_group, inputs=("labels", "predictions", "groups"))
BROKEN = Metric(name="broken", label="Broken", function=lambda labels: -7.0, inputs=("labels",))
"""
_POINTS = """[medimeta_c.metrics]
distance = other_metrics_module:DISTANCE
worst_group = other_metrics_module:WORST
broken = other_metrics_module:BROKEN
"""


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Have the distribution ``other-metrics`` 1.2 on the path."""
    info = folder / "other_metrics-1.2.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-metrics\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(_POINTS)
    (folder / "other_metrics_module.py").write_text(_MODULE)
    sys.path.insert(0, str(folder))
    registry._scan.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("other_metrics_module", None)
        registry._scan.cache_clear()
        METRICS._loaded.clear()
