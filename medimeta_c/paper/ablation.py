"""The scores of a few-shot ablation on disk."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medimeta_c.errors import ResultError
from medimeta_c.paper.names import short_name
from medimeta_c.paper.scores import FewShotScore

__all__ = ["read_fewshot"]

_FIELDS = {
    "clean_accuracy": "clean_accuracy",
    "clean_error": "clean_error",
    "corruption_accuracy": "average_accuracy",
    "mce": "mce",
}
"""Table 6's names, and those of ``ablation.json``."""


def read_fewshot(path: Path) -> tuple[FewShotScore, ...]:
    """Read the ``ablation.json`` that `medimeta-c finetune` writes, means over its seeds.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.

    Raises
    ------
    ResultError
        If it is missing or not such a file.
    """
    file = path / "ablation.json" if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        runs = record["runs"]
        variant = short_name(record["model"])
        rows = [_untuned(variant, record["base"], runs[0])] if record["base"] else []
        for fraction in dict.fromkeys(run["fraction"] for run in runs):
            rows.append(_tuned(variant, [run for run in runs if run["fraction"] == fraction]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResultError(
            f"{file} is not an ablation ({type(error).__name__}: {error}): give the folder that "
            "`medimeta-c finetune` wrote with several shares or seeds"
        ) from error
    return tuple(rows)


def _untuned(variant: str, base: Mapping[str, Any], run: Mapping[str, Any]) -> FewShotScore:
    cost = {"train_hours": None, "total_params_m": run["total_parameters"] / 1e6, "trainable_percent": None}
    return _score(variant, 0.0, [base], cost)


def _tuned(variant: str, runs: Sequence[Mapping[str, Any]]) -> FewShotScore:
    first = runs[0]
    cost = {
        "train_hours": sum(float(run["hours"]) for run in runs) / len(runs),
        "total_params_m": first["total_parameters"] / 1e6,
        "trainable_percent": 100 * first["trainable_parameters"] / first["total_parameters"],
    }
    return _score(variant, 100 * float(first["fraction"]), [run["scored"] or {} for run in runs], cost)


def _score(
    variant: str, percent: float, scored: Sequence[Mapping[str, Any]], cost: Mapping[str, float | None]
) -> FewShotScore:
    """Return means over seeds, and their spread where there are several."""
    means: dict[str, float | None] = {}
    spread: dict[str, float] = {}
    for ours, theirs in _FIELDS.items():
        values = [one.get(theirs) for one in scored]
        known = [100 * float(value) for value in values if value is not None]
        whole = bool(known) and len(known) == len(values)
        means[ours] = statistics.fmean(known) if whole else None
        if whole and len(known) > 1:
            spread[ours] = statistics.stdev(known)
    return FewShotScore(variant=variant, percent=percent, **means, spread=spread, **cost)
