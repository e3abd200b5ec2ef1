"""``medimeta-c merge``."""

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
        typer.Argument(metavar="DIRECTORIES", help="Directories that parts were built in, in any order."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the benchmark; default: the directory of the parts, if it is one.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Join the parts of a build, which --part wrote, into one benchmark.

    The benchmark has the same bytes as one that was built at once. All parts are needed. After an
    interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c merge MediMeta-C

      medimeta-c merge part1 part2 part3 --out MediMeta-C
    """
    from medimeta_c.building.merge import merge as run
    from medimeta_c.errors import ConfigError, Remedy

    if out is None:
        if len(directories) > 1:
            raise ConfigError("parts of several directories are merged", remedy=Remedy("give {out}"))
        out = directories[0]
    with console.counting("images") as show:
        report = run(directories, out, on_progress=console.by_sets("merging", show))
    console.say_build(report, json=json, done="merged")
