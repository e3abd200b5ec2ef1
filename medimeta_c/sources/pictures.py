"""One image file through Pillow: 8-bit grey or RGB, or one sentence saying why not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from medimeta_c.errors import MediMetaError, SourceError, short
from medimeta_c.format.keys import Image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["MAX_PIXELS", "SUFFIXES", "picture_channels", "read_picture"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""File name endings of images, in lower case."""

MAX_PIXELS = 89_478_485
"""Pixels of the largest image accepted: Pillow's own limit against decompression bombs."""

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_CHANNELS: dict[str, Literal[1, 3]] = {"L": 1, "LA": 1, "RGB": 3, "RGBA": 3, "P": 3}


def picture_channels(path: Path) -> Literal[1, 3]:
    """Return 1 (grey) or 3 (RGB), from an image file's header alone.

    Raises
    ------
    SourceError
        If the file is not an image, or one that `read_picture` cannot take without changing it.
    """
    with _opened(path) as picture:
        return _CHANNELS[picture.mode]


def read_picture(path: Path, *, channels: int) -> Image:
    """Return an image file's pixels, upright as its EXIF orientation says.

    Grey and RGB files are taken as they are; a palette becomes RGB, and an alpha channel that hides
    nothing is left out. Whatever would change what the image shows is refused.

    Parameters
    ----------
    path : pathlib.Path
        A PNG, JPEG, TIFF, BMP or WebP file.
    channels : int
        1 or 3, what the dataset's images have.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        Values 0-255, freshly allocated.

    Raises
    ------
    SourceError
        If the file is missing, damaged, has several frames, another number of channels, more than eight
        bits a channel, transparency, CMYK inks, or more than `MAX_PIXELS` pixels.
    """
    from PIL import ImageOps  # noqa: PLC0415  (keeps `--help` fast)

    with _opened(path) as picture:
        found = _CHANNELS[picture.mode]
        if found != channels:
            raise SourceError(
                f"{path} is {_kind(found)} where the dataset's images are {_kind(channels)}: convert it"
            )
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        if "A" in upright.getbands() and upright.getchannel("A").getextrema() != (255, 255):
            raise SourceError(f"{path} is partly transparent: flatten it onto a background first")
        return np.array(upright.convert("L" if channels == 1 else "RGB"), dtype=np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[PillowImage]:
    from PIL import Image as Pillow  # noqa: PLC0415  (keeps `--help` fast)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            with Pillow.open(path, formats=_FORMATS) as picture:
                _refuse_unusable(path, picture)
                yield picture
    except (MediMetaError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise SourceError(f"{path} is missing: restore the file and try again") from error
    except (Pillow.DecompressionBombWarning, Pillow.DecompressionBombError) as error:
        raise SourceError(
            f"{path} claims more than {MAX_PIXELS} pixels and could exhaust memory: crop or scale it first"
        ) from error
    except Exception as error:  # a decoder fed a damaged file may raise anything
        raise SourceError(
            f"{path} is not a whole PNG, JPEG, TIFF, BMP or WebP image ({short(error)}): replace it"
        ) from error


def _refuse_unusable(path: Path, picture: PillowImage) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames != 1:
        raise SourceError(f"{path} holds {frames} frames: save the one to use as a still image")
    # Pillow opens 16-bit RGB files as 8-bit "RGB"; only the decoder's arguments tell.
    deep = any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))
    if deep or picture.mode.startswith(("I", "F")):
        raise SourceError(f"{path} has more than 8 bits a channel: window it to 8-bit grey or RGB first")
    if picture.mode not in _CHANNELS:
        raise SourceError(f"{path} has colour mode {picture.mode}: convert it to 8-bit grey or RGB first")
    if "transparency" in picture.info:
        raise SourceError(f"{path} marks a colour as transparent: flatten it onto a background first")


def _kind(channels: int) -> str:
    return "grey" if channels == 1 else "RGB"
