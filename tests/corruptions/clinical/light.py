"""What laws of pictures in linear light share: formulas typed a second time, and flat pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from laws import Apply

from medimeta_corruptions import Pixels

SIDE = 224


def light(values: Any) -> np.ndarray:
    """Linear light of sRGB bytes (IEC 61966-2-1)."""
    unit = np.asarray(values, dtype=np.float64) / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def flat(*levels: int) -> Pixels:
    """A picture of one colour."""
    return np.full((SIDE, SIDE, 3), levels, dtype=np.uint8)


def ramp(x: Any) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return 3 * x**2 - 2 * x**3


def waves(rng: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    """A sum of plane waves, cosine by cosine, on a flat picture's pixels."""
    y, x = np.mgrid[:SIDE, :SIDE]
    total, power = np.zeros((SIDE, SIDE)), 0.0
    for u, v, w in rng.random((count, 3)):
        f = low * (high / low) ** u
        along = x * np.cos(2 * np.pi * v) + y * np.sin(2 * np.pi * v)
        total += np.cos(2 * np.pi * f * along / SIDE + 2 * np.pi * w) / f
        power += 1 / f**2 / 2
    return total / np.sqrt(power)


def edge_variance(apply: Apply, severity: int, axis: int, reach: int) -> float:
    """Variance, in pixels squared, of what a straight edge becomes; of its slope in linear light."""
    image = flat(40, 40, 40)
    image.swapaxes(0, axis)[SIDE // 2 :] = 220
    found = light(apply(image, severity, 0)).swapaxes(0, axis).mean(axis=(1, 2))
    slope = np.diff(found)[SIDE // 2 - 1 - reach : SIDE // 2 + reach]
    places = np.arange(slope.size)
    middle = (places * slope).sum() / slope.sum()
    return float(((places - middle) ** 2 * slope).sum() / slope.sum())


def seeds(wanted: Callable[[np.random.Generator], bool], count: int = 1) -> Iterator[int]:
    """The first seeds whose draws are as a law needs them."""
    found = (seed for seed in range(100_000) if wanted(np.random.default_rng(seed)))
    return (next(found) for _ in range(count))
