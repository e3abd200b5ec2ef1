"""Reliability diagrams as SVG: how often answers are right, by the confidence they were given with."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from medimeta_c.figures.svg.panel import Panel
from medimeta_c.metrics.confidence.calibration import Reliability
from medimeta_c.results.cells import percent

__all__ = ["reliability_diagram"]

_SIDE = 216  # px
_LARGEST, _SMALLEST = 9.0, 1.6  # radii in px, of all images and of few
_FEW = 20  # images: the share of them that is right says little


def reliability_diagram(series: Mapping[str, Reliability], title: str) -> Markup:
    """Draw accuracy over confidence; on the diagonal the two agree, below it the model is overconfident.

    Parameters
    ----------
    series : mapping of str to Reliability
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
    for name, one in series.items():
        bins = zip(one.counts.tolist(), one.confidences.tolist(), one.accuracies.tolist(), strict=True)
        held = [(count, (confidence, right)) for count, confidence, right in bins if count]
        panel.line([point for count, point in held if count >= _FEW], name)
        for count, point in held:
            confidence, right = map(percent, point)
            said = (
                f"{name}: {count} images with confidence {confidence} % on average, {right} % of them right"
            )
            radius = max(_SMALLEST, _LARGEST * (count / one.counts.sum()) ** 0.5)
            panel.dot(point, radius, name if count >= _FEW else f"{name} few", said)
    return panel.svg(title)
