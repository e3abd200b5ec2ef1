"""Change pictures: PNG, DICOM."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zlib

from fuzz_mutators.values import flip


def png(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, repeat or move the chunks of a PNG; lengths and checksums are right."""
    chunks, place = [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    index = draw.randrange(len(chunks))
    kind, body = chunks[index]
    match draw.randrange(6):
        case 0:
            del chunks[index]
        case 1:
            chunks.insert(draw.randrange(len(chunks) + 1), (kind, body))
        case 2:
            width, height, *rest = struct.unpack(">IIBBBBB", chunks[0][1][:13].ljust(13, b"\0"))
            fields = [width, height, *rest]
            field = draw.randrange(7)
            fields[field] = (
                draw.choice((0, 1, 2, 3, 4, 8, 16))
                if field > 1
                else draw.choice((0, 1, width + 1, 60_000, 2**31))
            )
            chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
        case 3:
            chunks.insert(
                1,
                (
                    draw.choice((b"tRNS", b"PLTE", b"gAMA", b"tEXt", b"acTL", b"iCCP", b"eXIf")),
                    draw.randbytes(draw.choice((0, 3, 6, 40))),
                ),
            )
        case 4 if kind == b"IDAT":
            with contextlib.suppress(zlib.error):
                chunks[index] = (kind, zlib.compress(flip(zlib.decompress(body), draw)))
        case _:
            chunks[index] = (kind, flip(body, draw))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return data[:8] + b"".join(parts)


def is_whole_png(data: bytes) -> bool:
    """Return whether each chunk of a PNG has its checksum, up to the last byte."""
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        body = data[place + 4 : place + 8 + length]
        if data[place + 8 + length : place + 12 + length] != struct.pack(">I", zlib.crc32(body)):
            return False
        place += 12 + length
    return data.startswith(b"\x89PNG\r\n\x1a\n") and place == len(data)


def dicom(data: bytes, draw: random.Random) -> bytes:
    """Drop, or change the value of, the elements of a DICOM file."""
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(data))
    for _ in range(draw.choice((1, 1, 2))):
        element = draw.choice(list(dataset))
        if draw.random() < 0.3:
            del dataset[element.tag]
        elif isinstance(element.value, bytes):
            element._value = flip(element.value, draw)
        else:
            with contextlib.suppress(Exception):
                element.value = draw.choice(
                    (0, 1, 3, 8, 16, 60_000, "", "MONOCHROME1", "PALETTE COLOR", "YBR_FULL")
                )
    stream = io.BytesIO()
    try:
        dataset.save_as(stream)
    except Exception:  # a value that pydicom itself cannot write
        return flip(data, draw)
    return stream.getvalue()
