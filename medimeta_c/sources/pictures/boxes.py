"""Headers of JPEG 2000 and AVIF files: formats made of nested boxes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from medimeta_c.sources.pictures.header import Colours, Damage, Header, Refusal

__all__ = ["avif_header", "jpeg2000_header"]

_MOST_BOXES, _MOST_BYTES = 10_000, 1 << 20
_CODESTREAM, _SIZE = b"\xff\x4f", b"\xff\x51"
_GREY, _SRGB = 17, 16
_SPACES = {12: "CMYK inks", 14: "CIELAB", 18: "YCbCr colours (sYCC)"}


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's type, and where its contents begin and end."""
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - start
        if size < head or start + size > end:
            raise Damage(f"its part {kind.decode('latin-1')!r} does not end within the file")
        yield kind, start + head, start + size
        start += size


def _contents(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _MOST_BYTES))


def _length(file: BinaryIO) -> int:
    file.seek(0, 2)
    return file.tell()


def jpeg2000_header(file: BinaryIO) -> Header:
    """Return what a JPEG 2000 file says: its boxes, if it has any, and its codestream's size marker."""
    space, alpha, stream, end = 0, False, 0, _length(file)
    file.seek(0)
    if file.read(2) != _CODESTREAM:
        stream = -1
        for kind, start, stop in _boxes(file, 0, end):
            if kind == b"jp2h":
                space, alpha = _jp2_colours(file, start, stop)
            elif kind == b"jp2c" and stream < 0:
                stream, end = start, stop
    if stream < 0:
        raise Damage("it has no codestream")
    data = _contents(file, stream, min(end, stream + 65_536))
    if data[2:4] != _SIZE:
        raise Damage("its codestream does not begin with its size")
    right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
    (count,) = struct.unpack_from(">H", data, 40)
    parts = {tuple(data[42 + 3 * part : 45 + 3 * part]) for part in range(count)}
    colours: Colours = "grey" if count - alpha == 1 else "RGB"
    known = {"grey": {0, _GREY}, "RGB": {0, _SRGB}}[colours]
    if count - alpha not in {1, 3} or space not in known:
        what = _SPACES.get(space, f"{count} channels")
        raise Refusal(f"holds {what} and not grey or RGB: convert it to 8-bit grey or RGB first")
    if len(parts) != 1 or (part := parts.pop())[1:] != (1, 1):
        raise Refusal("has channels of different sizes or depths: convert it to 8-bit grey or RGB first")
    bits = (part[0] & 127) + 1
    if bits < 8 or part[0] & 128:
        kind_of_value = "signed values" if part[0] & 128 else f"{bits} bits a channel"
        raise Refusal(f"has {kind_of_value}, which Pillow rescales: convert it to 8 bits a channel")
    return Header(
        format="JPEG2000", width=right - left, height=bottom - top, colours=colours, bits=bits, alpha=alpha
    )


def _jp2_colours(file: BinaryIO, start: int, stop: int) -> tuple[int, bool]:
    """Return the enumerated colour space (0: none) and whether a channel is alpha."""
    space, alpha = 0, False
    for kind, first, last in _boxes(file, start, stop):
        data = _contents(file, first, last)
        if kind == b"pclr":
            raise Refusal("is JPEG 2000 with a palette: convert it to 8-bit grey or RGB first")
        if kind == b"colr" and data[:1] == b"\x01" and not space:
            (space,) = struct.unpack(">I", data[3:7])
        elif kind == b"cdef":
            channels = sorted(struct.iter_unpack(">HHH", data[2:]))
            colours = [number for number, meaning, _ in channels if meaning == 0]
            alpha = channels[-1][1] in {1, 2}
            usual = [*((number, 0, number + 1) for number in range(len(colours))), *channels[len(colours) :]]
            if len(colours) not in {1, 3} or len(channels) != len(colours) + alpha or channels != usual:
                raise Refusal(f"orders its {len(channels)} channels in a way of its own: convert it first")
    return space, alpha


def avif_header(file: BinaryIO) -> Header:
    """Return what an AVIF file says of its main picture."""
    end = _length(file)
    meta = None
    for kind, start, stop in _boxes(file, 0, end):
        if kind == b"ftyp" and _contents(file, start, start + 4) == b"avis":
            raise Refusal("holds an image sequence: save the one to use as a still image")
        if kind == b"meta":
            meta = start + 4, stop
    if meta is None:
        raise Damage("it has no description of its picture")
    properties, used, main = _avif_properties(file, *meta)
    own = [properties[index - 1] for index in used.get(main, ()) if 0 < index <= len(properties)]
    size = next((data for kind, data in own if kind == b"ispe"), None)
    codec = next((data for kind, data in own if kind == b"av1C"), None)
    if codec is None or size is None:
        raise Refusal("is an AVIF that is put together from parts: convert it to PNG with avifdec")
    bits = (12 if codec[2] & 0x20 else 10) if codec[2] & 0x40 else 8
    if bits > 8:
        raise Refusal(f"has more than 8 bits a channel ({bits}), which Pillow cuts off: convert it to 8 bits")
    width, height = struct.unpack(">4xII", size)
    # Other pictures of alpha are tied to the main one; the decoder tells by giving a fourth channel.
    alpha = any(kind == b"auxC" and b"alpha" in data for kind, data in properties)
    return Header(
        format="AVIF", width=width, height=height, colours="grey" if codec[2] & 0x10 else "RGB", alpha=alpha
    )


def _avif_properties(
    file: BinaryIO, start: int, stop: int
) -> tuple[list[tuple[bytes, bytes]], dict[int, list[int]], int]:
    """Return all properties, each item's (as their numbers, from 1), and the main item."""
    properties: list[tuple[bytes, bytes]] = []
    used: dict[int, list[int]] = {}
    main = 0
    for kind, first, last in _boxes(file, start, stop):
        if kind == b"pitm":
            data = _contents(file, first, last)
            main = int.from_bytes(data[4 : 8 if data[0] else 6], "big")
        elif kind == b"iprp":
            for part, begin, finish in _boxes(file, first, last):
                if part == b"ipco":
                    properties = [(name, _contents(file, a, b)) for name, a, b in _boxes(file, begin, finish)]
                elif part == b"ipma":
                    used |= _associations(_contents(file, begin, finish))
    return properties, used, main


def _associations(data: bytes) -> dict[int, list[int]]:
    version, wide = data[0], data[3] & 1
    (count,) = struct.unpack_from(">I", data, 4)
    place, found = 8, {}
    for _ in range(min(count, _MOST_BOXES)):
        item = int.from_bytes(data[place : place + (4 if version else 2)], "big")
        place += 4 if version else 2
        number = data[place]
        entries = data[place + 1 : place + 1 + number * (1 + wide)]
        place += 1 + len(entries)
        found[item] = (
            [value & 0x7FFF for (value,) in struct.iter_unpack(">H", entries)]
            if wide
            else [value & 0x7F for value in entries]
        )
    return found
