"""Short labels beside points: initials of names, and places where they cover little."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style

__all__ = ["initials", "label_points"]

_POINTS = 6.0
_ANGLES = [math.pi / 6 * turn for turn in range(12)]
_RINGS = (0.5, 4.0, 9.0, 15.0, 22.0, 30.0)  # distances tried, in points from the marker
_FAR, _INWARD = 0.12, 0.15  # what a ring further, and a turn inward, weigh against a label covered whole
_OUTSIDE = 1e6
_LEADER: dict[str, Any] = {
    "arrowstyle": "-",
    "linewidth": 0.35,
    "color": "#888888",
    "shrinkA": 0,
    "shrinkB": 1,
    "relpos": (0.5, 0.5),
}


def initials(names: Iterable[str]) -> dict[str, str]:
    """Return a code for each name: the first letters of its words, with a number where two have the same.

    Examples
    --------
    >>> initials(["Cell Microscopy", "Chest X-ray", "Fundoscopy", "Cell Movie"])
    {'Cell Microscopy': 'CM', 'Chest X-ray': 'CX', 'Fundoscopy': 'F', 'Cell Movie': 'CM2'}
    """
    codes: dict[str, str] = {}
    for name in dict.fromkeys(names):
        first = "".join(word[0].upper() for word in name.replace("(", " ").split()) or "?"
        numbered = (first if number == 1 else f"{first}{number}" for number in count(1))
        codes[name] = next(code for code in numbered if code not in codes.values())
    return codes


def label_points(
    panel: Axes,
    points: Sequence[tuple[float, float]],
    words: Sequence[str],
    marker: float,
    means: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a word beside each point of a panel, where it covers few markers and no other word.

    Points at one place have their words in one line.

    Parameters
    ----------
    panel : Axes
        With everything else on its figure.
    points : sequence of (float, float)
        In the panel's units.
    words : sequence of str
        One a point.
    marker : float
        Size of the markers, in points.
    means : sequence of (float, float), optional
        Larger markers, twice the size, without a word.
    """
    figure = panel.get_figure(root=True)
    if not points or figure is None:
        return
    figure.draw_without_rendering()  # so that the panel has its place
    lines: dict[tuple[float, float], list[str]] = {}
    for point, word in zip(points, words, strict=True):
        lines.setdefault(point, []).append(word)
    points, words = list(lines), [" ".join(dict.fromkeys(line)) for line in lines.values()]
    places = panel.transData.transform(np.array(points, dtype=np.float64))
    pixels = figure.dpi / 72
    reach = marker / 2 * pixels
    markers = [_around(place, reach) for place in places]
    markers += [_around(panel.transData.transform(mean), 2 * reach) for mean in means]
    inside, middle = panel.get_window_extent(), np.median(places, axis=0)
    taken: list[Bbox] = []
    for index in np.argsort(-np.hypot(*(places - middle).T), kind="stable"):  # from the outside in
        x, y = places[index]
        away = math.atan2(y - middle[1], x - middle[0])
        size = style.text_inches(words[index], _POINTS) * figure.dpi, _POINTS * pixels
        tried = [
            (_beside(x, y, size, reach + ring * pixels, angle), place, abs(math.sin((angle - away) / 2)))
            for place, ring in enumerate(_RINGS)
            for angle in _ANGLES
        ]
        costs = [
            _cost(box, markers, taken, inside) + _area(box) * (_FAR * place + _INWARD * turned)
            for box, place, turned in tried
        ]
        box, place, _ = tried[costs.index(min(costs))]
        taken.append(box)
        note = panel.annotate(
            words[index],
            points[index],
            xytext=((box.x0 + box.width / 2 - x) / pixels, (box.y0 + box.height / 2 - y) / pixels),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=_POINTS,
            color="#333333",
            arrowprops=_LEADER if place else None,
            zorder=6,
        )
        note.set_in_layout(False)


def _around(place: NDArray[Any], reach: float) -> Bbox:
    """Return the box of a marker."""
    x, y = place
    return Bbox.from_extents(x - reach, y - reach, x + reach, y + reach)


def _beside(x: float, y: float, size: tuple[float, float], distance: float, angle: float) -> Bbox:
    """Return the box of a word whose nearest side is so far from a point, in a direction."""
    wide, high = size
    centre_x = x + math.cos(angle) * (distance + wide / 2)
    centre_y = y + math.sin(angle) * (distance + high / 2)
    return Bbox.from_bounds(centre_x - wide / 2, centre_y - high / 2, wide, high)


def _cost(box: Bbox, markers: Sequence[Bbox], taken: Sequence[Bbox], inside: Bbox) -> float:
    """Return what a word covers there: other words count thrice, and it has to stay in its panel."""
    outside = not (
        inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
    )
    covered = sum(_shared(box, one) for one in markers) + 3 * sum(_shared(box, one) for one in taken)
    return covered + _OUTSIDE * outside


def _area(box: Bbox) -> float:
    return float(box.width * box.height)


def _shared(box: Bbox, other: Bbox) -> float:
    wide = min(box.x1, other.x1) - max(box.x0, other.x0)
    high = min(box.y1, other.y1) - max(box.y0, other.y0)
    return float(max(wide, 0) * max(high, 0))
