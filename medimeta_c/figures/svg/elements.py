"""Render figures as SVG in a web page, with the page's type and its colours (light and dark)."""

from __future__ import annotations

import io
import re
import unicodedata
from contextlib import AbstractContextManager, ExitStack

import matplotlib as mpl
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style

__all__ = ["ACCENT", "INK", "MUTED", "ON_ACCENT", "RULE", "context", "label", "svg"]

# Stand-ins that matplotlib can draw with; `svg` puts the page's custom properties in their place.
INK = "#010101"
MUTED = "#020202"
RULE = "#030303"
ACCENT = "#040404"
ON_ACCENT = "#050505"
_PROPERTIES = {
    INK: "currentColor",
    MUTED: "var(--muted, #5b6470)",
    RULE: "var(--rule, #d8dde3)",
    ACCENT: "var(--accent, #0b5d8a)",
    ON_ACCENT: "var(--on-accent, #ffffff)",
}
_PX_PER_INCH = 104  # the page's text is larger than a printed figure's
_FONT = re.compile(r"(?:'DejaVu Sans'|DejaVu Sans)(?:, [^;\"]*)?")
_SETTINGS = {
    "svg.fonttype": "none",  # text stays text: selectable, searchable, in the page's type
    "svg.hashsalt": "medimeta-c",
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def context() -> AbstractContextManager[object]:
    """Return a context in which matplotlib has the figures' style in the page's colours."""
    stack = ExitStack()
    stack.enter_context(style.context())
    stack.enter_context(mpl.rc_context(_SETTINGS))  # type: ignore[arg-type]
    return stack


def svg(figure: Figure, name: str, title: str, *, own_size: bool = False) -> str:
    """Render a figure as one ``<svg>`` element for a page.

    Parameters
    ----------
    figure : Figure
        Drawn in `context` with this module's colours.
    name : str
        Letters, digits, underscores and dashes; makes the ids of several figures in one page distinct.
    title : str
        What a screen reader says.
    own_size : bool
        Give the element the figure's own width; otherwise it takes what the page has.

    Returns
    -------
    str
        Without prolog and metadata; the same figure gives the same text.
    """
    buffer = io.StringIO()
    with context():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = _FONT.sub("var(--sans, sans-serif)", text)
    for stand_in, value in _PROPERTIES.items():
        text = text.replace(stand_in, value)
    # Without width and height the view box scales to the page.
    head = re.sub(r' (?:width|height)="[^"]*"', "", text[: text.index(">")])
    if own_size:
        head += f' width="{figure.get_figwidth() * _PX_PER_INCH:.0f}"'
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{escaped}">{text[text.index(">") + 1 :]}'.strip()


def label(text: str, longest: int = 28) -> str:
    """Return an untrusted name as a short, printable label."""
    line = "".join(char for char in " ".join(text.split()) if unicodedata.category(char)[0] != "C")
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
