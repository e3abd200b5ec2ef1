"""Motion: the patient moves while k-space is filled, so that lines of several poses make one picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._draws import signs
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["MR_MOTION", "mr_motion"]

_PAIRS = 5
_OUTERMOST = 0.45
"""Where the first movement can be at most, in cycles a pixel."""

_DEGREES = 2.0 / 3.0
"""Degrees of rotation that go with a pixel of translation."""


@content
def mr_motion(image: Pixels, movements: tuple[int, float], rng: Rng) -> Field:
    """Put a picture together from lines of k-space that were taken in different poses.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; a line of k-space is one frequency in the rows. Not modified.
    movements : tuple of (int, float)
        Number of movements on either side of the centre of k-space, 1 to 5; and how far each goes, in pixels
        at 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws three numbers for each of ten movements.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Time runs with the frequency f of the lines, from -1/2 to 1/2 cycles a pixel, and the picture shows the
    pose at f = 0. The movements are drawn outermost first, and of a pair that at f > 0 first. With the
    numbers u, v, w a movement of pair j = 0 .. 4 is at abs(f) = 0.45 / 2**(j + u). It adds to the
    pose of all lines from there outwards a translation of d pixels in the direction 2 pi v and a rotation by
    2/3 d degrees about the centre, against the clock where w < 1/2.

    References
    ----------
    .. [1] R. Shaw et al., MIDL 2019; the movements as in TorchIO's RandomMotion.
    """
    count, distance = movements
    clear = grey(image)
    height = image.shape[0]
    frequency = np.fft.fftfreq(height)
    drawn = rng.random((_PAIRS, 2, 3))
    step = distance * scale(image)

    lines = np.fft.fft(np.fft.fft(clear, axis=0), axis=1)
    for side, sign in enumerate((1.0, -1.0)):
        down = right = turned = 0.0
        for pair in range(count - 1, -1, -1):
            when, direction, sense = drawn[pair, side]
            since = _OUTERMOST * 2.0 ** -(pair + when)
            down += step * math.sin(2.0 * math.pi * direction)
            right += step * math.cos(2.0 * math.pi * direction)
            turned += math.radians(_DEGREES * distance) * float(signs(sense))
            lines_from = sign * frequency >= since
            lines[lines_from] = _lines(_moved(clear, down, right, turned), lines_from)
    return np.abs(np.fft.ifft2(lines))


def _lines(values: Field, wanted: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Return the lines of k-space that are wanted."""
    return np.fft.fft(np.fft.fft(values, axis=0)[wanted], axis=1)


def _moved(values: Field, down: float, right: float, turned: float) -> Field:
    """Return values rotated about their centre, then moved; bilinear, beyond the border the nearest pixel."""
    out = np.empty_like(values)
    _move(values, np.array([down, right, math.cos(turned), math.sin(turned)]), out)
    return out


@kernel("(float64[:, ::1], float64[::1], float64[:, ::1])")
def _move(values: Field, pose: Field, out: Field) -> None:
    height, width = values.shape
    middle_y, middle_x = (height - 1) / 2.0, (width - 1) / 2.0
    down, right, cosine, sine = pose
    for i in range(height):
        for j in range(width):
            v, u = i - middle_y - down, j - middle_x - right
            y = min(max(middle_y + cosine * v - sine * u, 0.0), height - 1.0)
            x = min(max(middle_x + sine * v + cosine * u, 0.0), width - 1.0)
            top, left = int(y), int(x)
            bottom, beside = min(top + 1, height - 1), min(left + 1, width - 1)
            fall, over = y - top, x - left
            upper = values[top, left] * (1.0 - over) + values[top, beside] * over
            lower = values[bottom, left] * (1.0 - over) + values[bottom, beside] * over
            out[i, j] = upper * (1.0 - fall) + lower * fall


MR_MOTION = Corruption(
    name="mr_motion",
    category="reconstruction",
    description="Ghosts and blur of a patient who moves while k-space is filled.",
    parameter="movements on either side of the centre, length of each (pixels at 224)",
    parameters=((2, 2.0), (3, 2.5), (4, 3.0), (4, 5.0), (5, 6.5)),
    stochastic=True,
    function=mr_motion,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="k-space",
    assumptions="grey levels are the magnitude of a signal of phase 0; phase is encoded down the columns",
    source="Shaw et al. 2019 (MIDL); TorchIO RandomMotion",
)
