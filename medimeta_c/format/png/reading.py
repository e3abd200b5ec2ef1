"""A reader of plain PNG, compiled: those that builds write, whole and undamaged, and no others."""

from __future__ import annotations

import struct

import numpy as np
from deflate import DeflateError, crc32, zlib_decompress
from numpy.typing import NDArray

from medimeta_c.format.keys import Image
from medimeta_c.format.png.unfilter import UNFILTER

__all__ = ["plain_pixels"]

_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", crc32(b"IEND"))
_HEADER_END = len(_START) + 13 + 4
_AROUND = 12
"""Bytes of a chunk beside its content: size, type and CRC."""

_SAMPLES = {b"\x08\x00\x00\x00\x00": 1, b"\x08\x02\x00\x00\x00": 3}
"""Samples a pixel by depth, colour type, compression, filter and interlacing: grey and RGB."""

_LAST_FILTER = 4
_MOST_BYTES = 1 << 24
"""Of pixels. Larger pictures are read row by row, without a copy of all their rows."""

_EXPANSION = 1032
"""What deflate makes of a byte at most; a size that claims more is refused before there is memory for it."""

_WINDOW = 1 << 15
"""Longest distance of deflate. zlib refuses one beyond the window that a stream declares; this reader, which
cannot see distances, takes no smaller window than they may need."""


def plain_pixels(data: bytes) -> Image | None:
    """Return the pixels of an 8-bit grey or RGB PNG of the chunks IHDR, IDAT and IEND alone.

    Never unpacks more bytes than the rows that the header declares.

    Parameters
    ----------
    data : bytes
        A stored image.

    Returns
    -------
    ndarray of shape (H, W) or (H, W, 3), or None
        uint8, grey or RGB. None if it is another kind of file, damaged, or has more than 16 MiB of pixels:
        for another reader to read or refuse.
    """
    if not data.startswith(_START) or not data.endswith(_END) or not _is_whole(data, len(_START) - 4, 13):
        return None
    width, height, kind = struct.unpack_from(">II5s", data, len(_START))
    samples = _SAMPLES.get(kind, 0)
    across = width * samples
    if not 0 < across * height <= min(_MOST_BYTES, len(data) * _EXPANSION):
        return None
    rows = _unpacked(data, height * (1 + across))
    if rows is None or rows[:: 1 + across].max() > _LAST_FILTER:
        return None
    pixels = np.empty((height, across), np.uint8)
    UNFILTER[samples](rows, pixels)
    return pixels.reshape(height, width, samples) if samples > 1 else pixels


def _unpacked(data: bytes, size: int) -> NDArray[np.uint8] | None:
    """Return the filtered rows if they are so many bytes; None if not, or if anything is damaged."""
    stream = _stream(data)
    if not stream or 1 << (8 + (stream[0] >> 4)) < min(size, _WINDOW):
        return None
    try:
        rows = np.frombuffer(zlib_decompress(stream, size), np.uint8)
    except DeflateError:
        return None
    return rows if len(rows) == size else None


def _stream(data: bytes) -> bytes | memoryview | None:
    """Return what the IDAT chunks between header and end hold; None if others are there, or damaged ones."""
    view, at, end = memoryview(data), _HEADER_END, len(data) - len(_END)
    parts: list[memoryview] = []
    while at < end:
        length = int.from_bytes(data[at : at + 4], "big")
        after = at + _AROUND + length
        if after > end or data[at + 4 : at + 8] != b"IDAT" or not _is_whole(data, at + 4, length):
            return None
        parts.append(view[at + 8 : at + 8 + length])
        at = after
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _is_whole(data: bytes, at: int, length: int) -> bool:
    """Return whether a chunk, its type at a place, has the CRC that follows it."""
    end = at + 4 + length
    return crc32(memoryview(data)[at:end]) == int.from_bytes(data[end : end + 4], "big")
