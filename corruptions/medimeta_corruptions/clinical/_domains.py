"""From grey levels to the quantity in which a fault happens, and back.

Everything here is an assumption about 8-bit pictures that were already processed for display: a fault is
simulated in the assumed domain. Functions of one grey level are tables of 256 entries in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._frame import Field

__all__ = [
    "GREY",
    "OCT_RANGE",
    "ULTRASOUND_RANGE",
    "XRAY_RANGE",
    "decibel",
    "density",
    "encode",
    "from_decibel",
    "from_density",
    "from_photons",
    "grey",
    "linear",
    "luma",
    "photons",
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


def linear(image: Pixels) -> Field:
    """Return linear light y = E(g) of sRGB values (IEC 61966-2-1), 0 to 1."""
    return _LINEAR[image]


def encode(light: Field) -> Field:
    """Return the sRGB values of linear light, which is clipped to 0 to 1 first."""
    clipped = np.clip(light, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1.0 / 2.4) - 0.055)


def luma(light: Field) -> Field:
    """Return the luminance of linear sRGB light (ITU-R BT.709 primaries); shape (H, W)."""
    return 0.2126 * light[..., 0] + 0.7152 * light[..., 1] + 0.0722 * light[..., 2]


def density(image: Pixels) -> Field:
    """Return optical density OD = -ln(max(value, 1) / 255) of each channel (Beer-Lambert)."""
    return _DENSITY[image]


def from_density(optical: Field) -> Field:
    """Return the values on the unit scale that have these optical densities."""
    return np.exp(-optical)
