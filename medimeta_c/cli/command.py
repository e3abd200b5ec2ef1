"""Command and group classes: refuse repeated and empty options, print an error as one sentence."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from medimeta_c.cli.common import loudness
from medimeta_c.cli.failure import Ended, exit_code, explained, usage_sentence
from medimeta_c.cli.remedies import running
from medimeta_c.errors import importing_models
from medimeta_c.io.causes import chain
from medimeta_c.io.stores.urls import local_only, looks_like_url

__all__ = ["Command", "Group", "Resuming"]

_PLUGINS = {
    "corruption": "corruptions",
    "source": "sources",
    "suite": "suites",
    "metrics": "metrics",
    "model": "models",
    "prompts": "prompts",
    "only": "figures",
}
"""By option, the group of entry points whose names the option accepts."""


class Command(TyperCommand):
    """A command of ``medimeta-c``.

    Attributes
    ----------
    resumes : bool
        Whether the command resumes when it is run again after an interruption.
    """

    resumes = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command; from now on, error messages name its options."""
        running.command, running.group = self, ctx.find_root().command
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        given = _checked(self, ctx, args)
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            value = None if error.param is None else given.get(error.param.name)
            if value is None:
                raise
            if looks_like_url(value):
                raise local_only(value, _shown(error.param)) from None
            raise type(error).__bases__[0](f"{_shown(error.param)} {value!r}: {error.message}", ctx) from None
        self._refuse_urls(ctx)
        return rest

    def _refuse_urls(self, ctx: Any) -> None:
        """Refuse a URL where a local path is wanted; options that take both are texts."""
        for one in self.params:
            # Older versions of Typer make a Path of the text only when the command is called.
            of_path = type(getattr(one, "type", None)).__name__ == "TyperPath"
            for value in _parts(ctx.params.get(one.name)):
                if (of_path or isinstance(value, Path)) and looks_like_url(value):
                    raise local_only(value, _shown(one))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; options that accept names also list the names of installed plug-ins."""
        from importlib.metadata import entry_points

        installed = entry_points()
        for option in self.params:
            group = _PLUGINS.get(option.name or "")
            found = installed.select(group=f"medimeta_c.{group}") if group else ()
            names = sorted({entry.name for entry in found})
            help_text = getattr(option, "help", None)
            if names and help_text:
                option.help = f"{help_text} Also installed: {', '.join(names)}."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


class Resuming(Command):
    """A command that resumes when it is run again after an interruption."""

    resumes = True


class Group(TyperGroup):
    """A group of commands; the outermost one prints an error as one sentence and sets the exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the command's name."""
        _checked(self, ctx, args)
        return super().parse_args(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; with `standalone_mode`, also exit the process."""

        def run() -> Any:
            with importing_models("medimeta-c"):
                return super(Group, self).main(
                    args, prog_name, complete_var, False, windows_expand_args, **extra
                )

        return _left_with_exit_code(run) if standalone_mode else run()

    def invoke(self, ctx: Any) -> Any:
        """Run a command; turn an interruption into an error that says whether the command resumes."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Exception) as error:
            # Typer would exit with 130 and print nothing. A clean-up that failed may hide the signal.
            interrupt = next((one for one in chain(error) if isinstance(one, KeyboardInterrupt)), None)
            if interrupt is None:
                raise
            number = getattr(interrupt, "number", signal.SIGINT)
            command = self.commands.get(ctx.invoked_subcommand or "")
            raise Ended(int(number), resumes=getattr(command, "resumes", False)) from None


def _left_with_exit_code(run: Callable[[], Any]) -> None:
    """Run the command line and exit; print a known error as one sentence on stderr."""
    try:
        code = run()
    except typer.Abort:
        code = 1
    except Exception as error:
        if (usage := usage_sentence(error)) is not None:
            typer.echo(usage, err=True, nl=bool(usage))
            code = 2
        elif (loudness.debug and not isinstance(error, Ended)) or (sentence := explained(error)) is None:
            raise
        else:
            typer.echo(f"medimeta-c: {sentence}", err=True)
            code = exit_code(error)
    sys.exit(code or 0)


def _checked(command: Any, ctx: Any, args: Sequence[str]) -> Mapping[str, Any]:
    """Refuse repeated options that take one value, and empty values; return the given values.

    Click itself would use the last value, and would read an empty path as the current folder.
    """
    if ctx.resilient_parsing:
        return {}
    given: dict[str, Any]
    given, _, order = command.make_parser(ctx).parse_args(args=list(args))
    if any(given.get(name) for name in ("help", "version")):
        return given
    times = Counter(id(one) for one in order)
    for one in {id(one): one for one in order}.values():
        single = one.param_type_name == "option" and not one.multiple
        if single and times[id(one)] > 1:
            ctx.fail(f"{_shown(one)} is given {_times(times[id(one)])}: give it once")
        if any(isinstance(part, str) and not part.strip() for part in _parts(given.get(one.name))):
            ctx.fail(f"{_shown(one)} is empty: give a value, or leave it out")
    return given


def _shown(parameter: Any) -> str:
    """Return the name of an option or argument as the help shows it."""
    is_option = parameter.param_type_name == "option"
    return str(parameter.opts[0] if is_option else parameter.metavar or parameter.name.upper())


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _parts(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)
