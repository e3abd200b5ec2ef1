"""Read one picture file as 8-bit grey or RGB, or refuse it with one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, get_args

import numpy as np

from medimeta_c.errors import MediMetaError, SourceError, short, unknown_name
from medimeta_c.format.keys import Image
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.sources.pictures.blocks import bmp_header, gif_header, png_header, webp_header
from medimeta_c.sources.pictures.boxes import avif_header, jpeg2000_header
from medimeta_c.sources.pictures.decoding import NAMES, decoded, opened
from medimeta_c.sources.pictures.dicom import dicom_header, dicom_headers, dicom_image
from medimeta_c.sources.pictures.header import MAX_PIXELS, Damage, Header, Refusal, check
from medimeta_c.sources.pictures.jpeg import jpeg_header
from medimeta_c.sources.pictures.signatures import recognise
from medimeta_c.sources.pictures.tiff import tiff_header
from medimeta_c.sources.pictures.window import Window

__all__ = [
    "Mode",
    "converted",
    "frame_count",
    "picture_channels",
    "picture_headers",
    "read_image",
    "read_picture",
    "shows_grey",
]

Mode: TypeAlias = Literal["source", "rgb", "grey", "luma"]

_HEADERS: Mapping[str, Callable[[BinaryIO], Header]] = {
    "PNG": png_header,
    "JPEG": jpeg_header,
    "TIFF": tiff_header,
    "BMP": bmp_header,
    "GIF": gif_header,
    "WEBP": webp_header,
    "JPEG2000": jpeg2000_header,
    "AVIF": avif_header,
}
# Lossy formats that store colours apart from light give grey back in channels that differ a little.
_TOLERANCE = {"JPEG": 2, "WEBP": 2, "AVIF": 2}
_HEAD = 1024


def picture_channels(
    path: Path, *, mode: Mode = "source", window: Window | None = None, frame: int | None = None
) -> Literal[1, 3]:
    """Return 1 (grey) or 3 (RGB), what `read_picture` will give, from a file's header alone.

    Raises
    ------
    SourceError
        If the file is not a picture, or one that `read_picture` cannot take without changing it.
    """
    with _inspected(path, window, frame) as header:
        if header.format != "DICOM":
            with opened(path, header):
                pass
        return 3 if mode == "rgb" or (mode == "source" and header.channels == 3) else 1


def picture_headers(path: Path, *, window: Window | None = None, each_frame: bool = False) -> list[Header]:
    """Return what a file says of its picture, or of each frame of a DICOM file of several if so asked.

    Raises
    ------
    SourceError
        If the file is not a picture, or one that `read_picture` cannot take without changing it.
    """
    with _explained(path):
        headers = _headers(path) if each_frame else [_header(path, None)]
        for frame, header in enumerate(headers):
            check(header, window, frame if len(headers) > 1 else None, _limit())
        if headers[0].format != "DICOM":
            with opened(path, headers[0]):
                pass
    return headers


def frame_count(path: Path) -> int:
    """Return how many pages or frames a file holds.

    Raises
    ------
    SourceError
        If the file is not a picture that is read here.
    """
    with _explained(path):
        return _header(path, None).pictures


def read_image(path: StrPath, *, window: Window | str | None = None, frame: int | None = None) -> Image:
    """Return a picture's pixels as the corruptions want them: 8-bit grey or RGB, upright, palettes resolved.

    What would have to be changed for that is refused with the reason and what to do; nothing is guessed.

    Parameters
    ----------
    path : str or path
        A PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, AVIF or (with the extra ``dicom``) DICOM file.
    window : Window or str, optional
        How grey values of more than eight bits become shades: ``"LOW,HIGH"`` in the file's units,
        ``"percentiles"`` or ``"full"``.
    frame : int, optional
        Which frame of a DICOM file of several, from 0.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        Values 0-255, freshly allocated.

    Raises
    ------
    SourceError
        If the file is missing, damaged, or cannot be shown so.

    Examples
    --------
    >>> read_image("scan.png").dtype  # doctest: +SKIP
    dtype('uint8')
    """
    parsed = Window.parse(window) if isinstance(window, str) else window
    return read_picture(as_path(path, "image"), window=parsed, frame=frame)


def read_picture(
    path: Path,
    *,
    channels: int | None = None,
    mode: Mode = "source",
    window: Window | None = None,
    frame: int | None = None,
) -> Image:
    """Return a picture's pixels, upright as its EXIF orientation says.

    Grey and RGB files are taken as they are; a palette becomes RGB, and an alpha channel that hides
    nothing is left out. Whatever else would change what the picture shows is refused.

    Parameters
    ----------
    path : pathlib.Path
        The file; its first bytes say its format, not its name.
    channels : int, optional
        1 or 3, what the dataset's images have; None takes what the file has.
    mode : {"source", "rgb", "grey", "luma"}
        ``"source"`` keeps grey grey and RGB RGB, ``"rgb"`` copies grey to three channels, ``"grey"`` takes
        one of three equal channels and refuses coloured pictures, ``"luma"`` weighs the channels as ITU-R
        BT.601 does (0.299, 0.587, 0.114, rounded half up).
    window : Window, optional
        How grey values of more than eight bits become shades; pictures of eight bits are left as they are.
    frame : int, optional
        Which frame of a DICOM file of several, from 0.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        Values 0-255, freshly allocated.

    Raises
    ------
    SourceError
        If the file is missing, damaged, has several frames, another number of channels, more than eight bits
        a channel without a window, transparency, CMYK inks, or more than `MAX_PIXELS` pixels.
    """
    if mode not in get_args(Mode):
        raise unknown_name("channels", mode, get_args(Mode))
    with _inspected(path, window, frame) as header:
        image = _pixels(path, header, window, frame)
        if mode == "source" and channels not in {None, header.channels}:
            found, wanted = ("grey" if count == 1 else "RGB" for count in (header.channels, channels))
            raise Refusal(f"is {found} where the dataset's images are {wanted}: convert it")
        return converted(image, mode, _TOLERANCE.get(header.format, 0))


def converted(image: Image, mode: Mode, tolerance: int = 0) -> Image:
    """Return an image with the channels that `mode` of `read_picture` names.

    Raises
    ------
    Refusal
        If it is to be grey, and its channels differ by more than `tolerance`.
    """
    if mode == "rgb" and image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    if mode in ("source", "rgb") or image.ndim == 2:
        return image
    if mode == "grey" and not _equal_channels(image, tolerance):
        raise Refusal("shows colours and cannot be taken as grey: use luma, or take the channels as rgb")
    return _luma(image)


def shows_grey(path: Path, *, window: Window | None = None, frame: int | None = None) -> bool:
    """Return whether a picture is grey, or RGB whose channels are equal everywhere.

    In lossy formats (JPEG, WebP, AVIF) they may differ by two levels.

    Raises
    ------
    SourceError
        If the picture cannot be read.
    """
    with _inspected(path, window, frame) as header:
        image = _pixels(path, header, window, frame)
        return image.ndim == 2 or _equal_channels(image, _TOLERANCE.get(header.format, 0))


def _equal_channels(image: Image, tolerance: int) -> bool:
    return bool((image.max(axis=2) - image.min(axis=2) <= tolerance).all())


def _luma(image: Image) -> Image:
    total = image[:, :, 0].astype(np.uint32) * 299
    total += image[:, :, 1].astype(np.uint32) * 587
    total += image[:, :, 2].astype(np.uint32) * 114
    total += 500
    total //= 1000
    return total.astype(np.uint8)


@contextmanager
def _inspected(path: Path, window: Window | None, frame: int | None) -> Iterator[Header]:
    with _explained(path):
        header = _header(path, frame)
        check(header, window, frame, _limit())
        yield header


def _limit() -> int:
    """Return the most pixels of a picture; a stricter limit set in Pillow is respected."""
    from PIL import Image as Pillow  # noqa: PLC0415  (keeps `--help` fast)

    return min(MAX_PIXELS, Pillow.MAX_IMAGE_PIXELS or MAX_PIXELS)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one sentence that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of what is checked here by the file's own header
            yield
    except (MediMetaError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist: check the path, or restore the file") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path} is a folder: name the picture files in it") from error
    except PermissionError as error:
        raise SourceError(f"{path} may not be read by this user: change its permissions") from error
    except Refusal as error:
        raise SourceError(f"{path} {error}") from error
    except Exception as error:  # a decoder fed a damaged file may raise anything
        raise SourceError(
            f"{path} is not a whole {_name_of(path)} image (damaged: {short(error)}): replace it"
        ) from error


def _name_of(path: Path) -> str:
    with path.open("rb") as file:
        try:
            name = recognise(file.read(_HEAD), path)
        except (Damage, Refusal):
            return "PNG, JPEG, TIFF or other"
    return NAMES.get(name, name)


def _header(path: Path, frame: int | None) -> Header:
    with path.open("rb") as file:
        name = recognise(file.read(_HEAD), path)
        if name == "DICOM":
            return dicom_header(path, frame)
        file.seek(0)
        return _HEADERS[name](file)


def _headers(path: Path) -> list[Header]:
    with path.open("rb") as file:
        name = recognise(file.read(_HEAD), path)
    return dicom_headers(path) if name == "DICOM" else [_header(path, None)]


def _pixels(path: Path, header: Header, window: Window | None, frame: int | None) -> Image:
    return dicom_image(path, window, frame) if header.format == "DICOM" else decoded(path, header, window)
