"""Motion blur: the patient or the camera moves during the exposure."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng, channels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption

__all__ = ["MOTION_BLUR", "motion_blur"]


def motion_blur(image: Pixels, shape: tuple[int, float], rng: Rng) -> Pixels:
    """Average the image with copies of it shifted along one direction.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    shape : tuple of (int, float)
        Radius and standard deviation of the weights along the path, in pixels.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: the direction, uniform in [-45, 45] degrees from the x axis.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The weights fall from the first copy on (half a Gaussian, as in the reference). Copies shifted by the
    image's own height or width and beyond are left out without making up for their weight, so very small
    images darken.

    Grey: the reference raises ``IndexError`` on a mode "L" image, after its work is done. Here a grey
    image gives what each channel of the same image in colour gives.

    The reference takes its weights from ``numpy.exp``, whose last bit depends on NumPy's version and the
    processor's vector instructions. Weighted sums over flat areas lie within rounding of a whole number,
    which truncation then turns into this grey level or the one below. So that a machine does not decide
    about pixels, the exponential is correctly rounded here. This is the reference's result wherever its
    ``numpy.exp`` rounds correctly in the arguments needed (as without AVX-512), and within one grey level
    of it elsewhere.

    References
    ----------
    .. [1] C. Michaelis et al., 2019 (imagecorruptions 1.1, which replaced ImageNet-C's ImageMagick).
    """
    radius, sigma = shape
    height, width = image.shape[:2]
    depth = channels(image)
    path = _path(2 * radius + 1, rng.uniform(-45, 45), height, width)
    count = len(path[0])
    # Copies without weight make their number a multiple of four; they add exactly nothing.
    down, right = (np.array(places + [0] * (-count % 4), dtype=np.int64) for places in path)
    weights = np.zeros(len(down))
    weights[:count] = _weights(2 * radius + 1, sigma)[:count]

    margin = int(right.max())
    padded = np.pad(image.reshape(height, width, depth), ((0, 0), (0, margin), (0, 0)), mode="edge")
    out = np.empty_like(image)
    _average(
        padded.reshape(height, -1),
        down,
        right * depth,
        weights,
        out.reshape(height, -1),
    )
    return out


@lru_cache
def _weights(length: int, sigma: float) -> NDArray[np.float64]:
    """Return the normalised weights of ``length`` copies."""
    with localcontext() as context:
        context.prec = 40  # to the nearest float64 from here is a correctly rounded exponential
        exponents = [-(i * i) / (2 * sigma**2) for i in range(length)]
        bell: NDArray[np.float64] = np.array([float(Decimal(exponent).exp()) for exponent in exponents])
    bell /= math.sqrt(2 * math.pi) * sigma
    bell /= np.sum(bell)
    return bell


def _path(length: int, angle_deg: float, height: int, width: int) -> tuple[list[int], list[int]]:
    """Return where, below and to the right of a pixel, the copies' pixels lie."""
    rise = length * math.sin(math.radians(angle_deg))
    run = length * math.cos(math.radians(angle_deg))
    whole = math.hypot(rise, run)
    down: list[int] = []
    right: list[int] = []
    for i in range(length):
        y = math.ceil(i * rise / whole - 0.5)
        x = math.ceil(i * run / whole - 0.5)
        if abs(y) >= height or abs(x) >= width:
            break
        down.append(y)
        right.append(x)
    return down, right


@kernel("(uint8[:, ::1], int64[::1], int64[::1], float64[::1], uint8[:, ::1])")
def _average(
    padded: Pixels,
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    weights: NDArray[np.float64],
    out: Pixels,
) -> None:
    height, size = out.shape
    total = np.empty(size, np.float64)
    for y in range(height):
        total[:] = 0.0
        # Copy by copy, because that is the order in which the reference adds; four in one pass over the sum.
        for i in range(0, weights.size, 4):
            one = padded[min(max(y + down[i], 0), height - 1), right[i] :]
            two = padded[min(max(y + down[i + 1], 0), height - 1), right[i + 1] :]
            three = padded[min(max(y + down[i + 2], 0), height - 1), right[i + 2] :]
            four = padded[min(max(y + down[i + 3], 0), height - 1), right[i + 3] :]
            a, b, c, d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
            for x in range(size):
                total[x] = total[x] + a * one[x] + b * two[x] + c * three[x] + d * four[x]
        for x in range(size):
            out[y, x] = np.uint8(min(max(total[x], 0.0), 255.0))


MOTION_BLUR = Corruption(
    name="motion_blur",
    category="optical",
    description="The image averaged along a random direction, as when the patient or the camera moves.",
    parameter="radius, sigma (pixels)",
    parameters=((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    stochastic=True,
    function=motion_blur,
    colour="#0072B2",
    dash=(),
    marker="o",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
