"""Options of every command: how much is printed, and the format of tables."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from medimeta_c.cli.remedies import spelled_arguments

__all__ = ["DebugOption", "QuietOption", "VerboseOption", "everywhere", "loudness", "prints_tables", "settle"]

_PANEL = "For every command"
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet", help="Print results and errors only: no progress, no warnings.", rich_help_panel=_PANEL
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Print each step.", rich_help_panel=_PANEL)]
DebugOption = Annotated[
    bool,
    typer.Option(
        "--debug", help="Print debug messages, and the traceback of an error.", rich_help_panel=_PANEL
    ),
]


def _known_format(ctx: typer.Context, value: str) -> str:
    if value not in _FORMATS:
        ctx.fail(f"unknown format {value!r}: use {' or '.join(_FORMATS)}")
    return value


_FORMATS = ("table", "tsv")
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="|".join(_FORMATS),
        callback=_known_format,
        help="Format of tables; [b]tsv[/b]: tab-separated with unrounded numbers on stdout, all other text "
        "on stderr.",
    ),
]
_OPTIONS = {"quiet": QuietOption, "verbose": VerboseOption, "debug": DebugOption}


@dataclass(slots=True)
class Loudness:
    """How much the running command prints."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    tsv: bool = False
    handler: logging.Handler | None = None


loudness = Loudness()


def settle(*, quiet: bool, verbose: bool, debug: bool, afresh: bool = False) -> None:
    """Combine these options with those before the command's name, and configure logging.

    With `afresh`, forget the options of an earlier command line.

    Raises
    ------
    BadParameter
        If --quiet is combined with --verbose or --debug.
    """
    before = Loudness() if afresh else loudness
    loudness.quiet = quiet or before.quiet
    loudness.verbose = verbose or before.verbose
    loudness.debug = debug or before.debug
    if loudness.quiet and (loudness.verbose or loudness.debug):
        raise typer.BadParameter("--quiet cannot be combined with --verbose or --debug: choose one")
    level = (
        logging.DEBUG
        if loudness.debug
        else logging.INFO
        if loudness.verbose
        else logging.ERROR
        if loudness.quiet
        else logging.WARNING
    )
    root = logging.getLogger()
    if loudness.handler is not None:
        root.removeHandler(loudness.handler)
    loudness.handler = handler = logging.StreamHandler()
    # huggingface_hub configures its own handler.
    handler.addFilter(lambda record: not record.name.startswith("huggingface_hub"))
    handler.addFilter(spelled_arguments)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handler.setLevel(level)  # distributed sets its own loggers to INFO
    # Matplotlib warns if it cannot write to the home folder, but works without it.
    handler.addFilter(lambda record: not record.name.startswith("matplotlib") or level < logging.WARNING)
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it warns of a missing font weight


def prints_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Mark a command that prints tables, so that it takes ``--format``."""
    command.prints_tables = True  # type: ignore[attr-defined]
    return command


def everywhere(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of this module added."""

    @functools.wraps(command)
    def run(
        *arguments: Any, quiet: bool, verbose: bool, debug: bool, format: str = "table", **values: Any
    ) -> None:
        settle(quiet=quiet, verbose=verbose, debug=debug)
        loudness.tsv = format == "tsv"
        if loudness.tsv and values.get("json"):
            raise typer.BadParameter("--json and --format tsv are both given: choose one")
        command(*arguments, **values)

    signature = inspect.signature(command, eval_str=True)  # Typer reads only the signature
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in _OPTIONS.items()
    ]
    if getattr(command, "prints_tables", False):
        more.append(
            inspect.Parameter(
                "format", inspect.Parameter.KEYWORD_ONLY, default="table", annotation=FormatOption
            )
        )
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *more])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
    return run
