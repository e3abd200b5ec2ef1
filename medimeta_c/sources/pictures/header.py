"""Header of a picture file, and the rule that accepts or refuses the picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from medimeta_c.sources.pictures.window import Window

__all__ = [
    "MAX_PIXELS",
    "Colours",
    "Damage",
    "Header",
    "Kind",
    "Refusal",
    "check",
    "grey_ramp",
    "palette_bytes",
]

MAX_PIXELS = 89_478_485
"""Pixels of the largest image accepted: Pillow's own limit against decompression bombs."""

Colours: TypeAlias = Literal["grey", "palette", "RGB"]
Kind: TypeAlias = Literal["unsigned", "signed", "float"]

_WINDOW = "give a window (for example 0,4095, percentiles or full)"


class Refusal(Exception):
    """A whole picture that is not read: what is wrong with it, and what to do."""


class Damage(Exception):
    """A file of a known format that is not whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A picture that its file describes in full.

    Parameters
    ----------
    format : str
        The format, as Pillow calls it, or ``"DICOM"``.
    width, height : int
        Pixels as stored, before the picture is turned upright.
    colours : {"grey", "palette", "RGB"}
        What a pixel's samples mean.
    bits : int
        Bits of a sample.
    kind : {"unsigned", "signed", "float"}
        How a sample is stored; DICOM's rescaled values count as signed.
    alpha : bool
        Whether one more sample tells how opaque a pixel is.
    pictures : int
        Pages or frames.
    palette : ndarray or None
        uint8 RGB of shape (colours, 3), for ``"palette"``.
    white_is_zero : bool
        Whether samples of more than eight bits count downwards from white.
    windowed : bool
        Whether the file says itself how its values become shades (DICOM).
    codec : str
        A compression that not every Pillow can undo.
    patient : str
        Whom a DICOM file says it is of; never to be written anywhere.
    """

    format: str
    width: int
    height: int
    colours: Colours
    bits: int = 8
    kind: Kind = "unsigned"
    alpha: bool = False
    pictures: int = 1
    palette: NDArray[np.uint8] | None = None
    white_is_zero: bool = False
    windowed: bool = False
    codec: str = ""
    patient: str = field(default="", repr=False)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colours."""
        return 1 if self.colours == "grey" else 3

    @property
    def deep(self) -> bool:
        """Whether a window is needed to show the values in 256 shades."""
        return self.bits > 8 or self.kind != "unsigned"


def check(header: Header, window: Window | None, frame: int | None, limit: int) -> None:
    """Refuse a picture that cannot be shown in 8 bits without deciding something its owner must decide.

    Parameters
    ----------
    header : Header
        The picture.
    window : Window or None
        How values of more than eight bits become shades.
    frame : int or None
        Which of several frames is wanted.
    limit : int
        The most pixels a picture may have.

    Raises
    ------
    Refusal
        With what is wrong and what to do.
    Damage
        If it has no pixels.
    """
    if header.width < 1 or header.height < 1 or header.pictures < 1:
        raise Damage(f"it has {header.pictures} pictures of {header.width} x {header.height} pixels")
    if header.width * header.height > limit:
        raise Refusal(f"claims more than {limit} pixels and could exhaust memory: crop or scale it first")
    if frame is None and header.pictures != 1:
        choice = " or read it frame by frame (frames: each)" if header.format == "DICOM" else ""
        raise Refusal(f"holds {header.pictures} frames: save the one to use as a still image{choice}")
    if frame is not None and not 0 <= frame < header.pictures:
        raise Refusal(f"has no frame {frame}: its frames are 0 to {header.pictures - 1}")
    if frame and header.format != "DICOM":
        raise Refusal("holds several frames, which are read from DICOM only: save each as a still image")
    if header.bits == 1 and header.colours == "grey" and not header.alpha:
        raise Refusal(
            "has colour mode 1 (black and white, one bit), typical of masks: "
            "convert it to 8-bit grey if it is a picture"
        )
    if header.deep:
        _check_deep(header, window)


def _check_deep(header: Header, window: Window | None) -> None:
    depth = f"has more than 8 bits a channel ({header.bits}"
    if header.colours != "grey" or header.alpha:
        what = "grey with alpha" if header.colours == "grey" else "colour"
        raise Refusal(f"{depth}, {what}), and only plain grey is windowed: convert it to 8 bits a channel")
    if header.kind == "float":
        if header.bits != 32:
            raise Refusal(f"{depth}, floating point), and only 32 are read: convert it to 32 bits or to 8")
        if window is None or window.limits is None:
            raise Refusal(f"{depth}, floating point): give a window of two values (for example 0,1)")
    elif header.bits not in (8, 10, 12, 14, 16) and header.format != "DICOM":
        raise Refusal(f"{depth}), and at most 16 are read: convert it to 16 bits or to 8")
    elif window is None and not header.windowed:
        start = depth if header.bits > 8 else f"has signed or rescaled values ({header.bits} bits"
        raise Refusal(f"{start}): {_WINDOW}")


def grey_ramp(palette: NDArray[np.uint8]) -> bool:
    """Return whether a palette's entry i is the grey of value i: its indices are grey values."""
    return bool((palette == np.arange(len(palette))[:, None]).all())


def palette_bytes(entries: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return a palette of 16-bit entries in 8 bits.

    Some writers put 8-bit values into the 16-bit field; where no entry exceeds 255 they are taken as such, as
    libtiff does.
    """
    return (entries if entries.max(initial=0) < 256 else entries >> 8).astype(np.uint8)
