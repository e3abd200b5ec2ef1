"""DCT statistics of an image: radial profile and band shares of its energy."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from medimeta_c.format.keys import Image

__all__ = ["BANDS", "PROFILE_BINS", "Spectrum", "SpectrumMean", "luma", "spectrum"]

PROFILE_BINS = 32
BANDS = ("low", "mid", "high")

# A multiple of both 32 bins and 3 bands, so that one pass over the coefficients serves both.
_FINE_BINS = 96

_KEPT, _BLOCK = 1 << 22, 1 << 20
"""Up to so many coefficients, frequencies are kept for the next image; of more, made block by block."""

# ITU-R BT.601 weights of R, G and B, for values 0-255 scaled to luma 0-1.
_RED, _GREEN, _BLUE = (np.float32(weight / 255) for weight in (0.299, 0.587, 0.114))


_Sums: TypeAlias = NDArray[np.float64]
_Bins: TypeAlias = tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int64]]


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
    brightness: NDArray[np.float32]
    if image.ndim == 2:
        brightness = image * np.float32(1 / 255)
        return brightness
    # Elementwise on purpose: a matrix product may round the last pixels of a row in another way, and a
    # constant image must have constant luma.
    brightness = image[..., 0] * _RED
    brightness += image[..., 1] * _GREEN
    brightness += image[..., 2] * _BLUE
    return brightness


def _radial_bins(height: int, width: int, first: int, stop: int) -> _Bins:
    """Return some rows' fine bins, radial frequencies, and the number of their coefficients a bin."""
    rows = np.arange(first, stop)[:, None] / height
    columns = np.arange(width)[None, :] / width
    radius = np.hypot(rows, columns)
    radius /= np.sqrt(2)
    bins = np.minimum((radius * _FINE_BINS).astype(np.intp), _FINE_BINS - 1).ravel()
    return bins, radius.ravel(), np.bincount(bins, minlength=_FINE_BINS)


# Sixteen bytes a coefficient: more than the last two sizes would add up where all images differ in size.
_kept_bins = functools.lru_cache(maxsize=2)(_radial_bins)


def _binned(power: NDArray[np.float32]) -> tuple[_Sums, _Sums, NDArray[np.int64]]:
    """Return the sums of power and of power times frequency, and the number of coefficients, by fine bin."""
    height, width = power.shape
    if power.size <= _KEPT:
        bins, radius, counts = _kept_bins(height, width, 0, height)
        values = power.ravel()
        return _added(bins, values), _added(bins, values * radius), counts
    energy, moment, counts = np.zeros(_FINE_BINS), np.zeros(_FINE_BINS), np.zeros(_FINE_BINS, np.int64)
    rows = max(1, _BLOCK // width)
    for first in range(0, height, rows):
        bins, radius, here = _radial_bins(height, width, first, min(first + rows, height))
        counts += here
        values = power[first : first + rows].ravel()
        # The sums so far come first, so that all values are added one by one and in order, as in one go.
        places = np.concatenate([np.arange(_FINE_BINS), bins])
        energy = _added(places, np.concatenate([energy, values]))
        moment = _added(places, np.concatenate([moment, values * radius]))
    return energy, moment, counts


def _added(bins: NDArray[np.intp], weights: NDArray[np.floating[Any]]) -> _Sums:
    return np.asarray(np.bincount(bins, weights=weights, minlength=_FINE_BINS), dtype=np.float64)


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
    brightness = luma(image)
    flat = brightness.min() == brightness.max()
    power = fft.dctn(brightness, norm="ortho", overwrite_x=True)
    np.square(power, out=power)
    dc = float(power[0, 0])
    if flat:  # rounding noise of the transform is not AC energy
        return Spectrum(dc=dc, profile=np.zeros(PROFILE_BINS), low=None, mid=None, high=None, centroid=None)
    power[0, 0] = 0
    energy, moment, counts = _binned(power)
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
