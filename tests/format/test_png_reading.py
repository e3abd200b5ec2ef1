"""The compiled reader: the pixels that OpenCV reads, or none, whatever wrote or damaged the file."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from medimeta_c.errors import ShardError
from medimeta_c.format import png
from medimeta_c.format.png.reading import plain_pixels

Pixels = NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def file_of(size: tuple[int, ...], stream: bytes, *, split: int | None = None, header: bytes = b"") -> bytes:
    """A file of a zlib stream, in chunks of so many bytes."""
    colour = 2 if len(size) == 3 else 0
    header = header or struct.pack(">IIBBBBB", size[1], size[0], 8, colour, 0, 0, 0)
    split = split or max(1, len(stream))
    pieces = [stream[at : at + split] for at in range(0, len(stream), split)]
    chunks = [(b"IHDR", header), *((b"IDAT", piece) for piece in pieces), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def filtered(image: Pixels, kinds: list[int]) -> bytes:
    """Rows through filters in turn, as ISO/IEC 15948 words them, byte by byte."""
    step = 3 if image.ndim == 3 else 1
    rows = image.reshape(len(image), -1).astype(int)
    out = bytearray()
    for y, kind in zip(range(len(rows)), itertools.cycle(kinds)):
        out.append(kind)
        for x in range(rows.shape[1]):
            a = int(rows[y, x - step]) if x >= step else 0
            b = int(rows[y - 1, x]) if y else 0
            c = int(rows[y - 1, x - step]) if y and x >= step else 0
            p = a + b - c
            paeth = min((a, b, c), key=lambda value: abs(p - value))
            out.append((int(rows[y, x]) - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
    return bytes(out)


def own(image: Pixels, draw: Callable[..., int]) -> bytes:
    return png.encode(image, png.COMPILED)


def opencv(image: Pixels, draw: Callable[..., int]) -> bytes:
    bgr = image[..., ::-1] if image.ndim == 3 else image
    parameters = [cv2.IMWRITE_PNG_COMPRESSION, draw(0, 9), cv2.IMWRITE_PNG_STRATEGY, draw(0, 4)]
    return bytes(cv2.imencode(".png", np.ascontiguousarray(bgr), parameters)[1])


def pillow(image: Pixels, draw: Callable[..., int]) -> bytes:
    buffer = io.BytesIO()
    options = {"compress_level": draw(0, 9), "compress_type": draw(0, 4)}
    Image.fromarray(image).save(buffer, "PNG", **options)
    return buffer.getvalue()


def by_hand(image: Pixels, draw: Callable[..., int]) -> bytes:
    rows = filtered(image, [draw(0, 4) for _ in range(draw(1, 40))])
    packer = zlib.compressobj(draw(0, 9), zlib.DEFLATED, draw(9, 15), 8, STRATEGIES[draw(0, 4)])
    return file_of(image.shape, packer.compress(rows) + packer.flush(), split=draw(1, 200))


def opencv_pixels(data: bytes) -> Pixels | None:
    """What was read before there was a compiled reader."""
    try:
        return png._opencv_pixels(data)
    except ShardError:
        return None


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_files_of_any_encoder_read_as_opencv_reads_them(data: st.DataObject) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    shape = (draw(1, 70), draw(1, 40), *((3,) if draw(0, 1) else ()))
    rng = np.random.default_rng(draw(0, 2**32 - 1))
    image = rng.integers(0, 2 ** draw(1, 8), shape, dtype=np.uint8)
    if draw(0, 1):  # smooth, as pictures are
        image = np.cumsum(image, axis=draw(0, 1), dtype=np.uint8)
    stored = data.draw(st.sampled_from([own, opencv, pillow, by_hand]))(image, draw)
    expected = opencv_pixels(stored)
    assert expected is not None
    found = plain_pixels(stored)
    assert np.array_equal(expected, image)
    if found is not None:
        assert found.dtype == np.uint8
        assert found.flags.writeable
        assert np.array_equal(found, expected)
    assert np.array_equal(png.decode(stored), image)


@pytest.mark.parametrize("encoder", png.ENCODERS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 300, 3), (224, 224), (224, 224, 3), (33, 47, 3)])
def test_what_builds_write_is_read_by_the_compiled_reader(shape: tuple[int, ...], encoder: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = plain_pixels(png.encode(image, encoder))
    assert found is not None
    assert np.array_equal(found, image)


def test_every_filter_of_every_row_is_undone() -> None:
    """Each of the 25 pairs of neighbouring filters, past the rows that are undone at once."""
    pairs = [kind for pair in itertools.product(range(5), repeat=2) for kind in pair]
    for shape in ((90, 7), (90, 7, 3)):
        image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        found = plain_pixels(file_of(shape, zlib.compress(filtered(image, pairs))))
        assert found is not None
        assert np.array_equal(found, image)


def sound() -> bytes:
    """A picture with all filters, in chunks."""
    image = np.random.default_rng(2).integers(0, 40, (20, 20, 3), dtype=np.uint8)
    return file_of(image.shape, zlib.compress(filtered(image, [4, 3, 2, 1, 0])), split=300)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(sound()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_bytes_read_as_opencv_reads_them_or_are_refused(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(sound())
    for place, value in changes:
        changed[place] = value
    expected = opencv_pixels(bytes(changed))
    found = plain_pixels(bytes(changed))
    assert found is None or (expected is not None and np.array_equal(found, expected))
    if expected is None:
        with pytest.raises(ShardError, match="do not decode"):
            png.decode(bytes(changed))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.booleans())
def test_streams_damaged_under_a_right_crc_give_pixels_of_opencv_or_none(
    piece: bytes, at: int, cut: bool
) -> None:
    image = np.random.default_rng(3).integers(0, 40, (20, 20), dtype=np.uint8)
    stream = zlib.compress(filtered(image, [4, 1, 2]))
    stream = stream[:at] + piece + (b"" if cut else stream[at + len(piece) :])
    data = file_of(image.shape, stream)
    found, expected = plain_pixels(data), opencv_pixels(data)
    assert found is None or (expected is not None and np.array_equal(found, expected))


def test_a_cut_file_is_not_read() -> None:
    whole = sound()
    for end in range(len(whole)):
        assert plain_pixels(whole[:end]) is None
    assert plain_pixels(whole + b"\0") is None


GREY = filtered(np.zeros((4, 4), np.uint8), [0])


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ((4, 4, 8, 0, 0, 0, 1), GREY),  # interlaced
        ((4, 4, 8, 3, 0, 0, 0), GREY),  # a palette
        ((4, 4, 16, 0, 0, 0, 0), GREY),
        ((4, 4, 8, 4, 0, 0, 0), GREY),  # grey and alpha
        ((4, 4, 8, 6, 0, 0, 0), GREY),
        ((4, 4, 8, 0, 0, 1, 0), GREY),
        ((0, 4, 8, 0, 0, 0, 0), GREY),
        ((4, 0, 8, 0, 0, 0, 0), GREY),
        ((4, 5, 8, 0, 0, 0, 0), GREY),  # a row is missing
        ((4, 3, 8, 0, 0, 0, 0), GREY),  # a row too many
        ((4, 4, 8, 0, 0, 0, 0), b"\x05" + GREY[1:]),  # no such filter
        ((2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0), GREY),
        ((0xFFFFFFFF, 0xFFFFFFFF, 8, 2, 0, 0, 0), GREY),
        ((4000, 4000, 8, 0, 0, 0, 0), GREY),  # a size that so few bytes cannot fill
    ],
)
def test_what_is_no_plain_picture_is_left_to_opencv(header: tuple[int, ...], rows: bytes) -> None:
    data = file_of((4, 4), zlib.compress(rows), header=struct.pack(">IIBBBBB", *header))
    assert plain_pixels(data) is None


@pytest.mark.parametrize("kind", [b"tRNS", b"gAMA", b"eXIf", b"acTL", b"tEXt"])
def test_other_chunks_are_left_to_opencv(kind: bytes) -> None:
    """Some of them change what a reader shows."""
    data = sound()
    assert plain_pixels(data[:33] + chunk(kind, b"\0\1") + data[33:]) is None


def test_a_bomb_is_not_unpacked() -> None:
    """256 MiB of zeros in a picture of 16 pixels: the rows declared are all that is unpacked."""
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    assert plain_pixels(file_of((4, 4), stream)) is None


def test_large_pictures_are_left_to_opencv() -> None:
    """It reads them row by row; the compiled reader would hold their rows twice."""
    large = np.zeros((4100, 4100), np.uint8)
    assert plain_pixels(png.encode(large)) is None
    assert png.decode(png.encode(large)).shape == large.shape


def test_without_a_place_for_compiled_code_opencv_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process would compile for itself."""

    def never(data: bytes) -> None:
        raise AssertionError

    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    monkeypatch.setattr(png, "plain_pixels", never)
    monkeypatch.setattr(png, "_keeps_kernels", lambda: False)
    assert np.array_equal(png.decode(png.encode(image)), image)


def test_a_process_that_reads_few_pictures_does_not_load_the_compiler() -> None:
    code = (
        "import sys, numpy as np; from medimeta_c.format import png\n"
        "stored = png.encode(np.zeros((3, 3), np.uint8))\n"
        "for _ in range(png._FEW): png.decode(stored)\n"
        "assert 'numba' not in sys.modules\n"
        "png.decode(stored)\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
