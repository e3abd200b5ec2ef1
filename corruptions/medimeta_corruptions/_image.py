"""The array contract: check an image once, where it enters the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import kernel

__all__ = ["BLOCK", "UNIT", "Pixels", "Rng", "as_pixels", "blocks", "channels", "look_up", "to_bytes"]

Pixels: TypeAlias = NDArray[np.uint8]
"""An image: ``(H, W)`` grey or ``(H, W, 3)`` colour, at least one pixel a side."""

Rng: TypeAlias = np.random.Generator | np.random.RandomState
"""A source of random numbers. ``RandomState`` is what the reference draws from."""

UNIT: NDArray[np.float64] = np.arange(256, dtype=np.float64) / 255.0
"""Every byte on the unit scale: ``UNIT[v]`` is ``v / 255``."""

BLOCK = 1 << 16
"""Values worked on at a time: in double precision they fit a processor's cache, whatever the image's size."""


def as_pixels(image: object) -> Pixels:
    """Return ``image`` as the functions of this package want it, or say what is wrong with it.

    Parameters
    ----------
    image : object
        What the caller gave.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous, writable and of no subclass: the very array given if it is all three, else another.

    Raises
    ------
    TypeError
        If it is not an array of uint8.
    ValueError
        If its shape is not ``(H, W)`` or ``(H, W, 3)``, or it has no pixels.
    """
    if not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray):
        raise TypeError(
            f"an image must be a numpy.ndarray, got {type(image).__name__}; of a Pillow image, "
            'numpy.asarray(PIL.ImageOps.exif_transpose(image).convert("RGB"))'
        )
    if image.dtype != np.uint8:
        raise TypeError(
            f"an image must have dtype uint8 (values 0 to 255), got {image.dtype}; scale it first: "
            "(image / 257).round().astype(numpy.uint8) for all 16 bits, (image * 255) likewise for 0 to 1"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"an image must have shape (H, W) or (H, W, 3), got {image.shape};"
            " drop an axis of length 1, an alpha channel or the batch axis"
        )
    if image.size == 0:
        raise ValueError(f"an image must have at least one pixel a side, got shape {image.shape}")
    # Writable, because compiled kernels are typed for writable arrays; none writes into its input.
    return np.require(image, dtype=np.uint8, requirements=["C", "W", "ENSUREARRAY"])


def channels(image: Pixels) -> int:
    """Return 1 for a grey image and 3 for a colour image."""
    return 1 if image.ndim == 2 else 3


def to_bytes(unit: NDArray[np.float64]) -> Pixels:
    """Return values on the unit scale as bytes: clipped, scaled and truncated, as the reference does.

    Truncation (254.9 becomes 254) rather than rounding is the reference's ``np.uint8(x)``.
    """
    return (np.clip(unit, 0.0, 1.0) * 255.0).astype(np.uint8)


def blocks(*images: Pixels) -> Iterator[tuple[Pixels, ...]]:
    """Yield views of the next `BLOCK` values of each image: eight bytes each are never needed for all.

    The images are C-contiguous and of one shape; values come in memory order.
    """
    flat = [image.reshape(-1) for image in images]
    for start in range(0, flat[0].size, BLOCK):
        yield tuple(values[start : start + BLOCK] for values in flat)


def look_up(table: NDArray[np.uint8], image: Pixels) -> Pixels:
    """Return a new image with ``table[v]`` for every value ``v``; the table has 256 entries."""
    out = np.empty_like(image)
    _look_up(table, image.reshape(-1), out.reshape(-1))
    return out


@kernel("(uint8[::1], uint8[::1], uint8[::1])")
def _look_up(table: NDArray[np.uint8], values: Pixels, out: Pixels) -> None:
    for i in range(values.size):
        out[i] = table[values[i]]
