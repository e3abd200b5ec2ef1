"""The command line. A command parses options, builds one configuration, calls the library, prints.

Only this package prints or exits. Commands import what they need when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from medimeta_c._version import __version__
from medimeta_c.cli import environment
from medimeta_c.cli.benchmark import (
    build,
    check,
    corrupt,
    corruptions,
    datasets,
    demo,
    download,
    import_medimetac,
    import_medmnistc,
    merge,
    push,
    sign,
    verify,
)
from medimeta_c.cli.command import Command, Group, Resuming
from medimeta_c.cli.common import DebugOption, QuietOption, VerboseOption, everywhere, settle
from medimeta_c.cli.interrupts import interruptible
from medimeta_c.cli.model import compare, evaluate, export_peft, features, finetune, models, probe
from medimeta_c.cli.outlets import analyse, figures, leaderboard, readers, submit

__all__ = ["app", "main"]

app = typer.Typer(
    name="medimeta-c",
    cls=Group,
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


_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Data": {
        "datasets": datasets.datasets,
        "download": download.download,
        "check": check.check,
    },
    "Benchmark": {
        "build": build.build,
        "merge": merge.merge,
        "import-medimetac": import_medimetac.import_medimetac,
        "import-medmnistc": import_medmnistc.import_medmnistc,
        "verify": verify.verify,
        "sign": sign.sign,
        "push": push.push,
        "analyse": analyse.analyse,
        "corrupt": corrupt.corrupt,
        "corruptions": corruptions.corruptions,
    },
    "Models": {
        "models": models.models,
        "evaluate": evaluate.evaluate,
        "compare": compare.compare,
        "finetune": finetune.finetune,
        "probe": probe.probe,
        "export-peft": export_peft.export_peft,
        "features": features.features,
    },
    "Reports": {
        "figures": figures.figures,
        "submit": submit.submit,
    },
}
_RESUMING = {"download", "build", "merge", "import-medimetac", "import-medmnistc", "push"}
_RESUMING |= {"evaluate", "probe", "finetune"}
for _panel, _commands in _COMMANDS.items():
    for _name, _function in _commands.items():
        _class = Resuming if _name in _RESUMING else Command
        app.command(_name, cls=_class, rich_help_panel=_panel)(everywhere(_function))
app.add_typer(leaderboard.app, name="leaderboard", rich_help_panel="Reports")
app.add_typer(readers.app, name="readers", rich_help_panel="Reports")
app.command("demo", cls=Command, rich_help_panel="Help")(everywhere(demo.demo))
app.command("env", cls=Command, rich_help_panel="Help")(everywhere(environment.env))


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
