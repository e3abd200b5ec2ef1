"""Laws of the fundus corruptions, measured on the bytes they write."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from light import SIDE, edge_variance, flat, light, ramp, seeds, waves
from scipy.ndimage import label, map_coordinates

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, corrupt
from medimeta_corruptions.clinical.fundus import FUNDUS

Y, X = np.mgrid[:SIDE, :SIDE].astype(float)
MIDDLE = (SIDE - 1) / 2


def defocus(apply: Apply) -> Iterator[Reading]:
    for severity, radius in ((3, 2.8), (4, 4.2), (5, 6.0)):
        for axis in (0, 1):
            measured = edge_variance(apply, severity, axis, reach=12)
            yield Reading(what=f"variance, r = {radius}", measured=measured, expected=radius**2 / 4)


def illumination(apply: Apply) -> Iterator[Reading]:
    image = flat(250, 235, 220)
    direction = 2 * np.pi * np.random.default_rng(4).random()
    away = np.hypot(
        Y - MIDDLE - 0.38 * SIDE * np.sin(direction), X - MIDDLE - 0.38 * SIDE * np.cos(direction)
    )
    for severity, loss in enumerate((0.35, 0.55, 0.72, 0.85, 0.94), start=1):
        ratio = light(apply(image, severity, 4)) / light(image)
        for channel in range(3):
            dark = ratio[away > 0.9 * SIDE][:, channel].mean()
            half = ratio[np.abs(away - 0.45 * SIDE) < 1][:, channel].mean()
            yield Reading(what=f"gain far off, a = {loss}", measured=dark, expected=1 - loss)
            yield Reading(what=f"gain half way, a = {loss}", measured=half, expected=1 - loss / 2)


def haze(apply: Apply) -> Iterator[Reading]:
    veil = 0.5 * np.array([0.42, 0.36, 0.27])
    dark, striped = flat(20, 20, 20), flat(90, 90, 90)
    striped[:, np.arange(SIDE) % 8 < 4] = 200
    bright = X % 8 < 4
    for severity, passed in ((1, 0.92), (3, 0.74), (5, 0.5)):
        field = waves(np.random.default_rng(9), 10, 0.4, 1.6)
        t = np.clip(passed + 0.18 * (1 - passed) * field, 0.05, 1)
        lifted = light(apply(dark, severity, 9)) - light(dark)
        for channel, colour in enumerate(veil):
            lost = lifted[..., channel] / (colour - light(20))
            yield Reading(what=f"veil, T = {passed}", measured=lost.mean(), expected=(1 - t).mean())
        if severity == 5:
            yield Reading(what="unevenness, T = 0.5", measured=lost.std(), expected=t.std())
            tilt = lost[:, : SIDE // 2].mean() - lost[: SIDE // 2].mean()
            expected = t[: SIDE // 2].mean() - t[:, : SIDE // 2].mean()
            yield Reading(what="left half less upper half, T = 0.5", measured=tilt, expected=expected)
        found = light(apply(striped, severity, 9))[..., 1]
        swing = (found[bright].mean() - found[~bright].mean()) / (light(200) - light(90))
        yield Reading(what=f"contrast of stripes, T = {passed}", measured=swing, expected=(t**2).mean())


def underexposure(apply: Apply) -> Iterator[Reading]:
    clean = float(light(160))
    for severity, (left, full) in ((3, (0.4, 2400)), (4, (0.29, 1300)), (5, (0.21, 800))):
        found = light(apply(flat(160, 160, 160), severity, 1))
        spread = (left * clean * full + 9) / full**2
        yield Reading(what=f"mean, k = {left}", measured=found.mean(), expected=left * clean)
        yield Reading(what=f"variance, N = {full}", measured=found.var(), expected=spread)
        together = float(np.corrcoef(found[..., 0].ravel(), found[..., 1].ravel())[0, 1])
        yield Reading(what="correlation of channels", measured=together, expected=0.0, absolute=0.02)


def _spots(rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    return [
        (
            MIDDLE + 0.42 * SIDE * np.sqrt(v) * np.sin(2 * np.pi * u),
            MIDDLE + 0.42 * SIDE * np.sqrt(v) * np.cos(2 * np.pi * u),
            (0.02 + 0.045 * w) * SIDE,
            0.15 + 0.3 * p,
        )
        for u, v, w, p in rng.random((16, 4))
    ]


def lens_spots(apply: Apply) -> Iterator[Reading]:
    image = flat(30, 30, 30)
    for severity, count in ((1, 2), (2, 4), (3, 7)):

        def apart(rng: np.random.Generator, count: int = count) -> bool:
            pairs = combinations(_spots(rng)[:count], 2)
            return all(np.hypot(a[0] - b[0], a[1] - b[1]) > 1.8 * (a[2] + b[2]) + 2 for a, b in pairs)

        (seed,) = seeds(apart)
        found = apply(image, severity, seed)
        _, seen = label((found != image).any(axis=2))
        yield Reading(what="number of spots", measured=seen, expected=count, relative=0)
        for row, column, _, opacity in _spots(np.random.default_rng(seed))[:count]:
            there = light(found[round(row), round(column)])
            covered = (there - light(30)) / (np.array([0.40, 0.40, 0.34]) - light(30))
            yield Reading(what="opacity", measured=covered.mean(), expected=opacity)


def crescent(apply: Apply) -> Iterator[Reading]:
    image, seed = flat(30, 30, 30), 6
    direction = 2 * np.pi * np.random.default_rng(seed).random()
    ray = np.array([np.sin(direction), np.cos(direction)])
    steps = np.linspace(0.5, 0.99, 491)
    values = ((0.03, 0.06), (0.06, 0.13), (0.1, 0.22), (0.15, 0.36), (0.22, 0.55))
    for severity, (width, bright) in enumerate(values, start=1):
        found = apply(image, severity, seed)
        shown = light(found)
        places = MIDDLE - SIDE / 2 * ray[:, np.newaxis] * steps
        for channel, colour in enumerate((0.78, 0.86, 1.0)):
            line = map_coordinates(shown[..., channel], places, order=1)
            full = (1 - 1.1 * bright) * light(30) + 0.75 * bright * colour
            yield Reading(what=f"light in it, a = {bright}", measured=line[-1], expected=full)
        pale = light(apply(flat(220, 220, 220), severity, seed))[..., 2]
        measured = map_coordinates(pale, places[:, -1:], order=1)[0]
        full_pale = (1 - 1.1 * bright) * light(220) + 0.75 * bright
        yield Reading(what=f"blue of a pale picture, a = {bright}", measured=measured, expected=full_pale)
        if severity >= 3:
            inner = steps[np.argmax(line > (full + light(30)) / 2)]
            yield Reading(what=f"width, w = {width}", measured=1 - inner, expected=1.15 * width)
        along = (Y - MIDDLE) * ray[0] + (X - MIDDLE) * ray[1]
        radius = np.hypot(Y - MIDDLE, X - MIDDLE)
        other = (radius < SIDE / 2) & (along > 0.8 * radius)
        changed = float((found != image)[other].sum())
        yield Reading(what="changed on the other side", measured=changed, expected=0)


def eyelashes(apply: Apply) -> Iterator[Reading]:
    image = flat(200, 200, 200)
    for severity, count in ((1, 2), (2, 4), (3, 8)):

        def apart(rng: np.random.Generator, count: int = count) -> bool:
            columns = np.sort(MIDDLE + 0.8 * SIDE * (rng.random((22, 5))[:count, 0] - 0.5))
            return bool(np.diff(columns).min() > 12)

        (seed,) = seeds(apart)
        left = light(apply(image, severity, seed))[..., 0] / light(200)
        _, seen = label(left[-1] < 0.7)
        yield Reading(what="lashes in the last row", measured=seen, expected=count, relative=0)
        yield Reading(what="light lost in them", measured=1 - left.min(), expected=0.85)
        long = 1 + (0.4 + 0.02) * SIDE
        above = float((left[: int(SIDE - long)] < 1 - 1e-9).sum())  # powers differ in their last bit
        yield Reading(what="changed far above", measured=above, expected=0)


LAWS = (
    Law(
        corruption="fundus_defocus",
        statement="an edge's slope has the variance r²/4 along each axis",
        measure=defocus,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="fundus_illumination",
        statement="every channel is left 1 - a far off, 1 - a/2 half way",
        measure=illumination,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="fundus_haze",
        statement="black becomes (1 - t) veil; contrast of fine stripes falls by t²",
        measure=haze,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="fundus_underexposure",
        statement="mean k y, variance (k y N + 9)/N², channels independent",
        measure=underexposure,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="fundus_lens_spots",
        statement="n spots of opacity o: y + o (grey - y)",
        measure=lens_spots,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="fundus_crescent",
        statement="y (1 - 1.1 a) + 0.75 a (0.78, 0.86, 1) at one edge, 1.15 w radii wide; nothing opposite",
        measure=crescent,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="fundus_eyelashes",
        statement="n lashes start in the last row and take 85 % of the light",
        measure=eyelashes,
        broken_by=("sign", "factor", "axis", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)


def test_every_fundus_corruption_has_a_law() -> None:
    assert {law.corruption for law in LAWS} == {one.name for one in FUNDUS}


@pytest.mark.parametrize("name", [one.name for one in FUNDUS])
def test_nothing_changes_outside_the_field_of_view(name: str) -> None:
    """Dark pixels that are joined to the border stay, whatever faint light they have."""
    image = flat(140, 70, 30)
    outside = np.hypot(Y - MIDDLE, X - MIDDLE) > SIDE / 2 - 3
    image[outside] = np.random.default_rng(0).integers(1, 16, (int(outside.sum()), 3))
    for severity in SEVERITIES:
        found = corrupt(image, name, severity, np.random.default_rng(severity))
        assert np.array_equal(found[outside], image[outside])


@pytest.mark.parametrize("name", [one.name for one in FUNDUS if one.channels == "any"])
def test_grey_is_what_each_of_three_equal_channels_is(name: str) -> None:
    grey = np.uint8(60 + 100 * ramp(np.hypot(Y - 90, X - 100) / 80))
    both = (corrupt(image, name, 4, np.random.default_rng(2)) for image in (grey, np.stack([grey] * 3, -1)))
    alone, tripled = both
    assert CORRUPTIONS[name].channels == "any"
    assert np.array_equal(tripled, np.stack([alone] * 3, axis=2))
