"""The laws of the ultrasound corruptions, on what they write."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scans import Scale, speckle, uniform

from medimeta_corruptions import corrupt

SCALE = Scale(60.0)
STEP = SCALE.step
decibel, power = SCALE.decibel, SCALE.power


def speckle_law(apply: Apply) -> Iterator[Reading]:
    return speckle(apply, SCALE, 190, (16, 8, 4, 2, 1), seeds=8, absolute=0.04)


def attenuation(apply: Apply) -> Iterator[Reading]:
    clean = uniform(220, (224, 96))
    for severity, loss in enumerate((8.0, 14.0, 21.0, 29.0, 38.0), start=1):
        lost = decibel(clean) - decibel(apply(clean, severity, 0))
        for row in (55, 111, 223):
            yield Reading(
                what=f"loss in row {row} of 224 at A = {loss} (dB)",
                measured=float(lost[row].mean()),
                expected=loss * (row + 0.5) / 224,
                relative=0.0,
                absolute=STEP / 2,
            )


def gain(apply: Apply) -> Iterator[Reading]:
    clean = uniform(2)
    clean[:, 50:] = 3
    clean[:, 100:] = 60
    clean[:, 150:] = 170
    for severity, shift in enumerate((4.0, 7.0, 10.5, 14.5, 19.0), start=1):
        found = apply(clean, severity, 0)
        for column, expected in ((60, shift), (110, shift), (160, shift), (10, 0.0)):
            yield Reading(
                what=f"shift of grey level {clean[0, column]} at A = {shift} (dB)",
                measured=float((decibel(found) - decibel(clean))[:, column].mean()),
                expected=expected,
                relative=0.0,
                absolute=STEP / 2,
            )


def contact_loss(apply: Apply) -> Iterator[Reading]:
    clean = uniform(240, (200, 224))
    widths, places = np.random.default_rng(4).random((2, 3))
    for severity, share, loss in ((1, 0.06, 5.0), (3, 0.15, 12.0), (5, 0.28, 22.0)):
        lost = decibel(clean) - decibel(apply(clean, severity, 4))
        for band in range(3):
            half = share * 224 * (0.5 + widths[band]) / (1.5 + widths.sum()) / 2
            centre = 224 * (band + places[band]) / 3 - 0.5
            axis = round(centre)
            for row in (5, 40, 190):
                depth = (row + 0.5) / 200
                edge = (half - abs(axis - centre)) / (0.25 * 224 * (0.02 + 0.05 * depth))
                onset = 1 - np.exp(-depth / 0.06)
                yield Reading(
                    what=f"loss on the axis of band {band + 1}, row {row} of 200, at A = {loss} (dB)",
                    measured=float(lost[row, axis]),
                    expected=loss * onset / (1 + np.exp(-edge)),
                    absolute=STEP / 2,
                )


def reverberation(apply: Apply) -> Iterator[Reading]:
    clean = uniform(5)
    clean[4] = 230
    u = np.random.default_rng(7).random()
    spacing = int((0.09 + 0.06 * u) * 224 + 0.5)
    for severity, ratio in ((3, -19.0), (4, -14.5), (5, -10.0)):
        found = decibel(apply(clean, severity, 7)).mean(axis=1)
        echoes = [row for row in range(10, 224) if found[row] > found[row - 1] + 3 and found[row] > -45]
        yield Reading(
            what=f"rows from echo to echo at rho = {ratio} dB",
            measured=float(np.mean(np.diff([4, *echoes]))) if echoes else np.inf,
            expected=spacing,
            relative=0.0,
        )
        # The first two stand so far above the tissue that it adds less than a grey level.
        yield Reading(
            what=f"ratio of one bounce to the one before at rho = {ratio} dB (dB)",
            measured=float(found[4 + 2 * spacing] - found[4 + spacing]),
            expected=ratio,
        )
        yield Reading(
            what=f"the first echo against its source at rho = {ratio} dB (dB)",
            measured=float(found[4 + spacing] - decibel(clean)[4, 0]),
            expected=ratio + 20 * np.log10(3),
            absolute=STEP,
        )


@functools.cache
def cloud(seed: int, side: int) -> np.ndarray:
    """Return the haze's amplitude, from the formula: a sum of plane waves, clipped, falling with depth."""
    drawn = np.random.default_rng(seed).random((12, 3))
    y, x = np.mgrid[:side, :side]
    total = np.zeros((side, side))
    for u, direction, phase in drawn:
        frequency = 0.5 * 4.0**u
        along = x * np.cos(2 * np.pi * direction) + y * np.sin(2 * np.pi * direction)
        total += np.cos(2 * np.pi * (frequency * along / side + phase)) / frequency
    waves = total / np.sqrt((1 / (0.5 * 4.0 ** drawn[:, 0]) ** 2).sum() / 2)
    return np.clip(0.75 + 0.5 * waves, 0.15, 1.5) * np.exp(-(y + 0.5) / side / 0.6)


def clutter(apply: Apply) -> Iterator[Reading]:
    for severity, level in ((4, -21.5), (5, -16.5)):
        for grey in (20, 150):
            clean = uniform(grey)
            added = [
                (power(apply(clean, severity, k)) - power(clean)) / cloud(k, 224) ** 2 for k in range(10)
            ]
            yield Reading(
                what=f"power added to grey level {grey}, over the cloud's at c = {level} dB",
                measured=float(np.mean([each[:112] for each in added])) / 10 ** (level / 10),
                expected=1.0,
            )


def annotations(apply: Apply) -> Iterator[Reading]:
    clean = uniform(100)
    for severity, pairs in enumerate((1, 2, 3, 5, 7), start=1):
        white = apply(clean, severity, 1) == 255
        cross = np.ones((224, 224), dtype=bool)
        for away in range(1, 4):
            for axis in (0, 1):
                cross &= np.roll(white, away, axis) & np.roll(white, -away, axis)
        yield Reading(
            what=f"crosses at severity {severity}",
            measured=float(cross.sum()),
            expected=2 * pairs,
            relative=0.0,
        )
        yield Reading(
            what=f"pixels that became darker at severity {severity}",
            measured=float((apply(clean, severity, 1) < clean).sum()),
            expected=0,
        )


LAWS: tuple[Law, ...] = (
    Law(
        corruption="us_speckle",
        statement="the level in dB has the sd 4.343 sqrt(psi_1(M)) and the mean 4.343 (psi(M) - ln M)",
        measure=speckle_law,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="us_attenuation",
        statement="A (row + 1/2) / H decibel are missing",
        measure=attenuation,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="us_gain",
        statement="every level moves by A, and black stays",
        measure=gain,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="us_contact_loss",
        statement="on a band's axis A sigmoid(h / (W (0.02 + 0.05 y) / 4)) (1 - exp(-y / 0.06)) is missing",
        measure=contact_loss,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="us_reverberation",
        statement="echoes at multiples of D rows, each rho weaker; the first is 3 rho of its source",
        measure=reverberation,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="us_clutter",
        statement="the haze's power is added, c + 20 log10 of the cloud, whatever the image",
        measure=clutter,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="us_annotations",
        statement="two white crosses for each pair",
        measure=annotations,
        broken_by=("sign", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law_of_ultrasound(law: Law) -> None:
    check(law)


def test_clutter_fills_a_cyst_and_stops_at_the_fan() -> None:
    """Black pixels are filled where others enclose them, and stay where they are joined to the border."""
    clean = uniform(120, (100, 100))
    clean[30:40, 30:40] = 0
    clean[:, :10] = 1
    clean[0, 0] = 9
    found = corrupt(clean, "us_clutter", 5, np.random.default_rng(0))
    assert found[30:40, 30:40].min() > 0
    assert np.array_equal(found[1:, :10], clean[1:, :10])


@pytest.mark.parametrize("name", ["us_speckle", "us_attenuation", "us_gain", "us_contact_loss"])
def test_what_multiplies_leaves_black_pixels(name: str) -> None:
    clean = uniform(120, (100, 100))
    clean[30:40, 30:40] = 2
    found = corrupt(clean, name, 5, np.random.default_rng(0))
    assert (found[clean == 2] == 2).all()
