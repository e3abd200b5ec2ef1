"""Option types several commands share, and the values their texts mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.errors import ConfigError

__all__ = [
    "DataOption",
    "DatasetOption",
    "JobsOption",
    "JsonOption",
    "SourceOption",
    "TaskOption",
    "data_dir",
    "names",
    "severities",
]

DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        help="Dataset ids, comma-separated; [b]all[/b] = the benchmark's five, every one required; "
        "[b]available[/b] = those whose data is on this disk.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="MEDIMETA_DATA",
        help="Folder of the clean datasets; default: the platform's user data directory.",
        show_default=False,
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        help="medimeta, medmnist, imagefolder or phantoms; default: by dataset id.", show_default=False
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(help="The labels to use where a dataset has several tasks.", show_default=False),
]
JobsOption = Annotated[int, typer.Option("--jobs", help="Worker processes; -1 is one per core.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Report as JSON on stdout.")]


def names(text: str) -> tuple[str, ...]:
    """Split a comma-separated option into names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def severities(text: str) -> tuple[int, ...] | None:
    """Return the severities an option means, such as ``1,3``; None for ``all``.

    Raises
    ------
    ConfigError
        If a part is not a number from 0 to 5.
    """
    if text.strip() == "all":
        return None
    parts = names(text)
    wrong: Sequence[str] = [part for part in parts if part not in {"0", "1", "2", "3", "4", "5"}]
    if wrong or not parts:
        raise ConfigError(
            f"unknown severity {', '.join(wrong) or text!r}: use 1 to 5, comma-separated, or all"
        )
    return tuple(sorted({int(part) for part in parts}))


def data_dir(option: Path | None) -> Path:
    """Return the data folder an option means."""
    from medimeta_c.sources import default_data_dir

    return (option or default_data_dir()).expanduser()
