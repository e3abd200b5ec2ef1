"""The look that all figures share: colours, lines, type and widths. Agg only, no pyplot, no user settings."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal, TypeAlias

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from medimeta_c.figures.drawing.letters import text_inches
from medimeta_c.figures.drawing.painting import encoded
from medimeta_c.figures.drawing.sizes import (
    CLEAN_COLOUR,
    COLUMN_INCHES,
    DPI,
    PAGE_INCHES,
    PRINT_DPI,
    TITLE_POINTS,
)

__all__ = [
    "CLEAN_COLOUR",
    "COLUMN_INCHES",
    "DPI",
    "PAGE_INCHES",
    "PRINT_DPI",
    "TITLE_POINTS",
    "Panels",
    "context",
    "page",
    "place",
    "png",
    "rules",
    "severity_colour",
    "text_inches",
    "undrawn",
    "vector",
    "wide_text_inches",
]

Panels: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""Axes by row and column."""

_MEASURING_DPI = 300
_FONT = re.compile(rb"'?DejaVu Sans'?(?:, [^;\"]*)?")

# Light to dark, one hue: severity has an order, and prints in grey.
_SEVERITY_COLOURS = ("#9ECAE1", "#6BAED6", "#4292C6", "#2171B5", "#08306B")

# For letters that DejaVu Sans lacks, from whichever of these a machine has: of Linux, macOS and Windows.
_WIDE_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei"),
    *("Hiragino Sans GB", "Arial Unicode MS", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
)

_SETTINGS = {
    "font.size": 7.5,
    "axes.titlesize": TITLE_POINTS,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "round",
    "text.parse_math": False,  # names are untrusted text: a dollar sign starts no formula
}


@contextmanager
def context() -> Iterator[None]:
    """Open a context in which matplotlib has this style and nothing of the user's own settings."""
    settings = {**_SETTINGS, "font.family": _fonts()}
    with matplotlib.style.context(settings, after_reset=True), warnings.catch_warnings():
        # `undrawn` tells of them, and in SVG the reader's fonts draw them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


@cache
def _fonts() -> list[str]:
    """Return DejaVu Sans, which comes with matplotlib, so every machine draws the same, and what helps it."""
    here = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _WIDE_FONTS if name in here)]


def undrawn(words: str) -> str:
    """Return the letters for which no font here has a shape: PNG and PDF show boxes in their place."""
    fonts = [get_font(findfont(FontProperties(family=[name]))) for name in _fonts()]
    letters = dict.fromkeys(char for char in words if char.isprintable() and not char.isspace())
    return "".join(char for char in letters if not any(font.get_char_index(ord(char)) for font in fonts))


def page(wide: float, high: float, rows: int, columns: int, **shared: Any) -> tuple[Figure, Panels]:
    """Return a figure for print, of so many inches, that lays its panels out itself, and these by row."""
    figure = Figure(figsize=(wide, high), dpi=PRINT_DPI, facecolor="white", layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def place(figure: Figure, left: float, bottom: float, wide: float, high: float, **shared: Any) -> Axes:
    """Add a panel at a place in inches from the figure's lower left corner."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, wide / across, high / up), **shared)


def rules(panel: Axes, axis: Literal["x", "y"], colour: str = "#E5E5E5", width: float = 0.5) -> None:
    """Draw thin lines at an axis's ticks, behind the data."""
    panel.grid(axis=axis, color=colour, linewidth=width)
    panel.set_axisbelow(True)


def severity_colour(severity: int) -> str:
    """Return the colour of a severity, 0 (clean) to 5, the same in every figure."""
    return CLEAN_COLOUR if severity == 0 else _SEVERITY_COLOURS[severity - 1]


def vector(figure: Figure, kind: str) -> bytes:
    """Render a figure as ``"svg"`` or ``"pdf"``, without time or software names.

    Letters stay text, to be selected, searched and edited: in PDF with their font, in SVG in the reader's
    DejaVu Sans or a font of the same widths.
    """
    buffer = io.BytesIO()
    empty = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}[kind]
    settings = {"svg.hashsalt": "medimeta-c", "svg.fonttype": "none", "pdf.fonttype": 42}
    with context(), mpl.rc_context(settings):  # type: ignore[arg-type]
        figure.savefig(buffer, format=kind, metadata=dict.fromkeys(empty))
    data = buffer.getvalue()
    return _FONT.sub(b"'DejaVu Sans', Verdana, sans-serif", data) if kind == "svg" else data


def wide_text_inches(words: str, points: float, weight: str = "normal") -> float:
    """Return the width of words with letters that other fonts than DejaVu Sans draw."""
    with context():
        figure = Figure(figsize=(1, 1), dpi=_MEASURING_DPI)
        text = figure.text(0, 0, words, fontsize=points, fontweight=weight)
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        return float(text.get_window_extent(renderer).width) / _MEASURING_DPI


def png(figure: Figure) -> bytes:
    """Render a figure at its own resolution as an opaque PNG, grey where every pixel is grey.

    No software name and no time is written: the same figure gives the same bytes.
    """
    canvas = FigureCanvasAgg(figure)
    with context():
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    return encoded(pixels, figure.dpi)
