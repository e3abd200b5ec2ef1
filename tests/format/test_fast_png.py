"""The compiled encoder: any picture comes back from any reader of PNG, and none is larger than its bytes."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from medimeta_c.format import png
from medimeta_c.format.png.fast import fast_png

Pixels = NDArray[np.uint8]


def pictures(shape: tuple[int, ...]) -> dict[str, Pixels]:
    """Pictures that try every filter, runs of every length, and codes from 1 bit to 14."""
    rng = np.random.default_rng(0)
    ramp = (np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 256).astype(np.uint8)
    skewed = np.minimum(255, 2.0 ** rng.exponential(2, shape)).astype(np.uint8)
    rows = rng.integers(0, 256, (shape[0], 1, *shape[2:]), dtype=np.uint8)
    return {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "noise": rng.integers(0, 256, shape, dtype=np.uint8),
        "two values": rng.integers(0, 2, shape, dtype=np.uint8),
        "sparse": (rng.random(shape) < 0.02).astype(np.uint8) * 200,
        "ramp": ramp if len(shape) == 2 else np.dstack([ramp, ramp // 2, 255 - ramp]),
        "skewed": skewed,
        "stripes": np.repeat(rows, shape[1], axis=1),
    }


def decoded(data: bytes) -> list[Pixels]:
    """The picture as Pillow and OpenCV read it."""
    read = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    with Image.open(io.BytesIO(data)) as opened:
        pillow = np.asarray(opened)
    return [pillow, read if read.ndim == 2 else read[..., ::-1]]


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3), (5, 5), (3, 1000), (224, 224), (333, 17)])
def test_every_reader_gives_the_picture_back(size: tuple[int, int], channels: tuple[int, ...]) -> None:
    for name, picture in pictures((*size, *channels)).items():
        data = fast_png(picture)
        for read in decoded(data):
            assert np.array_equal(read, picture), name
        assert np.array_equal(png.decode(data), picture), name


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_any_picture_comes_back(height: int, width: int, colour: bool, seed: int, bits: int) -> None:
    shape = (height, width, 3) if colour else (height, width)
    picture = np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=np.uint8)
    for read in decoded(fast_png(picture)):
        assert np.array_equal(read, picture)


def test_counts_that_grow_as_fibonaccis_numbers_do_fit_codes_of_14_bits() -> None:
    """Such counts give the longest Huffman codes there are: 24 symbols would take 23 bits."""
    numbers = [1, 1]
    while len(numbers) < 24:
        numbers.append(numbers[-1] + numbers[-2])
    values = np.repeat(np.arange(24, dtype=np.uint8) * 10, numbers)
    np.random.default_rng(0).shuffle(values)
    picture = values[: len(values) // 331 * 331].reshape(-1, 331)
    for read in decoded(fast_png(picture)):
        assert np.array_equal(read, picture)


def test_noise_is_stored_as_it_is() -> None:
    """Two bytes of zlib's header, four of its checksum, five a stored block, twelve a chunk, and no more."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    size = len(fast_png(noise))
    assert size <= noise.size + 200 + 2 + 4 + 2 * 5 + 8 + 3 * 12 + 13 + 1


def test_chunks_and_checksums_are_those_of_the_standard() -> None:
    data = fast_png(pictures((31, 17, 3))["ramp"])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        found.append(kind)
        at += 12 + length
    assert found == [b"IHDR", b"IDAT", b"IEND"]


def test_a_view_that_is_not_contiguous_is_encoded_as_it_looks() -> None:
    picture = pictures((40, 30, 3))["ramp"]
    for view in (picture[:, ::-1], picture[::2], picture.transpose(1, 0, 2)):
        assert np.array_equal(decoded(fast_png(view))[0], view)
