"""Drawings as lists of texts, lines, boxes and images: simple figures, painted without matplotlib.

A benchmark's card is drawn with every build, and importing matplotlib would take longer than building a set.
Pillow paints a canvas as PNG; matplotlib is imported only for vector graphics and rare scripts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from medimeta_c.format.keys import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Box", "Canvas", "Line", "Mark", "Tile", "Words"]

_HAIR = 1e-6  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text of one or more lines.

    Parameters
    ----------
    x, y : float
        Its place. Upright, `x` is the end that `across` names and `y` what `up` names. Turned, it is the left
        end and the middle.
    text : str
        Lines are parted by line breaks.
    points : float
        Size of the type.
    bold : bool
        Weight of the type.
    colour : str
        As ``#RRGGBB``.
    across : {'left', 'center', 'right'}
        Which end of the text is at `x`; lines are aligned the same way.
    up : {'center', 'baseline'}
        Whether `y` is the middle of the text or the baseline of its last line.
    turned : bool
        Whether it reads upwards; its lines are centred.
    """

    x: float
    y: float
    text: str
    points: float
    bold: bool = False
    colour: str = "#000000"
    across: Literal["left", "center", "right"] = "left"
    up: Literal["center", "baseline"] = "baseline"
    turned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Straight lines from point to point.

    Parameters
    ----------
    points : sequence of (float, float)
        At least two.
    colour : str
        As ``#RRGGBB``.
    width : float
        In points.
    dash : tuple of float
        Dashes and gaps in turn, in widths of the line; empty for a solid line, which has round ends.
    name : str
        What is drawn, for readers of the drawing; it is not shown.
    """

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float
    dash: tuple[float, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A filled rectangle, in whole pixels."""

    left: int
    top: int
    wide: int
    high: int
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """An image, pixel by pixel: uint8, shape (H, W) or (H, W, 3)."""

    left: int
    top: int
    image: Image


Mark: TypeAlias = Words | Line | Box | Tile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """A drawing on white. Places are in pixels from the top left; later marks cover earlier ones.

    Parameters
    ----------
    width, height : int
        In pixels.
    dpi : float
        Pixels an inch.
    marks : list of Words, Line, Box and Tile
        What is drawn.
    """

    width: int
    height: int
    dpi: float
    marks: list[Mark] = field(default_factory=list)

    def add(self, *marks: Mark) -> None:
        """Draw more."""
        self.marks.extend(marks)

    def px(self, points: float) -> float:
        """Return a length in points as pixels."""
        return points * self.dpi / 72

    def texts(self) -> list[str]:
        """Return every text, as it is broken into lines."""
        return [mark.text for mark in self.marks if isinstance(mark, Words)]

    def png(self) -> bytes:
        """Paint it as an opaque PNG, grey where every pixel is; the same drawing gives the same bytes."""
        from medimeta_c.figures.drawing.letters import is_plain  # noqa: PLC0415

        if all(map(is_plain, self.texts())):
            from medimeta_c.figures.drawing.painting import encoded, paint  # noqa: PLC0415

            return encoded(np.asarray(paint(self)), self.dpi)
        from medimeta_c.figures.drawing import style  # noqa: PLC0415 - it finds a font for each letter

        return style.png(self.drawn())

    def drawn(self) -> Figure:
        """Return the drawing as a figure of matplotlib, for vector graphics."""
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.lines import Line2D  # noqa: PLC0415
        from matplotlib.patches import Rectangle  # noqa: PLC0415

        from medimeta_c.figures.drawing import style  # noqa: PLC0415

        wide, high = self.width, self.height
        with style.context():
            # A quotient just below its value would lose a row of pixels.
            size = [math.nextafter(length / self.dpi, math.inf) for length in (wide, high)]
            figure = Figure(figsize=(size[0], size[1]), dpi=self.dpi, facecolor="white")
            for order, mark in enumerate(self.marks):
                match mark:
                    case Words():
                        figure.text(
                            mark.x / wide,
                            1 - mark.y / high,
                            mark.text,
                            ha=mark.across,
                            va="center" if mark.turned else mark.up,
                            multialignment="center" if mark.turned else mark.across,
                            rotation=90 if mark.turned else 0,
                            fontsize=mark.points,
                            fontweight="bold" if mark.bold else "normal",
                            color=mark.colour,
                            zorder=order,
                        )
                    case Line():
                        places = np.array(mark.points) / (wide, high)
                        line = Line2D(
                            places[:, 0],
                            1 - places[:, 1],
                            transform=figure.transFigure,
                            color=mark.colour,
                            linewidth=mark.width,
                            linestyle=(0.0, mark.dash) if mark.dash else "-",
                            zorder=order,
                        )
                        figure.add_artist(line)
                    case Box():
                        box = Rectangle(
                            (mark.left / wide, 1 - (mark.top + mark.high) / high),
                            mark.wide / wide,
                            mark.high / high,
                            transform=figure.transFigure,
                            facecolor=mark.colour,
                            linewidth=0,
                            antialiased=False,
                            zorder=order,
                        )
                        figure.add_artist(box)
                    case Tile():
                        rows, columns = mark.image.shape[:2]
                        # A hair inside the pixels' borders: rounding must not make it a pixel larger.
                        place = (
                            (mark.left + _HAIR) / wide,
                            1 - (mark.top + rows - _HAIR) / high,
                            (columns - 2 * _HAIR) / wide,
                            (rows - 2 * _HAIR) / high,
                        )
                        panel = figure.add_axes(place, zorder=order)
                        panel.set_axis_off()
                        panel.imshow(coloured(mark.image), interpolation="none", aspect="auto")
        return figure


def coloured(image: Image) -> Image:
    """Return an image in three channels: grey ones equal, where a colour map may be one level off."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
