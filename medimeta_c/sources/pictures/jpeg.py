"""Headers of JPEG files: bits, colours, and whether more pictures follow."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from medimeta_c.sources.pictures.header import Damage, Header, Refusal
from medimeta_c.sources.pictures.tiff import directories

__all__ = ["Frame", "jpeg_frame", "jpeg_header"]

_READ = {0xC0, 0xC1, 0xC2}
_KINDS = {
    0xC3: "lossless JPEG",
    0xF7: "JPEG-LS",
    0xC9: "JPEG with arithmetic coding",
    0xCA: "JPEG with arithmetic coding",
}
_BARE = {0x01, *range(0xD0, 0xD9)}
_APP0, _APP2, _APP14, _SCAN, _END = 0xE0, 0xE2, 0xEE, 0xDA, 0xD9
_MPF = b"MPF\0"
_MOST_SEGMENTS, _PAGE_COUNT = 10_000, 0xB001


@dataclass(frozen=True, slots=True)
class Frame:
    """A JPEG stream's frame header, and what its application segments say.

    Parameters
    ----------
    marker : int
        Second byte of its marker: which kind of JPEG it is.
    bits, width, height, components : int
        As the frame header says.
    ycc : bool or None
        Whether colours are YCbCr, where a segment or the components' names say so.
    pictures : int
        Pictures that a multi-picture segment counts.
    """

    marker: int
    bits: int
    width: int
    height: int
    components: int
    ycc: bool | None
    pictures: int


def jpeg_frame(file: BinaryIO) -> Frame:
    """Return the frame header of a JPEG stream.

    Raises
    ------
    Damage
        If the stream ends before its frame header.
    """
    ycc: bool | None = None
    pictures = 1
    found: tuple[int, int, int, int, int] | None = None
    names = b""
    for marker, data in _segments(file):
        if marker == _APP0 and data.startswith(b"JFIF\0"):
            ycc = True
        elif marker == _APP14 and data.startswith(b"Adobe") and len(data) >= 12:
            ycc = data[11] != 0
        elif marker == _APP2 and data.startswith(_MPF):
            tags = next(directories(io.BytesIO(data[len(_MPF) :])), {})
            pictures = max(1, *tags.get(_PAGE_COUNT, (1,)))
        elif marker in _KINDS or (0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}):
            bits, height, width, components = struct.unpack_from(">BHHB", data)
            found, names = (marker, bits, width, height, components), data[6::3]
    if found is None:
        raise Damage("it has no frame header")
    if ycc is None and names == b"RGB":
        ycc = False
    return Frame(*found, ycc, pictures)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each segment before the first scan."""
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        mark = file.read(2)
        while mark[:1] == b"\xff" and mark[1:] == b"\xff":  # padding
            mark = mark[1:] + file.read(1)
        if len(mark) < 2 or mark[0] != 0xFF:
            raise Damage("its segments are broken")
        if mark[1] in {_SCAN, _END}:
            return
        if mark[1] in _BARE:
            continue
        (size,) = struct.unpack(">H", file.read(2))
        data = file.read(max(size - 2, 0))
        if len(data) != size - 2:
            raise Damage("it ends within a segment")
        yield mark[1], data
    raise Damage("it has too many segments")


def jpeg_header(file: BinaryIO) -> Header:
    """Return what a JPEG file says, or refuse kinds of JPEG that are not read."""
    frame = jpeg_frame(file)
    if frame.marker not in _READ:
        kind = _KINDS.get(frame.marker, f"a rare kind of JPEG (SOF{frame.marker & 15})")
        raise Refusal(f"is {kind}, which Pillow does not read: convert it to PNG")
    if frame.bits != 8:
        raise Refusal(
            f"has more than 8 bits a channel ({frame.bits}), which Pillow does not read in JPEG: "
            "save it as 16-bit PNG or TIFF, or as 8-bit JPEG"
        )
    if frame.components == 4:
        raise Refusal("holds CMYK inks: convert it to RGB first")
    if frame.components not in {1, 3}:
        raise Refusal(f"has {frame.components} channels: convert it to 8-bit grey or RGB first")
    return Header(
        format="JPEG",
        width=frame.width,
        height=frame.height,
        colours="grey" if frame.components == 1 else "RGB",
        pictures=frame.pictures,
    )
