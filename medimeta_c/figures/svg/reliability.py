"""Reliability diagrams as SVG: how often answers are right, by the confidence they were given with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from markupsafe import Markup

from medimeta_c.figures.svg.panel import Panel
from medimeta_c.results.cells import percent

__all__ = ["Bin", "reliability"]

_SIDE = 216  # px
_LARGEST, _SMALLEST = 9.0, 1.6  # radii in px, of all images and of few
_FEW = 20  # images: the share of them that is right says little


class Bin(Protocol):
    """Images whose confidence lies in one range: their mean confidence, their accuracy, their number."""

    @property
    def confidence(self) -> float:
        """Their mean confidence, 0 to 1."""

    @property
    def accuracy(self) -> float:
        """The share that is right, 0 to 1."""

    @property
    def count(self) -> int:
        """How many there are."""


def reliability(series: Mapping[str, Sequence[Bin]], title: str) -> Markup:
    """Draw accuracy over confidence; on the diagonal the two agree, below it the model is overconfident.

    Parameters
    ----------
    series : mapping of str to sequence of Bin
        By name, which is the class of its marks, such as ``clean``. Empty bins are left out.
    title : str
        What a screen reader says.

    Returns
    -------
    Markup
        A line a series, and a dot a bin, whose area grows with its share of the images. Bins of few images
        are also of the class ``few`` and apart from the line.
    """
    panel = Panel((0, 1), (0, 1), width=_SIDE, height=_SIDE, margins=(28, 10, 12, 20))
    labels = ((0, "0"), (0.5, "50"), (1, "100"))
    panel.levels(labels)
    panel.ticks(labels)
    panel.line([(0, 0), (1, 1)], "chance")
    for name, bins in series.items():
        held = [one for one in bins if one.count]
        total = sum(one.count for one in held)
        panel.line([(one.confidence, one.accuracy) for one in held if one.count >= _FEW], name)
        for one in held:
            said = (
                f"{name}: {one.count} images with confidence {percent(one.confidence)} % on average, "
                f"{percent(one.accuracy)} % of them right"
            )
            radius = max(_SMALLEST, _LARGEST * (one.count / total) ** 0.5)
            css = name if one.count >= _FEW else f"{name} few"
            panel.dot((one.confidence, one.accuracy), radius, css, said)
    return panel.svg(title)
