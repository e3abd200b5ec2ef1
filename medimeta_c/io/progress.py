"""Progress of long work: a bar in a terminal or a notebook, elsewhere a line on stderr every ten seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias

from markupsafe import Markup

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Show", "counting", "following"]

P = ParamSpec("P")
Show: TypeAlias = Callable[[str, float, float], None]
"""Takes a description, how much is done and how much there is."""

_LINES_S = 10.0
_NOTEBOOK_S = 0.2


@contextlib.contextmanager
def following(
    on_progress: Callable[P, None] | None,
    progress: bool,
    unit: str,
    view: Callable[P, tuple[str, float, float]],
) -> Iterator[Callable[P, None]]:
    """Show progress while the block runs, if asked, beside calling a callback.

    Parameters
    ----------
    on_progress : callable or None
        What the caller wants to be called with each report.
    progress : bool
        Whether to show it.
    unit : str
        What is counted, e.g. ``"images"``.
    view : callable
        Takes a report and returns a description, how much is done and how much there is.

    Yields
    ------
    callable
        Takes each report.
    """
    with counting(unit) if progress else contextlib.nullcontext() as show:

        def tell(*args: P.args, **kwargs: P.kwargs) -> None:
            if show is not None:
                show(*view(*args, **kwargs))
            if on_progress is not None:
                on_progress(*args, **kwargs)

        yield tell


@contextlib.contextmanager
def counting(unit: str) -> Iterator[Show]:
    """Show how far the block is, with rate and time left.

    Yields
    ------
    callable
        A `Show`.
    """
    from rich.console import Console  # noqa: PLC0415  (keeps `--help` fast)

    console = Console(stderr=True)
    if _in_notebook():
        shown = _notebook(unit)
    else:
        shown = _bar(unit, console) if console.is_terminal else _lines(unit)
    with shown as show:
        yield show


def _in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


@contextlib.contextmanager
def _bar(unit: str, console: Console) -> Iterator[Show]:
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f} {unit}/s", style="cyan")

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        Rate(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=600,  # seconds: progress comes by sets, which may take minutes each
    )
    with bar:
        task = bar.add_task("starting", total=1)

        def update(description: str, done: float, total: float) -> None:
            bar.update(task, description=description, completed=done, total=total or 1)

        yield update


@contextlib.contextmanager
def _lines(unit: str) -> Iterator[Show]:
    start = last = time.monotonic()

    def update(description: str, done: float, total: float) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _LINES_S:
            last = now
            print(_sentence(description, done, total, unit, now - start), file=sys.stderr, flush=True)  # noqa: T201

    yield update


@contextlib.contextmanager
def _notebook(unit: str) -> Iterator[Show]:
    """Show a bar of plain HTML, which needs no widgets, and stays in a saved notebook as it was last."""
    from IPython.display import display  # noqa: PLC0415  (only where it runs already)

    start, last = time.monotonic(), 0.0
    handle = display(_pages("starting", 0, 1), raw=True, display_id=True)

    def update(description: str, done: float, total: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _NOTEBOOK_S or done >= total:
            last = now
            handle.update(
                _pages(_sentence(description, done, total, unit, now - start), done, total), raw=True
            )

    yield update


def _pages(text: str, done: float, total: float) -> dict[str, str]:
    bar = Markup('<progress value="{}" max="{}"></progress> {}').format(done, total or 1, text)
    return {"text/plain": text, "text/html": str(bar)}


def _sentence(description: str, done: float, total: float, unit: str, seconds: float) -> str:
    """Return a line such as ``building 3/12 sets: 1,200 of 4,800 images, 150 images/s, 24 s left``.

    Examples
    --------
    >>> _sentence("building 3/12 sets", 1200, 4800, "images", 8)
    'building 3/12 sets: 1,200 of 4,800 images, 150 images/s, 24 s left'
    """
    parts = [f"{done:,.0f} of {total:,.0f} {unit}"]
    if done and seconds:
        rate = done / seconds
        left = (total - done) / rate
        parts += [f"{rate:,.0f} {unit}/s", f"{left:,.0f} s left" if left else f"{seconds:,.0f} s"]
    return f"{description}: {', '.join(parts)}"
