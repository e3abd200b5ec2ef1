"""JPEG 2000: lossy compression by wavelets, as archives and DICOM use it.

The standard's irreversible path: CDF 9/7 wavelets of up to five levels, a quantiser with a dead zone whose
steps suit each band's gain, and back. Entropy coding loses nothing and is left out.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content, shorter

__all__ = ["JPEG2000", "forward", "inverse", "jpeg2000"]

_LIFTS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
"""Factors of the four lifting steps; of ISO/IEC 15444-1, table F.4."""

_K = 1.230174104914001
"""What lifting makes of a constant; the low band is divided by it."""

_MOST_LEVELS = 5

_SINGLE = 1.98
"""Gain of a coefficient that is high in one direction, on the finest level; it doubles with each level."""

_DIAGONAL = 1.04
"""The same where both directions are high. The gain is 2.08: diagonal detail gets twice the step."""

_FRACTIONS = 65536.0


@content
def jpeg2000(image: Pixels, step: float, rng: Rng | None = None) -> Field:
    """Quantise an image's wavelet coefficients, and reconstruct it.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    step : float
        The quantiser's step for a coefficient of gain 1, in grey levels.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    Of grey levels less 128, L = min(5, floor(log2(shorter side))) levels of the wavelet; borders are mirrored
    without repeating the outermost value. The low band has gain 1 for a constant, the high band gain 1 at the
    highest frequency. A coefficient c becomes sign(c) (floor(|c| / D) + 1/2) D, or 0 where |c| < D, with |c|
    first rounded to 1/65536. With level l = 0 the finest, D is step / (1.98 2**l) where one direction is
    high, step / (1.04 2**l) where both are, and step / 2**L in the last low band. Colours: the irreversible
    colour transform, steps doubled in Cb and Cr.

    References
    ----------
    .. [1] ISO/IEC 15444-1 (ITU-T T.800), Annexes E, F and G.
    .. [2] D. Taubman and M. Marcellin, JPEG2000: Image Compression Fundamentals, 2002.
    """
    values = image.astype(np.float64) - 128.0
    if image.ndim == 2:
        return (_coded(values, step) + 128.0) / 255.0
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - luma) / 1.772, (red - luma) / 1.402
    y, u, v = _coded(luma, step), _coded(cb, 2.0 * step), _coded(cr, 2.0 * step)
    out = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], axis=2)
    unit: Field = (out + 128.0) / 255.0
    return unit


def _coded(plane: Field, step: float) -> Field:
    """Return a plane after transform, quantisation and the way back."""
    levels = min(_MOST_LEVELS, int(math.log2(shorter(plane))))
    bands = forward(plane, levels)
    height, width = plane.shape
    for level in range(levels):
        top, left = -(-height // 2), -(-width // 2)
        _quantise(bands[:top, left:width], step / (_SINGLE * 2.0**level))
        _quantise(bands[top:height, :left], step / (_SINGLE * 2.0**level))
        _quantise(bands[top:height, left:width], step / (_DIAGONAL * 2.0**level))
        height, width = top, left
    _quantise(bands[:height, :width], step / 2.0**levels)
    return inverse(bands, levels)


def _quantise(band: Field, step: float) -> None:
    """Replace coefficients by the middle of their interval, those below the step by 0."""
    # Rounded first, so that the last bit of a sum does not decide an interval.
    size = np.floor(np.rint(np.abs(band) * _FRACTIONS) / _FRACTIONS / step)
    band[...] = np.where(size > 0.0, np.copysign((size + 0.5) * step, band), 0.0)


def forward(plane: Field, levels: int) -> Field:
    """Return the wavelet bands of a plane, each level's low ones first, in an array of its shape."""
    out: Field = plane.copy()
    height, width = plane.shape
    for _ in range(levels):
        for axis in (0, 1):
            part = np.moveaxis(out[:height, :width], axis, 0)
            part[...] = _split(part)
        height, width = -(-height // 2), -(-width // 2)
    return out


def inverse(bands: Field, levels: int) -> Field:
    """Return the plane that has these wavelet bands."""
    out: Field = bands.copy()
    sizes = [out.shape]
    for _ in range(levels):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    for height, width in sizes[levels - 1 :: -1] if levels else []:
        for axis in (1, 0):
            part = np.moveaxis(out[:height, :width], axis, 0)
            part[...] = _joined(part)
    return out


def _split(values: Field) -> Field:
    """Return the low values along the first axis, then the high ones."""
    even, odd = values[::2].copy(), values[1::2].copy()
    for position, lift in enumerate(_LIFTS):
        _lift(even, odd, position, lift)
    found: Field = np.concatenate([even / _K, odd * (_K / 2.0)])
    return found


def _joined(values: Field) -> Field:
    """Undo `_split`."""
    half = -(-values.shape[0] // 2)
    even, odd = values[:half] * _K, values[half:] * (2.0 / _K)
    for position in (3, 2, 1, 0):
        _lift(even, odd, position, -_LIFTS[position])
    out: Field = np.empty_like(values)
    out[::2], out[1::2] = even, odd
    return out


def _lift(even: Field, odd: Field, position: int, factor: float) -> None:
    """Add the neighbours' sum, times a factor, to the odd values (positions 0, 2) or the even ones."""
    if position % 2 == 0:
        after = np.concatenate([even[1:], even[-1:]])[: odd.shape[0]]
        odd += factor * (even[: odd.shape[0]] + after)
    else:
        before = np.concatenate([odd[:1], odd])[: even.shape[0]]
        after = np.concatenate([odd, odd[-1:]])[: even.shape[0]]
        even += factor * (before + after)


JPEG2000 = Corruption(
    name="jpeg2000",
    category="quantisation",
    description="JPEG 2000 at a low rate: detail dissolves, edges smear and ring.",
    parameter="quantiser's step (grey levels)",
    parameters=(8.0, 16.0, 28.0, 48.0, 80.0),
    stochastic=False,
    function=jpeg2000,
    sides=SIDES,
    domain="grey levels as stored; YCbCr for colour",
    assumptions="the picture was not compressed before; one fixed step instead of a rate search",
    source="ISO/IEC 15444-1 (ITU-T T.800), Annexes E, F and G",
)
