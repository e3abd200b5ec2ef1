"""Laws of the corruptions of optics, light and sensors, measured on the bytes they write."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from light import SIDE, edge_variance, flat, light, ramp, seeds, waves
from scipy.ndimage import label

from medimeta_corruptions import corrupt
from medimeta_corruptions.clinical.optics import OPTICS

Y, X = np.mgrid[:SIDE, :SIDE].astype(float)
MIDDLE = (SIDE - 1) / 2


def defocus(apply: Apply) -> Iterator[Reading]:
    for severity, radius in ((3, 2.4), (4, 3.6), (5, 5.2)):
        for axis in (0, 1):
            measured = edge_variance(apply, severity, axis, reach=12)
            yield Reading(what=f"variance, r = {radius}", measured=measured, expected=radius**2 / 4)


def motion(apply: Apply) -> Iterator[Reading]:
    image, seed = flat(30, 30, 30), 2
    image[100:115, 90:105] = 255
    angle = np.pi * np.random.default_rng(seed).random()
    for severity, length in ((2, 6), (3, 10), (4, 15), (5, 21)):
        clean, moved = (light(one)[..., 1] - light(30) for one in (image, apply(image, severity, seed)))
        yield Reading(what="sum of light", measured=moved.sum() / clean.sum(), expected=1)
        steps = np.linspace(-0.5, 0.5, 8 * length + 1) * length
        for name, places, part in (("rows", Y, np.sin(angle)), ("columns", X, np.cos(angle))):
            grown = _variance(moved, places) - _variance(clean, places)
            shared = (steps * part) % 1
            expected = np.var(steps * part) + np.mean(shared * (1 - shared))
            what = f"variance over {name}, l = {length}"
            yield Reading(what=what, measured=grown, expected=expected, absolute=0.1)


def _variance(values: np.ndarray, places: np.ndarray) -> float:
    middle = (values * places).sum() / values.sum()
    return float((values * (places - middle) ** 2).sum() / values.sum())


def uneven(apply: Apply) -> Iterator[Reading]:
    image, seed = flat(250, 250, 250), 3
    u, v = np.random.default_rng(seed).random(2)
    off = (0.15 + 0.25 * v) * SIDE
    away = np.hypot(Y - MIDDLE - off * np.sin(2 * np.pi * u), X - MIDDLE - off * np.cos(2 * np.pi * u))
    away /= away.max()
    for severity, stops in enumerate((1, 1.8, 2.8, 4, 5.5), start=1):
        lost = -np.log2(light(apply(image, severity, seed)) / light(image)).mean(axis=2)
        yield Reading(what=f"stops, E = {stops}", measured=lost[away > 0.99].mean(), expected=stops * 0.99)
        half = lost[np.abs(away - 0.5) < 0.01].mean()
        yield Reading(what=f"stops half way, E = {stops}", measured=half, expected=stops / 4)
        corner = stops * away[0, -1] ** 2
        yield Reading(what=f"stops at another corner, E = {stops}", measured=lost[0, -1], expected=corner)
        yield Reading(what="stops where it is brightest", measured=lost.min(), expected=0, absolute=0.01)


def balance(apply: Apply) -> Iterator[Reading]:
    image = flat(128, 128, 128)
    for seed in (0, 1, 2, 3):
        sign = -1 if np.random.default_rng(seed).random() < 0.5 else 1
        for severity, stops in enumerate((0.22, 0.42, 0.65, 0.95, 1.3), start=1):
            red, green, blue = light(apply(image, severity, seed)[0, 0])
            # A level is 0.018 stops here.
            tilt = float(np.log2(red / blue))
            yield Reading(
                what=f"red over blue, e = {stops}", measured=tilt, expected=sign * stops, absolute=0.01
            )
            luma = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / light(128)
            yield Reading(what="luminance of grey", measured=luma, expected=1, relative=0.01)


def sensor(apply: Apply) -> Iterator[Reading]:
    for severity, full, level in ((1, 3000, 188), (3, 400, 128), (4, 170, 120), (5, 80, 188), (5, 80, 128)):
        clean = float(light(level))
        found = light(apply(flat(level, level, level), severity, 1))
        yield Reading(what=f"mean, N = {full}", measured=found.mean(), expected=clean)
        spread = (clean * full + 9) / full**2
        yield Reading(what=f"variance, N = {full}, g = {level}", measured=found.var(), expected=spread)
        together = float(np.corrcoef(found[..., 0].ravel(), found[..., 1].ravel())[0, 1])
        yield Reading(what="correlation of channels", measured=together, expected=0.0, absolute=0.02)


def _particles(rng: np.random.Generator, count: int) -> list[tuple[bool, float, float, float, float, float]]:
    return [
        (k < 0.5, y * (SIDE - 1), x * (SIDE - 1), a, 2.5 + 3.5 * b, 0.12 + 0.25 * c)
        for k, x, y, a, b, c, _, _ in rng.random((16, 8))[:count]
    ]


def dust(apply: Apply) -> Iterator[Reading]:
    image = flat(230, 200, 170)

    def discs_apart(rng: np.random.Generator) -> bool:
        found = _particles(rng, 4)
        inside = all(disc and min(y, x) > 16 and max(y, x) < SIDE - 17 for disc, y, x, *_ in found)
        return inside and all(np.hypot(p[1] - q[1], p[2] - q[2]) > 34 for p, q in combinations(found, 2))

    def fibres_apart(rng: np.random.Generator) -> bool:
        (one, y, x, *_), (other, v, u, *_) = _particles(rng, 2)
        inside = all(95 < place < SIDE - 96 for place in (y, x))
        return not one and other and inside and np.hypot(v - y, u - x) > 110

    (discs,), (fibre,) = seeds(discs_apart), seeds(fibres_apart)
    for severity, count in ((1, 2), (2, 4)):
        found = apply(image, severity, discs)
        parts, seen = label((found != image).any(axis=2))
        yield Reading(what="number of particles", measured=seen, expected=count, relative=0)
        lost = np.log10(light(image) / light(found))
        for _, y, x, size, edge, density in _particles(np.random.default_rng(discs), count):
            part = lost[parts == parts[round(y), round(x)]]
            radius = 4 + 8 * size
            expected = density * np.pi * (radius**2 + edge**2 / 20)
            for channel in range(3):
                measured = part[:, channel].sum()
                yield Reading(
                    what=f"density of a disc, r = {radius:.1f}", measured=measured, expected=expected
                )
    _, y, x, size, edge, density = _particles(np.random.default_rng(fibre), 1)[0]
    near = np.hypot(Y - y, X - x) < 95
    lost = np.log10(light(image) / light(apply(image, 1, fibre)))[near].sum(axis=0)
    long, sigma = np.ceil(2 * (30 + 50 * size)) / 2, edge / 2
    expected = density * (np.sqrt(2 * np.pi) * sigma * long + 2 * np.pi * sigma**2)
    for channel in range(3):
        yield Reading(what="density of a fibre", measured=lost[channel], expected=expected)


def glare(apply: Apply) -> Iterator[Reading]:
    image, seed = flat(60, 60, 60), 5
    for severity, radius in enumerate((0.04, 0.06, 0.09, 0.13, 0.18), start=1):
        rng = np.random.default_rng(seed)
        u, v, w = rng.random(3)
        uneven = np.maximum(1 + 0.25 * waves(rng, 12, 2, 8), 0)
        rows, columns = Y - (0.3 + 0.4 * v) * (SIDE - 1), X - (0.3 + 0.4 * u) * (SIDE - 1)
        along = columns * np.cos(np.pi * w) + rows * np.sin(np.pi * w)
        across = rows * np.cos(np.pi * w) - columns * np.sin(np.pi * w)
        wide = radius * SIDE
        expected = 1.1 * np.exp(-(along**2) / 2 / wide**2 - across**2 / 2 / (0.6 * wide) ** 2) * uneven
        found = light(apply(image, severity, seed)) - light(60)
        some = (expected > 0.05) & (expected < 0.9)
        for channel in (0, 2):
            added = found[..., channel][some].sum()
            yield Reading(what=f"added light, r = {radius}", measured=added, expected=expected[some].sum())
        moment = (found[..., 1][some] * along[some] ** 2).sum()
        yield Reading(what="second moment along", measured=moment, expected=(expected * along**2)[some].sum())
        yield Reading(what="light lost", measured=min(found.min(), 0.0), expected=0)


LAWS = (
    Law(
        corruption="defocus",
        statement="an edge's slope has the variance r²/4 along each axis",
        measure=defocus,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="camera_motion",
        statement="the sum of light is kept; its variance grows by l²/12 along the path",
        measure=motion,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="uneven_illumination",
        statement="E stops are lost at the farthest corner, E/4 half way, in every channel",
        measure=uneven,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="white_balance",
        statement="red over blue of grey is 2^±e; the luminance of grey is kept",
        measure=balance,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="sensor_noise",
        statement="mean y, variance (y N + 9)/N², channels independent",
        measure=sensor,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="dust",
        statement="n particles; a disc's density sums to OD π (r² + e²/20) in every channel",
        measure=dust,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="glare",
        statement="1.1 exp(-a²/2r² - b²/2(0.6 r)²)(1 + 0.25 waves) is added in every channel",
        measure=glare,
        broken_by=("sign", "factor", "axis", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)


def test_every_optics_corruption_has_a_law() -> None:
    assert {law.corruption for law in LAWS} == {one.name for one in OPTICS}


@pytest.mark.parametrize("name", [one.name for one in OPTICS if one.channels == "any"])
def test_grey_is_what_each_of_three_equal_channels_is(name: str) -> None:
    grey = np.uint8(60 + 100 * ramp(np.hypot(Y - 90, X - 100) / 80))
    alone = corrupt(grey, name, 4, np.random.default_rng(2))
    tripled = corrupt(np.stack([grey] * 3, axis=2), name, 4, np.random.default_rng(2))
    assert np.array_equal(tripled, np.stack([alone] * 3, axis=2))
