"""What OCT and ultrasound pictures show alike: levels in decibel, and fully developed speckle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from laws import Apply, Reading
from scipy.special import polygamma, psi

from medimeta_corruptions import Pixels


def uniform(value: int, shape: tuple[int, int] = (224, 224)) -> Pixels:
    return np.full(shape, value, dtype=np.uint8)


@dataclass(frozen=True)
class Scale:
    """The grey scale of a scan: white is 0 dB, black `shown` decibel less."""

    shown: float

    @property
    def step(self) -> float:
        """Decibel of one grey level."""
        return self.shown / 255

    def decibel(self, image: Pixels) -> np.ndarray:
        return self.shown * (image / 255.0 - 1.0)

    def power(self, image: Pixels) -> np.ndarray:
        return 10.0 ** (self.decibel(image) / 10.0)


def speckle(
    apply: Apply, scale: Scale, grey: int, looks: tuple[int, ...], *, seeds: int, absolute: float
) -> Iterator[Reading]:
    """Read off the moments of the level of averaged exponential speckle.

    Parameters
    ----------
    looks : tuple of int
        How many are averaged, by severity.
    seeds : int
        How many pictures are measured.
    absolute : float
        Tolerance of the mean, in decibel.
    """
    clean = uniform(grey)
    for severity, count in enumerate(looks, start=1):
        found = scale.decibel(np.stack([apply(clean, severity, seed) for seed in range(seeds)]))
        levels = found - scale.decibel(clean)
        yield Reading(
            what=f"sd of the level at M = {count} (dB)",
            measured=float(levels.std()),
            expected=10 / np.log(10) * float(np.sqrt(polygamma(1, count))),
        )
        yield Reading(
            what=f"mean of the level at M = {count} (dB)",
            measured=float(levels.mean()),
            expected=10 / np.log(10) * float(psi(count) - np.log(count)),
            absolute=absolute,
        )
