"""Progress bars on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import typer

__all__ = ["counting", "say", "say_json", "show", "table"]


def say(text: str = "") -> None:
    """Print a line of a command's result."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """Print a command's result for machines."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True))


def show(view: Any) -> None:
    """Print something that rich can render."""
    from rich.console import Console

    Console().print(view)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*columns, title=title, title_justify="left")
    for row in rows:
        grid.add_row(*map(Text, row))
    Console().print(grid)


@contextlib.contextmanager
def counting(unit: str) -> Iterator[Callable[[str, float, float], None]]:
    """Show a progress bar with rate and time left while the block runs.

    Yields
    ------
    callable
        Takes a description, how much is done and how much there is.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f} {unit}/s", style="cyan")

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        Rate(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("starting", total=1)

        def update(description: str, done: float, total: float) -> None:
            bar.update(task, description=description, completed=done, total=total or 1)

        yield update
