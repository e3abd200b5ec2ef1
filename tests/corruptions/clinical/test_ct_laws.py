"""Laws of the CT corruptions, with reconstructions of objects whose projections are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from scipy.special import j0, ndtri

N = 224
PIXEL = 160.0 / N
WATER = 0.0193
HU = 400.0 / 255.0
"""Hounsfield units of a grey level."""

Y, X = np.mgrid[:N, :N] - (N - 1) / 2.0


def flat(level: int, shape: tuple[int, int] = (N, N)) -> np.ndarray:
    return np.full(shape, level, np.uint8)


def blob(sigma: float) -> tuple[np.ndarray, float, float, float]:
    """Return a Gaussian on a background of water, its height in HU and its centre."""
    x, y = 21.0, -13.0
    height = 150.0
    image = 96 + height * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * sigma * sigma))
    return np.uint8(image + 0.5), height * HU, x, y


def ramp_filter(rows: np.ndarray) -> np.ndarray:
    """Ram-Lak times Hann, designed in frequency and padded far."""
    size = 1 << 14
    f = np.fft.rfftfreq(size)
    gain = f * (0.5 + 0.5 * np.cos(2 * np.pi * f))
    return np.fft.irfft(np.fft.rfft(rows, size) * gain, size)[..., : rows.shape[-1]]


def reconstructed(rows: np.ndarray, offsets: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return the HU that line integrals reconstruct to."""
    total = np.zeros((N, N))
    for line, angle in zip(ramp_filter(rows), turns, strict=True):
        total += np.interp(X * math.cos(angle) + Y * math.sin(angle), offsets, line)
    return total * math.pi / len(turns) / (WATER * PIXEL) * 1000


def agreement(what: str, measured: np.ndarray, expected: np.ndarray) -> Iterator[Reading]:
    """Slope and correlation of a change in HU with the expected one."""
    slope = float((measured * expected).sum() / (expected * expected).sum())
    yield Reading(what=f"{what}: slope on the expected", measured=slope, expected=1.0)
    yield Reading(
        what=f"{what}: correlation",
        measured=float(np.corrcoef(measured.ravel(), expected.ravel())[0, 1]),
        expected=1.0,
    )


def change(apply: Apply, image: np.ndarray, severity: int, seed: int) -> np.ndarray:
    return (apply(image, severity, seed) - image.astype(float)) * HU


def low_dose(apply: Apply) -> Iterator[Reading]:
    """Noise at the centre, from the noise of a ray through body and picture."""
    f = (np.arange(4096) + 0.5) / 4096 - 0.5
    ramp = (np.abs(f) * (0.5 + 0.5 * np.cos(2 * np.pi * f))) ** 2
    r0, r1 = ramp.mean(), (ramp * np.cos(2 * np.pi * f)).mean()
    # The picture's own attenuation: 50.8 HU over a disc of radius 0.725 n, where the taper is half.
    p = WATER * (320 + (128 * HU - 150) / 1000 * 2 * 0.725 * 160)
    for severity, sent in ((1, 6e6), (2, 2.4e6), (4, 5e5)):
        photons = sent * math.exp(-p)
        law = (
            1000
            / (WATER * PIXEL)
            * math.sqrt(math.pi**2 / N * (2 / 3 * r0 + r1 / 3) * (1 / photons + 16 / photons**2))
        )
        middle = [change(apply, flat(128), severity, seed)[72:152, 72:152] for seed in range(4)]
        yield Reading(what=f"HU at N0 {sent:g}", measured=float(np.std(middle)), expected=law)


DISC = np.uint8(96 + 150 * (np.hypot(X - 21, Y + 13) < 16))


def line_integrals(units: np.ndarray, angle: float, offsets: np.ndarray) -> np.ndarray:
    """Joseph's sum along each line: linear in a row where the line is steep, else in a column."""
    steep = abs(math.cos(angle)) >= abs(math.sin(angle))
    along, across = (math.cos(angle), math.sin(angle)) if steep else (math.sin(angle), math.cos(angle))
    places = np.arange(N) - (N - 1) / 2
    total = np.zeros(offsets.size)
    for place, row in zip(places, units if steep else units.T, strict=True):
        if row.any():
            total += np.interp((offsets - place * across) / along, places, row, left=0, right=0)
    return total / abs(along) * WATER * PIXEL / 1000


@lru_cache
def star(kept: int, step: int, seed: int) -> np.ndarray:
    """Return what the disc's reconstruction from few views has more than that from all."""
    offsets = np.arange(-200.0, 201.0)
    start = math.pi * np.random.default_rng(seed).random() / kept
    turns = start + np.pi * np.arange(kept * step) / (kept * step)
    rows = np.array([line_integrals((DISC - 96.0) * HU, angle, offsets) for angle in turns])
    return reconstructed(rows[::step], offsets, turns[::step]) - reconstructed(rows, offsets, turns)


def sparse_view(apply: Apply) -> Iterator[Reading]:
    """Around a disc, rays of too few views do not cancel: a star."""
    for severity, kept, step in ((4, 68, 4), (5, 50, 5)):
        expected = star(kept, step, 2)
        measured = change(apply, DISC, severity, 2)
        seen = (np.abs(expected) > 3 * HU) & (DISC == 96)
        yield from agreement(f"{kept} views", measured[seen], expected[seen])


def ring(apply: Apply) -> Iterator[Reading]:
    """Rings depend on the radius only: a Hankel transform of the channels' gains."""
    half = math.ceil(1.1 * N) + 1
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        x, y = 0.25 * N * (2 * rng.random(2) - 1)
        order, uniform = rng.random((2, 2 * half + 1))
        faulty = np.argsort(order)[: round(0.12 * order.size)]
        z = ndtri(uniform[faulty])
        z *= 0.03 / np.sqrt((z * z).mean())
        f = (np.arange(2000) + 0.5) / 4000
        spectrum = (z[:, None] * np.cos(2 * np.pi * f * (faulty - half)[:, None])).sum(axis=0)
        weight = spectrum * (0.5 + 0.5 * np.cos(2 * np.pi * f)) * np.sinc(f) ** 2 * f * 2 * np.pi / 4000
        radii = np.arange(0, 1.2 * N, 0.25)
        profile = (weight * j0(2 * np.pi * f * radii[:, None])).sum(axis=1) / (WATER * PIXEL) * 1000
        expected = np.interp(np.hypot(X - x, Y - y), radii, profile)
        measured = change(apply, flat(128), 5, seed)
        shown = np.abs(expected) < 190
        yield from agreement(f"seed {seed}", measured[shown], expected[shown])


def metal(apply: Apply) -> Iterator[Reading]:
    """Steel between two energies: bright discs, dark where the beam passes both."""
    offsets = np.arange(-190.0, 191.0)
    turns = np.pi * np.arange(N) / N
    water = 2 * np.sqrt(160**2 - (offsets * PIXEL) ** 2)
    fine = (np.arange(64) + 0.5) / 64 - 0.5
    for seed in (3, 4):
        u = np.random.default_rng(seed).random(4)
        first, second = 2 * math.pi * u[0], 2 * math.pi * u[0] + math.pi * (0.75 + u[2] / 2)
        discs = [
            (N * (0.34 + 0.1 * far) * math.cos(angle), N * (0.34 + 0.1 * far) * math.sin(angle))
            for angle, far in ((first, u[1]), (second, u[3]))
        ]
        steel = np.zeros((N, offsets.size))
        for x, y in discs:
            away = offsets - (x * np.cos(turns) + y * np.sin(turns))[:, None]
            for shift in fine:
                steel += 2 * np.sqrt(np.maximum(2.6**2 - ((away + shift) * PIXEL) ** 2, 0)) / fine.size
        with_steel = 0.6 * np.exp(-0.0206 * water - 0.946 * steel) + 0.4 * np.exp(
            -0.0171 * water - 0.292 * steel
        )
        without = 0.6 * np.exp(-0.0206 * water) + 0.4 * np.exp(-0.0171 * water)
        expected = reconstructed(np.log(without / with_steel), offsets, turns)
        measured = change(apply, flat(128), 4, seed)
        # Streaks of photon noise come on top; what hardening makes is what both have in common.
        shown = (np.abs(expected) < 170) & (np.abs(expected) > 20)
        slope = float((measured * expected)[shown].sum() / (expected[shown] ** 2).sum())
        yield Reading(what=f"slope, seed {seed}", measured=slope, expected=1.0, relative=0.05)
        share = np.linspace(0.3, 0.7, 60)
        columns = discs[0][0] + share * (discs[1][0] - discs[0][0]) + (N - 1) / 2
        rows = discs[0][1] + share * (discs[1][1] - discs[0][1]) + (N - 1) / 2
        between = np.rint(rows).astype(int), np.rint(columns).astype(int)
        yield Reading(
            what=f"darker between the discs, seed {seed}",
            measured=float(np.sign(np.mean(measured[between]))),
            expected=-1.0,
        )


def motion(apply: Apply) -> Iterator[Reading]:
    """A Gaussian that moves once is reconstructed from its projections before and after."""
    sigma = 7.0
    image, height, x, y = blob(sigma)
    offsets = np.arange(-200.0, 201.0)
    turns = np.pi * np.arange(N) / N
    moved = 0.5 - 0.5 * np.cos(np.pi * np.clip((np.arange(N) / N - 0.4) / 0.2, 0, 1))
    for severity, mm in ((3, 3.5), (5, 8.0)):
        direction = 2 * math.pi * np.random.default_rng(2).random()
        shift = mm / PIXEL * moved * np.cos(turns - direction)
        centre = x * np.cos(turns) + y * np.sin(turns)

        def rows(centres: np.ndarray) -> np.ndarray:
            away = offsets - centres[:, None]
            area = height / 1000 * WATER * PIXEL * sigma * math.sqrt(2 * math.pi)
            return area * np.exp(-(away**2) / (2 * sigma * sigma))

        expected = reconstructed(rows(centre + shift) - rows(centre), offsets, turns)
        yield from agreement(f"{mm} mm", change(apply, image, severity, 2), expected)


def reformat_noise(apply: Apply) -> Iterator[Reading]:
    """Deviation in HU; neighbours along the table know nothing of each other."""
    k = np.arange(-8, 9)
    weights = np.exp(-(k**2) / (2 * 0.8**2)) * (np.abs(k) <= 3)
    below = float((weights[1:] * weights[:-1]).sum() / (weights**2).sum())
    for severity, sigma in ((1, 7.0), (3, 19.0), (5, 43.0)):
        noise = np.concatenate([change(apply, flat(128), severity, seed) for seed in range(4)], axis=1)
        yield Reading(what=f"HU at {sigma}", measured=float(noise.std()), expected=sigma)
        noise = change(apply, flat(128), severity, 9)
        beside = float(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])
        yield Reading(what="correlation along the table", measured=beside, expected=0.0, absolute=0.02)
        down = float(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1])
        yield Reading(what="correlation in the slice", measured=down, expected=below)


def slice_thickness(apply: Apply) -> Iterator[Reading]:
    """Slabs of columns have one value; a second time changes nothing."""
    rng = np.random.default_rng(0)
    image = np.uint8(rng.integers(40, 216, (N, 2000)))
    for severity, thickness in ((1, 2), (3, 6), (5, 13)):
        once = apply(image, severity, 3)
        runs = 1 + int((np.diff(once.astype(int), axis=1) != 0).any(axis=0).sum())
        yield Reading(what=f"slabs at {thickness} px", measured=2000 / runs, expected=thickness)
        same = float((apply(once, severity, 3) == once).mean())
        yield Reading(what="share unchanged by a second time", measured=same, expected=1.0, relative=0.0)
        edges = np.flatnonzero((np.diff(once.astype(int), axis=1) != 0).any(axis=0)) + 1
        first, last = edges[4], edges[5]
        mean = float(image[:, first:last].mean(axis=1).std())
        yield Reading(what="values are means", measured=float(once[:, first].std()), expected=mean)


def breathing(apply: Apply) -> Iterator[Reading]:
    """A slab's move is the phase by which waves in it are shifted."""
    across = np.uint8(np.rint(128 + 100 * np.cos(2 * np.pi * np.arange(N) / 28)))
    along = np.uint8(np.rint(128 + 100 * np.cos(2 * np.pi * np.arange(N) / 12)))
    slab = 6 * np.arange(N) // N
    for severity, distance in ((2, 2.0), (3, 3.5), (5, 8.5)):
        u = 2 * np.random.default_rng(5).random((2, 6)) - 1
        u /= np.abs(u).max(axis=1, keepdims=True)
        found = apply(np.tile(across[:, None], (1, N)), severity, 5)[28:-28].astype(float)
        wave = np.exp(-2j * np.pi * np.arange(28, N - 28) / 28)
        down = [float(-np.angle(wave @ found[:, slab == k].mean(axis=1)) * 28 / 2 / np.pi) for k in range(6)]
        found = apply(np.tile(along, (N, 1)), severity, 5).astype(float)
        # In the middle of a slab, three waves.
        middles = [slice(first, first + 36) for first in (39, 76, 113, 150)]
        right = [
            float(
                -np.angle(np.exp(-2j * np.pi * np.arange(N)[part] / 12) @ found[:, part].mean(axis=0))
                * 12
                / 2
                / np.pi
            )
            for part in middles
        ]
        yield Reading(what="largest move", measured=float(np.abs(down).max()), expected=distance)
        for k in range(6):
            yield Reading(what=f"slab {k} down", measured=down[k], expected=distance * u[0, k], absolute=0.05)
        for k, move in enumerate(right, 1):
            yield Reading(
                what=f"slab {k} right", measured=move, expected=0.6 * distance * u[1, k], absolute=0.05
            )


LAWS: tuple[Law, ...] = (
    Law(
        corruption="ct_low_dose",
        statement="sd at the centre = 1000/(mu a) sqrt(pi^2/n (2/3 R0 + 1/3 R1) (1/lambda + 16/lambda^2)) HU",
        measure=low_dose,
        broken_by=("factor", "order"),
    ),
    Law(
        corruption="ct_sparse_view",
        statement="a disc gets the difference of its reconstructions from k and from N views",
        measure=sparse_view,
        broken_by=("sign", "factor", "axis"),
    ),
    Law(
        corruption="ct_ring",
        statement="the change depends on the radius only: a Hankel transform of the channels' ln gains",
        measure=ring,
        broken_by=("sign", "factor", "axis"),
    ),
    Law(
        corruption="ct_metal",
        statement="the reconstruction of -ln sum(w exp(-s t - e m)) less that of soft tissue; dark between",
        measure=metal,
        broken_by=("sign", "factor", "axis"),
    ),
    Law(
        corruption="ct_motion",
        statement="a Gaussian that moves once is reconstructed from projections before and after",
        measure=motion,
        broken_by=("sign", "factor", "axis"),
    ),
    Law(
        corruption="ct_reformat_noise",
        statement="sd as stated; correlation of neighbours 0 along the table, exp(-1/(4 0.8^2)) in the slice",
        measure=reformat_noise,
        broken_by=("factor", "axis", "order"),
    ),
    Law(
        corruption="ct_slice_thickness",
        statement="slabs of t columns show their mean; a second time changes nothing",
        measure=slice_thickness,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="ct_breathing",
        statement="the slab that moves most moves d across and 0.6 d along the table",
        measure=breathing,
        broken_by=("sign", "factor", "axis"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)
