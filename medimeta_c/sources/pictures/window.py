"""Convert values of more than eight bits to the 256 shades of a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures.header import Refusal

__all__ = ["Window", "by_rows", "shades", "tally"]

_SHARES = (0.005, 0.995)
_ROWS = 256


@dataclass(frozen=True, slots=True)
class Window:
    """The range of values that becomes 0 to 255: linear, rounded half up, values outside become its ends.

    Parameters
    ----------
    name : {"limits", "percentiles", "full"}
        ``"percentiles"`` is 0.5 % to 99.5 % of each picture's values, ``"full"`` all that its bits can
        hold.
    limits : tuple of float or None
        Lowest and highest value in the file's units (DICOM: rescaled), for ``"limits"``.

    Examples
    --------
    >>> Window.parse("0,4095")
    Window(name='limits', limits=(0.0, 4095.0))
    >>> str(Window.parse(" -160.5, 240 ")), str(Window.parse("full"))
    ('-160.5,240', 'full')
    """

    name: str
    limits: tuple[float, float] | None = None

    @classmethod
    def parse(cls, text: str) -> Window:
        """Return the window that a text names: ``LOW,HIGH``, ``percentiles`` or ``full``.

        Raises
        ------
        ConfigError
            If it is none of these, or LOW is not below HIGH.
        """
        if text.strip() in {"percentiles", "full"}:
            return cls(text.strip())
        try:
            low, high = (float(part) for part in text.split(","))
        except ValueError:
            low = high = 0.0
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(
                f"window {text!r} is not valid: use LOW,HIGH in the pictures' own units with LOW below HIGH "
                "(for example 0,4095), percentiles (0.5 to 99.5 % of each picture) or full (all its bits)"
            )
        return cls("limits", (low, high))

    def __str__(self) -> str:
        if self.limits is None:
            return self.name
        return ",".join(f"{value:.0f}" if value.is_integer() else repr(value) for value in self.limits)

    def shades(self, values: NDArray[np.float64], counts: Callable[[], NDArray[np.int64]]) -> Image:
        """Return the shade of each value a picture can hold.

        Parameters
        ----------
        values : ndarray of float64
            What each stored number stands for.
        counts : callable
            Returns how many pixels have each; called for percentiles only.
        """
        if self.limits is not None:
            return shades(values, *self.limits)
        if self.name == "full":
            return shades(values, float(values.min()), float(values.max()))
        order = np.argsort(values, kind="stable")
        below = np.cumsum(counts()[order])
        if not below[-1]:
            raise Refusal("has only padding values: give LOW,HIGH as window")
        low, high = (_quantile(values[order], below, share) for share in _SHARES)
        if not low < high:
            raise Refusal(
                f"has one value, {low:g}, from its 0.5 to its 99.5 percentile: give LOW,HIGH as window"
            )
        return shades(values, low, high)


def _quantile(values: NDArray[np.float64], below: NDArray[np.int64], share: float) -> float:
    """Return a quantile of a sample given as sorted values and running counts, as numpy.percentile does."""
    place = share * (int(below[-1]) - 1)
    first = math.floor(place)
    low, high = (
        float(values[np.searchsorted(below, min(rank, below[-1] - 1), "right")])
        for rank in (first, first + 1)
    )
    return low + (high - low) * (place - first)


def shades(values: NDArray[np.float64], low: float, high: float) -> Image:
    """Return values as bytes: `low` becomes 0 and `high` 255, rounded half up."""
    scaled = (values - low) * 255.0 / (high - low)
    return np.floor(np.clip(scaled, 0.0, 255.0) + 0.5).astype(np.uint8)


def tally(index: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Return how often each of `size` numbers stands in a picture."""
    counts = np.zeros(size, np.int64)
    for row in index:  # bincount would make a picture as a whole eight bytes a pixel
        counts += np.bincount(row, minlength=size)
    return counts


def by_rows(values: NDArray[Any], convert: Callable[[NDArray[np.float64]], Image]) -> Image:
    """Return a conversion of a whole picture, made some rows at a time to save memory."""
    image = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS):
        image[start : start + _ROWS] = convert(values[start : start + _ROWS].astype(np.float64))
    return image
