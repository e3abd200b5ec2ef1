"""Stored images: lossless, readable by others, identified by their pixels alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from medimeta_c.errors import ShardError
from medimeta_c.format import png

sides = st.integers(1, 40)
images = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.just(3))).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


@settings(deadline=None)  # the first image compiles
@given(images)
def test_decoding_gives_back_the_image(image: np.ndarray) -> None:
    """Encoding loses nothing, for grey and RGB of any size."""
    again = png.decode(png.encode(image))
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, image)


@given(images)
def test_other_readers_see_the_same_pixels(image: np.ndarray) -> None:
    """Pillow, which the `datasets` library decodes with, sees the same pixels in the same mode."""
    with Image.open(io.BytesIO(png.encode(image))) as opened:
        assert opened.mode == ("L" if image.ndim == 2 else "RGB")
        np.testing.assert_array_equal(np.asarray(opened), image)


def test_digest_covers_shape_and_bytes_not_layout() -> None:
    """Equal bytes of another shape differ; a transposed view of equal pixels does not."""
    row = np.arange(6, dtype=np.uint8)
    digests = {png.digest(row.reshape(shape)) for shape in ((2, 3), (3, 2), (1, 6), (1, 2, 3))}
    assert len(digests) == 4
    block = row.reshape(2, 3)
    assert png.digest(np.asfortranarray(block)) == png.digest(block)


def file_of(mode: str) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (3, 3)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("data", [b"", b"not an image", file_of("RGBA"), file_of("I;16"), file_of("L")[:-20]])
def test_anything_else_is_refused(data: bytes) -> None:
    """Damaged bytes, alpha and 16-bit images raise, rather than decode to something near."""
    with pytest.raises(ShardError, match="do not decode"):
        png.decode(data)
