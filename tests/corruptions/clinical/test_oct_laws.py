"""The laws of the OCT corruptions, on what they write."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scans import Scale, speckle, uniform

from medimeta_corruptions import corrupt
from medimeta_corruptions.clinical.oct import OCT

SCALE = Scale(40.0)
STEP = SCALE.step
decibel, power = SCALE.decibel, SCALE.power


def speckle_law(apply: Apply) -> Iterator[Reading]:
    return speckle(apply, SCALE, 170, (40, 16, 7, 4, 2), seeds=4, absolute=0.03)


def low_signal(apply: Apply) -> Iterator[Reading]:
    """Signal and noise are separate: one falls by A, the other stays, and a gain of 0.6 A lifts both."""
    for severity, loss, floor in ((4, 8.5, -37.0), (5, 12.0, -35.0)):
        dark = np.mean([power(apply(uniform(1), severity, seed)).mean() for seed in range(4)])
        bright = np.mean([power(apply(uniform(205), severity, seed)).mean() for seed in range(4)])
        display = 10 ** (0.6 * loss / 10)
        faint, signal = (10 ** ((SCALE.shown * (value / 255 - 1) - loss) / 10) for value in (1, 205))
        noise = dark - faint * display
        yield Reading(
            what=f"power of noise and gain at A = {loss} dB",
            measured=float(dark),
            expected=(faint + 10 ** (floor / 10)) * display,
        )
        yield Reading(
            what=f"fall of the signal-to-noise ratio at A = {loss} dB (dB)",
            measured=10 * float(np.log10(power(uniform(205))[0, 0] / ((bright - dark) / noise))) - floor,
            expected=loss,
        )
        yield Reading(
            what=f"power of signal, noise and gain at A = {loss} dB",
            measured=float(bright),
            expected=(signal + 10 ** (floor / 10)) * display,
        )


def shadow(apply: Apply) -> Iterator[Reading]:
    clean = uniform(230)
    widths, places = np.random.default_rng(8).random((2, 4))
    for severity, share, loss in ((1, 0.04, 3.0), (3, 0.13, 8.0), (5, 0.26, 17.0)):
        lost = decibel(clean) - decibel(apply(clean, severity, 8))
        yield Reading(
            what=f"difference between rows at A = {loss} dB",
            measured=float(np.ptp(lost, axis=0).max()),
            expected=0.0,
        )
        for band in range(4):
            half = share * 224 * (0.4 + widths[band]) / (1.6 + widths.sum()) / 2
            centre = 224 * (band + places[band]) / 4 - 0.5
            axis = round(centre)
            yield Reading(
                what=f"loss on the axis of shadow {band + 1} at A = {loss} dB (dB)",
                measured=float(lost[:, axis].mean()),
                expected=loss / (1 + np.exp((abs(axis - centre) - half) / 1.2)),
                relative=0.0,
                absolute=STEP / 2,
            )


def roll_off(apply: Apply) -> Iterator[Reading]:
    for place, half in (("lower", slice(112, 224)), ("upper", slice(0, 112))):
        clean = uniform(200, (224, 100))
        clean[half] = 240
        for severity, loss in enumerate((4.0, 8.0, 12.0, 17.0, 23.0), start=1):
            lost = decibel(clean) - decibel(apply(clean, severity, 0))
            for row in (30, 111, 200, 223):
                depth = (row + 0.5) / 224 if place == "lower" else (223.5 - row) / 224
                yield Reading(
                    what=f"loss in row {row} at A = {loss}, retina in the {place} half (dB)",
                    measured=float(lost[row].mean()),
                    expected=loss * depth**2,
                    relative=0.0,
                    absolute=STEP / 2,
                )


def defocus(apply: Apply) -> Iterator[Reading]:
    rng = np.random.default_rng(2)
    texture = rng.integers(70, 200, (224, 224)).astype(np.uint8)
    line = uniform(100)
    line[:, 112] = 240
    away = np.arange(224) - 112.0
    for severity, sigma, loss in ((1, 0.8, 0.5), (3, 2.4, 2.2), (5, 5.2, 4.8)):
        rows = power(apply(texture, severity, 0)).sum(axis=1) / power(texture).sum(axis=1)
        yield Reading(
            what=f"a row's power at A = {loss} dB, over the clean row's",
            measured=float(rows.mean()),
            expected=10 ** (-loss / 10),
            relative=0.01,
        )
        yield Reading(
            what=f"spread of that between rows at A = {loss} dB",
            measured=float(rows.std() / rows.mean()),
            expected=0.0,
            absolute=0.01,
        )
        blurred = power(apply(line, severity, 0)).mean(axis=0)
        blurred -= blurred[0]
        yield Reading(
            what=f"standard deviation of a line across A-scans at sigma = {sigma} px",
            measured=float(np.sqrt(abs((blurred * away**2).sum() / blurred.sum()))),
            expected=sigma,
        )


def axial_motion(apply: Apply) -> Iterator[Reading]:
    """Two bright layers, seven rows thick: each column's layers move by the same distance."""
    rows = np.arange(224.0)[:, None]
    clean = np.repeat(np.uint8(60 + sum(120 * np.exp(-((rows - at) ** 2) / 18) for at in (70, 150))), 224, 1)
    for severity, travel in enumerate((1.5, 3.0, 5.5, 9.0, 13.0), start=1):
        bright = apply(clean, severity, 6).astype(float) - 60
        upper, lower = (
            (bright[half] * rows[half]).sum(axis=0) / bright[half].sum(axis=0) - at
            for half, at in ((slice(20, 110), 70), (slice(110, 210), 150))
        )
        yield Reading(
            what=f"largest displacement at d = {travel} px",
            measured=float(np.abs(upper).max()),
            expected=travel,
        )
        yield Reading(
            what=f"difference between the two layers at d = {travel} px",
            measured=float(np.abs(upper - lower).max()),
            expected=0.0,
            absolute=0.1,
        )
        # The path: four waves and a step, from the stream as the page says.
        rng = np.random.default_rng(6)
        x, path = np.arange(224) / 224, np.zeros(224)
        for k, (v, u) in enumerate(rng.random((4, 2))):
            path += np.sin(2 * np.pi * ((2 + 10 * v) * x + u)) / (2.5 * (1 + 0.3 * k))
        sign, place = rng.random(2)
        path += np.where(x > 0.3 + 0.4 * place, np.copysign(1.2, sign - 0.5), 0)
        yield Reading(
            what=f"displacement against the path at d = {travel} px (slope)",
            measured=float((upper * path).sum() / (path**2).sum() * np.abs(path).max() / travel),
            expected=1.0,
        )


LAWS: tuple[Law, ...] = (
    Law(
        corruption="oct_speckle",
        statement="the level in dB has the sd 4.343 sqrt(psi_1(M)) and the mean 4.343 (psi(M) - ln M)",
        measure=speckle_law,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="oct_low_signal",
        statement="the signal-to-noise ratio falls by A; noise has the power f, and the gain is 0.6 A",
        measure=low_signal,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="oct_shadow",
        statement="all rows are alike; on a shadow's axis A sigmoid(h / 1.2 s) is missing",
        measure=shadow,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="oct_roll_off",
        statement="A y**2 decibel are missing, from the end that is farther from the retina",
        measure=roll_off,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="oct_defocus",
        statement="each row keeps its power but for A; a line across A-scans gets the deviation sigma",
        measure=defocus,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="oct_axial_motion",
        statement="columns move whole, at most by d",
        measure=axial_motion,
        broken_by=("sign", "factor", "axis", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law_of_oct(law: Law) -> None:
    check(law)


@pytest.mark.parametrize("name", [each.name for each in OCT])
def test_fill_stays_and_takes_no_part(name: str) -> None:
    """White and black areas joined to the border stay, and their value does not matter to the tissue."""
    rng = np.random.default_rng(3)
    clean = rng.integers(30, 220, (80, 90)).astype(np.uint8)
    y, x = np.mgrid[:80, :90]
    white, black = 3 * y + x < 40, 2 * y + x > 210
    clean[40:44, 40:44] = 255
    found = []
    for value in (250, 255):
        image = clean.copy()
        image[white], image[black] = value, 0
        found.append(corrupt(image, name, 4, np.random.default_rng(0)))
        assert (found[-1][white] == value).all()
        assert not found[-1][black].any()
    assert np.array_equal(found[0][~white], found[1][~white])
    assert found[0][40:44, 40:44].min() < 255, "tissue that saturates in the middle is no fill"
