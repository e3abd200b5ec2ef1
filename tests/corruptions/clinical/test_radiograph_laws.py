"""Laws of radiographs: counted photons, scattered light, lost exposure, paths, grids, fields and films."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scipy import ndimage

from medimeta_corruptions import SEVERITIES, Pixels, corrupt

L = np.log(100)


def photons(image: np.ndarray) -> np.ndarray:
    """Photons relative to an open field."""
    return np.exp(-L * image.astype(np.float64) / 255)


def noise(apply: Apply) -> Iterator[Reading]:
    """Noise of counts in a logarithm: sd sqrt(N + 9) / (N L), and a mean that rises by half its square."""
    for severity, count in ((1, 8000), (2, 3200), (3, 1400), (5, 350)):
        for grey in (64, 128, 192):
            expected = count * np.exp(-L * grey / 255)
            if expected < 60:
                continue  # the logarithm is no longer nearly linear
            found = apply(np.full((500, 500), grey, np.uint8), severity, severity).astype(np.float64)
            relative = np.sqrt(expected + 9) / expected
            yield Reading(
                what=f"sd at grey {grey}, {count} photons",
                measured=float(found.std()),
                # Rounding to bytes adds 1/12; the bend of the logarithm adds 3/2 of the relative variance.
                expected=float(np.hypot(255 / L * relative * np.sqrt(1 + 1.5 * relative**2), 12**-0.5)),
            )
    found = apply(np.full((1000, 1000), 64, np.uint8), 5, 0).astype(np.float64)
    expected = 350 * np.exp(-L * 64 / 255)
    yield Reading(
        what="rise of the mean",
        measured=float(found.mean() - 64),
        expected=255 / L * (expected + 9) / (2 * expected**2),
        absolute=0.01,
    )


def scatter(apply: Apply) -> Iterator[Reading]:
    """A small disc loses contrast to the veil of its surroundings; a uniform picture stays."""
    y, x = np.mgrid[:224, :224] - 112
    disc = np.hypot(x, y) < 3.5
    for severity, ratio in enumerate((0.12, 0.3, 0.6, 1.1, 2.0), start=1):
        for ground, grey in ((60, 200), (150, 230), (180, 90)):
            image = np.uint8(np.where(disc, grey, ground))
            found = apply(image, severity, 0).astype(np.float64)
            one, other = np.exp(-L * grey / 255), np.exp(-L * ground / 255)
            shown = -255 / L * np.log((one + ratio * other) / (other + ratio * other))
            yield Reading(
                what=f"contrast lost by {grey} on {ground} at severity {severity}",
                measured=grey - ground - float(found[112, 112] - found[20, 20]),
                expected=grey - ground - shown,
                absolute=1,  # both levels are rounded
            )
        flat = np.full((50, 70), 93, np.uint8)
        yield Reading(
            what="a uniform picture", measured=float(apply(flat, severity, 0).mean()), expected=93, relative=0
        )


def overexposure(apply: Apply) -> Iterator[Reading]:
    """Every grey that stays above black shifts by ln(k) / L."""
    ramp = np.arange(100, 256, dtype=np.uint8).repeat(7).reshape(28, 39)
    for severity, factor in enumerate((1.25, 1.6, 2.1, 2.9, 4.0), start=1):
        yield Reading(
            what=f"shift at severity {severity}",
            measured=float(np.mean(ramp.astype(np.float64) - apply(ramp, severity, 0))),
            expected=255 * np.log(factor) / L,
            absolute=0.2,
        )


def motion(apply: Apply) -> Iterator[Reading]:
    """Photons stay; they spread along a path within 20 degrees of the columns, by its length."""
    y, x = np.mgrid[:224, :224].astype(np.float64)
    for (severity, length), seed in zip(((3, 7), (4, 11), (5, 16), (5, 16)), range(4), strict=True):
        image = np.full((224, 224), 230, np.uint8)
        image[108:116, 108:116] = 51
        moments = []
        for shown in (image, apply(image, severity, seed)):
            excess = photons(shown) - np.exp(-L * 230 / 255)
            total = excess.sum()
            row, column = (excess * y).sum() / total, (excess * x).sum() / total
            spread = [
                (excess * a * b).sum() / total
                for a, b in ((y - row, y - row), (x - column, x - column), (y - row, x - column))
            ]
            moments.append((total, *spread))
        before, after = moments
        yield Reading(what="photons", measured=after[0], expected=before[0])
        down, across, both = (after[k] - before[k] for k in (1, 2, 3))
        # Equal points from end to end; sharing each between four neighbours adds 1/6 a direction.
        points = np.ceil(8 * length) + 1
        yield Reading(
            what=f"spread of a path of {length}",
            measured=down + across,
            expected=length**2 / 12 * (points + 1) / (points - 1) + 1 / 3,
            absolute=0.2,
        )
        drawn = 90 + 20 * (2 * np.random.default_rng(seed).random() - 1)
        yield Reading(
            what="angle with the rows",
            measured=float(np.degrees(np.arctan2(2 * both, across - down) / 2)) % 180,
            expected=drawn,
            relative=0,
            absolute=2,
        )


def lines(apply: Apply) -> Iterator[Reading]:
    """Photons fall evenly towards one side, and by one spectral line of the drawn period."""
    for severity, (cut, modulation) in ((4, (0.7, 0.08)), (5, (0.82, 0.11))):
        for seed in (0, 1, 2):
            side, period, phase = np.random.default_rng(seed).random(3)
            image = np.full((224, 224), 30, np.uint8)
            passed = (photons(apply(image, severity, seed)) / photons(image)).mean(axis=0)
            column = np.arange(224)
            across = column / 223 if side >= 0.5 else 1 - column / 223
            smooth = np.polyfit(across, passed / (1 - modulation / 2), 1)
            yield Reading(what="cut-off", measured=-smooth[0], expected=cut)
            yield Reading(what="no loss at the near side", measured=smooth[1], expected=1, relative=0.01)
            turns = 2 * np.pi * (column / (5 + 4 * period) + phase)
            wave = passed / (1 - cut * across) / (1 - modulation / 2) - 1
            yield Reading(
                what="spectral line",
                measured=float(2 * np.mean(wave * np.cos(turns))),
                expected=-modulation / 2 / (1 - modulation / 2),
                relative=0.06,  # rounding to bytes
            )


def field(apply: Apply) -> Iterator[Reading]:
    """The share of the area outside is the parameter; the margins are to each other as drawn."""
    for severity, lost in enumerate((0.02, 0.05, 0.09, 0.14, 0.2), start=1):
        for shape, seed in (((224, 224), 0), ((300, 200), 1), ((150, 260), 2)):
            shown = apply(np.full(shape, 200, np.uint8), severity, seed) / 200
            yield Reading(
                what=f"area outside at severity {severity}", measured=1 - float(shown.mean()), expected=lost
            )
    drawn = np.random.default_rng(3).random(5)
    shown = apply(np.full((400, 240), 200, np.uint8), 5, 3) / 200
    turn = np.radians(4 * (2 * drawn[0] - 1))
    upper, left = (0.25 + drawn[k] for k in (1, 3))
    # The middle column and row meet an edge at 1 / cos of its distance from the centre.
    down = 200 - float(shown[:200, 119:121].mean(axis=1).sum()) * np.cos(turn)
    across = 120 - float(shown[199:201, :120].mean(axis=0).sum()) * np.cos(turn)
    yield Reading(what="margins", measured=down / across, expected=upper * 400 / (left * 240))


def film(apply: Apply) -> Iterator[Reading]:
    """At D = 1.9 density follows the exposure with the slope 3; further off, the logistic curve."""
    grey = np.arange(60, 196, 5, dtype=np.uint8)
    image = np.ascontiguousarray(np.broadcast_to(grey, (30, grey.size)))
    for severity, shift in enumerate((0.06, 0.12, 0.19, 0.28, 0.39), start=1):
        for seed in (0, 1, 2, 3):
            more = -1 if np.random.default_rng(seed).random() < 0.5 else 1
            found = 3.6 - 3.4 * apply(image, severity, seed)[0].astype(np.float64) / 255
            density = 3.6 - 3.4 * grey / 255
            # (3.6 - D) / (D - 0.2) is multiplied by 10 and so on: the odds of a logistic curve.
            odds = (density - 0.2) / (3.6 - density) * np.exp(4 * 3 / 3.4 * more * shift)
            curve = 0.2 + 3.4 * odds / (1 + odds)
            yield Reading(
                what=f"densities at severity {severity}",
                measured=float(np.mean(found - density)),
                expected=float(np.mean(curve - density)),
            )
            if severity == 1:
                middle = np.abs(density - 1.9) < 0.1
                yield Reading(
                    what="slope at D = 1.9",
                    measured=float(np.mean((found - density)[middle])) / shift,
                    expected=3 * more,
                    relative=0.05,
                )


def scratches(apply: Apply) -> Iterator[Reading]:
    """As many lines as the parameter says, 0.45 of the way to white, within 14 degrees of the columns."""
    # With these seeds the scratches lie apart.
    for severity, count, seed in ((1, 2, 0), (2, 4, 1), (3, 8, 3), (3, 8, 7)):
        image = np.full((500, 500), 80, np.uint8)
        found = apply(image, severity, seed).astype(np.float64) - 80
        labels, number = ndimage.label(found > 10, structure=np.ones((3, 3)))
        yield Reading(what=f"count at severity {severity}", measured=number, expected=count, relative=0)
        yield Reading(what="brightest", measured=float(found.max()), expected=0.45 * 175)
        yield Reading(what="darkest", measured=float(found.min()), expected=0, relative=0)
        for one in range(1, number + 1):
            rows, columns = np.nonzero(labels == one)
            _, vectors = np.linalg.eigh(np.cov(rows, columns))
            lean = np.degrees(np.arctan2(abs(vectors[1, 1]), abs(vectors[0, 1])))
            yield Reading(
                what="angle with the columns", measured=float(lean), expected=7, relative=0, absolute=8
            )


def test_the_direction_of_motion_does_not_depend_on_the_severity() -> None:
    image = np.full((224, 224), 230, np.uint8)
    image[108:116, 108:116] = 51
    lean = []
    for severity in (3, 4, 5):
        shown = corrupt(image, "xray_motion", severity, np.random.default_rng(9))
        excess = photons(shown) - photons(image[:1, :1])
        y, x = np.mgrid[:224, :224] - 111.5
        lean.append(float((excess * y * x).sum() / (excess * y * y).sum()))
    assert max(lean) - min(lean) < 0.1
    assert np.sign(lean[0]) == np.sign(lean[2])


def nested(severity: int, name: str) -> Pixels:
    return corrupt(np.full((120, 90), 200, np.uint8), name, severity, np.random.default_rng(5))


@pytest.mark.parametrize("name", ["xray_collimation", "xray_grid"])
def test_severities_are_nested(name: str) -> None:
    """Where a severity takes light away, the next one takes at least as much."""
    changes = [np.abs(nested(severity, name).astype(int) - 200) for severity in SEVERITIES]
    for milder, stronger in itertools.pairwise(changes):
        assert (stronger >= milder).all()


LAWS = (
    Law(
        corruption="xray_quantum_noise",
        statement="sd of grey sqrt(N + 9) / (N L); the mean rises by half its square times L",
        measure=noise,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="xray_scatter",
        statement="a small disc's contrast is ln((I + SPR I0) / (I0 + SPR I0)) / L; a uniform picture stays",
        measure=scatter,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="xray_overexposure",
        statement="shift ln(k) / L",
        measure=overexposure,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="xray_motion",
        statement="photons stay; variance along the path l**2 / 12; within 20 degrees of the columns",
        measure=motion,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="xray_grid",
        statement="photons 1 - c at the far side; one spectral line of amplitude a / 2 at the drawn period",
        measure=lines,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="xray_collimation",
        statement="area outside; margins in the drawn ratio",
        measure=field,
        broken_by=("sign", "axis", "order"),
    ),
    Law(
        corruption="film_exposure",
        statement="slope 3 at D = 1.9; the odds (D - 0.2) / (3.6 - D) times exp(12 d / 3.4)",
        measure=film,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="film_scratches",
        statement="count; 0.45 of the way to white; within 14 degrees of the columns",
        measure=scratches,
        broken_by=("sign", "factor", "axis", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_laws_hold_and_mutants_break_them(law: Law) -> None:
    check(law)
