"""Laws and oracles of the digital faults: the standards' own numbers, libjpeg and OpenJPEG."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from laws import Apply, Law, Reading, check
from PIL import Image, features
from scipy.integrate import trapezoid

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, Pixels, corrupt
from medimeta_corruptions.clinical.digital.jpeg2000 import forward, inverse


def natural(shape: tuple[int, ...], seed: int = 0) -> Pixels:
    """Return a picture whose spectrum falls as that of photographs, with a few edges."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    falling = 1 / np.maximum(np.hypot(rows, columns), 1 / max(shape)) ** 1.3
    planes = []
    for _ in range(3 if len(shape) == 3 else 1):
        noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape[:2])) * falling, s=shape[:2])
        planes.append(noise / noise.std())
    y, x = np.mgrid[: shape[0], : shape[1]] / min(shape[:2])
    disc = 1.2 * (np.hypot(x - 0.45, y - 0.5) < 0.3)
    grey = 105 + 30 * (planes[0] + disc)
    if len(shape) == 2:
        return np.uint8(np.clip(grey, 1, 254))
    colour = grey[..., None] + 10 * np.stack(planes, axis=2) * np.array([1.0, 0.4, -0.8])
    return np.uint8(np.clip(colour, 1, 254))


def recoded(image: Pixels, **options: object) -> Pixels:
    """Return what a library's codec makes of an image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, **options)
    return np.array(Image.open(file))


# --- jpeg

# Annex K of ITU-T T.81 at the five qualities, by hand: the step of the mean, and of the first row's fourth
# and the first column's fourth cosine (base values 16, 16, 14).
STEPS = {1: (13, 13, 11), 2: (23, 23, 20), 3: (40, 40, 35), 4: (67, 67, 58), 5: (114, 114, 100)}


def jpeg_steps(apply: Apply) -> Iterator[Reading]:
    """Blocks that are one cosine: its coefficient becomes the nearest multiple of the table's step."""
    x = np.arange(8)
    wave = np.sqrt(2) * np.cos((2 * x + 1) * 3 * np.pi / 16)
    patterns = (np.ones((8, 8)), np.ones((8, 1)) * wave, wave[:, None] * np.ones((1, 8)))
    for severity in (3, 4, 5):
        for which, (pattern, step) in enumerate(zip(patterns, STEPS[severity], strict=True)):
            # 8 a is the coefficient of a pattern of size a; 1.6 steps become 2.
            tiled = np.tile(pattern, (4, 4))
            before, after = (np.floor(128.5 + tiled * steps * step / 8) for steps in (1.6, 2))
            found = apply(np.uint8(before), severity, 0) - before
            yield Reading(
                what=f"change of cosine {which} at severity {severity}",
                measured=float(np.mean(found * tiled)),
                expected=float(np.mean((after - before) * tiled)),
            )


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("shape", [(224, 224), (221, 187), (28, 29, 3), (96, 61, 3), (224, 224, 3)], ids=str)
def test_jpeg_is_libjpegs(severity: int, shape: tuple[int, ...]) -> None:
    """Every value equals that of libjpeg-turbo, which Pillow brings, at its defaults."""
    quality = CORRUPTIONS["jpeg"].parameters[severity - 1]
    for image in (natural(shape), np.random.default_rng(1).integers(1, 256, shape, dtype=np.uint8)):
        assert np.array_equal(
            corrupt(image, "jpeg", severity), recoded(image, format="JPEG", quality=quality)
        )


def test_jpeg_of_grey_in_three_channels_is_jpeg_of_grey() -> None:
    grey = natural((61, 37))
    tripled = corrupt(np.stack([grey] * 3, axis=2), "jpeg", 3)
    assert np.array_equal(tripled, np.stack([corrupt(grey, "jpeg", 3)] * 3, axis=2))


# --- downsampling


def keys(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -1/2, as he writes it."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def downsampling_gain(apply: Apply) -> Iterator[Reading]:
    """A wave loses what the means over pixels and cells and the kernel take: sinc(f_pixel) sinc(f) K(f)."""
    u = np.linspace(-2, 2, 40_001)
    for severity, cells in ((1, 134), (2, 94), (3, 67), (4, 47), (5, 31)):
        periods = round(0.3 * cells)
        f = periods / cells  # per cell
        gain = np.sinc(periods / 224) * np.sinc(f) * trapezoid(keys(u) * np.cos(2 * np.pi * f * u), u)
        turns = 2 * np.pi * periods * (np.arange(224) + 0.5) / 224
        for axis in (0, 1):
            wave = np.cos(turns)[:, None] if axis == 0 else np.cos(turns)[None]
            image = np.uint8(np.rint(128 + 100 * np.broadcast_to(wave, (224, 224))))
            inner = (slice(30, -30),) * 2
            weights = np.broadcast_to(wave, (224, 224))[inner]
            lost = 100 - float(((apply(image, severity, 0) - 128.0)[inner] * weights).sum()) / float(
                (weights**2).sum()
            )
            yield Reading(
                what=f"amplitude lost along axis {axis} at severity {severity}",
                measured=lost,
                expected=100 * (1 - gain),
            )
        flat = np.full((50, 70), 77, np.uint8)
        yield Reading(
            what="a constant", measured=float(apply(flat, severity, 0).mean()), expected=77, relative=0
        )


# --- bit_depth


def bit_depth_steps(apply: Apply) -> Iterator[Reading]:
    """2**b levels; the error is that of a uniform quantiser, step / sqrt(12)."""
    ramp = np.arange(256, dtype=np.uint8).repeat(4).reshape(32, 32)
    for severity, bits in enumerate((6, 5, 4, 3, 2), start=1):
        found = apply(ramp, severity, 0)
        yield Reading(what="levels", measured=np.unique(found).size, expected=2**bits, relative=0)
        error = float(np.sqrt(np.mean((found - ramp.astype(float)) ** 2)))
        step = 255 / (2**bits - 1)
        yield Reading(
            what=f"error of {bits} bits",
            measured=error,
            # Levels and values are whole numbers, whose own rounding adds 1/12 twice at the most.
            expected=step / np.sqrt(12),
            absolute=0.1,
        )


def test_bit_depth_twice_is_bit_depth_once() -> None:
    image = natural((40, 40, 3))
    for severity in SEVERITIES:
        once = corrupt(image, "bit_depth", severity)
        assert np.array_equal(corrupt(once, "bit_depth", severity), once)


# --- window_level


def window(apply: Apply) -> Iterator[Reading]:
    """Inside the window grey is linear with slope 1/w, and its centre shows mid-grey."""
    ramp = np.arange(1, 256, dtype=np.uint8).repeat(4).reshape(30, 34)
    parameters = ((0.9, 0.03), (0.8, 0.06), (0.7, 0.08), (0.6, 0.11), (0.5, 0.14))
    for severity, (width, shift) in enumerate(parameters, start=1):
        for seed in (1, 2):
            up = -1 if np.random.default_rng(seed).random() < 0.5 else 1
            found = apply(ramp, severity, seed).astype(float)
            inside = (found > 0) & (found < 255)
            slope, start = np.polyfit(ramp[inside].astype(float), found[inside], 1)
            yield Reading(what="slope, less 1", measured=slope - 1, expected=1 / width - 1)
            yield Reading(
                what="centre, less 127.5",
                measured=(127.5 - start) / slope - 127.5,
                expected=255 * up * shift,
                absolute=0.3,
            )


# --- burnt_in_text

# Lit dots of each character, counted.
DOTS = {
    "0": 19,
    "1": 10,
    "2": 14,
    "3": 14,
    "4": 14,
    "5": 17,
    "6": 15,
    "7": 11,
    "8": 17,
    "9": 15,
    ":": 4,
    "A": 18,
    "B": 20,
    "C": 13,
    "E": 18,
    "I": 11,
    "L": 11,
    "N": 18,
    "O": 16,
    "P": 15,
    "R": 18,
    "S": 15,
    "T": 11,
    "U": 15,
}

SEEDS = (0, 1, 2)
"""With these, the first four strings lie apart."""


def lit(word: str) -> int:
    return sum(DOTS[character] for character in word)


WORDS = ("L", "R", "AP", "PA", "SUPINE", "ERECT", "PORTABLE", "12:05")


def text_area(apply: Apply) -> Iterator[Reading]:
    """What is written has the area of its dots, and the grey 0.97."""
    for severity, (count, dot) in enumerate(((1, 1.0), (2, 1.2), (4, 1.4)), start=1):
        for side in (224, 500):
            for seed in SEEDS:
                drawn = np.random.default_rng(seed).random((11, 6))[:count]
                words = [
                    WORDS[int(9 * u)] if int(9 * u) < 8 else f"{int(1e4 * v):04d}"
                    for u, v in drawn[:, :2].tolist()
                ]
                image = np.full((side, side), 20, np.uint8)
                area = float((apply(image, severity, seed).astype(float) - image).sum()) / (0.97 * 255 - 20)
                yield Reading(
                    what=f"area of {words} at {side}",
                    measured=area,
                    expected=sum(map(lit, words)) * (dot * side / 224) ** 2,
                )


def test_text_never_darkens_and_does_not_depend_on_the_image() -> None:
    image = natural((60, 80))
    written = corrupt(image, "burnt_in_text", 5, np.random.default_rng(4))
    assert (written >= image).all()
    flat = corrupt(np.full_like(image, 9), "burnt_in_text", 5, np.random.default_rng(4))
    assert ((written > image) <= (flat > 9)).all()


def test_most_text_is_at_the_border() -> None:
    near = 0
    for seed in range(300):
        image = np.full((224, 224), 20, np.uint8)
        rows, columns = np.nonzero(corrupt(image, "burnt_in_text", 1, np.random.default_rng(seed)) > 20)
        near += min(rows.min(), columns.min(), 223 - rows.max(), 223 - columns.max()) <= 3
    assert 0.63 < near / 300 < 0.82  # 0.7, and those others that come there by chance


# --- jpeg2000


def wavelet_steps(apply: Apply) -> Iterator[Reading]:
    """The finest stripes and chequers: their coefficient becomes the middle of its interval."""
    y, x = np.indices((224, 224))
    inner = (slice(40, -40),) * 2
    steps = (8, 16, 28, 48, 80)
    for severity, (name, sign, gain) in itertools.product(
        SEVERITIES,
        (
            ("columns", 1 - 2 * (x % 2), 1.98),
            ("rows", 1 - 2 * (y % 2), 1.98),
            ("chequers", (1 - 2 * (x % 2)) * (1 - 2 * (y % 2)), 1.04),
        ),
    ):
        step = steps[severity - 1] / gain
        size = round(1.95 * step) if 1.95 * step < 120 else round(0.9 * step)
        image = np.uint8(128 + size * sign)
        kept = float(np.mean(((apply(image, severity, 0) - 128.0) * sign)[inner]))
        yield Reading(
            what=f"change of {name} at severity {severity}",
            measured=kept - size,
            expected=(1.5 * step if size > step else 0) - size,
            absolute=0.5,
        )


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (28, 28), (37, 61), (224, 224)], ids=str)
def test_the_wavelet_comes_back(shape: tuple[int, int]) -> None:
    values = 255 * np.random.default_rng(0).random(shape)
    levels = int(np.log2(min(shape)))
    assert np.abs(inverse(forward(values, levels), levels) - values).max() < 1e-9


@pytest.mark.skipif(not features.check("jpg_2000"), reason="needs a Pillow with OpenJPEG")
@pytest.mark.parametrize("severity", SEVERITIES)
def test_jpeg2000_errs_as_openjpeg_does(severity: int) -> None:
    """At equal mean square error, the errors of both are alike (correlation 0.73 to 0.78 on radiographs)."""
    image = natural((224, 224))
    ours = corrupt(image, "jpeg2000", severity).astype(float) - image
    low, high = 2.0, 400.0
    for _ in range(12):
        rate = (low + high) / 2
        theirs = recoded(image, format="JPEG2000", irreversible=True, quality_layers=[rate]).astype(float)
        theirs -= image
        low, high = (rate, high) if (theirs**2).mean() < (ours**2).mean() else (low, rate)
    assert (theirs**2).mean() == pytest.approx((ours**2).mean(), rel=0.1)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.65


LAWS = (
    Law(
        corruption="jpeg",
        statement="a cosine's coefficient becomes the nearest multiple of Annex K's step",
        measure=jpeg_steps,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="downsampling",
        statement="a wave of f periods a cell keeps sinc(f) K(f) and a pixel's own sinc; a constant stays",
        measure=downsampling_gain,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="bit_depth",
        statement="2**b levels; error 255 / ((2**b - 1) sqrt(12))",
        measure=bit_depth_steps,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="window_level",
        statement="slope 1/w inside; the window's centre shows mid-grey",
        measure=window,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="burnt_in_text",
        statement="area of the dots, grey 0.97",
        measure=text_area,
        broken_by=("sign", "factor", "order"),
    ),
    Law(
        corruption="jpeg2000",
        statement="finest stripes and chequers become the middle of their interval, or 0 below the step",
        measure=wavelet_steps,
        broken_by=("sign", "factor", "order"),
    ),
)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_laws_hold_and_mutants_break_them(law: Law) -> None:
    check(law)
