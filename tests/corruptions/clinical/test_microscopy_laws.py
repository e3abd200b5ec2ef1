"""Laws of the microscopy corruptions, measured on the bytes that `corrupt` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from math import cos, pi, sin

import numpy as np
import pytest
from laws import Apply, Law, Reading, check

from medimeta_corruptions import Pixels, corrupt

GIEMSA_ROWS = ((0.834750233, 0.513556283, 0.196330403), (0.092789, 0.954111, 0.283111))
HE_ROWS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
STOPS = (0.2, 0.4, 0.65, 0.9, 1.2)
FOLDS = (0.03, 0.06, 0.10, 0.16, 0.24)
STROKES = (0.02, 0.04, 0.07, 0.11, 0.17)
INKS = np.array([[1.9, 1.5, 0.35], [1.5, 0.5, 1.4], [1.6, 1.6, 1.5]])


def light(image: Pixels) -> np.ndarray:
    """Return linear light of sRGB values, from the standard's formula."""
    value = image / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def shown(values: np.ndarray) -> Pixels:
    """Return the sRGB bytes of linear light."""
    coded = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
    return np.floor(255.0 * coded + 0.5).astype(np.uint8)


def optical(image: Pixels) -> np.ndarray:
    return -np.log(np.maximum(image, 1) / 255.0)


def stops(ratio: float) -> float:
    return float(np.log2(max(ratio, 1e-9)))


def flat(colour: tuple[int, int, int], side: int = 224) -> Pixels:
    return np.full((side, side, 3), colour, np.uint8)


def stained(rows: tuple[tuple[float, ...], ...]) -> tuple[Pixels, np.ndarray]:
    """Return a picture of many mixtures of two stains, and the stains' unit vectors."""
    vectors = [np.array(row) / np.linalg.norm(row) for row in rows]
    if len(vectors) == 2:
        normal = np.cross(*vectors)
        vectors.append(normal / np.linalg.norm(normal))
    stains = np.array(vectors)
    amounts = np.random.default_rng(5).uniform((0.3, 0.3, 0.0), (0.9, 0.7, 0.05), (96, 96, 3))
    return np.floor(255.0 * np.exp(-amounts @ stains) + 0.5).astype(np.uint8), stains


def stain(rows: tuple[tuple[float, ...], ...]) -> Callable[[Apply], Iterator[Reading]]:
    def measure(apply: Apply) -> Iterator[Reading]:
        image, stains = stained(rows)
        unmix = np.linalg.inv(stains)
        before = (optical(image) @ unmix).sum(axis=(0, 1))
        for severity, seed in ((1, 0), (3, 1), (5, 3), (5, 11)):
            after = (optical(apply(image, severity, seed)) @ unmix).sum(axis=(0, 1))
            u = np.random.default_rng(seed).random(2)
            first = 1 if u[0] >= 0.5 else -1
            second = -first if u[1] < 0.85 else first
            for which, sign in ((0, first), (1, second)):
                yield Reading(
                    what=f"stops of stain {which + 1}, severity {severity}, seed {seed}",
                    measured=stops(after[which] / before[which]),
                    expected=sign * STOPS[severity - 1],
                )

    return measure


def thickness(apply: Apply) -> Iterator[Reading]:
    image = np.random.default_rng(2).integers(90, 236, (96, 96, 3)).astype(np.uint8)
    for severity, expected in enumerate((0.25, 0.45, 0.7, 1.0, 1.35), start=1):
        for seed in (0, 1, 2):
            sign = 1 if np.random.default_rng(seed).random() >= 0.5 else -1
            ratio = optical(apply(image, severity, seed)).sum() / optical(image).sum()
            yield Reading(
                what=f"stops, severity {severity}, seed {seed}",
                measured=stops(float(ratio)),
                expected=sign * expected,
            )


def width(apply: Apply, image: Pixels, severity: int) -> float:
    """Return the part of a picture that a band covers, over many bands."""
    return float(np.mean([(apply(image, severity, seed) != image).any(axis=2).mean() for seed in range(8)]))


def fold(apply: Apply) -> Iterator[Reading]:
    tissue, glass = flat((170, 130, 190)), flat((255, 255, 255))
    for severity in (3, 5):
        changed = apply(tissue, severity, 4)
        band = (changed != tissue).any(axis=2)
        ratio = np.median(optical(changed)[band], axis=0) / optical(tissue)[0, 0]
        for channel, value in zip(("red", "green", "blue"), ratio, strict=True):
            yield Reading(what=f"OD in the fold, {channel}", measured=float(value), expected=1 + 2 * 0.7)
        yield Reading(
            what="glass that changes",
            measured=float((apply(glass, severity, 4) != glass).sum()),
            expected=0.0,
        )
    yield Reading(
        what="width at 4 over width at 2",
        measured=width(apply, tissue, 4) / width(apply, tissue, 2),
        # Half a pixel of each edge is covered in part.
        expected=(FOLDS[3] * 224 + 1) / (FOLDS[1] * 224 + 1),
    )


def tiles(seed: int, side: int) -> tuple[list[tuple[slice, slice]], int, np.ndarray]:
    """Return the four tiles in reading order, the number of the largest, and their drawn numbers."""
    rng = np.random.default_rng(seed)
    row, column = (int(side * (0.35 + 0.3 * u) + 0.5) for u in rng.random(2))
    boxes = [
        (y, x) for y in (slice(0, row), slice(row, side)) for x in (slice(0, column), slice(column, side))
    ]
    sizes = [(y.stop - y.start) * (x.stop - x.start) for y, x in boxes]
    return boxes, int(np.argmax(sizes)), rng.random((4, 2))


def seams(apply: Apply) -> Iterator[Reading]:
    side = 224
    ramp = np.linspace(0.1, 0.7, side)
    across = shown(np.repeat(np.tile(ramp, (side, 1))[..., None], 3, axis=2))
    slope = 0.6 / (side - 1)
    for severity, (offset, share) in ((3, (2.2, 0.10)), (5, (5.5, 0.21))):
        boxes, reference, drawn = tiles(3, side)
        pictures = {"columns": across, "rows": np.ascontiguousarray(across.swapaxes(0, 1))}
        moved = {axis: light(apply(picture, severity, 3)) for axis, picture in pictures.items()}
        for number, box in enumerate(boxes):
            sign = 1 if drawn[number, 1] >= 0.5 else -1
            height, wide = (edge.stop - edge.start for edge in box)
            q, p = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, wide)[None, :]
            square = (p * p + q * q) / 2
            if number == reference:
                ratio = (moved["columns"] / light(across))[box][..., 0]
                vignette, gain = np.polyfit(square.ravel(), ratio.ravel(), 1)
                yield Reading(what=f"gain - 1, severity {severity}", measured=gain - 1, expected=sign * share)
                yield Reading(
                    what=f"vignette, severity {severity}", measured=-vignette / gain, expected=2 * share
                )
                continue
            shading = (1 + sign * share) * (1 - 2 * share * square)
            inner = (slice(8, -8), slice(8, -8))
            angle = 2 * pi * drawn[number, 0]
            for axis, part in (("columns", cos(angle)), ("rows", sin(angle))):
                away = moved[axis][box][..., 0] / shading - light(pictures[axis])[box][..., 0]
                yield Reading(
                    what=f"offset of tile {number} in {axis}, severity {severity}",
                    measured=float(away[inner].mean()) / slope,
                    expected=offset * part,
                    absolute=0.03,
                )


def ink(apply: Apply) -> Iterator[Reading]:
    white = flat((255, 255, 255))
    for seed in range(6):
        # Before the ink: three numbers for the place, and three for each of 6 + 8 waves.
        chosen = INKS[int(3 * np.random.default_rng(seed).random(46)[45])]
        found = optical(apply(white, 5, seed))
        total = found.sum(axis=(0, 1))
        for a, b in ((0, 1), (2, 1)):
            yield Reading(
                what=f"ratio of densities, seed {seed}",
                measured=float(total[a] / max(total[b], 1e-9)),
                expected=chosen[a] / chosen[b],
            )
        yield Reading(
            what=f"largest density, seed {seed}", measured=float(found.max()), expected=float(chosen.max())
        )
    image = flat((200, 170, 210))
    yield Reading(
        what="values that brighten",
        measured=float((apply(image, 4, 0).astype(int) > image).sum()),
        expected=0.0,
    )
    yield Reading(
        what="width at 4 over width at 2",
        measured=width(apply, image, 4) / width(apply, image, 2),
        expected=(STROKES[3] * 224 + 1) / (STROKES[1] * 224 + 1),
    )


def bubble(apply: Apply) -> Iterator[Reading]:
    side = 448
    image = flat((188, 150, 120), side)
    for severity, n, radius in ((1, 1, 0.10), (3, 3, 0.16), (5, 5, 0.23)):
        # The last bubble lies on top: a seed that puts it in the middle shows all of it.
        for seed in count():
            u = np.random.default_rng(seed).random((5, 3))[n - 1]
            if abs(u[0] - 0.5) < 0.15 and abs(u[1] - 0.5) < 0.15:
                break
        row, column = (round(float(v) * (side - 1)) for v in u[:2])
        found = light(apply(image, severity, seed))
        for channel in range(3):
            yield Reading(
                what=f"middle of a bubble, channel {channel}, severity {severity}",
                measured=float(found[row, column, channel]),
                expected=0.85 * float(light(image)[0, 0, channel]) + 0.12,
                relative=0.015,
            )
        darkest = np.argmin(found[row, column:, 1]) - (u[1] * (side - 1) - column)
        yield Reading(
            what=f"radius of the dark rim in pixels, severity {severity}",
            measured=float(darkest),
            expected=0.97 * radius * side * (0.8 + 0.4 * u[2]),
            absolute=0.5,
            relative=0.01,
        )


LAWS: tuple[Law, ...] = (
    Law(
        corruption="giemsa_stain",
        statement="The amount of each stain changes by exactly e stops.",
        measure=stain(GIEMSA_ROWS),
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="he_stain",
        statement="The amount of each stain changes by exactly e stops.",
        measure=stain(HE_ROWS),
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="section_thickness",
        statement="Optical density changes by exactly e stops.",
        measure=thickness,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="tissue_fold",
        statement="Densities of the layers add: 1 + 2 x 0.7 in uniform tissue; glass stays glass.",
        measure=fold,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="stitching",
        statement="The largest tile only has a gain 1 +- a and a vignette 2 a; the others also move by d.",
        measure=seams,
        broken_by=("sign", "factor", "axis", "order"),
    ),
    Law(
        corruption="pen_ink",
        statement="The ink's optical density is added; nothing brightens.",
        measure=ink,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="air_bubble",
        statement="Inside, linear light is 0.85 y + 0.12; the dark rim is at 0.97 radii.",
        measure=bubble,
        broken_by=("sign", "factor", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law(law: Law) -> None:
    check(law)


@pytest.mark.parametrize("name", ["giemsa_stain", "he_stain"])
def test_stains_are_scikit_images(name: str) -> None:
    """The published vectors are scikit-image's, and its separation and combination give the same picture."""
    color = pytest.importorskip("skimage.color", reason="needs scikit-image, the oracle")
    rows, theirs = {
        "giemsa_stain": (GIEMSA_ROWS, color.rgb_from_bex),
        "he_stain": (HE_ROWS, color.rgb_from_hed),
    }[name]
    image, stains = stained(rows)
    assert np.allclose(stains, theirs / np.linalg.norm(theirs, axis=1, keepdims=True), atol=1e-12)
    unmixed = color.separate_stains(image / 255.0, np.linalg.inv(stains))
    kept = (unmixed > 0).all(axis=2)  # scikit-image cuts off negative amounts
    u = np.random.default_rng(7).random(2)
    first = 1 if u[0] >= 0.5 else -1
    second = -first if u[1] < 0.85 else first
    mixed = color.combine_stains(unmixed * (2 ** (first * 0.65), 2 ** (second * 0.65), 1), stains)
    ours = corrupt(image, name, 3, np.random.default_rng(7))
    assert kept.mean() > 0.3
    assert np.abs(ours - 255.0 * np.clip(mixed, 0, 1))[kept].max() < 0.51
