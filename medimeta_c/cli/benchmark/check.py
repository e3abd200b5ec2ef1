"""``medimeta-c check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import NONE, JsonOption, several

if TYPE_CHECKING:
    from medimeta_c.sources.contract import Channels, Frames

__all__ = ["check"]


def check(
    directory: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="Folder of one dataset: pictures in class folders."
        ),
    ],
    channels: Annotated[
        str, typer.Option(help="Same as in [b]build[/b]: source, rgb, grey or luma.")
    ] = "source",
    window: Annotated[
        str | None,
        typer.Option(help="Same as in [b]build[/b]: LOW,HIGH, percentiles or full.", show_default=False),
    ] = None,
    frames: Annotated[str, typer.Option(help="Same as in [b]build[/b]: one or each.")] = "one",
    classes_are: Annotated[
        list[str], several("Same as in [b]build[/b]: class folders.", show_default=False)
    ] = NONE,
    json: JsonOption = False,
) -> None:
    """List every problem that prevents a build from a folder of pictures; exit with 1 if there is one.

    Also warns of file names that look like names of people, and of patients in several splits.

    [b]Examples[/b]

      medimeta-c check my-data/pathology

      medimeta-c check my-data/xrays --channels luma --json
    """
    from medimeta_c.cli.remedies import message
    from medimeta_c.errors import Remedy, SourceError
    from medimeta_c.sources.contract import Reading
    from medimeta_c.sources.folders.layout import datasets_below
    from medimeta_c.sources.folders.table import TABLE
    from medimeta_c.sources.imagefolder import open_imagefolder
    from medimeta_c.sources.patients import shared_patients

    reading = Reading(
        channels=cast("Channels", channels),
        window=window,
        frames=cast("Frames", frames),
        classes_are=tuple(classes_are),
        data_is_dataset=True,
    )
    directory = directory.expanduser()
    if below := datasets_below(directory, classes_are):
        names = ", ".join(path.name for path in below)
        raise SourceError(
            f"{directory} is not one dataset; it holds {names}",
            remedy=Remedy("check one of them, such as {0}", below[0]),
        )
    if (directory / "info.yaml").is_file() and (directory / "task_labels").is_dir():
        named = {"datasets": directory.resolve().name, "data_dir": directory.resolve().parent}
        raise SourceError(
            f"{directory} is a dataset of MedIMeta, not a folder of pictures",
            remedy=Remedy("build it with {command}", command="build", **named),
        )
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    splits: dict[str, int] = {}
    class_names: tuple[str, ...] = ()
    try:
        source = open_imagefolder("checked", directory, reading=reading)
        splits, class_names = dict(source.info.splits), source.info.class_names
        warnings = (*source.warnings, *filter(None, [shared_patients(source)]))
    except SourceError as error:
        problems = tuple(map(message, error.faults or (error,)))
    if json:
        console.say_json(
            {
                "directory": str(directory),
                "ok": not problems,
                "classes": list(class_names),
                "splits": splits,
                "problems": list(problems),
                "warnings": list(warnings),
            }
        )
    else:
        for problem in problems:
            console.say(problem)
        for warning in warnings:
            console.say(f"warning: {warning}")
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise SourceError(f"{directory} cannot be built: correct what is listed ({count})")
    if not json:
        counts = ", ".join(f"{split} {count}" for split, count in splits.items())
        console.say(f"{directory}: {len(class_names)} classes ({', '.join(class_names)}); images: {counts}")
        if any(source.groups(split) for split in splits) and not list(directory.rglob(TABLE)):
            console.say(
                "Folders inside class folders are read as patients. If they are classes, "
                f"{directory} holds several datasets: check each by itself."
            )
