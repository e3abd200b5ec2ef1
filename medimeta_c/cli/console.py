"""Print results on stdout and progress on stderr."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from medimeta_c.cli.common import loudness
from medimeta_c.io import progress

if TYPE_CHECKING:
    from medimeta_c.building.assembly import BuildProgress, BuildReport
    from medimeta_c.building.preview import Preview

__all__ = ["by_sets", "counting", "say", "say_build", "say_json", "say_part", "say_preview", "show"]


def say(text: str = "") -> None:
    """Print one line of a result; on stderr with ``--format tsv``, where stdout holds only tables."""
    typer.echo(text, err=loudness.tsv)


def say_json(value: Any) -> None:
    """Print a result as JSON."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True))


@contextlib.contextmanager
def counting(unit: str) -> Iterator[progress.Show]:
    """Show how far the block is, on stderr; nothing with ``--quiet``. See `progress.counting`."""
    if loudness.quiet:
        yield lambda description, done, total: None
        return
    with progress.counting(unit) as show:
        yield show


def by_sets(verb: str, show: Callable[[str, float, float], None]) -> Callable[[BuildProgress], None]:
    """Return a function that shows a build's progress through `show`, which `counting` provides."""

    def on_progress(now: BuildProgress) -> None:
        show(f"{verb} {now.sets_done}/{now.sets_total} sets", now.images_done, now.images_total)

    return on_progress


def say_build(report: BuildReport, *, done: str, json: bool, more: Mapping[str, str] | None = None) -> None:
    """Print the result of a build or an import, as text or as JSON.

    `done` is the verb, such as "built"; `more` maps names to paths of other files that were written.
    """
    from medimeta_c.format.display import title_of
    from medimeta_c.io.text import counted

    manifest = report.manifest
    if json:
        say_json(
            {
                "out": str(report.root),
                "title": title_of(manifest),
                "fingerprint": manifest.fingerprint,
                "datasets": {record.dataset: record.fingerprint for record in manifest.datasets},
                "sets_built": [str(key) for key in report.built],
                "sets_kept": [str(key) for key in report.kept],
                "limited": manifest.limited,
                **(more or {}),
            }
        )
        return
    say(f"{report.root}: {counted(len(report.built), 'set')} {done}, {len(report.kept)} kept")
    if manifest.limited is not None:
        say(f"a trial: only the first {manifest.limited} images of each split; do not publish or compare it")
    for record in manifest.datasets:
        count = sum(1 for one in manifest.sets if one.dataset == record.dataset)
        say(f"  {record.dataset:<16} {count:>4} sets  {record.fingerprint[:12]}  {record.title}")
    say(f"title {title_of(manifest)}")
    say(f"fingerprint {manifest.fingerprint}")
    for name, path in (more or {}).items():
        say(f"{name} {path}")
    say(f"next: medimeta-c verify {report.root}")


def say_part(report: BuildReport, *, json: bool) -> None:
    """Print the result of building a part of a benchmark, as text or as JSON."""
    from medimeta_c.io.text import counted

    part = report.manifest.part
    assert part is not None
    images = sum(record.rows for record in report.manifest.sets)
    if json:
        say_json(
            {
                "out": str(report.root),
                "part": part.number,
                "parts": part.division.of,
                "sets_built": [str(key) for key in report.built],
                "sets_kept": [str(key) for key in report.kept],
                "images": images,
            }
        )
        return
    sets = f"{counted(len(report.built), 'set')} built, {len(report.kept)} kept"
    say(f"{report.root}: {part.name}, {sets}, {counted(images, 'image')}")
    say(f"next, when all {part.division.of} parts are built: medimeta-c merge {report.root}")


def say_preview(preview: Preview, *, json: bool = False, err: bool = False) -> None:
    """Print what a build will do, on stdout, or with `err` on stderr."""
    from medimeta_c.io.tables.table import Column, Table, texts

    if json:
        say_json(
            {
                "out": str(preview.out),
                "splits": [
                    {
                        "dataset": each.dataset,
                        "split": each.split,
                        "root": str(each.root),
                        "images": each.images,
                        "classes": dict(each.classes),
                        "sets": each.sets,
                        "sets_kept": each.kept,
                    }
                    for each in preview.splits
                ],
                "images_to_render": preview.images,
                "estimated_bytes": preview.bytes,
                "estimated_seconds": round(preview.seconds, 1),
                "processes": preview.jobs,
                "images_measured": preview.measured,
            }
        )
        return
    rows = [
        texts(
            each.dataset,
            each.split,
            f"{each.images:,}",
            ", ".join(f"{name} {count:,}" for name, count in each.classes.items()),
            f"{each.sets - each.kept} of {each.sets}" if each.kept else str(each.sets),
        )
        for each in preview.splits
    ]
    heads = (
        Column("dataset", "label"),
        Column("split", "label"),
        Column("images"),
        Column("images of each class", "text"),
        Column("sets to build"),
    )
    roots = ", ".join(dict.fromkeys(str(each.root) for each in preview.splits))
    show(Table(name=f"Read from {roots}", columns=heads, rows=tuple(rows)), err=err)
    if preview.images:
        typer.echo(
            f"{preview.images:,} images to render into {preview.out}: about {_bytes(preview.bytes)} and "
            f"{_duration(preview.seconds)} with {preview.jobs} process{'es' if preview.jobs > 1 else ''} "
            f"(estimated by rendering {preview.measured} images)",
            err=err,
        )
    else:
        typer.echo(f"nothing to build: every set is already in {preview.out}", err=err)


def _bytes(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1.5:
        return f"{max(1, round(seconds))} s"
    return f"{round(minutes)} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"


def show(*parts: Any, err: bool = False) -> None:
    """Print tables and other objects that rich can render.

    With ``--format tsv``, an empty line separates two tables, and other objects go to stderr.
    """
    from rich.console import Console

    from medimeta_c.io.tables.csv import tsv_text
    from medimeta_c.io.tables.table import Table
    from medimeta_c.io.tables.terminal import print_table

    tsv = loudness.tsv and not err
    console, first = Console(stderr=err or tsv), True
    for part in parts:
        if not isinstance(part, Table):
            console.print(part)
        elif tsv:
            typer.echo(("" if first else "\n") + tsv_text(part), nl=False)
            first = False
        else:
            print_table(part, console)
