"""Decode pictures with Pillow, and check that it sees what the file's header says."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import short
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures.header import Damage, Header, Refusal
from medimeta_c.sources.pictures.window import Window, by_rows, shades, tally

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["NAMES", "decoded", "opened"]

NAMES = {"WEBP": "WebP", "JPEG2000": "JPEG 2000"}
"""Formats that people write in another way than Pillow."""

_FEATURES = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}


def decoded(path: Path, header: Header, window: Window | None) -> Image:
    """Return a picture's pixels: upright, alpha that hides nothing left out, palettes and window applied."""
    with opened(path, header) as picture:
        values = _upright(picture, header)
    if header.alpha and values.shape[2] in {2, 4}:
        if (values[:, :, -1] != 255).any():
            raise Refusal("is partly transparent: flatten it onto a background first")
        values = values[:, :, :-1]
    if header.palette is not None:
        if int(values.max()) >= len(header.palette):
            raise Damage(f"it uses colour {int(values.max())} of a palette of {len(header.palette)}")
        coloured: Image = header.palette[values]
        return coloured
    if header.deep and window is not None:
        return _windowed(values, header, window)
    if header.colours == "grey" and values.ndim == 3:
        values = values[:, :, 0]
    return np.array(values, dtype=np.uint8)


@contextmanager
def opened(path: Path, header: Header) -> Iterator[PillowImage]:
    """Open a file in Pillow, and make sure that Pillow sees in it what the file says."""
    import PIL  # noqa: PLC0415  (keeps `--help` fast)
    from PIL import Image as Pillow  # noqa: PLC0415
    from PIL import features  # noqa: PLC0415

    feature = _FEATURES.get(header.format)
    if feature and not features.check(feature):
        name = NAMES.get(header.format, header.format)
        raise Refusal(
            f"is {name}, which the installed Pillow {PIL.__version__} cannot read: "
            "convert it to PNG, or install a newer Pillow"
        )
    # From a file name, Pillow 13 maps an uncompressed TIFF into memory and scrambles rotated ones.
    with path.open("rb") as file:
        try:
            picture = Pillow.open(file, formats=[header.format])
        except PIL.UnidentifiedImageError as error:
            raise _unread(header, f"Pillow {PIL.__version__} does not know this variant") from error
        with picture:
            if sorted(picture.size) != sorted((header.width, header.height)):
                raise Damage(f"its size is {header.width} x {header.height}, not {picture.size}")
            if picture.mode not in _modes(header):
                raise _unread(header, f"Pillow {PIL.__version__} reads it as {picture.mode}")
            yield picture


def _unread(header: Header, reason: str) -> Refusal:
    what = f"{header.bits}-bit {header.colours}{' with alpha' if header.alpha else ''}"
    return Refusal(f"says {what}, but {reason}: convert it to 8-bit grey or RGB as PNG")


def _modes(header: Header) -> set[str]:
    """Return the modes in which Pillow may hand out what a header describes, with nothing lost."""
    if header.kind == "float":
        return {"F"}
    if header.deep:
        return {"I;16", "I;16B", "I;16L", "I;16N", "I"}
    if header.colours == "palette":
        return {"P", "L", "1"}
    if header.format == "AVIF" and header.colours == "grey":  # older versions make it RGB
        return {"LA", "RGBA"} if header.alpha else {"L", "RGB"}
    if header.colours == "grey":
        return {"LA", "La"} if header.alpha else {"L", "P"}
    # Pillow looks whether the alpha that a WebP announces is there.
    return {"RGBA", "RGBa", *(["RGB"] if header.format == "WEBP" else [])} if header.alpha else {"RGB"}


def _upright(picture: PillowImage, header: Header) -> NDArray[Any]:
    from PIL import ImageOps  # noqa: PLC0415

    _forget_xmp(picture)
    try:
        picture.load()
    except OSError as error:
        if not header.codec:
            raise
        raise Refusal(
            f"is compressed with {header.codec}, and is damaged or not supported by the installed Pillow "
            f"({short(error)}): save it with LZW"
        ) from error
    _forget_xmp(picture)
    try:
        return np.asarray(ImageOps.exif_transpose(picture))
    except (SyntaxError, ValueError, KeyError, TypeError, struct.error):  # invalid EXIF has no orientation
        return np.asarray(picture)


def _forget_xmp(picture: PillowImage) -> None:
    """Leave EXIF alone to say which side is up: which XMP Pillow heeds differs between its versions."""
    for key in ("xmp", "XML:com.adobe.xmp"):
        picture.info.pop(key, None)


def _windowed(values: NDArray[Any], header: Header, window: Window) -> Image:
    if header.kind == "float":
        low, high = window.limits or (0.0, 1.0)
        if not math.isfinite(float(values.sum(dtype=np.float64))):
            raise Refusal("holds values that are no numbers (NaN or infinity): replace them first")
        return by_rows(values, lambda part: shades(part, low, high))
    bits = header.bits
    index = values.astype(np.int64 if values.dtype.kind == "i" else np.uint16).astype(np.uint16)
    if header.format == "JPEG2000":
        index >>= 16 - bits  # Pillow moves values up to fill 16 bits
    numbers = np.arange(1 << bits, dtype=np.float64)
    if header.kind == "signed":
        numbers[1 << (bits - 1) :] -= 1 << bits
    if int(index.max()) >= len(numbers):
        raise Damage(f"it has values of more than {bits} bits")
    table = window.shades(numbers, lambda: tally(index, len(numbers)))
    image: Image = (255 - table if header.white_is_zero else table)[index]
    return image
