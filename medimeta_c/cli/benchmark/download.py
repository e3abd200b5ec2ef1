"""``medimeta-c download``."""

from __future__ import annotations

from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import ALL, DataOption, JsonOption, data_dir, several
from medimeta_c.format.suite import CORE

__all__ = ["download"]

_VERBS = {"fetch": "fetching", "verify": "checking", "extract": "extracting"}


def download(
    dataset: Annotated[
        list[str],
        several(
            "Dataset ids, comma-separated; [b]all[/b]: the benchmark's five.",
            completed="dataset",
        ),
    ],
    data: DataOption = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Accept an archive that its publisher has changed since its checksum was pinned."
        ),
    ] = False,
    keep_archive: Annotated[
        bool, typer.Option("--keep-archive", help="Keep the downloaded zip after extraction.")
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(help="Address of another server with Zenodo's API.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Download and extract MedIMeta or MedMNIST+ archives, and check them against pinned checksums.

    After an interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c download --dataset pbc

      medimeta-c download --dataset all --data ~/medimeta

      medimeta-c download --dataset bloodmnist,octmnist
    """
    from medimeta_c.download.archives import ZENODO
    from medimeta_c.download.download import DownloadProgress
    from medimeta_c.download.download import download as run

    with console.counting("MB") as show:

        def on_progress(progress: DownloadProgress) -> None:
            text = f"{_VERBS[progress.phase]} {progress.dataset}"
            show(text, progress.done / 1e6, progress.total / 1e6)

        reports = run(
            CORE.headline["medimeta"] if dataset == ALL else dataset,
            data_dir(data),
            base_url=mirror or ZENODO,
            update=update,
            keep_archive=keep_archive,
            on_progress=on_progress,
        )
    if json:
        console.say_json(
            [
                {
                    "dataset": report.dataset,
                    "path": str(report.path),
                    "status": report.status,
                    "fetched_bytes": report.fetched_bytes,
                    "sha256": report.pin.sha256 if report.pin else None,
                }
                for report in reports
            ]
        )
        return
    for report in reports:
        console.say(f"{report.dataset}: {report.status}, {report.path}")
