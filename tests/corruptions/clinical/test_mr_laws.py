"""Laws of the MR corruptions, with waves, uniform pictures and a second implementation of the movements."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scipy.ndimage import affine_transform, gaussian_filter

N = 240
Y, X = np.mgrid[:N, :N]


def levels(values: np.ndarray) -> np.ndarray:
    return np.uint8(np.rint(values))


def wave(image: np.ndarray, down: int, across: int) -> float:
    """Amplitude, with its sign, of a cosine with so many periods a height and a width, in grey levels."""
    turned = np.exp(-2j * np.pi * (down * Y / N + across * X / N))
    return float(2 * (image * turned).mean().real)


def motion(apply: Apply) -> Iterator[Reading]:
    """Lines of k-space in poses, by SciPy's affine transform and whole transforms."""
    rng = np.random.default_rng(8)
    image = levels(128 + 900 * gaussian_filter(rng.standard_normal((N, 200)), 4))
    height, width = image.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    frequency = np.fft.fftfreq(height)
    for severity, pairs, pixels in ((1, 2, 2.0), (3, 4, 3.0), (5, 5, 6.5)):
        drawn = np.random.default_rng(4).random((5, 2, 3))
        length = pixels * width / 224
        lines = np.fft.fft2(image.astype(float))
        for side in (0, 1):
            pose = np.zeros(3)
            for when, direction, sense in drawn[:pairs, side][::-1]:
                spin = -1 if sense < 0.5 else 1
                pose += (
                    length * math.sin(2 * math.pi * direction),
                    length * math.cos(2 * math.pi * direction),
                    spin * math.radians(2 / 3 * pixels),
                )
                pair = int(np.flatnonzero(drawn[:, side, 0] == when)[0])
                start = 0.45 / 2 ** (pair + when)
                cosine, sine = math.cos(pose[2]), math.sin(pose[2])
                back = np.array([[cosine, -sine], [sine, cosine]])
                moved = affine_transform(
                    image.astype(float), back, middle - back @ (middle + pose[:2]), order=1, mode="nearest"
                )
                later = frequency >= start if side == 0 else frequency <= -start
                lines[later] = np.fft.fft2(moved)[later]
        expected = np.clip(np.abs(np.fft.ifft2(lines)), 0, 255) - image
        measured = apply(image, severity, 4) - image.astype(float)
        slope = float((measured * expected).sum() / (expected * expected).sum())
        yield Reading(what=f"slope, severity {severity}", measured=slope, expected=1.0)


def bar_waves(rows: np.ndarray, numbers: list[int]) -> np.ndarray:
    """Return the waves of so many periods a height that the bar of ten rows is made of."""
    height = [120 * 10 / N * np.sinc(k * 10 / N) / np.sinc(k / N) * (1 if k == 0 else 2) for k in numbers]
    waves = [np.cos(2 * np.pi * k * (rows - 104.5) / N) for k in numbers]
    return sum(h * w for h, w in zip(height, waves, strict=True))


def ghosting(apply: Apply) -> Iterator[Reading]:
    """Waves on a weakened line lose the share a; copies of a bar stand H / n away."""
    image = levels(120 + 50 * np.cos(2 * np.pi * 24 * Y / N) + 50 * np.cos(2 * np.pi * (25 * Y + 11 * X) / N))
    for seed in (0, 1, 2, 3):
        every = 2 + int(3 * np.random.default_rng(seed).random())
        for severity, share in ((2, 0.3), (4, 0.65)):
            found = apply(image, severity, seed)
            weak = wave(found, 24, 0) / wave(image, 24, 0)
            yield Reading(what="on a weak line", measured=weak, expected=1 - share)
            kept = wave(found, 25, 11) / wave(image, 25, 11)
            yield Reading(what="on another line", measured=kept, expected=1.0 if 25 % every else 1 - share)
            bar = np.full((N, N), 100, np.uint8)
            bar[100:110] = 220
            ghost = apply(bar, severity, seed).astype(float)
            place = np.arange(N)[:, None]
            # The middle of k-space stays: of its slow waves there are no copies.
            slow = bar_waves(place, [k for k in range(2) if k % every == 0])
            copies = [place[(place - 105 - j * N // every) % N < 1] for j in range(1, every)]
            for at in np.concatenate(copies):
                yield Reading(
                    what=f"copy at {at} of n = {every}",
                    measured=float(ghost[at].mean()) - 100,
                    expected=float(share * (slow[at, 0] - 120 / every)),
                    absolute=0.6,
                )


def spike(apply: Apply) -> Iterator[Reading]:
    """One wave at the place drawn, of a times the mean."""
    image = levels(110 + 40 * np.cos(2 * np.pi * 3 * Y / N))
    for seed in (0, 1, 2):
        u = np.random.default_rng(seed).random(2)
        far, angle = 0.05 + 0.25 * u[0], 2 * math.pi * u[1]
        down, across = round(N * far * math.sin(angle)), round(N * far * math.cos(angle))
        for severity, height in ((1, 0.04), (3, 0.13), (5, 0.3)):
            found = apply(image, severity, seed).astype(float)
            yield Reading(
                what=f"severity {severity}",
                measured=wave(found, down, across),
                expected=height * image.mean(),
                absolute=0.15,
            )
            spectrum = np.abs(np.fft.fft2(found - image))
            rest = 1 - 2 * spectrum[down, across] ** 2 / (spectrum**2).sum()
            yield Reading(what="other waves", measured=float(rest), expected=0.0, absolute=0.01)


def bias_field(apply: Apply) -> Iterator[Reading]:
    """ln of the ratio is the cubic polynomial drawn, with the peak stated."""
    y, x = (2 * Y + 1) / N - 1, (2 * X + 1) / N - 1
    powers = [(i, j) for i in range(4) for j in range(4) if 0 < i + j <= 3]
    for severity, peak in ((2, 0.5), (3, 0.75), (5, 1.4)):
        image = np.full((N, N), 60, np.uint8)
        found = np.log(np.maximum(apply(image, severity, 7), 1) / 60)
        yield Reading(what="peak", measured=float(np.abs(found).max()), expected=peak)
        drawn = 2 * np.random.default_rng(7).random(9) - 1
        field = sum(c * x**i * y**j for c, (i, j) in zip(drawn, powers, strict=True))
        field *= peak / np.abs(field).max()
        slope = float((found * field).sum() / (field * field).sum())
        yield Reading(what="slope on the polynomial", measured=slope, expected=1.0)
        rest = float((found - field).std() / field.std())
        yield Reading(what="what is left of it", measured=rest, expected=0.0, absolute=0.05)


def truncation(apply: Apply) -> Iterator[Reading]:
    """Waves inside stay, waves outside go: along either axis."""
    for severity, kept in ((1, 0.7), (2, 0.5), (3, 0.36), (5, 0.18)):
        edge = math.ceil(kept * N / 2)
        inside, outside = edge - 2, edge + 2
        for down, across in ((inside, 3), (3, inside), (outside, 3), (3, outside)):
            image = levels(128 + 60 * np.cos(2 * np.pi * (down * Y + across * X) / N))
            found = wave(apply(image, severity, 0), down, across) / 60
            expected = float(max(down, across) < edge)
            yield Reading(
                what=f"{down}, {across} at {kept}",
                measured=found,
                expected=expected,
                relative=0,
                absolute=0.01,
            )


def rician_noise(apply: Apply) -> Iterator[Reading]:
    """Without signal the mean is sigma sqrt(pi / 2); with much, sigma is the deviation."""
    for severity, sigma in ((2, 0.03), (4, 0.09), (5, 0.14)):
        dark = np.zeros((N, N), np.uint8)
        dark[[0, -1]] = 1  # so that it is no padding
        found = apply(dark, severity, 1)[1:-1] / 255
        yield Reading(
            what="mean without signal", measured=float(found.mean()), expected=sigma * math.sqrt(math.pi / 2)
        )
        grey = np.full((N, N), 128, np.uint8)
        yield Reading(
            what="deviation with signal",
            measured=float((apply(grey, severity, 1) / 255).std()),
            expected=sigma,
        )


LAWS: tuple[Law, ...] = (
    Law(
        corruption="mr_motion",
        statement="each line of k-space is that of the picture in the pose of its time",
        measure=motion,
        broken_by=("sign", "factor", "axis"),
    ),
    Law(
        corruption="mr_ghosting",
        statement="waves on every n-th line keep 1 - a; n - 1 copies, H / n apart, of -a / n",
        measure=ghosting,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="mr_spike",
        statement="one plane wave of amplitude a mean(g)",
        measure=spike,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="mr_bias_field",
        statement="ln(g' / g) is a cubic polynomial with the peak stated",
        measure=bias_field,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="mr_truncation",
        statement="waves of frequency under a / 2 stay, others go",
        measure=truncation,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="mr_rician_noise",
        statement="mean sigma sqrt(pi / 2) without signal, deviation sigma with much",
        measure=rician_noise,
        broken_by=("sign", "factor", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)
