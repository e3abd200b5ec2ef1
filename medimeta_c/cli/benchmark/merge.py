"""``medimeta-c merge``, of builds and of evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption

__all__ = ["merge"]


def merge(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIRECTORIES",
            help="Directories of parts of a build, or of an evaluation, in any order.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the benchmark or of the results; default: that of the parts, if there is one.",
            show_default=False,
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="Of parts of an evaluation: the benchmark, if it is not where they found it.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Join the parts that --part wrote: of builds into one benchmark, of evaluations into one result.

    It has the same bytes as one that was built, or evaluated, at once. All parts are needed. After an
    interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c merge MediMeta-C

      medimeta-c merge part1 part2 part3 --out MediMeta-C

      medimeta-c merge results1 results2 --out results
    """
    from medimeta_c.building.merge import merge as run
    from medimeta_c.errors import ConfigError, Remedy
    from medimeta_c.results.sharing.found import holds_results

    if out is None:
        if len(directories) > 1:
            raise ConfigError("parts of several directories are merged", remedy=Remedy("give {out}"))
        out = directories[0]
    results = [each for each in directories if holds_results(each)]
    if results and len(results) < len(directories):
        other = next(each for each in directories if each not in results)
        raise ConfigError(
            f"{results[0]} holds results and {other} does not: merge builds and evaluations separately"
        )
    if results:
        _merge_results(directories, out, benchmark, json=json)
        return
    if benchmark is not None:
        raise ConfigError(
            f"--benchmark is for parts of an evaluation, and {directories[0]} holds none: leave it out"
        )
    with console.counting("images") as show:
        report = run(directories, out, on_progress=console.by_sets("merging", show))
    console.say_build(report, json=json, done="merged")


def _merge_results(directories: list[Path], out: Path, benchmark: str | None, *, json: bool) -> None:
    from medimeta_c.scoring.jobs.merging import merge_results

    merged = merge_results(directories, out, benchmark=benchmark)
    if json:
        console.say_json({"results": [str(saved.path) for saved in merged]})
        return
    for saved in merged:
        console.say(f"{saved.result!r}: {saved.path}")
