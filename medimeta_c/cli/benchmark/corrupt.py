"""``medimeta-c corrupt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import ALL, JsonOption, ProfileOption, SuiteOption, several, severities
from medimeta_c.format.suite import CORE

__all__ = ["corrupt"]


def corrupt(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    corruption: Annotated[
        list[str],
        several(
            "[b]all[/b] of the suite, or some, comma-separated; [b]medimeta-c corruptions[/b] lists them.",
            completed="corruption",
        ),
    ],
    severity: Annotated[
        list[str],
        several(
            "[b]all[/b], or severities such as 1,3.",
            metavar="NUMBERS",
            completed="severity",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the corrupted images (PNG).")],
    suite: SuiteOption = CORE.name,
    profile: ProfileOption = None,
    seed: Annotated[int, typer.Option(help="Root seed; each image's seed is derived from it.")] = 0,
    frames: Annotated[
        str,
        typer.Option(
            help="DICOM files of several frames; [b]one[/b]: refuse them; [b]each[/b]: corrupt every frame."
        ),
    ] = "one",
    window: Annotated[
        str | None,
        typer.Option(
            help="How images of more than 8 bits are reduced to 8 bits: LOW,HIGH, percentiles or full.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Corrupt image files and write PNG files; seed and file name determine the result.

    [b]Examples[/b]

      medimeta-c corrupt scan.png --corruption motion_blur --severity 3 --out corrupted

      medimeta-c corrupt scans/*.png --corruption all --severity 1,3,5 --out corrupted

      medimeta-c corrupt thorax.png --suite clinical --corruption xray_scatter --severity 3 --out corrupted
    """
    from medimeta_c.building.corrupt_files import corrupt_files

    written = corrupt_files(
        images,
        None if corruption == ALL else corruption,
        severities(severity) or CORE.severities,
        out.expanduser(),
        seed=seed,
        frames=frames,
        window=window,
        suite=suite,
        profile=profile,
    )
    if json:
        console.say_json([str(path) for path in written])
        return
    for path in written:
        console.say(str(path))
