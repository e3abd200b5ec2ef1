"""Options that several commands share and no command handles itself: how much it says, and in which form."""

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
VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Print what is done, step by step.", rich_help_panel=_PANEL)
]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Print every step, and the traceback of an error.", rich_help_panel=_PANEL),
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
        help="How tables are printed; [b]tsv[/b]: tab-separated on stdout, with unrounded numbers, and "
        "everything else on stderr.",
    ),
]
_OPTIONS = {"quiet": QuietOption, "verbose": VerboseOption, "debug": DebugOption}


@dataclass(slots=True)
class Loudness:
    """How much the running command says."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    tsv: bool = False
    handler: logging.Handler | None = None


loudness = Loudness()


def settle(*, quiet: bool, verbose: bool, debug: bool, afresh: bool = False) -> None:
    """Add the options given at one place of the line to those given before, and set up logging.

    Raises
    ------
    BadParameter
        If the command is to be quiet and not to be.
    """
    before = Loudness() if afresh else loudness
    loudness.quiet = quiet or before.quiet
    loudness.verbose = verbose or before.verbose
    loudness.debug = debug or before.debug
    if loudness.quiet and (loudness.verbose or loudness.debug):
        raise typer.BadParameter("--quiet and --verbose or --debug are both given: choose one")
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
    handler.addFilter(lambda record: not record.name.startswith("huggingface_hub"))  # it prints its own
    handler.addFilter(spelled_arguments)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handler.setLevel(level)  # distributed sets its own loggers to INFO
    # It warns of a home folder that it cannot write to, and then does without.
    handler.addFilter(lambda record: record.name != "matplotlib" or level < logging.WARNING)
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # another weight is no news


def prints_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Mark a command that prints tables, so that it takes ``--format``."""
    command.prints_tables = True  # type: ignore[attr-defined]
    return command


def everywhere(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that also takes the options of this module."""

    @functools.wraps(command)
    def run(
        *arguments: Any, quiet: bool, verbose: bool, debug: bool, format: str = "table", **values: Any
    ) -> None:
        settle(quiet=quiet, verbose=verbose, debug=debug)
        loudness.tsv = format == "tsv"
        if loudness.tsv and values.get("json"):
            raise typer.BadParameter("--json and --format tsv are both given: choose one")
        command(*arguments, **values)

    signature = inspect.signature(command, eval_str=True)  # Typer looks no further than the signature
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
