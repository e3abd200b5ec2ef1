"""Error messages and exit codes of the command line."""

from __future__ import annotations

import typer

from medimeta_c.cli.remedies import message
from medimeta_c.errors import MediMetaError, printable

__all__ = ["Ended", "exit_code", "explained", "usage_sentence"]


class Ended(Exception):
    """Raised when a signal ends a command.

    Parameters
    ----------
    number : int
        The signal.
    resumes : bool
        Whether the command resumes when it is run again.
    """

    def __init__(self, number: int, *, resumes: bool) -> None:
        super().__init__("interrupted: run the same command again to resume" if resumes else "interrupted")
        self.exit_code = 128 + number


_EXPLAINED = (MediMetaError, OSError, MemoryError, Ended)


def explained(error: BaseException) -> str | None:
    """Return the message of a known error, one line for each of several problems; None for others."""
    # RegistryError is not a MediMetaError: medimeta_corruptions does not depend on this package.
    if not isinstance(error, _EXPLAINED) and type(error).__name__ != "RegistryError":
        return None
    faults = getattr(error, "faults", ())
    if len(faults) < 2:
        return _sentence(error)
    return "\n  ".join([f"{len(faults)} problems:", *(printable(message(one)) for one in faults)])


def usage_sentence(error: BaseException) -> str | None:
    """Return the message of a usage error; None for any other error."""
    if not isinstance(error, typer.BadParameter.__bases__):  # Click's UsageError, or Typer's own copy of it
        return None
    if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help, or empty if it was printed
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
        return f"cannot read or write {path} ({error.strerror}): check the path and its permissions"
    return printable(message(error))
