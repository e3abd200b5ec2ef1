"""What the command line says of an error, and the exit code it leaves with."""

from __future__ import annotations

import typer

from medimeta_c.cli.remedies import message
from medimeta_c.errors import MediMetaError, printable

__all__ = ["Ended", "exit_code", "explained", "usage_sentence"]


class Ended(Exception):
    """Raised in place of a command that a signal ended.

    Parameters
    ----------
    number : int
        The signal.
    resumes : bool
        Whether the same command goes on where it stopped.
    """

    def __init__(self, number: int, *, resumes: bool) -> None:
        super().__init__("interrupted: run the same command again to resume" if resumes else "interrupted")
        self.exit_code = 128 + number


_EXPLAINED = (MediMetaError, OSError, MemoryError, Ended)


def explained(error: BaseException) -> str | None:
    """Return the sentence of an error, a line for each of several problems; None if it is no known one."""
    # A registry that knows nothing of our errors: two packages have registered one name, say.
    if not isinstance(error, _EXPLAINED) and type(error).__name__ != "RegistryError":
        return None
    faults = getattr(error, "faults", ())
    if len(faults) < 2:
        return _sentence(error)
    return "\n  ".join([f"{len(faults)} problems:", *(printable(message(one)) for one in faults)])


def usage_sentence(error: BaseException) -> str | None:
    """Return what to print of a command line that cannot be read; None for any other error."""
    if not isinstance(error, typer.BadParameter.__bases__):  # Click's UsageError, or Typer's own copy of it
        return None
    if type(error).__name__ == "NoArgsIsHelpError":  # the help itself, unless it is printed already
        return str(error.format_message())  # type: ignore[attr-defined]
    said = printable(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    command = ctx.command_path if (ctx := getattr(error, "ctx", None)) else "medimeta-c"
    return f"medimeta-c: {said[:1].lower()}{said[1:]} (see {command} --help)"


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    return error.exit_code if isinstance(error, MediMetaError | Ended) else 1


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: use fewer --jobs"
    if isinstance(error, OSError) and error.filename is not None:
        path = printable(error.filename)
        return f"cannot read or write {path} ({error.strerror}): check the path, and that it is yours"
    return printable(message(error))
