"""Laws of the dermatoscopy corruptions, measured on the bytes that `corrupt` returns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, count
from math import pi

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scipy.ndimage import label, minimum_filter

from medimeta_corruptions import Pixels

HAIRS = (3, 7, 14, 26, 45)
BUBBLES = (4, 10, 20, 38, 65)
RADII = (0.68, 0.63, 0.58, 0.53, 0.48)


def light(image: Pixels) -> np.ndarray:
    """Return linear light of sRGB values, from the standard's formula."""
    value = image / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def flat(level: int, side: int = 224) -> Pixels:
    return np.full((side, side, 3), level, np.uint8)


def middles(seed: int, side: int) -> np.ndarray:
    """Return the row and column half way along each of 45 hairs: arcs of a circle."""
    u = np.random.default_rng(seed).random((45, 6))
    angle, length = 2 * pi * u[:, 2], side * (0.25 + 0.75 * u[:, 3])
    bent = 0.9 * (2 * u[:, 4] - 1) / side
    end = angle + bent * length / 2
    row = u[:, 0] * (side - 1) - length / 2 * np.sin(angle) + (np.cos(angle) - np.cos(end)) / bent
    column = u[:, 1] * (side - 1) - length / 2 * np.cos(angle) + (np.sin(end) - np.sin(angle)) / bent
    return np.stack([row, column], axis=1)


def hairs(apply: Apply) -> Iterator[Reading]:
    side, seed = 448, 0
    places = middles(seed, side)
    inside = ((places > 1) & (places < side - 2)).all(axis=1)
    row, column = np.round(places[inside]).astype(int).T
    for severity, n in enumerate(HAIRS, start=1):
        found = light(apply(flat(255, side), severity, seed))
        dark = minimum_filter(found[..., 1], 3)[row, column] < 0.2
        # A hair that is not drawn yet may be crossed there by one that is.
        yield Reading(
            what=f"hairs of which the middle is dark, {n} drawn",
            measured=float(dark[: inside[:n].sum()].sum()),
            expected=float(inside[:n].sum()),
            relative=0.0,
        )
        yield Reading(
            what=f"others of which the middle is dark, {n} drawn",
            measured=float(dark[inside[:n].sum() :].sum()),
            expected=0.0,
            absolute=2.0,
        )
        for channel, sent in enumerate((0.03, 0.022, 0.018)):
            yield Reading(
                what=f"light of a hair, channel {channel}, {n} drawn",
                measured=float(found[..., channel].min()),
                expected=0.05 + 0.95 * sent,
            )


def corners(apply: Apply) -> Iterator[Reading]:
    side, seed = 224, 1
    image = flat(200, side)
    fine = (np.arange(4 * side) + 0.5) / 4 - 0.5
    off = 0.03 * side * (2 * np.random.default_rng(seed).random(2) - 1)
    middle = (side - 1) / 2 + off
    pixels = np.arange(side)
    for severity, radius in enumerate(RADII, start=1):
        ratio = light(apply(image, severity, seed))[..., 0] / light(image)[0, 0, 0]
        outside = np.hypot(fine[:, None] - middle[0], fine - middle[1]) > radius * side
        yield Reading(
            what=f"dark share, radius {radius}",
            measured=float((ratio < 0.5).mean()),
            expected=float(outside.mean()),
        )
        distance = np.hypot(pixels[:, None] - middle[0], pixels - middle[1]) / side
        edge = (ratio > 0.1) & (ratio < 0.9)
        if edge.sum() > 50:
            slope = np.polyfit(distance[edge], np.log(1 / ratio[edge] - 1), 1)[0]
            yield Reading(
                what=f"width of the edge, radius {radius}", measured=1 / float(slope), expected=0.008
            )


def apart(seed: int, n: int) -> bool:
    """Return whether the first bubbles of a seed lie apart."""
    rng = np.random.default_rng(seed)
    rng.random(1)
    drawn = rng.random((65, 3))[:n]
    return all(
        np.hypot(a[0] - b[0], a[1] - b[1]) > 1.6 * (0.016 + 0.035 * (a[2] + b[2]))
        for a, b in combinations(drawn, 2)
    )


def bubbles(apply: Apply) -> Iterator[Reading]:
    image = flat(160, 1000)
    for severity, n in ((1, 4), (2, 10)):
        seed = next(k for k in count() if apart(k, n))
        found = light(apply(image, severity, seed))[..., 0] / light(image)[0, 0, 0]
        yield Reading(
            what=f"spots, {n} bubbles",
            measured=float(label(np.abs(found - 1) > 0.02, np.ones((3, 3)))[1]),
            expected=float(n),
            relative=0.0,
        )
        yield Reading(what=f"light of a rim, {n} bubbles", measured=float(found.min()), expected=0.55)


LAWS: tuple[Law, ...] = (
    Law(
        corruption="hair",
        statement="n hairs, each as dark as 0.05 y + 0.95 (0.03, 0.022, 0.018).",
        measure=hairs,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="dark_corners",
        statement="The dark share is what lies outside the circle; the edge is a logistic of width 0.008.",
        measure=corners,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="gel_bubbles",
        statement="n bubbles, with rims 45 % darker.",
        measure=bubbles,
        broken_by=("sign", "factor", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)
