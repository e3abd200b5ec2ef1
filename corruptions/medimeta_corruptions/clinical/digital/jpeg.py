"""JPEG: lossy compression of 8 x 8 blocks, as of a picture that was sent or exported.

Baseline JPEG in integers: colours halved in both directions, cosine transform, quantisation by the tables of
the standard's Annex K, and back. Entropy coding loses nothing and is left out, so no codec is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, content

__all__ = ["JPEG", "jpeg", "quantisation"]

Whole = NDArray[np.int64]

_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)

_COSINES: Whole = np.array(
    [
        (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
        (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
        (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
        (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
        (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
        (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
        (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
        (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
    ],
    dtype=np.int64,
)
"""Row u: the cosine of frequency u at the eight pixels, of mean square 1, in fractions of 13 bits.

These are sums of the constants by which the Independent JPEG Group's accurate integer transform multiplies;
hence some last bits are not the nearest.
"""

_HALF = 1 << 15
"""One half, where fractions have 16 bits."""


@content
def jpeg(image: Pixels, quality: int, rng: Rng | None = None) -> Pixels:
    """Compress an image as JPEG does, and decode it.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    quality : int
        Of the Independent JPEG Group's scale, 1 to 100.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    With M the matrix of cosines, for each block X less 128, and a >>> n for floor(a / 2**n + 1/2): along rows
    Y = X M^t >>> 11, along columns F = M Y >>> 15. Its coefficients, 8 times too large, are divided by 8 T,
    rounded half away from zero and multiplied by T. Back along columns Z = M^t D >>> 11, along rows
    Z M >>> 18, plus 128, clipped. Incomplete blocks are filled with the last row and column. Colours: JFIF's
    YCbCr with fractions of 16 bits, 4:2:0, and the triangle filter on the way back.

    This is what libjpeg 6b, libjpeg-turbo and so Pillow do at their defaults, to the byte.

    References
    ----------
    .. [1] ITU-T T.81 (1992), Annexes A and K; ITU-T T.871 (2011), JFIF.
    .. [2] C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical fast 1-D DCT algorithms with 11
       multiplications", ICASSP 1989.
    """
    if image.ndim == 2:
        found: Pixels = _coded(image.astype(np.int64), quantisation(quality, _LUMINANCE)).astype(np.uint8)
        return found
    height, width = image.shape[:2]
    # As libjpeg does: columns are filled up before chroma is halved, rows afterwards.
    planes = np.empty((3, height + height % 2, width + -width % 16), dtype=np.int64)
    _to_planes(image, planes)
    chroma = quantisation(quality, _CHROMINANCE)
    rows, columns = (height + 1) // 2, (width + 1) // 2
    y = _coded(planes[0], quantisation(quality, _LUMINANCE))
    u, v = (_doubled(_coded(_halved(plane), chroma)[:rows, :columns]) for plane in planes[1:])
    out = np.empty_like(image)
    _to_pixels(y, u, v, out)
    return out


@kernel("(uint8[:, :, ::1], int64[:, :, ::1])")
def _to_planes(image: Pixels, planes: Whole) -> None:
    """Write Y, Cb and Cr; the last row and column are repeated."""
    offset = (128 << 16) + _HALF - 1
    for i in range(planes.shape[1]):
        for j in range(planes.shape[2]):
            pixel = image[min(i, image.shape[0] - 1), min(j, image.shape[1] - 1)]
            red, green, blue = np.int64(pixel[0]), np.int64(pixel[1]), np.int64(pixel[2])
            planes[0, i, j] = (19595 * red + 38470 * green + 7471 * blue + _HALF) >> 16
            planes[1, i, j] = (-11059 * red - 21709 * green + 32768 * blue + offset) >> 16
            planes[2, i, j] = (32768 * red - 27439 * green - 5329 * blue + offset) >> 16


@kernel("(int64[:, :], int64[:, :], int64[:, :], uint8[:, :, ::1])")
def _to_pixels(luma: Whole, cb: Whole, cr: Whole, out: Pixels) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            y, u, v = luma[i, j], cb[i, j] - 128, cr[i, j] - 128
            out[i, j, 0] = min(max(y + ((91881 * v + _HALF) >> 16), 0), 255)
            out[i, j, 1] = min(max(y + ((-22554 * u - 46802 * v + _HALF) >> 16), 0), 255)
            out[i, j, 2] = min(max(y + ((116130 * u + _HALF) >> 16), 0), 255)


def quantisation(quality: int, table: tuple[tuple[int, ...], ...] = _LUMINANCE) -> Whole:
    """Return the quantisation table of a quality: clip((S table + 50) div 100, 1, 255).

    S is 5000 div quality below 50, else 200 - 2 quality.
    """
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    found: Whole = np.clip((np.array(table, dtype=np.int64) * percent + 50) // 100, 1, 255)
    return found


def _coded(plane: Whole, table: Whole) -> Whole:
    """Return a plane of any size after transform, quantisation and the way back."""
    height, width = plane.shape
    padded = np.pad(plane, [(0, -height % 8), (0, -width % 8)], mode="edge")
    _blocks(padded, _COSINES, table)
    return padded[:height, :width]


@kernel("(int64[:, ::1], int64[:, ::1], int64[:, ::1])")
def _blocks(plane: Whole, cosines: Whole, table: Whole) -> None:
    half = np.empty((8, 8), np.int64)
    kept = np.empty((8, 8), np.int64)
    for corner in range(plane.size // 64):
        top, left = 8 * (corner // (plane.shape[1] // 8)), 8 * (corner % (plane.shape[1] // 8))
        for k in range(64):
            total = 1 << 10
            for x in range(8):
                total += (plane[top + (k >> 3), left + x] - 128) * cosines[k & 7, x]
            half[k >> 3, k & 7] = total >> 11
        for k in range(64):
            total = 1 << 14
            for y in range(8):
                total += cosines[k >> 3, y] * half[y, k & 7]
            total >>= 15
            step = table[k >> 3, k & 7]
            size = (abs(total) + 4 * step) // (8 * step) * step
            kept[k >> 3, k & 7] = size if total > 0 else -size
        for k in range(64):
            total = 1 << 10
            for u in range(8):
                total += cosines[u, k >> 3] * kept[u, k & 7]
            half[k >> 3, k & 7] = total >> 11
        for k in range(64):
            total = 1 << 17
            for v in range(8):
                total += half[k >> 3, v] * cosines[v, k & 7]
            plane[top + (k >> 3), left + (k & 7)] = min(max((total >> 18) + 128, 0), 255)


def _halved(plane: Whole) -> Whole:
    """Return means of 2 x 2; the remainder is rounded by 1/4 in even columns and by 1/2 in odd ones."""
    sums = plane[::2, ::2] + plane[::2, 1::2] + plane[1::2, ::2] + plane[1::2, 1::2]
    found: Whole = (sums + 1 + np.arange(sums.shape[1]) % 2) >> 2
    return found


def _doubled(plane: Whole) -> Whole:
    """Return a plane of twice the size: 3/4 of the nearest and 1/4 of the next one, in both directions."""
    if plane.shape[1] <= 2:
        # Too narrow for libjpeg's filter: it repeats values.
        return plane.repeat(2, axis=0).repeat(2, axis=1)
    wide = np.pad(plane, 1, mode="edge")
    tall = np.empty((2 * plane.shape[0], wide.shape[1]), dtype=np.int64)
    tall[::2] = 3 * wide[1:-1] + wide[:-2]
    tall[1::2] = 3 * wide[1:-1] + wide[2:]
    out = np.empty((tall.shape[0], 2 * plane.shape[1]), dtype=np.int64)
    out[:, ::2] = (3 * tall[:, 1:-1] + tall[:, :-2] + 8) >> 4
    out[:, 1::2] = (3 * tall[:, 1:-1] + tall[:, 2:] + 7) >> 4
    return out


JPEG = Corruption(
    name="jpeg",
    category="quantisation",
    description="JPEG at a low quality: blocks, ringing at edges, colours coarser than brightness.",
    parameter="quality (scale of the Independent JPEG Group)",
    parameters=(60, 35, 20, 12, 7),
    stochastic=False,
    function=jpeg,
    sides=SIDES,
    domain="grey levels as stored; YCbCr of JFIF for colour",
    assumptions="the picture was not compressed before; 4:2:0 and the tables of Annex K",
    source="ITU-T T.81 (1992), Annexes A and K; ITU-T T.871 (2011); libjpeg 6b (integer transform)",
)
