"""Break long names into lines, where figures have little room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medimeta_c.figures.drawing.letters import text_inches
from medimeta_c.io.wrapping import by_letters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["by_inches", "name_row"]

_ROW_POINTS = 7.5


def by_inches(name: str, most: float, points: float, weight: str = "normal") -> str:
    """Break each line of a name into lines no longer than so many inches as they are drawn."""
    if "\n" in name:
        return "\n".join(by_inches(line, most, points, weight) for line in name.split("\n"))
    lines = [name]
    for letters in range(len(name), 0, -1):
        lines = by_letters(name, letters)
        if max(text_inches(line, points, weight) for line in lines) <= most:
            break
    return "\n".join(lines)


def name_row(panel: Axes, names: Sequence[str], inches: float) -> None:
    """Write the words of names, one under the other, beside a row of panels that is so many inches high."""
    words = " ".join(names).split(" ")
    lines = [by_inches(word, 0.92 * inches, _ROW_POINTS, "bold") for word in words]
    panel.set_ylabel("\n".join(lines), fontsize=_ROW_POINTS, fontweight="bold")
