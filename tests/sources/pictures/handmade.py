"""Picture files written by hand, byte by byte: kinds that no library here writes, on any version of them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np


def packed(samples: np.ndarray, bits: int, order: str) -> bytes:
    """Rows of samples of any number of bits, each row filled up to a whole byte."""
    rows = samples.reshape(len(samples), -1)
    if bits in (8, 16, 32, 64):
        return rows.astype(rows.dtype.newbyteorder(order)).tobytes()
    planes = (rows[:, :, None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(planes.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def tiff(
    pages: list[np.ndarray],
    *,
    bits: int = 8,
    photometric: int | None = 1,
    planar: bool = False,
    tile: int = 0,
    order: str = "<",
    big: bool = False,
    tags: dict[int, Any] | None = None,
) -> bytes:
    """An uncompressed TIFF of pages (H, W) or (H, W, samples)."""
    offset, place, head = ("Q", 8, 16) if big else ("I", 4, 8)
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0)
    link = head - place
    for page in pages:
        array = page if page.ndim == 3 else page[:, :, None]
        height, width, samples = array.shape
        parts = [array[:, :, [one]] for one in range(samples)] if planar else [array]
        chunks = []
        for part in parts:
            if not tile:
                chunks.append(packed(part, bits, order))
                continue
            for top in range(0, height, tile):
                for left in range(0, width, tile):
                    piece = part[top : top + tile, left : left + tile]
                    fill = [(0, tile - piece.shape[0]), (0, tile - piece.shape[1]), (0, 0)]
                    chunks.append(packed(np.pad(piece, fill), bits, order))
        places = []
        for chunk in chunks:
            places.append(len(out))
            out += chunk
        out += bytes(len(out) % 2)
        kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
        entries: dict[int, tuple[str, Any]] = {
            256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * samples), 259: ("H", [1]),
            262: ("H", [photometric]), 277: ("H", [samples]), 284: ("H", [1 + planar]),
            339: ("H", [kind] * samples),
        }  # fmt: skip
        if tile:
            entries |= {322: ("H", [tile]), 323: ("H", [tile]), 324: (offset, places)}
            entries[325] = (offset, [len(chunk) for chunk in chunks])
        else:
            entries |= {273: (offset, places), 278: ("I", [height])}
            entries[279] = (offset, [len(chunk) for chunk in chunks])
        for tag, value in (tags or {}).items():
            code = "s" if isinstance(value, bytes) else "H"
            entries[tag] = (code, value if isinstance(value, bytes | list) else [value])
        if photometric is None:
            del entries[262]
        kinds = {"H": 3, "I": 4, "Q": 16, "s": 2}
        table = bytearray()
        for tag, (code, values) in sorted(entries.items()):
            data = values if code == "s" else struct.pack(f"{order}{len(values)}{code}", *values)
            if len(data) > place:
                data, start = struct.pack(order + offset, len(out)), data
                out += start + bytes(len(start) % 2)
            table += struct.pack(f"{order}HH{offset}", tag, kinds[code], len(values)) + data.ljust(
                place, b"\0"
            )
        struct.pack_into(order + offset, out, link, len(out))
        out += struct.pack(order + ("Q" if big else "H"), len(entries)) + table
        link = len(out)
        out += bytes(place)
    return bytes(out)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    samples: np.ndarray, *, bits: int = 8, colour: int = 0, before: bytes = b"", frames: int = 0
) -> bytes:
    """A PNG; `before` are chunks ahead of the pixels, `frames` more than 0 makes an animation of as many."""
    rows = len(samples)
    width = samples.shape[1]
    raw = np.frombuffer(packed(samples, bits, ">"), np.uint8).reshape(rows, -1)
    data = zlib.compress(np.pad(raw, [(0, 0), (1, 0)]).tobytes())
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, rows, bits, colour, 0, 0, 0))
    out += before
    control = struct.pack(">IIIIHHBB", width, rows, 0, 0, 1, 10, 0, 0)
    if frames:
        out += chunk(b"acTL", struct.pack(">II", frames, 0)) + chunk(b"fcTL", struct.pack(">I", 0) + control)
    out += chunk(b"IDAT", data)
    for number in range(1, frames):
        out += chunk(b"fcTL", struct.pack(">I", 2 * number - 1) + control)
        out += chunk(b"fdAT", struct.pack(">I", 2 * number) + data)
    return out + chunk(b"IEND", b"")


def bmp(
    rows: bytes,
    width: int,
    height: int,
    bits: int,
    *,
    palette: bytes = b"",
    masks: bytes = b"",
    compression: int = 0,
) -> bytes:
    """A BMP of rows bottom up, already filled up to four bytes; `masks` make a version 4 header."""
    size = 108 if masks else 40
    start = 14 + size + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    colours = len(palette) // 4
    info = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, len(rows), 0, 0, colours, 0)
    return head + info + masks.ljust(size - 40, b"\0") + palette + rows


def jpeg_start(bits: int, components: int, marker: int = 0xC0) -> bytes:
    """A JPEG up to its first scan, for what is refused by its frame header."""
    parts = b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    frame = struct.pack(">BHHB", bits, 8, 8, components) + parts
    scan = (
        bytes([components]) + b"".join(bytes([number + 1, 0]) for number in range(components)) + b"\0\x3f\0"
    )
    out = b"\xff\xd8"
    for kind, data in ((marker, frame), (0xDA, scan)):
        out += struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data
    return out + b"\0" * 16 + b"\xff\xd9"


def box(kind: bytes, *data: bytes) -> bytes:
    """One box of JPEG 2000 or AVIF."""
    body = b"".join(data)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def jp2(codestream: bytes, *, colours: int = 16, header: bytes = b"") -> bytes:
    """A JPEG 2000 file around a codestream; `header` are more boxes of its header."""
    colr = box(b"colr", b"\x01\0\0", struct.pack(">I", colours))
    ihdr = box(b"ihdr", bytes(14))
    head = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return head + box(b"jp2h", ihdr, colr, header) + box(b"jp2c", codestream)


def codestream(bits: int, components: int, tile: int = 8) -> bytes:
    """The beginning and the end of a JPEG 2000 codestream, for what is refused by its size marker."""
    size = struct.pack(">HIIIIIIIIH", 0, 8, 8, 0, 0, tile, tile, 0, 0, components)
    size += bytes([bits - 1, 1, 1]) * components
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + b"\xff\xd9"
