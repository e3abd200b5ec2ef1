"""Headers of PNG, GIF, WebP and BMP files: formats made of blocks."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from medimeta_c.sources.pictures.header import Colours, Damage, Header, Refusal, grey_ramp

__all__ = ["bmp_header", "gif_header", "png_header", "webp_header"]

_MOST_BLOCKS = 100_000
_TRANSPARENT = "marks a colour as transparent: flatten it onto a background first"


def png_header(file: BinaryIO) -> Header:
    """Return what a PNG file's chunks before its pixels say."""
    file.seek(8)
    fields: tuple[int, ...] = ()
    palette, frames, first_drawn = b"", 1, True
    for _ in range(_MOST_BLOCKS):
        size, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"CgBI":
            raise Refusal("is Apple's own variant of PNG (CgBI): convert it with pngcrush or Preview")
        if not fields and kind != b"IHDR":
            raise Damage("it does not begin with its header")
        if kind == b"IDAT":
            break
        data = file.read(size) if kind in {b"IHDR", b"PLTE", b"acTL"} and size <= 1024 else b""
        file.seek(size - len(data) + 4, 1)
        if kind == b"IHDR":
            fields = struct.unpack(">IIBB", data[:10])
        elif kind == b"PLTE":
            palette = data
        elif kind == b"tRNS":
            raise Refusal(_TRANSPARENT)
        elif kind == b"acTL":
            frames, first_drawn = struct.unpack(">I", data[:4])[0], False
        elif kind == b"fcTL":
            first_drawn = True
    width, height, bits, kind_of_colour = fields
    return _indexed(
        Header(
            format="PNG",
            width=width,
            height=height,
            colours="palette" if kind_of_colour == 3 else "RGB" if kind_of_colour & 2 else "grey",
            bits=bits,
            alpha=bool(kind_of_colour & 4),
            # A still picture before an animation is one more.
            pictures=frames + (not first_drawn),
            palette=_palette(palette) if kind_of_colour == 3 else None,
        )
    )


def gif_header(file: BinaryIO) -> Header:
    """Return what a GIF file says, its frames counted."""
    file.seek(6)
    width, height, flags = struct.unpack("<HHBxx", file.read(7))
    common = _gif_colours(file, flags)
    palette, frames, transparent, whole = common, 0, False, True
    for _ in range(_MOST_BLOCKS):
        mark = file.read(1)
        if mark == b"!":
            control = file.read(1) == b"\xf9"
            data = _gif_data(file)
            transparent |= control and frames == 0 and bool(data[:1] and data[0] & 1)
        elif mark == b",":
            *box, flags = struct.unpack("<HHHHB", file.read(9))
            own = _gif_colours(file, flags)
            if frames == 0:
                palette, whole = own or common, box == [0, 0, width, height]
            frames += 1
            file.read(1)
            _gif_data(file)
        else:  # the trailer, or bytes behind it that viewers pass over too
            break
    if not frames:
        raise Damage("it has no frame")
    if frames == 1 and transparent:
        raise Refusal(_TRANSPARENT)
    if frames == 1 and not whole:
        raise Refusal("draws on a part of its canvas only: save what is seen as PNG")
    return _indexed(
        Header(
            format="GIF",
            width=width,
            height=height,
            colours="palette",
            pictures=frames,
            palette=_palette(palette),
        )
    )


def _gif_colours(file: BinaryIO, flags: int) -> bytes:
    return file.read(3 << (flags & 7) + 1) if flags & 128 else b""


def _gif_data(file: BinaryIO) -> bytes:
    """Pass over a chain of blocks; return the first one."""
    first = None
    while size := file.read(1):
        data = file.read(size[0])
        if len(data) < size[0]:
            break
        first = data if first is None else first
        if not data:
            return first
    raise Damage("it ends within a block")


def webp_header(file: BinaryIO) -> Header:
    """Return what a WebP file's first chunk says."""
    _, size, _, kind, _ = struct.unpack("<4sI4s4sI", file.read(20))
    data = file.read(10)
    file.seek(0, 2)
    if file.tell() < size:
        raise Damage("it is shorter than it says")
    alpha = False
    if kind == b"VP8 ":
        width, height = (value & 0x3FFF for value in struct.unpack("<HH", data[6:10]))
    elif kind == b"VP8L":
        packed = struct.unpack("<I", data[1:5])[0]
        width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
    elif kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[start : start + 3], "little") for start in (4, 7))
        alpha = bool(data[0] & 0x10)
        if data[0] & 2:
            return Header(
                format="WEBP", width=width, height=height, colours="RGB", pictures=_webp_frames(file)
            )
    else:
        raise Damage(f"its first chunk is {kind!r}")
    return Header(format="WEBP", width=width, height=height, colours="RGB", alpha=alpha)


def _webp_frames(file: BinaryIO) -> int:
    """Return the frames of an animation; one frame alone counts as two, for it need not be the canvas."""
    file.seek(12)
    frames = 0
    for _ in range(_MOST_BLOCKS):
        if len(head := file.read(8)) < 8:
            break
        kind, size = struct.unpack("<4sI", head)
        frames += kind == b"ANMF"
        file.seek(size + (size & 1), 1)
    return max(frames, 2)


def bmp_header(file: BinaryIO) -> Header:
    """Return what a BMP file's header says."""
    start, size = struct.unpack("<10xII", file.read(18))
    if size == 12:
        width, height, _, bits = struct.unpack("<HHHH", file.read(8))
        compression = used = 0
        masks: tuple[int, ...] = ()
    else:
        width, height, _, bits, compression, used = struct.unpack("<iiHHI12xI4x", file.read(36))
        masks = struct.unpack("<4I", file.read(16)) if size >= 56 else ()
    if compression in {4, 5}:
        raise Refusal("is a BMP that holds a JPEG or PNG: take that file itself")
    if bits == 16 and compression == 3 and size < 56:
        masks = (*struct.unpack("<3I", file.read(12)), 0)
    if bits not in {1, 4, 8, 16, 24, 32} or compression not in {0, 1, 2, 3} or abs(width) > 1 << 30:
        raise Refusal(f"is a BMP of {bits} bits in compression {compression}, not read here: save it as PNG")
    colours: Colours = "RGB"
    palette = None
    if bits <= 8:
        colours = "palette"
        entry = 3 if size == 12 else 4
        file.seek(14 + size)
        count = min(used or 1 << bits, 1 << bits, max(start - 14 - size, 0) // entry)
        palette = _palette(file.read(count * entry), entry)[:, ::-1]
    elif bits == 32 and compression == 0:
        _check_fourth_bytes(file, start, width * abs(height))
    return _indexed(
        Header(
            format="BMP",
            width=width,
            height=abs(height),
            colours=colours,
            bits=min(bits, 8),
            alpha=bits == 32 and compression == 3 and len(masks) == 4 and masks[3] != 0,
            palette=palette,
        )
    )


def _check_fourth_bytes(file: BinaryIO, start: int, pixels: int) -> None:
    """Refuse 32-bit pixels whose unused byte is used: some writers keep alpha there without saying so."""
    file.seek(start)
    first = None
    while pixels > 0 and (data := file.read(min(pixels * 4, 1 << 22))):
        fourth = np.frombuffer(data[: len(data) & ~3], np.uint8)[3::4]
        first = fourth[:1] if first is None else first
        if (fourth != first).any():
            raise Refusal("keeps a fourth channel where BMP has none, probably alpha: save it as PNG")
        pixels -= len(fourth)


def _palette(data: bytes, entry: int = 3) -> NDArray[np.uint8]:
    whole = len(data) // entry
    return np.frombuffer(data, np.uint8, whole * entry).reshape(whole, entry)[:, :3]


def _indexed(header: Header) -> Header:
    """Return a header that says grey where a format has no other way to say it than a grey palette."""
    palette = header.palette
    if header.format != "PNG" and palette is not None and len(palette):
        if header.bits == 1 and palette.tolist() == [[0] * 3, [255] * 3]:
            return replace(header, colours="grey", palette=None)
        if grey_ramp(palette):
            return replace(header, colours="grey", bits=8, palette=None)
    if palette is not None and not len(palette):
        raise Refusal("has no palette for its colours: convert it to RGB first")
    return header
