"""``medimeta-c compare``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption

if TYPE_CHECKING:
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
        "scope": asdict(comparison.scope),
        "notes": list(comparison.notes),
        "models": [
            {
                "name": model.name,
                "path": str(model.result.path),
                "complete": model.result.result.complete,
                "ranks": model.ranks,
                "numbers": asdict(model.numbers),
                "intervals": asdict(model.intervals),
            }
            for model in comparison.models
        ],
        "differences": [
            {"first": first, "second": second, **asdict(found)}
            for (first, second), found in comparison.differences.items()
        ],
    }
