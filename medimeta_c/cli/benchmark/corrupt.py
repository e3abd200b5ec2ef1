"""``medimeta-c corrupt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption
from medimeta_c.format.suite import CORE

__all__ = ["corrupt"]


def corrupt(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    corruption: Annotated[str, typer.Option(help=f"One of {', '.join(CORE.corruptions)}.")],
    severity: Annotated[int, typer.Option(help="1 to 5.")],
    out: Annotated[Path, typer.Option(help="Folder for the corrupted images, as PNG.")],
    seed: Annotated[int, typer.Option(help="Root of every image's seed.")] = 0,
    frames: Annotated[
        str, typer.Option(help="[b]each[/b] corrupts every frame of a DICOM file of several.")
    ] = "one",
    json: JsonOption = False,
) -> None:
    """Corrupt image files: files in, PNG files out, reproducible by seed and file name.

    [b]Examples[/b]

      medimeta-c corrupt scan.png --corruption motion_blur --severity 3 --out corrupted
    """
    from medimeta_c.building.corrupt_files import corrupt_files

    written = corrupt_files(images, corruption, severity, out.expanduser(), seed=seed, frames=frames)
    if json:
        console.say_json([str(path) for path in written])
        return
    for path in written:
        console.say(str(path))
