"""``medimeta-c import-medmnistc``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import AVAILABLE, DataOption, JobsOption, JsonOption, data_dir, several

__all__ = ["import_medmnistc"]


def import_medmnistc(
    directory: Annotated[Path, typer.Argument(help="MedMNIST-C as published: <dataset>/<corruption>.npz.")],
    out: Annotated[Path, typer.Option(help="Directory of the benchmark.")] = Path("MedMNIST-C"),
    dataset: Annotated[
        list[str],
        several(
            "Dataset ids, comma-separated; [b]available[/b]: those in the folder; "
            "[b]all[/b]: the benchmark's five, all required."
        ),
    ] = AVAILABLE,
    data: DataOption = None,
    jobs: JobsOption = -1,
    force: Annotated[bool, typer.Option("--force", help="Import finished sets again.")] = False,
    json: JsonOption = False,
) -> None:
    """Import the official MedMNIST-C files as a benchmark that can be verified, loaded and scored.

    Corruptions keep their names. The clean test sets come from the MedMNIST+ files in --data. Each file must
    hold all test images at severity 1, then all at severity 2, up to 5; the labels are checked.

    [b]Examples[/b]

      medimeta-c import-medmnistc ~/medmnist-c --data ~/medmnist --out MedMNIST-C

      medimeta-c evaluate --model ViT-B-16/openai --benchmark MedMNIST-C --baseline published
    """
    from medimeta_c.building.medmnistc.importing import ImportConfig
    from medimeta_c.building.medmnistc.importing import import_medmnistc as run

    config = ImportConfig(
        folder=directory.expanduser(),
        out=out.expanduser(),
        datasets=tuple(dataset),
        data_dir=data_dir(data),
        jobs=jobs,
        force=force,
    )
    with console.counting("images") as show:
        report = run(config, on_progress=console.by_sets("importing", show))
    console.say_build(report, json=json, done="imported")
