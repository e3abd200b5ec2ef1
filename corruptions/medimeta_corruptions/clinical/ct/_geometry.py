"""The scan that CT pictures are put into: its rays, its reconstruction, and what one makes of the other.

The organ sets are square crops. Reconstructing from the crop alone would show its edges as streaks and give
wrong noise. So a picture is taken to show 160 mm, its longer side, from the middle of a round body of water
320 mm wide; what surrounds it is mirrored and faded out; and a corruption reconstructs only what it changes
in the projections. Where it changes nothing, the picture stays as it is, to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions.clinical._fields import grid, ramp
from medimeta_corruptions.clinical._filters import sampled
from medimeta_corruptions.clinical._frame import Field
from medimeta_corruptions.clinical.ct._window import ASSUMED, hounsfield

__all__ = ["IN_BODY", "WATER", "Scan", "angles", "clean", "filtered", "projected", "resized"]

WATER = 0.0193
"""Attenuation of water, per mm, at the beam's mean energy of about 70 keV."""

IN_BODY = f"{ASSUMED}; the picture's longer side is 160 mm of a body of water 320 mm wide; parallel beam"
"""The assumptions as the records state them."""

_SHOWN = 160.0
_BODY_RADIUS = 160.0
_MOST = 512


@dataclass(frozen=True, slots=True)
class Scan:
    """The grid and the detector of an image's scan.

    Attributes
    ----------
    image : tuple of (int, int)
        Height and width of the image, in pixels.
    height, width : int
        Of the grid: those of the image, shrunk so that the longer is at most 512.
    """

    image: tuple[int, int]
    height: int
    width: int

    @classmethod
    def of(cls, image: Pixels) -> Scan:
        """Return the scan of an image."""
        height, width = image.shape
        longer = max(height, width)
        if longer <= _MOST:
            return cls((height, width), height, width)
        shrunk = (max(1, (2 * side * _MOST + longer) // (2 * longer)) for side in (height, width))
        return cls((height, width), *shrunk)

    @property
    def side(self) -> int:
        """The grid's longer side n, in pixels; so many views are taken over half a turn."""
        return max(self.height, self.width)

    @property
    def pixel(self) -> float:
        """Width of a grid's pixel and of a channel, in mm."""
        return _SHOWN / self.side

    @property
    def half(self) -> int:
        """D: channel j looks along the line at distance j - D from the centre, in pixels."""
        return (4 * self.side + 4) // 5 + 1

    @property
    def channels(self) -> int:
        """Number of channels, 2 D + 1."""
        return 2 * self.half + 1

    def offsets(self) -> Field:
        """Return the channels' distances from the centre, in pixels."""
        return np.arange(self.channels, dtype=np.float64) - self.half

    def body(self) -> Field:
        """Return the line integral of the body of water in each channel."""
        away = self.offsets() * self.pixel
        return 2.0 * WATER * np.sqrt(np.maximum(_BODY_RADIUS**2 - away * away, 0.0))

    def units(self, change: Field, turns: Field) -> Field:
        """Return the Hounsfield units that a change of the line integrals adds to the image.

        Parameters
        ----------
        change : numpy.ndarray of float64, shape (views, 2 D + 1)
            Of each view and channel.
        turns : numpy.ndarray of float64, shape (views,)
            Angles of the views, in radians.
        """
        found = np.zeros((self.height, self.width))
        _spread(filtered(change), _directions(turns), found)
        return self.enlarged(found * (math.pi / turns.size * 1000.0 / (WATER * self.pixel)))

    def enlarged(self, values: Field) -> Field:
        """Return values of the grid at the image's own size, bilinear."""
        if self.image == (self.height, self.width):
            return values
        rows, columns = grid(self.image)
        return sampled(
            values,
            (rows + 0.5) * (self.height / self.image[0]) - 0.5,
            (columns + 0.5) * (self.width / self.image[1]) - 0.5,
        )


def angles(views: int, start: float = 0.0) -> Field:
    """Return the angles of views spread evenly over half a turn, in radians, from ``start``."""
    return start + math.pi * np.arange(views) / views


def clean(image: Pixels) -> Field:
    """Return the line integrals of what the picture shows beyond water; shape (n, 2 D + 1), read-only.

    Those of the last two images are kept: the severities of one image share them.
    """
    return _clean(image.shape, image.tobytes())


@lru_cache(maxsize=2)
def _clean(shape: tuple[int, int], data: bytes) -> Field:
    image = np.frombuffer(data, np.uint8).reshape(shape)
    found = projected(image, angles(Scan.of(image).side))
    found.flags.writeable = False
    return found


def projected(image: Pixels, turns: Field) -> Field:
    """Return the line integrals of what the picture shows beyond water.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        The picture.
    turns : numpy.ndarray of float64
        Angles of the views, in radians. At angle t a channel at distance s sees the line
        x cos t + y sin t = s, with x to the right and y down from the centre.

    Returns
    -------
    numpy.ndarray of float64, shape (views, 2 D + 1)
        Sums along the lines, by Joseph's method: in each row (for steep lines) or column (for flat ones) the
        value where the line crosses it, linear between pixels, times the line's length from one to the next.
    """
    scan = Scan.of(image)
    units = resized(hounsfield(image), (scan.height, scan.width))
    n = scan.side
    margins = [(math.ceil((1.5 * n - side) / 2.0) + 1,) * 2 for side in units.shape]
    plane = np.pad(units, margins, mode="symmetric") * (WATER * scan.pixel / 1000.0)
    rows, columns = grid(plane.shape)
    away = np.hypot(rows - (plane.shape[0] - 1) / 2.0, columns - (plane.shape[1] - 1) / 2.0)
    plane *= ramp((0.75 - away / n) / 0.05)
    found = np.zeros((turns.size, scan.channels))
    _project(plane, np.ascontiguousarray(plane.T), _directions(turns), 0.75 * n, found)
    return found


def resized(values: Field, shape: tuple[int, int]) -> Field:
    """Return the area means of values over a coarser grid of the same extent."""
    for axis, count in enumerate(shape):
        length = values.shape[axis]
        if count == length:
            continue
        lines = np.moveaxis(values, axis, 0)
        total = np.concatenate([np.zeros((1, lines.shape[1])), np.cumsum(lines, axis=0)])
        edges = np.arange(count + 1) * (length / count)
        below = np.minimum(edges.astype(np.intp), length - 1)
        share = (edges - below)[:, np.newaxis]
        upto = total[below] * (1.0 - share) + total[below + 1] * share
        values = np.ascontiguousarray(np.moveaxis(np.diff(upto, axis=0) * (count / length), 0, axis))
    return values


def filtered(change: Field) -> Field:
    """Return rows of line integrals ramp-filtered (Ram-Lak, times a Hann window) for back-projection."""
    channels = change.shape[1]
    length = 1 << (2 * channels - 1).bit_length()
    # Sampled in space (Kak & Slaney, eq. 61 of chapter 3), so that the mean comes out right as well.
    steps = np.minimum(np.arange(length), length - np.arange(length))
    response = np.where(steps % 2 == 1, -1.0 / (math.pi * np.maximum(steps, 1)) ** 2, 0.0)
    response[0] = 0.25
    gain = np.fft.rfft(response).real * (0.5 + 0.5 * np.cos(2.0 * math.pi * np.fft.rfftfreq(length)))
    found = np.fft.irfft(np.fft.rfft(change, length) * gain, length)
    return np.ascontiguousarray(found[:, :channels])


def _directions(turns: Field) -> Field:
    """Return the cosines and the sines of the views' angles; shape (2, views)."""
    return np.stack([np.cos(turns), np.sin(turns)])


@kernel("(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64, float64[:, ::1])")
def _project(plane: Field, turned: Field, directions: Field, radius: float, out: Field) -> None:
    views, channels = out.shape
    half = (channels - 1) // 2
    for v in range(views):
        cosine, sine = directions[0, v], directions[1, v]
        steep = abs(cosine) >= abs(sine)
        rows = plane if steep else turned
        along, across = (cosine, sine) if steep else (sine, cosine)
        step = 1.0 / along
        line = out[v]
        middle = (rows.shape[1] - 1) / 2.0
        for y in range(rows.shape[0]):
            down = y - (rows.shape[0] - 1) / 2.0
            reach = radius * radius - down * down
            if reach <= 0.0:
                continue
            spread = np.sqrt(reach) * abs(along)
            centre = half + down * across
            first, last = max(0, int(np.ceil(centre - spread))), min(channels - 1, int(centre + spread))
            row = rows[y]
            for j in range(first, last + 1):
                x = (j - centre) * step + middle
                left = int(x)
                line[j] += row[left] + (x - left) * (row[left + 1] - row[left])
        for j in range(channels):
            line[j] *= abs(step)


@kernel("(float64[:, ::1], float64[:, ::1], float64[:, ::1])")
def _spread(rays: Field, directions: Field, out: Field) -> None:
    height, width = out.shape
    half = (rays.shape[1] - 1) // 2
    for v in range(rays.shape[0]):
        line = rays[v]
        cosine, sine = directions[0, v], directions[1, v]
        for y in range(height):
            start = half + (y - (height - 1) / 2.0) * sine - (width - 1) / 2.0 * cosine
            for x in range(width):
                s = start + x * cosine
                left = int(s)
                out[y, x] += line[left] + (s - left) * (line[left + 1] - line[left])
