"""``medimeta-c build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import loudness, prints_tables
from medimeta_c.cli.options import (
    ALL,
    NONE,
    TEST,
    DatasetOption,
    JobsOption,
    JsonOption,
    ProfileOption,
    SourceOption,
    SuiteOption,
    TaskOption,
    data_dir,
    several,
    severities,
)
from medimeta_c.format.suite import CORE

if TYPE_CHECKING:
    from medimeta_c.sources.contract import Channels, Frames

__all__ = ["build"]


@prints_tables
def build(
    dataset: DatasetOption,
    severity: Annotated[
        list[str],
        several(
            "[b]all[/b], or severities such as 1,3. The clean set is always built too.",
            metavar="NUMBERS",
            completed="severity",
        ),
    ] = ALL,
    corruption: Annotated[
        list[str],
        several(
            "[b]all[/b] of the suite, or some, comma-separated; [b]medimeta-c corruptions[/b] lists them.",
            completed="corruption",
        ),
    ] = ALL,
    suite: SuiteOption = CORE.name,
    profile: ProfileOption = None,
    split: Annotated[
        list[str],
        several(
            "Splits, comma-separated; [b]all[/b]: every split that a dataset has.",
            completed="split",
        ),
    ] = TEST,
    data: Annotated[
        str | None,
        typer.Option(
            envvar="MEDIMETA_DATA",
            help="Folder of the clean datasets, or its URL in an object store; default: the user data "
            "directory of the platform.",
            show_default=False,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder for files fetched from --data, if that is a URL; default: the user cache "
            "directory of the platform.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Directory of the benchmark, or its URL in an object store (s3://, az://, gs://); default: "
            "MediMeta-C for the core suite's datasets, else the title in lower case.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[
        str | None,
        typer.Option(
            help="Title of the benchmark; default: the earlier build's title, or one made from its datasets.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Root seed; each image's seed is derived from it. MediMeta-C uses 0.")
    ] = 0,
    jobs: JobsOption = -1,
    source: SourceOption = None,
    task: TaskOption = None,
    channels: Annotated[
        str,
        typer.Option(
            help="[b]source[/b]: keep grey images grey; [b]rgb[/b]: copy them to three channels; "
            "[b]grey[/b]: merge three equal channels into one; [b]luma[/b]: convert colour to grey."
        ),
    ] = "source",
    window: Annotated[
        str | None,
        typer.Option(
            help="How pictures of more than 8 bits are reduced to 8 bits: LOW,HIGH, percentiles or full.",
            show_default=False,
        ),
    ] = None,
    frames: Annotated[
        str,
        typer.Option(
            help="DICOM files of several frames; [b]one[/b]: refuse them; [b]each[/b]: make every frame "
            "an image."
        ),
    ] = "one",
    classes_are: Annotated[
        list[str],
        several(
            "Class folders that are named like splits or masks, comma-separated.",
            show_default=False,
        ),
    ] = NONE,
    data_is_dataset: Annotated[
        bool, typer.Option("--data-is-dataset", help="The data folder is itself the dataset.")
    ] = False,
    ids: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the id key and id tables, for DICOM and known patients; default: OUT.ids.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="loky (processes on this machine) or dask.")] = "loky",
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a running Dask scheduler; its workers must see the same paths.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Build only the first N images of each split: a trial, marked as incomplete everywhere.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Build only part I of N, for jobs on many machines; [b]medimeta-c merge[/b] joins them.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be read and built; build nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build finished sets again.")] = False,
    json: JsonOption = False,
) -> None:
    """Build corruption sets as Parquet shards, with statistics, a manifest and a dataset card.

    Finished sets are kept. After an interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c build --dataset pbc --severity all

      medimeta-c build --dataset available --data ~/medimeta --out MediMeta-C --jobs 8

      medimeta-c build --dataset fundus --corruption motion_blur,contrast --severity 1,3 --dry-run

      medimeta-c build --dataset pbc --suite clinical --severity all

      medimeta-c build --dataset pbc --limit 20 --out trial

      medimeta-c build --dataset all --source phantoms --out phantoms-C

      medimeta-c build --dataset all --part 3/20

      medimeta-c build --dataset all --out s3://bucket/MediMeta-C
    """
    from functools import partial

    from medimeta_c.building.build import BuildConfig, preview
    from medimeta_c.building.build import build as run

    if out is None:
        from medimeta_c.cli.benchmark.places import default_out
        from medimeta_c.errors import ConfigError, Remedy
        from medimeta_c.io.stores.urls import looks_like_url

        if looks_like_url(data):
            raise ConfigError(
                "the default name of the directory follows from data on this disk",
                remedy=Remedy("give {out}"),
            )
        out = str(
            default_out(
                tuple(dataset),
                data_dir=data_dir(Path(data) if data else None),
                source=source,
                data_is_dataset=data_is_dataset,
                suite=suite,
            )
        )
    config = BuildConfig(
        datasets=tuple(dataset),
        out=out,
        title=title,
        suite=suite,
        profile=profile,
        corruptions=None if corruption == ALL else tuple(corruption),
        severities=severities(severity),
        splits=tuple(split),
        data_dir=data or data_dir(None),
        cache=cache,
        source=source,
        task=task,
        seed=seed,
        channels=cast("Channels", channels),
        window=window,
        frames=cast("Frames", frames),
        classes_are=tuple(classes_are),
        data_is_dataset=data_is_dataset,
        ids=ids.expanduser() if ids else None,
        jobs=jobs,
        engine=cast("Literal['loky', 'dask']", engine),
        scheduler=scheduler,
        limit=limit,
        part=part,
        force=force,
    )
    if dry_run:
        console.say_preview(preview(config), json=json)
        return
    shown = None if json or loudness.quiet else partial(console.say_preview, err=True)
    with console.counting("images") as show:
        report = run(config, on_progress=console.by_sets("building", show), on_preview=shown)
    if report.manifest.part is None:
        console.say_build(report, json=json, done="built")
    else:
        console.say_part(report, json=json)
