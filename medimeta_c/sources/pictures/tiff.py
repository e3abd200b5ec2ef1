"""Headers of TIFF files, from their tags: what the samples mean, and how many pictures there are."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO, TypeAlias

import numpy as np

from medimeta_c.sources.pictures.header import Colours, Damage, Header, Kind, Refusal, palette_bytes

__all__ = ["directories", "tiff_header"]

Tags: TypeAlias = Mapping[int, tuple[int, ...]]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_FILL_ORDER, _DESCRIPTION, _SAMPLES, _PLANAR, _PREDICTOR, _COLOR_MAP = 266, 270, 277, 284, 317, 320
_TILE_WIDTH, _SUB_IFDS, _EXTRA, _FORMAT, _INDEXED, _DEPTH = 322, 330, 338, 339, 346, 32997
_PAGE_COUNT, _SCALED = 0xB001, (33445, 50712, 50714, 50717)
_KEPT = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _DESCRIPTION, _SAMPLES),
    *(_PLANAR, _PREDICTOR, _COLOR_MAP, _TILE_WIDTH, _SUB_IFDS, _EXTRA, _FORMAT, _INDEXED, _DEPTH),
    *(_PAGE_COUNT, *_SCALED),
}

# struct codes of the value types that hold whole numbers or text; every other type is kept as nothing.
_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_ENTRIES, _MOST_PAGES, _MOST_BYTES = 4096, 65_536, 1 << 20

_COLOURS: Mapping[int, Colours] = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 6: "RGB"}
_PHOTOMETRICS = {
    4: "a transparency mask",
    5: "CMYK or other inks",
    8: "CIELAB",
    9: "CIELAB (ICC)",
    10: "CIELAB (ITU)",
    32803: "a camera's colour filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "a camera's linear raw values",
}
_CODECS = {2: "CCITT", 3: "CCITT", 4: "CCITT", 34925: "LZMA", 50000: "Zstandard"}
_JPEG, _PACKBITS = 7, 32773
_PLAIN = {1, 5, _JPEG, 8, 32946, _PACKBITS}
_PREDICTED = {5, 8, 32946, 34925, 50000}
_SAMPLE_KINDS: Mapping[int, Kind] = {1: "unsigned", 2: "signed", 3: "float"}


def directories(file: BinaryIO) -> Iterator[Tags]:
    """Yield the tags of each picture of a TIFF structure, classic or BigTIFF; only those that matter here.

    Raises
    ------
    Damage
        If an offset points outside the file, the pictures form a circle, or there are absurdly many.
    """
    order = "<" if file.read(2) == b"II" else ">"
    big = struct.unpack(order + "H", _take(file, 2))[0] == 43
    if big:
        file.seek(8)
    seen: set[int] = set()
    place = "Q" if big else "I"
    while offset := struct.unpack(order + place, _take(file, struct.calcsize(place)))[0]:
        if offset in seen or len(seen) >= _MOST_PAGES:
            raise Damage("its list of pictures is circular")
        seen.add(offset)
        file.seek(offset)
        count = struct.unpack(order + ("Q" if big else "H"), _take(file, 8 if big else 2))[0]
        if count > _MOST_ENTRIES:
            raise Damage(f"it claims {count} tags")
        entries = _take(file, count * (20 if big else 12))
        following = file.tell()
        yield _tags(file, entries, order, place)
        file.seek(following)


def _tags(file: BinaryIO, entries: bytes, order: str, place: str) -> Tags:
    tags: dict[int, tuple[int, ...]] = {}
    inline = struct.calcsize(place)
    for tag, kind, count, value in struct.iter_unpack(f"{order}HH{place}{inline}s", entries):
        if tag not in _KEPT or kind not in _TYPES:
            continue
        if tag in tags:
            raise Damage(f"it has the tag {tag} twice")
        size = count * struct.calcsize(_TYPES[kind])
        if tag == _DESCRIPTION:  # a text of any length, whose beginning is enough
            count = size = min(size, 4096)  # noqa: PLW2901
        if size > _MOST_BYTES:
            raise Damage(f"its tag {tag} has {size} bytes")
        data = value[:size]
        if size > inline:
            file.seek(struct.unpack(order + place, value)[0])
            data = _take(file, size)
        tags[tag] = struct.unpack(f"{order}{count}{_TYPES[kind]}", data)
    return tags


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise Damage("it ends amid its tags")
    return data


def tiff_header(file: BinaryIO) -> Header:
    """Return what a TIFF file's tags say, or refuse what cannot be read right from every Pillow."""
    mark = file.read(4)
    file.seek(0)
    if mark == b"MM\0+":
        raise Refusal("is a big-endian BigTIFF, which Pillow does not read: save it as classic TIFF or PNG")
    pages = directories(file)
    tags = next(pages, None)
    if tags is None:
        raise Damage("it holds no picture")
    further = sum(1 for _ in pages) + len(tags.get(_SUB_IFDS, ()))
    colours, samples, alpha = _meaning(tags)
    bits, kind = _uniform(tags, _BITS, 1, samples), _uniform(tags, _FORMAT, 1, samples)
    if kind not in _SAMPLE_KINDS:
        raise Refusal(f"has samples of kind {kind} (complex or undefined): save it as 8- or 16-bit TIFF")
    header = Header(
        format="TIFF",
        width=_one(tags, _WIDTH, 0),
        height=_one(tags, _HEIGHT, 0),
        colours=colours,
        bits=bits,
        kind=_SAMPLE_KINDS[kind],
        alpha=alpha,
        pictures=1 + further + _hidden_pages(tags, samples),
        white_is_zero=tags[_PHOTOMETRIC] == (0,),
        codec=_CODECS.get(_one(tags, _COMPRESSION, 1), ""),
    )
    _check_storage(tags, header, big_endian=mark[:1] == b"M")
    if colours == "palette" and not header.deep:
        return _with_palette(header, tags)
    return header


def _meaning(tags: Tags) -> tuple[Colours, int, bool]:
    """Return what the samples mean, how many there are, and whether the last is alpha."""
    if _PHOTOMETRIC not in tags:
        raise Refusal("does not say what its samples mean (no PhotometricInterpretation): save it anew")
    photometric = _one(tags, _PHOTOMETRIC, 0)
    if photometric not in _COLOURS:
        name = _PHOTOMETRICS.get(photometric, f"colours of kind {photometric}")
        raise Refusal(f"holds {name} and not grey or RGB: convert it to 8-bit grey or RGB first")
    colours = _COLOURS[photometric]
    wanted = 3 if colours == "RGB" else 1
    samples, extra = _one(tags, _SAMPLES, 1), tags.get(_EXTRA, ())
    if (samples, extra) == (wanted, ()):
        return colours, samples, False
    if samples == wanted + 1 and extra in {(1,), (2,)} and photometric != 3:
        if wanted == 1 and tags.get(_PLANAR) == (2,):
            raise Refusal("stores grey and alpha in separate planes: save it without alpha or as PNG")
        return colours, samples, True
    raise Refusal(
        f"stores {samples} channels, where {colours} has {wanted}, and does not say that one is alpha: "
        "save the channels to use as 8-bit grey or RGB"
    )


def _check_storage(tags: Tags, header: Header, *, big_endian: bool) -> None:
    """Refuse ways of storing pixels that one Pillow or another reads wrongly."""
    compression, bits, kind = _one(tags, _COMPRESSION, 1), header.bits, header.kind
    swapped = big_endian and header.deep
    plain = compression == 1 and _TILE_WIDTH not in tags
    for wrong, sentence in (
        (
            compression not in _PLAIN and compression not in _CODECS,
            f"is compressed in a way not read here (TIFF compression {compression}): save it with LZW",
        ),
        (
            tags[_PHOTOMETRIC] == (6,) and compression != _JPEG,
            "stores YCbCr colours without JPEG compression: convert it to RGB first",
        ),
        (
            compression == _JPEG and header.deep,
            f"is a JPEG of {bits} bits inside TIFF: save it uncompressed or with LZW",
        ),
        (
            _one(tags, _PREDICTOR, 1) != 1 and compression not in _PREDICTED,
            "says that it uses a predictor where its compression has none: save it with LZW",
        ),
        (_one(tags, _FILL_ORDER, 1) != 1, "stores bits in reverse order (FillOrder 2): save it anew"),
        (_one(tags, _DEPTH, 1) != 1, "is a volume (ImageDepth): save the slice to use as a still image"),
        (
            _one(tags, _INDEXED, 0) and header.colours != "palette",
            "has indexed colours without a palette of RGB: convert it to RGB first",
        ),
        (
            any(tag in tags for tag in _SCALED),
            "says that its values are scaled (black or white level, table): convert it to plain grey",
        ),
        (
            # Pillow 13 takes the first letter of its name for the plane's layout, which says all only here.
            tags.get(_PLANAR) == (2,)
            and _one(tags, _SAMPLES, 1) == compression == 1
            and not (bits == 8 and tags[_PHOTOMETRIC] in {(1,), (3,)}),
            "stores its one channel as a plane apart, which Pillow misreads: save it with LZW or as PNG",
        ),
        (
            swapped and (bits == 12 or header.white_is_zero),
            f"stores {bits} bits in big-endian order, which Pillow misreads: save it as PNG",
        ),
        (
            swapped and kind != "unsigned" and compression != 1,
            f"compresses {kind} values in big-endian order, which Pillow misreads: save it anew",
        ),
        (
            kind == "signed" and bits != 16,
            f"has signed values of {bits} bits, and only 16 are read: convert it to unsigned",
        ),
        (
            header.deep and header.white_is_zero and (bits != 16 or kind != "unsigned"),
            "counts from white (MinIsWhite) in values that are not 16-bit: invert and save it anew",
        ),
        (bits == 12 and not plain, "stores 12 bits in tiles or compressed: save it as 16-bit TIFF or PNG"),
        (bits < 8 and header.colours == "RGB", f"has RGB of {bits} bits a channel: convert it to 8 bits"),
    ):
        if wrong:
            raise Refusal(sentence)


def _with_palette(header: Header, tags: Tags) -> Header:
    entries = np.array(tags.get(_COLOR_MAP, ()), dtype=np.uint16)
    if len(entries) != 3 << header.bits:
        raise Damage(f"its palette has {len(entries)} entries for {header.bits} bits")
    return replace(header, palette=palette_bytes(entries.reshape(3, -1).T))


def _one(tags: Tags, tag: int, default: int) -> int:
    return (tags.get(tag) or (default,))[0]


def _uniform(tags: Tags, tag: int, default: int, samples: int) -> int:
    values = set((tags.get(tag) or (default,))[:samples])
    if len(values) != 1:
        raise Refusal(f"has channels of different kinds (tag {tag}): convert it to 8-bit grey or RGB first")
    return values.pop()


def _hidden_pages(tags: Tags, samples: int) -> int:
    """Return how many more pictures a description counts behind the one that has tags."""
    text = bytes(value & 255 for value in tags.get(_DESCRIPTION, ())).decode("latin-1")
    if text.startswith("ImageJ=") and (found := re.search(r"^images=(\d{1,9})\s*$", text, re.MULTILINE)):
        return int(found[1]) - 1
    if found := re.match(r'\{"shape": \[([\d, ]{1,200})\]', text):
        shape = [int(part) for part in found[1].split(",") if part.strip()]
        pixels = _one(tags, _WIDTH, 0) * _one(tags, _HEIGHT, 0) * samples
        return max(math.prod(shape) // max(pixels, 1), 1) - 1
    return 0
