"""``medimeta-c compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import JsonOption

__all__ = ["compare"]


@prints_tables
def compare(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT...", help="Folder of a result, or of several, or a pattern such as 'results/*'."
        ),
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Denominator of CE: [b]published[/b], or a result; default: that of the results.",
            show_default=False,
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="The benchmark that was scored: knows which images are of one patient, for the intervals.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare models on the images they share: paired differences, with ties marked.

    A dataset is left out, and named, if its fingerprint differs between the results.

    [b]Examples[/b]

      medimeta-c compare results/vit-b-16-openai/0a1b2c3d4e5f results/my-model/0a1b2c3d4e5f

      medimeta-c compare 'results/*/0a1b2c3d4e5f' --baseline published --json

      medimeta-c compare 'results/*/0a1b2c3d4e5f' --benchmark MediMeta-C
    """
    from medimeta_c.reports.terminal import comparison_view
    from medimeta_c.results.comparison import compare as run
    from medimeta_c.results.folder.places import result_files

    files = dict.fromkeys(file for each in results for file in result_files(each))
    comparison = run(list(files), baseline=baseline, benchmark=benchmark)
    if json:
        console.say_json(comparison.to_dict())
    else:
        console.show(*comparison_view(comparison))
