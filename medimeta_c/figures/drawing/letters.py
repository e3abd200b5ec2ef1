"""The type of all figures, DejaVu Sans, which comes with matplotlib: its files, its letters and their widths.

Nothing here imports matplotlib, except for letters that the type lacks.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

__all__ = ["face", "is_plain", "text_inches"]

_MEASURING_DPI = 300
_POINTS_PER_INCH = 72
_FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}

# Latin letters with every accent, dashes, quotation marks and raised figures.
_PLAIN = ((0x20, 0x24F), (0x2010, 0x2027), (0x2070, 0x207F))


@cache
def face(points: float, dpi: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the type at a size and resolution."""
    found = find_spec("matplotlib")
    assert found is not None and found.origin is not None, "matplotlib is a base dependency"
    file = Path(found.origin).parent / "mpl-data/fonts/ttf" / _FILES[bold]
    return ImageFont.truetype(str(file), points * dpi / _POINTS_PER_INCH)


def is_plain(words: str) -> bool:
    """Return whether the type has all letters of a text, apart from line breaks; False if that is unsure."""
    return all(
        letter == "\n" or any(first <= ord(letter) <= last for first, last in _PLAIN) for letter in words
    )


def text_inches(words: str, points: float, weight: str = "normal") -> float:
    """Return the width of words as they are drawn: that of the longest line."""
    if not is_plain(words):
        from medimeta_c.figures.drawing.style import wide_text_inches  # noqa: PLC0415 - imports matplotlib

        return wide_text_inches(words, points, weight)
    font = face(points, _MEASURING_DPI, weight == "bold")
    return max(font.getlength(line) for line in words.split("\n")) / _MEASURING_DPI
