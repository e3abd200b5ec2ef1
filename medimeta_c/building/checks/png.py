"""Strict PNG decoder: accepts only plain PNG files, which all readers decode to the same pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from medimeta_c.errors import ShardError
from medimeta_c.format import png
from medimeta_c.format.keys import Image

__all__ = ["decode_plain"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3}
"""Samples a pixel by PNG colour type: grey and RGB."""

_PIECE = 1 << 20
_AROUND = 12
"""Bytes of a chunk beside its content: size, type and CRC."""


def decode_plain(data: bytes) -> Image:
    """Return the pixels of one IHDR, consecutive IDAT and one IEND, 8-bit grey or RGB, not interlaced.

    Other chunks (an orientation, a gamma, a palette) make some readers show other pixels than the digest is
    of. Memory stays bounded by the pixels that are there, whatever size the bytes claim to have.

    Parameters
    ----------
    data : bytes
        A stored image.

    Returns
    -------
    ndarray of shape (H, W) or (H, W, 3)
        uint8, grey or RGB.

    Raises
    ------
    ShardError
        If it is another format, has other chunks, wrong checks, or too few or too many bytes.
    """
    if not data.startswith(_SIGNATURE):
        raise ShardError("the stored bytes do not decode as PNG")
    chunks = list(_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if kinds != [b"IHDR", *[b"IDAT"] * (len(kinds) - 2), b"IEND"] or len(kinds) < 3 or chunks[-1][1]:
        strange = next((kind for kind in kinds if kind not in (b"IHDR", b"IDAT", b"IEND")), None)
        what = f"has a chunk {strange!r}" if strange else "has its chunks in another order or number"
        raise ShardError(f"the stored PNG {what}: it must be IHDR, IDAT and IEND alone")
    header = chunks[0][1]
    if len(header) != 13:
        raise ShardError("the stored PNG has a damaged header")
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in _SAMPLES or any(rest) or not width or not height:
        raise ShardError("the stored PNG is not 8-bit grey or RGB, or is interlaced")
    # Unpacked once: the decoder gets the same rows in a stream that it has but to copy.
    stored = _stored([body for _, body in chunks[1:-1]], height * (1 + width * _SAMPLES[colour]))
    head = len(_SIGNATURE) + _AROUND + len(header)
    return png.decode(b"".join((data[:head], *_chunk(b"IDAT", stored), data[-_AROUND:])))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of each chunk up to the end of the bytes."""
    at, end = len(_SIGNATURE), len(data)
    while at < end:
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > end:
            raise ShardError("the stored PNG is cut short, or has bytes after its end")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size
        if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[at - 4 : at], "big"):
            raise ShardError(f"the stored PNG's chunk {kind!r} is damaged (its CRC differs)")
        yield kind, body
        if kind == b"IEND" and at != end:
            raise ShardError("the stored PNG has bytes after its end")


def _chunk(kind: bytes, body: bytes) -> tuple[bytes, ...]:
    return struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _stored(bodies: list[bytes], expected: int) -> bytes:
    """Return compressed pixels as a stream that is not compressed.

    Those that are not exactly as many as the size claimed, and nothing more, are refused.
    """
    stream, plain, found = zlib.decompressobj(), zlib.compressobj(0), 0
    parts: list[bytes] = []
    try:
        for body in bodies:
            rest = body
            while rest and found <= expected:
                piece = stream.decompress(rest, _PIECE)
                found += len(piece)
                parts.append(plain.compress(piece))
                rest = stream.unconsumed_tail
    except zlib.error as error:
        raise ShardError(f"the stored PNG's pixels are damaged ({error})") from error
    if not stream.eof or stream.unused_data or found != expected:
        raise ShardError("the stored PNG has more or fewer pixels than its header says")
    return b"".join((*parts, plain.flush()))
