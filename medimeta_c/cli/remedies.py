"""Write the remedies of errors with the option names of the running command."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from medimeta_c.errors import MediMetaError, Remedy

__all__ = ["Running", "message", "option_of", "running", "spelled", "spelled_arguments"]

# Library parameters whose option has a different name.
_OPTIONS = {
    "corruptions": "corruption",
    "data_dir": "data",
    "datasets": "dataset",
    "draw_from": "from",
    "fraction": "fewshot",
    "heads": "head",
    "pull_request": "pr",
    "repo_id": "repo",
    "severities": "severity",
    "splits": "split",
}


class Running:
    """The running command and its application.

    Attributes
    ----------
    command : click.Command or None
        None outside the command line.
    group : click.Group or None
        The application; other commands are looked up in it.
    """

    command: Any = None
    group: Any = None


running = Running()


def message(error: BaseException) -> str:
    """Return the message of an error; its remedies name options of the running command."""
    return error.sentence(spelled) if isinstance(error, MediMetaError) else str(error)


def spelled(remedy: Remedy) -> str:
    """Return a remedy with the option names of the running command.

    A parameter without an option in this command is written in words.
    """
    return remedy.spelled(lambda name, value: _parameter(running.command, name, value), _command)


def spelled_arguments(record: logging.LogRecord) -> bool:
    """Convert the remedies in a log record's arguments to text; a logging filter that keeps every record."""
    if isinstance(record.args, tuple):
        record.args = tuple(spelled(each) if isinstance(each, Remedy) else each for each in record.args)
    return True


def _parameter(command: Any, name: str, value: object) -> str:
    option = option_of(command, name)
    if option is None:
        words = name.replace("_", " ")
        return words if value is None or value is True else f"{words} {_text(value)}"
    return option if value is None or value is True else f"{option} {_text(value)}"


def _command(name: str, values: Mapping[str, object]) -> str:
    command = running.group
    for part in name.split():
        command = getattr(command, "commands", {}).get(part)
    options = (_parameter(command, each, value) for each, value in values.items())
    return " ".join(["`medimeta-c", name, *options]) + "`"


def option_of(command: Any, name: str) -> str | None:
    """Return the option for a library parameter, or the argument's name as the help shows it."""
    wanted = {name, _OPTIONS.get(name, name)}
    for parameter in getattr(command, "params", ()):
        spellings = (each.lstrip("-").replace("-", "_") for each in parameter.opts)
        names = {str(parameter.name).rstrip("_"), *spellings}
        if wanted & names:
            is_option = parameter.param_type_name == "option"
            return max(parameter.opts, key=len) if is_option else str(parameter.name).upper()
    return None


def _text(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str | PurePath):
        return ",".join(map(str, value))
    return str(value)
