"""DCT statistics of an image: radial profile and band shares of its energy."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format.keys import Image
from medimeta_corruptions._jit import kernel

__all__ = ["BANDS", "PROFILE_BINS", "Spectrum", "SpectrumMean", "luma", "spectrum"]

PROFILE_BINS = 32
BANDS = ("low", "mid", "high")

# A multiple of both 32 bins and 3 bands, so that one pass over the coefficients serves both.
_FINE_BINS = 96

_KEPT, _BLOCK = 1 << 22, 1 << 20
"""Up to so many coefficients, frequencies are kept for the next image; of more, made block by block."""

# ITU-R BT.601 weights of R, G and B, for values 0-255 scaled to luma 0-1.
_WEIGHTS = np.array([weight / 255 for weight in (0.299, 0.587, 0.114)], dtype=np.float32)
_GREY = np.array([1 / 255], dtype=np.float32)

_Sums: TypeAlias = NDArray[np.float64]
_Bins: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """DCT statistics of one image.

    Parameters
    ----------
    dc : float
        Power of the DC coefficient.
    profile : ndarray of shape (32,)
        float64 mean power of the AC coefficients in 32 equal bins of radial frequency 0-1; 0 in a bin
        that holds no coefficient (small images).
    low, mid, high : float or None
        Shares of AC energy with radial frequency in [0, 1/3), [1/3, 2/3) and [2/3, 1]; they add up to 1.
        None for an image without AC energy (all pixels of one luma).
    centroid : float or None
        Energy-weighted mean radial frequency, 0-1. None as above.
    """

    dc: float
    profile: NDArray[np.float64]
    low: float | None
    mid: float | None
    high: float | None
    centroid: float | None


def luma(image: Image) -> NDArray[np.float32]:
    """Return the ITU-R BT.601 luma of an image as float32 of shape (H, W), range 0-1."""
    height, width = image.shape[:2]
    brightness = np.empty((height, width), np.float32)
    pixels = np.require(image, dtype=np.uint8, requirements=["C", "W"])
    _weigh(pixels.reshape(-1), _WEIGHTS if image.ndim == 3 else _GREY, brightness.reshape(-1))
    return brightness


@kernel("(uint8[::1], float32[::1], float32[::1])")
def _weigh(values: NDArray[np.uint8], weights: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    # In single precision and always in this order: a constant image must have constant luma. With one index,
    # not two, the compiler finds vector instructions.
    if weights.size == 1:
        for i in range(out.size):
            out[i] = np.float32(values[i]) * weights[0]
    else:
        red, green, blue = weights[0], weights[1], weights[2]
        for i in range(out.size):
            total = np.float32(values[3 * i]) * red + np.float32(values[3 * i + 1]) * green
            out[i] = total + np.float32(values[3 * i + 2]) * blue


def _radial_bins(height: int, width: int, first: int, stop: int) -> _Bins:
    """Return some rows' fine bins, radial frequencies, and the number of their coefficients a bin."""
    rows = np.arange(first, stop)[:, None] / height
    columns = np.arange(width)[None, :] / width
    radius = np.hypot(rows, columns)
    radius /= np.sqrt(2)
    bins = np.minimum((radius * _FINE_BINS).astype(np.uint8), _FINE_BINS - 1).ravel()
    return bins, radius.ravel(), np.bincount(bins, minlength=_FINE_BINS)


# Nine bytes a coefficient: more than the last two sizes would add up where all images differ in size.
_kept_bins = functools.lru_cache(maxsize=2)(_radial_bins)


def _binned(coefficients: NDArray[np.float32]) -> tuple[_Sums, _Sums, NDArray[np.int64]]:
    """Return the sums of power and of power times frequency, and the number of coefficients, by fine bin."""
    height, width = coefficients.shape
    sums, counts = np.zeros((_FINE_BINS, 2)), np.zeros(_FINE_BINS, np.int64)
    kept = coefficients.size <= _KEPT
    rows = height if kept else max(1, _BLOCK // width)
    for first in range(0, height, rows):
        part = coefficients[first : first + rows]
        bins, radius, here = (_kept_bins if kept else _radial_bins)(height, width, first, first + len(part))
        _add_power(part.reshape(-1), bins, radius, sums)
        counts += here
    energy, moment = np.ascontiguousarray(sums.T)
    return energy, moment, counts


@kernel("(float32[::1], uint8[::1], float64[::1], float64[:, ::1])")
def _add_power(
    coefficients: NDArray[np.float32], bins: NDArray[np.uint8], radius: _Sums, sums: _Sums
) -> None:
    for i in range(coefficients.size):
        power = np.float64(coefficients[i] * coefficients[i])
        sums[bins[i], 0] += power
        sums[bins[i], 1] += power * radius[i]


def spectrum(image: Image) -> Spectrum:
    """Return the DCT statistics of an image.

    The orthonormal type-II 2-D DCT of the luma; the radial frequency of coefficient (u, v) of an
    H x W image is ``hypot(u / H, v / W) / sqrt(2)``, in [0, 1).

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 3)
        uint8, grey or RGB.

    Returns
    -------
    Spectrum
        Statistics as Python floats; sums are taken in a fixed order, in float64.

    Examples
    --------
    >>> spectrum(np.full((8, 8), 128, dtype=np.uint8)).low is None
    True
    """
    from scipy import fft  # noqa: PLC0415  (slow to import, and readers of a manifest do without)

    brightness = luma(image)
    flat = brightness.min() == brightness.max()
    coefficients = fft.dctn(brightness, norm="ortho", overwrite_x=True)
    dc = float(np.square(coefficients[0, 0]))
    if flat:  # rounding noise of the transform is not AC energy
        return Spectrum(dc=dc, profile=np.zeros(PROFILE_BINS), low=None, mid=None, high=None, centroid=None)
    coefficients[0, 0] = 0
    energy, moment, counts = _binned(coefficients)
    counts = counts - (np.arange(_FINE_BINS) == 0)  # less the DC's
    total = energy.sum()
    low, mid, high = (energy.reshape(len(BANDS), -1).sum(axis=1) / total).tolist()
    per_bin = counts.reshape(PROFILE_BINS, -1).sum(axis=1)
    profile = energy.reshape(PROFILE_BINS, -1).sum(axis=1) / np.maximum(per_bin, 1)
    return Spectrum(dc=dc, profile=profile, low=low, mid=mid, high=high, centroid=float(moment.sum() / total))


class SpectrumMean:
    """Running mean of the spectra of a set's images, in the order they come."""

    def __init__(self) -> None:
        self._images = self._images_with_ac = 0
        self._dc = 0.0
        self._profile = np.zeros(PROFILE_BINS)
        self._shares = np.zeros(len(BANDS) + 1)

    def add(self, one: Spectrum) -> None:
        """Take in one image's spectrum."""
        self._images += 1
        self._dc += one.dc
        self._profile += one.profile
        if one.centroid is not None:
            self._images_with_ac += 1
            self._shares += np.array((one.low, one.mid, one.high, one.centroid))

    def record(self) -> dict[str, Any]:
        """Return the means as the fields of a manifest's spectrum record."""
        count = max(self._images, 1)
        shares = (self._shares / max(self._images_with_ac, 1)).tolist()
        known = shares if self._images_with_ac else [None] * len(shares)
        return {
            "images_with_ac": self._images_with_ac,
            "dc": self._dc / count,
            "profile": tuple((self._profile / count).tolist()),
            **dict(zip((*BANDS, "centroid"), known, strict=True)),
        }
