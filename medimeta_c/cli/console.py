"""Progress bars on stderr, results on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from medimeta_c.io.progress import counting

if TYPE_CHECKING:
    from medimeta_c.building.assembly import BuildProgress, BuildReport

__all__ = ["by_sets", "counting", "say", "say_build", "say_json", "show"]


def say(text: str = "") -> None:
    """Print a line of a command's result."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """Print a command's result for machines."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True))


def by_sets(verb: str, show: Callable[[str, float, float], None]) -> Callable[[BuildProgress], None]:
    """Return what shows how far a build is; `show` is of `counting`."""

    def on_progress(now: BuildProgress) -> None:
        show(f"{verb} {now.sets_done}/{now.sets_total} sets", now.images_done, now.images_total)

    return on_progress


def say_build(report: BuildReport, *, done: str, json: bool, more: Mapping[str, str] | None = None) -> None:
    """Print what a build or an import did, for people or for machines.

    `done` is the verb; `more` names other files that were written.
    """
    from medimeta_c.format.display import title_of

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
                **(more or {}),
            }
        )
        return
    say(f"{report.root}: {len(report.built)} sets {done}, {len(report.kept)} kept")
    for record in manifest.datasets:
        count = sum(1 for one in manifest.sets if one.dataset == record.dataset)
        say(f"  {record.dataset:<16} {count:>4} sets  {record.fingerprint[:12]}  {record.title}")
    say(f"title {title_of(manifest)}")
    say(f"fingerprint {manifest.fingerprint}")
    for name, path in (more or {}).items():
        say(f"{name} {path}")
    say(f"next: medimeta-c verify {report.root}")


def show(*parts: Any) -> None:
    """Print tables, and other things that rich can render."""
    from rich.console import Console

    from medimeta_c.io.tables.table import Table
    from medimeta_c.io.tables.terminal import print_table

    console = Console()
    for part in parts:
        if isinstance(part, Table):
            print_table(part, console)
        else:
            console.print(part)
