"""Read the scores of a few-shot ablation from disk."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medimeta_c.paper.names import short_name
from medimeta_c.paper.scores import FewShotScore
from medimeta_c.results.ablation import AblationRun, Scored, read_ablation

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
    ablation = read_ablation(path)
    variant, first = short_name(ablation.model), ablation.runs[0]
    rows = [] if ablation.base is None else [_score(variant, first, [ablation.base], percent=0.0)]
    for fraction in dict.fromkeys(run.fraction for run in ablation.runs):
        runs = [run for run in ablation.runs if run.fraction == fraction]
        scored = [run.scored for run in runs]
        hours = statistics.fmean(run.hours for run in runs)
        rows.append(_score(variant, runs[0], scored, percent=100 * fraction, hours=hours))
    return tuple(replace(row, split=ablation.draw_from) for row in rows)


def _score(
    variant: str,
    run: AblationRun,
    scored: Sequence[Scored | None],
    *,
    percent: float,
    hours: float | None = None,
) -> FewShotScore:
    """Return means over seeds, and their spread where there are several; without hours nothing was tuned."""
    means: dict[str, float | None] = dict.fromkeys(_FIELDS)
    spread: dict[str, float] = {}
    for ours, theirs in _FIELDS.items():
        values = [getattr(one, theirs, None) for one in scored]
        known = [100 * value for value in values if value is not None]
        if len(known) == len(values):
            means[ours] = statistics.fmean(known)
            if len(known) > 1:
                spread[ours] = statistics.stdev(known)
    trainable = 100 * run.trainable_parameters / run.total_parameters
    return FewShotScore(
        variant=variant,
        percent=percent,
        clean_accuracy=means["clean_accuracy"],
        clean_error=means["clean_error"],
        corruption_accuracy=means["corruption_accuracy"],
        mce=means["mce"],
        spread=spread,
        train_hours=hours,
        total_params_m=run.total_parameters / 1e6,
        trainable_percent=None if hours is None else trainable,
    )
