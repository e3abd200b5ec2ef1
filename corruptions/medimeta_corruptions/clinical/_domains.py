"""From grey levels to the quantity in which a fault happens, and back.

Everything here is an assumption about 8-bit pictures that were already processed for display: a fault is
simulated in the assumed domain. Functions of one grey level are tables of 256 entries in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions.clinical._frame import Field

__all__ = [
    "GREY",
    "OCT_RANGE",
    "ULTRASOUND_RANGE",
    "XRAY_RANGE",
    "decibel",
    "density",
    "displayed",
    "encode",
    "from_decibel",
    "from_density",
    "from_photons",
    "grey",
    "linear",
    "luma",
    "photons",
    "power_level",
    "relit",
]

GREY: Field = np.arange(256, dtype=np.float64) / 255.0
"""Every byte on the unit scale."""

XRAY_RANGE = math.log(100.0)
"""L of a radiograph, digital or on film: black to white shows two decades of photons."""

ULTRASOUND_RANGE = 60.0
"""Decibel that an ultrasound picture shows from black to white."""

OCT_RANGE = 40.0
"""Decibel that an OCT picture shows from black to white."""

_DENSITY: Field = -np.log(np.maximum(np.arange(256, dtype=np.float64), 1.0) / 255.0)
_LINEAR: Field = np.where(GREY <= 0.04045, GREY / 12.92, ((GREY + 0.055) / 1.055) ** 2.4)


def grey(image: Pixels) -> Field:
    """Return grey levels on the unit scale."""
    return GREY[image]


def photons(image: Pixels, shown: float) -> Field:
    """Return relative intensity I = exp(-L g) at the detector; bright is few photons.

    Parameters
    ----------
    image : numpy.ndarray of uint8
        A radiograph.
    shown : float
        L: the logarithm of the range of intensities that black to white shows.
    """
    return np.exp(-shown * GREY)[image]


def from_photons(intensity: Field, shown: float) -> Field:
    """Return the grey level g = -ln(I) / L of relative intensities above 0, on the unit scale."""
    return -np.log(intensity) / shown


def decibel(image: Pixels, shown: float) -> Field:
    """Return the echo's level D (g - 1) in decibel: white is 0, black is -D."""
    return (shown * (GREY - 1.0))[image]


def from_decibel(level: Field, shown: float) -> Field:
    """Return the grey level 1 + dB / D, on the unit scale and beyond."""
    return 1.0 + level / shown


def power_level(power: Field) -> Field:
    """Return 10 log10 of a power in decibel; below 1e-12 it is taken as 1e-12."""
    return 10.0 * np.log10(np.maximum(power, 1e-12))


def linear(image: Pixels) -> Field:
    """Return linear light y = E(g) of sRGB values (IEC 61966-2-1), 0 to 1."""
    return _LINEAR[image]


def encode(light: Field) -> Field:
    """Return the sRGB values of linear light, which is clipped to 0 to 1 first."""
    clipped = np.clip(light, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1.0 / 2.4) - 0.055)


_LEVELS: Field = (np.arange(1, 257, dtype=np.float64) - (0.5 + 2.0**-17)) / 255.0
_LIMITS: Field = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
"""The light at which each byte from 1 on begins: the level half a step below it, and a little less, since
`snap` rounds the last 1/131072 of a step up."""

_FIRST: Pixels = np.searchsorted(_LIMITS, np.arange(4097) / 4096.0, side="right").astype(np.uint8)
"""The byte at the beginning of each of 4096 equal parts of 0 to 1, none of which holds two limits."""


def displayed(light: Field) -> Pixels:
    """Return the bytes that linear light is shown as: ``snap(encode(light))``, without a power each."""
    found = np.empty(light.shape, dtype=np.uint8)
    _display(np.ascontiguousarray(light).reshape(-1), found.reshape(-1))
    return found


@kernel("(float64[::1], uint8[::1])")
def _display(light: Field, out: Pixels) -> None:
    for i in range(light.size):
        value = min(max(light[i], 0.0), 1.0)
        below = _FIRST[int(value * 4096.0)]
        out[i] = below + (value >= _LIMITS[below])


def relit(
    image: Pixels,
    gain: Field | None = None,
    added: Field | None = None,
    colour: tuple[float, ...] = (1.0, 1.0, 1.0),
) -> Pixels:
    """Return ``displayed(linear(image) * gain + added * colour)`` in one pass.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    gain, added : numpy.ndarray of float64, shape (H, W), optional
        The same for every channel; without them, 1 and 0.
    colour : tuple of float
        Of the light that is added.
    """
    out = np.empty_like(image)
    pixels = image.reshape(image.shape[0] * image.shape[1], -1)
    gains = np.ones(len(pixels)) if gain is None else np.ascontiguousarray(gain).reshape(-1)
    more = np.zeros(len(pixels)) if added is None else np.ascontiguousarray(added).reshape(-1)
    _relight(pixels, gains, more, np.array(colour), out.reshape(pixels.shape))
    return out


@kernel("(uint8[:, ::1], float64[::1], float64[::1], float64[::1], uint8[:, ::1])")
def _relight(image: Pixels, gain: Field, added: Field, colour: Field, out: Pixels) -> None:
    for i in range(image.shape[0]):
        for c in range(image.shape[1]):
            value = _LINEAR[image[i, c]] * gain[i] + added[i] * colour[c]
            value = min(max(value, 0.0), 1.0)
            below = _FIRST[int(value * 4096.0)]
            out[i, c] = below + (value >= _LIMITS[below])


def luma(light: Field) -> Field:
    """Return the luminance of linear sRGB light (ITU-R BT.709 primaries); shape (H, W)."""
    return 0.2126 * light[..., 0] + 0.7152 * light[..., 1] + 0.0722 * light[..., 2]


def density(image: Pixels) -> Field:
    """Return optical density OD = -ln(max(value, 1) / 255) of each channel (Beer-Lambert)."""
    return _DENSITY[image]


def from_density(optical: Field) -> Field:
    """Return the values on the unit scale that have these optical densities."""
    return np.exp(-optical)
