"""The command line. Each command parses, makes one configuration, calls the library once, and renders.

The only place that prints or exits. Commands import what they need when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from medimeta_c._version import __version__
from medimeta_c.cli.benchmark import (
    build,
    check,
    corrupt,
    datasets,
    demo,
    download,
    import_medimetac,
    import_medmnistc,
    push,
    verify,
)
from medimeta_c.cli.command import Command
from medimeta_c.cli.model import compare, evaluate, export_peft, features, finetune
from medimeta_c.cli.outlets import analyse, figures, leaderboard, submit
from medimeta_c.cli.remedies import message, spelled_arguments
from medimeta_c.errors import MediMetaError, importing_models, printable

__all__ = ["app", "main"]


_EXPLAINED = (MediMetaError, KeyboardInterrupt, OSError, MemoryError)


class _Group(TyperGroup):
    """Turns every error into one sentence on stderr and an exit code, unless ``--debug`` is given."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with importing_models("medimeta-c"):
                return super().invoke(ctx)
        except BrokenPipeError:  # whoever read the output has had enough; Typer ends quietly
            raise
        except (*_EXPLAINED, ValueError) as error:
            # A registry that knows nothing of our errors: two packages have registered one name, say.
            explained = isinstance(error, _EXPLAINED) or type(error).__name__ == "RegistryError"
            if ctx.params.get("debug") or not explained:
                raise
            typer.echo(f"medimeta-c: {_sentences(error)}", err=True)
            sys.exit(error.exit_code if isinstance(error, MediMetaError) else 1)


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; run the same command again to go on where it stopped"
    if isinstance(error, MemoryError):
        return "out of memory: use fewer --jobs"
    if isinstance(error, OSError) and error.filename is not None:
        path = printable(error.filename)
        return f"cannot read or write {path} ({error.strerror}): check the path, and that it is yours"
    return printable(message(error))


def _sentences(error: BaseException) -> str:
    """Return the sentence of an error; of one with several problems, a line of each."""
    faults = getattr(error, "faults", ())
    if len(faults) < 2:
        return _sentence(error)
    return "\n  ".join([f"{len(faults)} problems:", *(printable(message(one)) for one in faults)])


app = typer.Typer(
    name="medimeta-c",
    cls=_Group,
    help="MediMeta-C: how robust are medical vision-language models to image corruptions?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medimeta-c {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    import logging

    log = logging.StreamHandler()
    log.addFilter(lambda record: not record.name.startswith("huggingface_hub"))  # it prints its own
    level = logging.DEBUG if debug else logging.WARNING
    log.addFilter(spelled_arguments)
    log.setLevel(level)  # distributed sets its own loggers to INFO
    logging.basicConfig(level=level, format="%(name)s: %(message)s", handlers=[log])
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # another weight is no news


_COMMANDS: dict[str, Callable[..., None]] = {
    "datasets": datasets.datasets,
    "download": download.download,
    "check": check.check,
    "build": build.build,
    "import-medimetac": import_medimetac.import_medimetac,
    "import-medmnistc": import_medmnistc.import_medmnistc,
    "verify": verify.verify,
    "push": push.push,
    "analyse": analyse.analyse,
    "corrupt": corrupt.corrupt,
    "evaluate": evaluate.evaluate,
    "features": features.features,
    "figures": figures.figures,
    "finetune": finetune.finetune,
    "export-peft": export_peft.export_peft,
    "compare": compare.compare,
    "submit": submit.submit,
}
for _name, _function in _COMMANDS.items():
    app.command(_name, cls=Command)(_function)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("demo", cls=Command)(demo.demo)


def main() -> None:
    """Run the command line; the ``medimeta-c`` script."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or log that is not Unicode shows a name's odd characters as escapes.
            stream.reconfigure(errors="backslashreplace")
    app()


def _stand_in_for_closed_streams() -> None:
    """Open nothing in place of a standard stream that the caller closed, for this process and its workers.

    Else the next file opened takes its number, and what libraries print would go into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = Path(os.devnull).open(mode)  # noqa: SIM115  (as long as the process)
            os.set_inheritable(nothing.fileno(), True)
            setattr(sys, name, nothing)
