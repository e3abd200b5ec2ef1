"""The command line. A command parses options, builds one configuration, calls the library, prints.

Only this package prints or exits. `medimeta_c.cli.commands` lists the commands, which import what they need
when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from medimeta_c._version import __version__
from medimeta_c.cli.commands import Application
from medimeta_c.cli.common import DebugOption, QuietOption, VerboseOption, settle
from medimeta_c.cli.interrupts import interruptible

__all__ = ["app", "main"]

app = typer.Typer(
    name="medimeta-c",
    cls=Application,
    help="MediMeta-C: how robust are medical vision-language models to image corruptions?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medimeta-c {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    settle(quiet=quiet, verbose=verbose, debug=debug, afresh=True)


def main() -> None:
    """Run the command line; the entry point of the ``medimeta-c`` script."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or log that is not Unicode shows unsupported characters as escapes.
            stream.reconfigure(errors="backslashreplace")
    with interruptible():
        app()


def _stand_in_for_closed_streams() -> None:
    """Open the null device in place of each standard stream that the caller closed; workers inherit it.

    Otherwise the next opened file would get the number of that stream, and libraries would print into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = Path(os.devnull).open(mode)  # noqa: SIM115  (open until the process ends)
            os.set_inheritable(nothing.fileno(), True)
            setattr(sys, name, nothing)
