"""The look that all figures share: colours, lines, type and widths. Agg only, no pyplot, no user settings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Literal

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from medimeta_corruptions import CORRUPTIONS

__all__ = [
    "CLEAN_COLOUR",
    "COLUMN_INCHES",
    "DPI",
    "PAGE_INCHES",
    "PRINT_DPI",
    "ModelLook",
    "colour",
    "context",
    "line_style",
    "model_looks",
    "png",
    "severity_colour",
    "vector",
]

LineStyle = Literal["-", "--", "-.", ":"]

DPI = 160
PRINT_DPI = 300
"""Of figures for a journal."""
COLUMN_INCHES = 84 / 25.4
"""Width of one column of a two-column journal page."""
PAGE_INCHES = 174 / 25.4
"""Width of such a page's text."""

CLEAN_COLOUR = "#000000"

# Okabe and Ito's palette without its yellow, which white paper swallows, and Paul Tol's wine instead: one hue
# a category, told apart within it by lightness and dashes, so that no pair rests on hue alone.
_COLOURS = {
    "gaussian_noise": "#D55E00",
    "impulse_noise": "#E69F00",
    "motion_blur": "#0072B2",
    "zoom_blur": "#56B4E9",
    "brightness": "#CC79A7",
    "contrast": "#882255",
    "pixelate": "#009E73",
}
_LINES: dict[str, LineStyle] = {
    "impulse_noise": "--",
    "zoom_blur": "--",
    "brightness": ":",
    "contrast": "--",
    "pixelate": "-.",
}
_SPARE_COLOURS = ("#332288", "#999933", "#44AA99", "#AA4499")

# Models of the paper, told apart by colour, marker and dashes at once.
_MODEL_COLOURS = {
    "robustmedclip": "#D55E00",
    "unimedclip": "#009E73",
    "biomedclip": "#0072B2",
    "medclip": "#E69F00",
    "rmcresnet": "#882255",
    "rmcvit": "#D55E00",
    "clip": "#555555",
}
_MODEL_MARKERS: dict[str, tuple[str, LineStyle]] = {
    "robustmedclip": ("*", "-"),
    "unimedclip": ("^", "--"),
    "biomedclip": ("s", "-"),
    "medclip": ("D", ":"),
    "rmcresnet": ("X", "--"),
    "rmcvit": ("*", "-"),
    "clip": ("o", "-."),
}
_MARKER_SCALE = {"*": 1.45, "D": 0.8, "s": 0.9, "X": 1.1}
_SPARE_LOOKS: tuple[tuple[str, str, LineStyle], ...] = (
    ("#CC79A7", "v", "-"),
    ("#332288", "P", "--"),
    ("#44AA99", "<", "-."),
    ("#999933", ">", ":"),
    ("#AA4499", "h", "-"),
    ("#6699CC", "p", "--"),
    ("#661100", "d", "-."),
    ("#117733", "8", ":"),
)

# Light to dark, one hue: severity has an order, and prints in grey.
_SEVERITY_COLOURS = ("#9ECAE1", "#6BAED6", "#4292C6", "#2171B5", "#08306B")

_SETTINGS = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same
    "font.size": 7.5,
    "axes.titlesize": 8,
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
}


def context() -> AbstractContextManager[None]:
    """Return a context in which matplotlib has this style and nothing of the user's own settings."""
    return matplotlib.style.context(_SETTINGS, after_reset=True)


def colour(corruption: str) -> str:
    """Return a corruption's colour, the same in every figure."""
    if corruption in _COLOURS:
        return _COLOURS[corruption]
    others = [name for name in CORRUPTIONS if name not in _COLOURS]
    index = others.index(corruption) if corruption in others else 0
    return _SPARE_COLOURS[index % len(_SPARE_COLOURS)]


def line_style(corruption: str) -> LineStyle:
    """Return a corruption's line style, which tells it from its category's other when printed grey."""
    return _LINES.get(corruption, "-" if corruption in _COLOURS else "-.")


@dataclass(frozen=True, slots=True)
class ModelLook:
    """How a model is drawn.

    Parameters
    ----------
    colour, marker, line : str
        As matplotlib names them.
    """

    colour: str
    marker: str
    line: LineStyle

    def size(self, points: float) -> float:
        """Return the marker size that looks as large as a disc of so many points across."""
        return points * _MARKER_SCALE.get(self.marker, 1.0)


def model_looks(models: Sequence[str]) -> dict[str, ModelLook]:
    """Return how each model is drawn, the same in every figure made of the same models.

    The paper's models have looks of their own, also under the names of their checkpoints; any other gets a
    spare one by its place in the sequence.

    Examples
    --------
    >>> looks = model_looks(["ViT-B-16/openai", "CLIP", "BiomedCLIP-PubMedBERT"])
    >>> looks["ViT-B-16/openai"].marker, looks["BiomedCLIP-PubMedBERT"].marker, looks["CLIP"].marker
    ('o', 's', 'v')
    """
    looks: dict[str, ModelLook] = {}
    taken: set[str] = set()
    spare = 0
    for model in dict.fromkeys(models):
        known = _known_model(model)
        if known is None or known in taken:
            looks[model] = ModelLook(*_SPARE_LOOKS[spare % len(_SPARE_LOOKS)])
            spare += 1
        else:
            taken.add(known)
            looks[model] = ModelLook(_MODEL_COLOURS[known], *_MODEL_MARKERS[known])
    return looks


def _known_model(model: str) -> str | None:
    """Return the paper's model that a name or spec means, if it means one."""
    letters = "".join(char for char in model.lower() if char.isalnum())
    if letters in {"clip", "vitb16openai"}:
        return "clip"
    named = [name for name in _MODEL_COLOURS if name != "clip" and name in letters]
    return named[0] if named else None


def severity_colour(severity: int) -> str:
    """Return the colour of a severity, 0 (clean) to 5, the same in every figure."""
    return CLEAN_COLOUR if severity == 0 else _SEVERITY_COLOURS[severity - 1]


def vector(figure: Figure, kind: str) -> bytes:
    """Render a figure as ``"svg"`` or ``"pdf"``, without time or software names.

    Letters are outlines in SVG and embedded TrueType in PDF, so that both look the same everywhere.
    """
    buffer = io.BytesIO()
    empty = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}[kind]
    with ExitStack() as stack:
        stack.enter_context(context())
        stack.enter_context(mpl.rc_context({"svg.hashsalt": "medimeta-c", "pdf.fonttype": 42}))
        figure.savefig(buffer, format=kind, metadata=dict.fromkeys(empty))
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    """Render a figure at its own resolution as an opaque PNG, grey where every pixel is grey.

    No software name and no time is written: the same figure gives the same bytes.
    """
    canvas = FigureCanvasAgg(figure)
    with context():
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    buffer = io.BytesIO()
    image = PillowImage.fromarray(np.ascontiguousarray(pixels))
    image.save(buffer, "PNG", compress_level=6, dpi=(figure.dpi, figure.dpi))
    return buffer.getvalue()
