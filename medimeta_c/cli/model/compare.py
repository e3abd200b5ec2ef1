"""``medimeta-c compare``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption

if TYPE_CHECKING:
    from medimeta_c.metrics.intervals import Difference
    from medimeta_c.metrics.summary import Scores, Summary
    from medimeta_c.metrics.values import Estimate
    from medimeta_c.results.comparison import Comparison

__all__ = ["compare"]


def compare(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, two or more.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            help="What CE divides by: [b]published[/b], or a result; default: what the results divided by.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put models side by side on the images they share, with paired differences and ties marked.

    Datasets of which the results have different fingerprints are left out, and named.

    [b]Examples[/b]

      medimeta-c compare results/vit-b-16-openai/0a1b2c3d4e5f results/my-model/0a1b2c3d4e5f

      medimeta-c compare results/*/0a1b2c3d4e5f --baseline published --json
    """
    from medimeta_c.errors import ConfigError
    from medimeta_c.reports.terminal import comparison_view
    from medimeta_c.results.baseline_choice import NO_BASELINE, choose_baseline
    from medimeta_c.results.comparison import common_benchmark
    from medimeta_c.results.comparison import compare as run
    from medimeta_c.results.folder import read_saved

    saved = [read_saved(path.expanduser()) for path in results]
    if baseline == NO_BASELINE:
        raise ConfigError(
            "compare divides by published or by a result: leave --baseline out, or give one of them"
        )
    chosen = None
    if baseline is not None:
        chosen = choose_baseline(baseline, common_benchmark(saved), saved[0].result.run.split)
    comparison = run(saved, baseline=chosen)
    if json:
        console.say_json(_values(comparison))
    else:
        console.show(*comparison_view(comparison))


def _values(comparison: Comparison) -> dict[str, Any]:
    return {
        "ranked_by": comparison.ranked_by,
        "baseline": comparison.baseline,
        "scope": comparison.scope.model_dump(),
        "notes": list(comparison.notes),
        "models": [
            {
                "name": model.name,
                "path": str(model.result.path),
                "complete": model.result.result.complete,
                "ranks": model.ranks,
                "numbers": _nested(model.numbers, _number),
                "intervals": _nested(model.numbers, _interval),
            }
            for model in comparison.models
        ],
        "differences": [
            {"first": first, "second": second, **_nested(found, _difference)}
            for (first, second), found in comparison.differences.items()
        ],
    }


def _nested(scores: Scores[Any], view: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    def summary(one: Summary[Any]) -> dict[str, Any]:
        return {
            name: {c: view(each) for c, each in held.items()} if isinstance(held, dict) else view(held)
            for name, held in one
            if name != "accuracy"
        }

    datasets = {name: summary(one) for name, one in scores.datasets.items()}
    return {"datasets": datasets, "overall": summary(scores.overall)}


def _number(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "reason": one.reason}


def _interval(one: Estimate) -> dict[str, Any]:
    return {"low": one.low, "high": one.high, "reason": one.interval_reason}


def _difference(one: Difference) -> dict[str, Any]:
    return {"value": _number(one), "interval": _interval(one), "tie": one.tie}
