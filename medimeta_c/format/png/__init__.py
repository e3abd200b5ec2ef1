"""Stored form of one image: lossless PNG bytes, and the digest that identifies its pixels."""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections.abc import Callable
from functools import cache
from types import MappingProxyType

import cv2
import numpy as np

from medimeta_c.errors import ShardError
from medimeta_c.format.keys import Image
from medimeta_c.format.png.fast import fast_png
from medimeta_c.format.png.reading import plain_pixels
from medimeta_corruptions import keeps_kernels

__all__ = ["COMPILED", "ENCODERS", "EXTENSION", "OPENCV", "decode", "digest", "encode", "preferred_encoder"]

OPENCV = "png/opencv-level1-rle"
COMPILED = "png/compiled-1"
"""Names of encoders, as a manifest records them. Chosen by measurement: docs/performance.md."""

EXTENSION = "png"

# Run-length deflate after libpng's adaptive filters: as small as Pillow's level 6 on these images at a
# fifth of its time. Decoded pixels are what counts; any PNG reader gives them back.
_PARAMETERS = (
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
)


def encode(image: Image, encoder: str = OPENCV) -> bytes:
    """Return `image` as PNG bytes.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 3)
        uint8, grey or RGB. Not modified.
    encoder : str, optional
        A name of `ENCODERS`. The pixels are the same with each, the bytes are not.

    Returns
    -------
    bytes
        A PNG file that decodes to exactly `image`.
    """
    return ENCODERS[encoder](image)


def preferred_encoder() -> str:
    """Return the encoder of a new build.

    The compiled one; where machine code cannot be kept on disk, each worker would compile it again, and
    OpenCV's is the faster.
    """
    return COMPILED if keeps_kernels() else OPENCV


def _opencv(image: Image) -> bytes:
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, buffer = cv2.imencode(f".{EXTENSION}", stored, _PARAMETERS)
    if not done:
        raise ShardError(f"could not encode an image of shape {image.shape} as {EXTENSION.upper()}")
    return buffer.tobytes()


ENCODERS = MappingProxyType[str, Callable[[Image], bytes]]({OPENCV: _opencv, COMPILED: fast_png})
"""What turns pixels into bytes, by name."""


def decode(data: bytes) -> Image:
    """Return the pixels of an encoded image.

    Returns
    -------
    ndarray of shape (H, W) or (H, W, 3)
        uint8, grey or RGB.

    Raises
    ------
    ShardError
        If the bytes are not an 8-bit grey or RGB image.
    """
    image = plain_pixels(data) if _reads_compiled() else None
    return _opencv_pixels(data) if image is None else image


_FEW = 500
"""Images that a process reads without the compiled reader: loading it takes longer than it saves on them."""

_numbers = itertools.count()
_keeps_kernels = cache(keeps_kernels)


def _reads_compiled() -> bool:
    return ("numba" in sys.modules or next(_numbers) >= _FEW) and _keeps_kernels()


def _opencv_pixels(data: bytes) -> Image:
    """Return the pixels of any 8-bit grey or RGB image; what this refuses, `decode` refuses."""
    stored = None
    if data:
        try:
            stored = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error:  # a header that claims more pixels than OpenCV accepts
            stored = None
    if stored is None or stored.dtype != np.uint8 or not (stored.ndim == 2 or stored.shape[2] == 3):
        raise ShardError("stored bytes do not decode to an 8-bit grey or RGB image")
    image: Image = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB) if stored.ndim == 3 else stored
    return image


def digest(image: Image) -> str:
    """Return the SHA-256 of an image's shape and pixels, in hexadecimal.

    The digest is over the shape written as ``"HxW"`` or ``"HxWx3"``, a colon, and the pixels in row-major
    order, so that it depends on no encoder.

    Examples
    --------
    >>> digest(np.zeros((1, 2), dtype=np.uint8))[:12]
    '0b283ee05587'
    """
    header = "x".join(map(str, image.shape)) + ":"
    state = hashlib.sha256(header.encode())
    state.update(np.ascontiguousarray(image).data)
    return state.hexdigest()
