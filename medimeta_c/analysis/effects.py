"""Effect sizes: mean paired differences with intervals, and whether the paper's claim holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "ALL_SEVERITIES",
    "Analysis",
    "BandEffect",
    "Effect",
    "FrequencyEffect",
    "Verdict",
    "paired_effect",
    "verdict",
]

ALL_SEVERITIES = 0
"""In place of a severity: each image's mean over the severities built."""

LEVEL = 0.95
Verdict = Literal["holds", "reversed", "both rise", "both fall", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A mean paired difference over images.

    Parameters
    ----------
    value : float or None
        The mean; None when no image has both numbers.
    low, high : float or None
        Ends of the 95 % interval (paired t); None with fewer than two images.
    standardised : float or None
        The mean divided by the standard deviation of the differences (Cohen's d_z); None where that is 0.
    images : int
        Images with both numbers.
    """

    value: float | None
    low: float | None
    high: float | None
    standardised: float | None
    images: int

    @property
    def direction(self) -> int:
        """1 or -1 where the whole interval is above or below 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandEffect:
    """What a corruption does to one band.

    Parameters
    ----------
    clean_share, corrupted_share : float or None
        Mean share of AC energy over the images, 0 to 1.
    share : Effect
        Change of the share, corrupted minus clean: 0.01 is one percentage point.
    log2_energy : Effect
        Change of the base-2 logarithm of the band's energy: 1 is twice as much, -1 half. Images without
        energy in the band, clean or corrupted, have no logarithm and are left out.
    """

    clean_share: float | None
    corrupted_share: float | None
    share: Effect
    log2_energy: Effect

    @property
    def energy_factor(self) -> float | None:
        """Geometric mean over images of the energy after divided by the energy before."""
        return None if self.log2_energy.value is None else 2.0**self.log2_energy.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyEffect:
    """What one corruption does to one dataset's images at one severity.

    Parameters
    ----------
    dataset, corruption : str
        Names.
    severity : int
        1 to 5, or `ALL_SEVERITIES`.
    bands : mapping of str to BandEffect
        ``"low"``, ``"mid"`` and ``"high"``.
    in_shares, in_energy : Verdict
        Whether "amplifies low and suppresses high frequencies" is true.
    """

    dataset: str
    corruption: str
    severity: int
    bands: Mapping[str, BandEffect]
    in_shares: Verdict
    in_energy: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Every effect of a built benchmark.

    Parameters
    ----------
    fingerprint : str
        The benchmark's.
    splits : mapping of str to tuple of str
        The splits taken, by dataset.
    images : mapping of str to int
        Images compared, by dataset.
    decoded : mapping of str to int
        Of these, images decoded for their energy, by dataset.
    phantoms : tuple of str
        Datasets whose images are generated, not medical.
    effects : tuple of FrequencyEffect
        By dataset, corruption and severity; `ALL_SEVERITIES` first.
    """

    fingerprint: str
    splits: Mapping[str, tuple[str, ...]]
    images: Mapping[str, int]
    decoded: Mapping[str, int]
    phantoms: tuple[str, ...]
    effects: tuple[FrequencyEffect, ...]

    def of(self, dataset: str, corruption: str, severity: int = ALL_SEVERITIES) -> FrequencyEffect:
        """Return one effect; KeyError if it was not analysed."""
        for effect in self.effects:
            if (effect.dataset, effect.corruption, effect.severity) == (dataset, corruption, severity):
                return effect
        raise KeyError((dataset, corruption, severity))


def paired_effect(differences: NDArray[np.float64]) -> Effect:
    """Return the mean of paired differences with its 95 % t interval.

    Parameters
    ----------
    differences : ndarray of shape (N,)
        One an image; NaN where an image has none.

    Examples
    --------
    >>> effect = paired_effect(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> effect.value, effect.images, round(effect.low, 3), effect.standardised
    (2.0, 3, -0.484, 2.0)
    """
    known = differences[np.isfinite(differences)]
    n = len(known)
    if n == 0:
        return Effect(value=None, low=None, high=None, standardised=None, images=0)
    mean = float(known.mean())
    if n == 1:
        return Effect(value=mean, low=None, high=None, standardised=None, images=1)
    deviation = float(known.std(ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * deviation / math.sqrt(n)
    return Effect(
        value=mean,
        low=mean - half,
        high=mean + half,
        standardised=mean / deviation if deviation > 0 else None,
        images=n,
    )


def verdict(low: Effect, high: Effect) -> Verdict:
    """Return whether "amplifies low and suppresses high frequencies" is true of two effects.

    ``"holds"``: both intervals say so. ``"reversed"``: both say the opposite. ``"both rise"`` and ``"both
    fall"``: the two bands go the same way. ``"unclear"``: an interval contains no change.
    """
    found: dict[tuple[int, int], Verdict] = {
        (1, -1): "holds",
        (-1, 1): "reversed",
        (1, 1): "both rise",
        (-1, -1): "both fall",
    }
    return found.get((low.direction, high.direction), "unclear")
