"""Files of the other kinds that decoders read wrongly, or differently by version: right or refused here."""

from __future__ import annotations

import struct
from pathlib import Path

import handmade
import numpy as np
import pytest
from PIL import Image
from samples import DEEP, GREY, RGB, WHOLE, put
from test_matrix import says
from written import PALETTE, as_bytes

from medimeta_c.errors import SourceError
from medimeta_c.sources.pictures import picture_channels, read_picture


@pytest.mark.parametrize("bits", [2, 4])
def test_png_of_few_bits(tmp_path: Path, bits: int) -> None:
    """Grey of two and four bits fills the range from black to white."""
    values = GREY >> (8 - bits)
    path = put(tmp_path, handmade.png(values, bits=bits))
    np.testing.assert_array_equal(read_picture(path), values * (255 // ((1 << bits) - 1)), strict=True)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (handmade.png(GREY, before=handmade.chunk(b"tRNS", b"\0\x05")), "marks a colour as transparent"),
        (handmade.png(GREY >> 7, bits=1, before=handmade.chunk(b"tRNS", b"\0\1")), "marks a colour"),
        (handmade.png(RGB, colour=2, before=handmade.chunk(b"tRNS", bytes(6))), "marks a colour"),
        (handmade.png(DEEP, bits=16, before=handmade.chunk(b"tRNS", bytes(2))), "marks a colour"),
        (handmade.png(GREY, before=handmade.chunk(b"acTL", struct.pack(">II", 1, 0))), "holds 2 frames"),
        (handmade.png(GREY, frames=7), "holds 7 frames"),
        (
            b"\x89PNG\r\n\x1a\n" + handmade.chunk(b"CgBI", bytes(4)) + handmade.png(GREY)[8:],
            "Apple's own variant",
        ),
    ],
)
def test_png_refused(tmp_path: Path, data: bytes, text: str) -> None:
    """Transparent colours, animations with or without their first picture, Apple's variant."""
    path = put(tmp_path, data)
    says(text, lambda: read_picture(path, window=WHOLE))


def test_png_one_frame(tmp_path: Path) -> None:
    """An animation of one frame is a picture; gamma and significant bits change nothing."""
    before = handmade.chunk(b"gAMA", struct.pack(">I", 100_000)) + handmade.chunk(b"sBIT", b"\x05")
    path = put(tmp_path, handmade.png(GREY, frames=1, before=before))
    np.testing.assert_array_equal(read_picture(path), GREY, strict=True)


def test_png_palette_too_short(tmp_path: Path) -> None:
    """A colour beyond the palette's end is damage, not black."""
    before = handmade.chunk(b"PLTE", PALETTE[:9].tobytes())
    with pytest.raises(SourceError, match=r"damaged: it uses colour .* of a palette of 9"):
        read_picture(put(tmp_path, handmade.png(GREY, colour=3, before=before)))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (handmade.jpeg_start(8, 1, 0xC3), "is lossless JPEG, which Pillow does not read"),
        (handmade.jpeg_start(8, 3, 0xF7), "is JPEG-LS"),
        (handmade.jpeg_start(8, 3, 0xC9), "arithmetic coding"),
        (handmade.jpeg_start(8, 3, 0xC5), "a rare kind of JPEG (SOF5)"),
        (handmade.jpeg_start(12, 1, 0xC1), "has more than 8 bits a channel (12)"),
        (handmade.jpeg_start(8, 2), "has 2 channels"),
        (handmade.jpeg_start(8, 4), "holds CMYK inks"),
    ],
)
def test_jpeg_refused(tmp_path: Path, data: bytes, text: str) -> None:
    """Kinds of JPEG that libjpeg reads as something else, or not."""
    path = put(tmp_path, data)
    says(text, lambda: picture_channels(path), lambda: read_picture(path))


def test_jpeg_of_rgb(tmp_path: Path) -> None:
    """A JPEG that stores RGB itself keeps its colours."""
    y, x = np.mgrid[:21, :37]
    colours = np.dstack([5 * x, 12 * y, 100 + x]).astype(np.uint8)
    path = put(tmp_path, as_bytes(Image.fromarray(colours), "JPEG", quality=98, keep_rgb=True, subsampling=0))
    assert np.abs(read_picture(path).astype(int) - colours).max() <= 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientations(tmp_path: Path, kind: str) -> None:
    """Every orientation that EXIF knows."""
    from PIL import ImageOps

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"lossless": True} if kind == "WEBP" else {}
        path = put(tmp_path, as_bytes(Image.fromarray(RGB), kind, exif=exif, **options))
        with path.open("rb") as file, Image.open(file) as picture:
            expected = np.asarray(ImageOps.exif_transpose(picture))
        np.testing.assert_array_equal(read_picture(path), expected)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x05\1"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif(tmp_path: Path, kind: str, exif: bytes) -> None:
    """EXIF data that are none turn nothing, and damage nothing."""
    data = as_bytes(Image.fromarray(RGB), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    image = read_picture(put(tmp_path, data))
    assert image.shape == RGB.shape
    assert kind == "JPEG" or (image == RGB).all()


def bgr(values: np.ndarray) -> bytes:
    """Rows bottom up, filled up to four bytes."""
    rows = values[::-1, :, [2, 1, 0, 3][: values.shape[2]]].reshape(len(values), -1)
    return np.pad(rows, [(0, 0), (0, -rows.shape[1] % 4)]).tobytes()


def test_bmp_fourth_byte(tmp_path: Path) -> None:
    """32 bits without masks have no alpha: a fourth byte that never changes is passed over, else refused."""
    for value in (0, 255):
        data = bgr(np.dstack([RGB, np.full_like(GREY, value)]))
        path = put(tmp_path, handmade.bmp(data, 37, 21, 32))
        np.testing.assert_array_equal(read_picture(path), RGB, strict=True)
    path = put(tmp_path, handmade.bmp(bgr(np.dstack([RGB, GREY])), 37, 21, 32))
    says("keeps a fourth channel", lambda: picture_channels(path), lambda: read_picture(path))


def test_bmp_top_down_and_old(tmp_path: Path) -> None:
    """Rows from the top, and the header of OS/2."""
    data = bgr(RGB[::-1])
    path = put(tmp_path, handmade.bmp(data, 37, -21, 24))
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)
    head = struct.pack("<2sIHHIIHHHH", b"BM", 26 + len(data), 0, 0, 26, 12, 37, 21, 1, 24)
    path = put(tmp_path, head + bgr(RGB))
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)


@pytest.mark.parametrize("green", [5, 6])
def test_bmp_of_16_bits(tmp_path: Path, green: int) -> None:
    """Five and six bits a channel fill the range from black to white."""
    stored = np.dstack([RGB[..., 0] >> 3, RGB[..., 1] >> (8 - green), RGB[..., 2] >> 3]).astype(np.uint16)
    words = (stored[..., 0] << (5 + green)) | (stored[..., 1] << 5) | stored[..., 2]
    rows = np.pad(words[::-1].astype("<u2"), [(0, 0), (0, 1)]).tobytes()
    masks = struct.pack("<4I", 31 << (5 + green), ((1 << green) - 1) << 5, 31, 0) if green == 6 else b""
    path = put(tmp_path, handmade.bmp(rows, 37, 21, 16, masks=masks, compression=3 if masks else 0))
    tops = np.array([31, (1 << green) - 1, 31])
    assert np.abs(read_picture(path) - stored * 255.0 / tops).max() < 1


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bmp_palettes(tmp_path: Path, bits: int) -> None:
    """Few colours, white before black, run-length coding."""
    values = GREY >> (8 - bits)
    table = PALETTE[: 1 << bits] if bits > 1 else np.array([[255] * 3, [0] * 3], np.uint8)
    palette = np.pad(table[:, ::-1], [(0, 0), (0, 1)]).tobytes()
    rows = np.frombuffer(handmade.packed(values[::-1, :, None], bits, "<"), np.uint8).reshape(21, -1)
    data = np.pad(rows, [(0, 0), (0, -rows.shape[1] % 4)]).tobytes()
    path = put(tmp_path, handmade.bmp(data, 37, 21, bits, palette=palette))
    np.testing.assert_array_equal(read_picture(path), table[values], strict=True)
    if bits == 8:
        runs = (
            b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in values[::-1]) + b"\0\1"
        )
        path = put(tmp_path, handmade.bmp(runs, 37, 21, 8, palette=palette, compression=1))
        np.testing.assert_array_equal(read_picture(path), table[values], strict=True)


def test_bmp_around_another(tmp_path: Path) -> None:
    """A BMP may hold a JPEG or PNG for printers."""
    path = put(tmp_path, handmade.bmp(bytes(400), 10, 10, 24, compression=5))
    says("holds a JPEG or PNG", lambda: read_picture(path))


def test_gif(tmp_path: Path) -> None:
    """A transparent colour, and a frame that leaves part of its canvas open, are refused."""
    indexed = Image.fromarray(GREY & 63).convert("P")
    indexed.putpalette(PALETTE[:64].tobytes())
    path = put(tmp_path, as_bytes(indexed, "GIF", transparency=3))
    says("marks a colour as transparent", lambda: read_picture(path))
    data = bytearray(as_bytes(indexed, "GIF"))
    whole = put(tmp_path, bytes(data))
    np.testing.assert_array_equal(read_picture(whole), PALETTE[GREY & 63], strict=True)
    bare = data[:10] + bytes([data[10] & 127]) + data[11:13] + data[13 + (3 << (data[10] & 7) + 1) :]
    path = put(tmp_path, bytes(bare))
    says("has no palette for its colours", lambda: read_picture(path))
    struct.pack_into("<H", data, 6, 50)
    path = put(tmp_path, bytes(data))
    says("draws on a part of its canvas", lambda: read_picture(path))


def test_webp_animation(tmp_path: Path) -> None:
    """Frames are counted; one that is called an animation is not a still picture."""
    frames = [Image.fromarray(np.roll(RGB, shift, 0)) for shift in range(3)]
    path = put(tmp_path, as_bytes(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    says("holds 3 frames", lambda: read_picture(path))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (handmade.jp2(handmade.codestream(8, 3), colours=18), "holds YCbCr colours (sYCC)"),
        (handmade.jp2(handmade.codestream(8, 3), colours=17), "holds 3 channels"),
        (handmade.codestream(8, 2), "holds 2 channels"),
        (
            handmade.jp2(
                handmade.codestream(8, 3),
                header=handmade.box(b"cdef", struct.pack(">10H", 3, 0, 0, 3, 1, 0, 2, 2, 0, 1)),
            ),
            "orders its 3 channels in a way of its own",
        ),
        (handmade.codestream(4, 1), "has 4 bits a channel, which Pillow rescales"),
        (
            handmade.codestream(8, 3).replace(b"\7\1\1" * 3, b"\7\1\1\7\2\2\7\2\2"),
            "channels of different sizes",
        ),
        (handmade.codestream(8, 1).replace(b"\7\1\1", b"\x87\1\1"), "has signed values"),
    ],
)
def test_jpeg2000_refused(tmp_path: Path, data: bytes, text: str) -> None:
    """What OpenJPEG or Pillow would turn into grey or RGB by a rule of their own."""
    path = put(tmp_path, data)
    says(text, lambda: picture_channels(path))


def test_jpeg2000_codestream(tmp_path: Path) -> None:
    """A codestream without boxes around it."""
    path = put(tmp_path, as_bytes(Image.fromarray(RGB), "JPEG2000", no_jp2=True, irreversible=False))
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)


@pytest.mark.parametrize(("kind", "name"), [("JPEG2000", "JPEG 2000"), ("AVIF", "AVIF"), ("WEBP", "WebP")])
def test_a_pillow_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    """A format that the installed Pillow was built without is named."""
    from PIL import features

    if kind == "AVIF" and ("avif" not in features.modules or not features.check("avif")):
        pytest.skip("this Pillow writes no AVIF")
    path = put(tmp_path, as_bytes(Image.fromarray(RGB), kind))
    monkeypatch.setattr(features, "check", lambda _: False)
    says(f"is {name}, which the installed Pillow", lambda: read_picture(path))
