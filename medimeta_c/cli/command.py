"""A command whose help also names what other distributions registered, without importing it."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from typer.core import TyperCommand

from medimeta_c.cli.remedies import running

__all__ = ["Command"]

_GROUPS = {
    "corruption": "corruptions",
    "source": "sources",
    "suite": "suites",
    "metrics": "metrics",
    "model": "models",
    "prompts": "prompts",
    "only": "figures",
}
"""The group of entry points from which an option takes names."""


class Command(TyperCommand):
    """A command of ``medimeta-c``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; from now on remedies are spelled in its options."""
        running.command, running.group = self, ctx.find_root().command
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; an option that takes names lists those of other distributions."""
        for option in self.params:
            group = _GROUPS.get(option.name or "")
            names = (
                sorted({entry.name for entry in entry_points(group=f"medimeta_c.{group}")}) if group else ()
            )
            help_text = getattr(option, "help", None)
            if names and help_text:
                option.help = f"{help_text} Also installed: {', '.join(names)}."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)
