"""Files that decoders read wrongly, or differently from version to version: right or refused here."""

from __future__ import annotations

import itertools
import re
import struct
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from PIL import Image
from test_matrix import linear, says
from written import PALETTE, as_bytes

from medimeta_c.errors import SourceError
from medimeta_c.sources.pictures import Window, picture_channels, read_picture

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (21, 37), dtype=np.uint8)
RGB = RNG.integers(0, 256, (21, 37, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (21, 37), dtype=np.uint16)
WHOLE = Window.parse("0,65535")


def put(folder: Path, data: bytes, name: str = "x") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# TIFF ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "options", "text"),
    [
        ([GREY], {"photometric": None}, "does not say what its samples mean"),
        ([GREY], {"photometric": 4, "bits": 8}, "holds a transparency mask"),
        ([RGB], {"photometric": 8}, "holds CIELAB"),
        ([RGB], {"photometric": 32845}, "holds LogLuv"),
        ([GREY], {"photometric": 32803}, "colour filter array"),
        ([GREY], {"photometric": 77}, "holds colours of kind 77"),
        ([RGB], {"photometric": 1}, "stores 3 channels, where grey has 1"),
        ([GREY], {"photometric": 2}, "stores 1 channels, where RGB has 3"),
        ([RGB], {"photometric": 6}, "stores YCbCr colours without JPEG"),
        ([np.dstack([RGB, GREY])], {"photometric": 2}, "stores 4 channels"),
        ([np.dstack([RGB, GREY])], {"photometric": 2, "tags": {338: 0}}, "stores 4 channels"),
        ([np.dstack([RGB, GREY])], {"photometric": 2, "tags": {338: 0}, "planar": True}, "stores 4 channels"),
        ([GREY], {"tags": {338: 2}}, "stores 1 channels"),
        ([RGB], {"photometric": 2, "tags": {258: [8, 8, 16]}}, "channels of different kinds"),
        ([RGB], {"photometric": 2, "tags": {339: [1, 1, 2]}}, "channels of different kinds"),
        ([GREY.view(np.int8)], {}, "has signed values of 8 bits"),
        ([DEEP.astype(np.uint32)], {"bits": 32}, "at most 16 are read"),
        ([DEEP.astype(np.float64)], {"bits": 64}, "only 32 are read"),
        ([DEEP], {"bits": 16, "tags": {339: 5}}, "samples of kind 5"),
        ([DEEP], {"bits": 16, "tags": {339: 4}}, "samples of kind 4"),
        ([DEEP], {"bits": 16, "photometric": 0, "order": ">"}, "which Pillow misreads"),
        ([DEEP & 4095], {"bits": 12, "order": ">"}, "which Pillow misreads"),
        ([DEEP.astype(np.float32)], {"bits": 32, "photometric": 0}, "counts from white"),
        ([GREY], {"photometric": 0, "planar": True}, "one channel as a plane apart"),
        ([GREY], {"tags": {266: 2}}, "stores bits in reverse order"),
        ([GREY], {"big": True, "order": ">"}, "is a big-endian BigTIFF"),
        ([GREY], {"tags": {32997: 4}}, "is a volume"),
        ([GREY], {"tags": {50717: 200}}, "values are scaled"),
        ([GREY], {"tags": {33445: 2}}, "values are scaled"),
        ([GREY], {"tags": {346: 1}}, "indexed colours without a palette"),
        ([GREY], {"tags": {259: 34712}}, "not read here (TIFF compression 34712)"),
        ([GREY], {"tags": {259: 6}}, "not read here (TIFF compression 6)"),
        ([GREY], {"tags": {317: 2}}, "says that it uses a predictor"),
        ([GREY, GREY, GREY], {}, "holds 3 frames"),
        ([GREY], {"tags": {330: [1000, 2000]}}, "holds 3 frames"),
        ([GREY], {"tags": {270: b"ImageJ=1.53\nimages=5\nslices=5\n\0"}}, "holds 5 frames"),
        ([GREY], {"tags": {270: b'{"shape": [4, 21, 37]}\0'}}, "holds 4 frames"),
    ],
)  # fmt: skip
def test_tiff_refused(tmp_path: Path, pages: list[np.ndarray], options: dict[str, Any], text: str) -> None:
    """Whatever a TIFF's tags say and a decoder passes over is named."""
    path = put(tmp_path, handmade.tiff(pages, **options))
    says(text, lambda: picture_channels(path), lambda: read_picture(path, window=Window.parse("full")))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("tile", [0, 16])
def test_tiff_structures(tmp_path: Path, big: bool, planar: bool, tile: int) -> None:
    """Classic and BigTIFF, strips and tiles, together and apart, give the same pixels."""
    path = put(tmp_path, handmade.tiff([RGB], photometric=2, big=big, planar=planar, tile=tile))
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_orientations(tmp_path: Path, orientation: int, order: str) -> None:
    """Every orientation, of every mode that Pillow maps into memory, which scrambles some when lying down."""
    turns = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
             5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
             7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: np.rot90}  # fmt: skip
    opaque = np.dstack([RGB, np.full_like(GREY, 255)])
    cases = [(GREY, {}), (RGB, {"photometric": 2}), (DEEP, {"bits": 16}), (opaque, {"photometric": 2})]
    for values, options in cases:
        tags = {274: orientation, **({338: 2} if values is opaque else {})}
        path = put(tmp_path, handmade.tiff([values], tags=tags, order=order, **options))
        stored = (
            linear(values, 0, 65535) if values is DEEP else values[..., :3] if values is opaque else values
        )
        np.testing.assert_array_equal(read_picture(path, window=WHOLE), turns[orientation](stored))


def test_tiff_white_is_zero(tmp_path: Path) -> None:
    """MinIsWhite is turned round, also in 16 bits, where Pillow does not."""
    np.testing.assert_array_equal(
        read_picture(put(tmp_path, handmade.tiff([GREY], photometric=0))), 255 - GREY
    )
    path = put(tmp_path, handmade.tiff([DEEP], photometric=0, bits=16))
    np.testing.assert_array_equal(read_picture(path, window=WHOLE), 255 - linear(DEEP, 0, 65535))


def test_tiff_signed(tmp_path: Path) -> None:
    """Signed 16 bits are windowed in their own units."""
    values = DEEP.view(np.int16)
    path = put(tmp_path, handmade.tiff([values], bits=16))
    says("has more than 8 bits a channel (16)", lambda: read_picture(path))
    expected = linear(values.astype(np.int64), -500, 1500)
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("-500,1500")), expected)
    full = linear(values.astype(np.int64), -32768, 32767)
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("full")), full)


def test_tiff_palette_of_small_numbers(tmp_path: Path) -> None:
    """A palette written in 8 instead of 16 bits is not black, as it is to Pillow."""
    entries = PALETTE.T.ravel().astype(int).tolist()
    path = put(tmp_path, handmade.tiff([GREY], photometric=3, tags={320: entries}))
    np.testing.assert_array_equal(read_picture(path), PALETTE[GREY], strict=True)


def test_tiff_statistics_are_ignored(tmp_path: Path) -> None:
    """Smallest and largest sample are statistics, no window."""
    path = put(tmp_path, handmade.tiff([GREY], tags={280: 50, 281: 100}))
    np.testing.assert_array_equal(read_picture(path), GREY)


@pytest.mark.parametrize("spoil", ["circle", "offset", "count", "twice", "short", "palette"])
def test_tiff_damaged(tmp_path: Path, spoil: str) -> None:
    """Tags that point anywhere, for ever or to nothing are damage."""
    data = bytearray(handmade.tiff([GREY]))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    if spoil == "circle":
        struct.pack_into("<I", data, start + 2 + 12 * count, start)
    elif spoil == "offset":
        struct.pack_into("<I", data, 4, 1 << 30)
    elif spoil == "count":
        struct.pack_into("<H", data, start, 60_000)
    elif spoil == "twice":
        data[start + 14 : start + 26] = data[start + 2 : start + 14]
    elif spoil == "short":
        del data[start + 20 :]
    else:
        data = bytearray(handmade.tiff([GREY], photometric=3, tags={320: [1, 2, 3]}))
    with pytest.raises(SourceError, match=r"x is not a whole TIFF image \(damaged: .*\): replace it"):
        read_picture(put(tmp_path, bytes(data)))


def compressed() -> list[Any]:
    """Pixels as tifffile may be asked to write them: compression, tiles, byte order, planes, kind."""
    codecs = ("deflate", "lzw", "packbits", "zstd", "lzma", "jpeg", None)
    return list(itertools.product(codecs, (None, (16, 16)), "<>"))


@pytest.mark.parametrize(("codec", "tile", "order"), compressed())
def test_tiff_by_another_writer(tmp_path: Path, codec: str | None, tile: Any, order: str) -> None:
    """Whatever tifffile writes is read exactly, or refused: never read as something else."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    opaque, planes = np.full_like(GREY, 255), np.moveaxis(RGB, -1, 0).copy()
    two, four = np.dstack([GREY, opaque]), np.dstack([RGB, opaque])
    white = DEEP.astype(np.uint16)
    kinds: list[tuple[str, np.ndarray, np.ndarray, dict[str, Any]]] = [
        ("grey", GREY, GREY, {}),
        ("white", GREY, 255 - GREY, {"photometric": "miniswhite"}),
        ("rgb", RGB, RGB, {"photometric": "rgb"}),
        ("planar", planes, RGB, {"photometric": "rgb", "planarconfig": "separate"}),
        ("alpha", four, RGB, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        ("premultiplied", four, RGB, {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
        ("extra", four, RGB[:0], {"photometric": "rgb", "extrasamples": ["unspecified"]}),
        ("two", two, GREY, {"planarconfig": "contig", "extrasamples": ["unassalpha"]}),
        ("two planes", np.moveaxis(two, -1, 0).copy(), GREY,
         {"planarconfig": "separate", "extrasamples": ["unassalpha"]}),
        ("16", DEEP, linear(DEEP, 0, 65535), {}),
        ("16 white", white, 255 - linear(white, 0, 65535), {"photometric": "miniswhite"}),
        ("16 signed", DEEP.view(np.int16), linear(DEEP.view(np.int16).astype(int), 0, 65535), {}),
        ("16 rgb", RGB.astype(np.uint16), RGB[:0], {"photometric": "rgb"}),
        ("float", DEEP.astype(np.float32), linear(DEEP, 0, 65535), {}),
        ("8 signed", GREY.view(np.int8), GREY[:0], {}),
        ("bigtiff", RGB, RGB, {"photometric": "rgb", "bigtiff": True}),
        ("predicted", RGB, RGB, {"photometric": "rgb", "predictor": True}),
        ("16 predicted", DEEP, linear(DEEP, 0, 65535), {"predictor": True}),
    ]  # fmt: skip
    read = 0
    for name, values, expected, more in kinds:
        path = tmp_path / f"{name}.tif"
        options = {
            "photometric": "minisblack",
            "compression": codec,
            "tile": tile,
            "byteorder": order,
            **more,
        }
        try:
            tifffile.imwrite(path, values, metadata=None, **options)
        except (ValueError, RuntimeError, NotImplementedError, KeyError, TypeError):
            continue  # no such file is written
        try:
            image = read_picture(path, window=WHOLE)
        except SourceError as error:
            assert not re.search("a whole|remove|delete", str(error)), (name, str(error))
            continue
        read += 1
        if codec != "jpeg":
            np.testing.assert_array_equal(image, expected, err_msg=name)
        else:
            reference = tifffile.imread(path)
            reference = np.moveaxis(reference, 0, -1) if reference.shape[0] < 5 else reference
            assert np.abs(image.astype(int) - reference[..., :3]).max() <= 4 if image.ndim == 3 else True, (
                name
            )
    assert read >= (3 if codec in {"jpeg", "zstd"} else 8) or codec == "zstd"


# PNG -------------------------------------------------------------------------------------------------


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


# JPEG ------------------------------------------------------------------------------------------------


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


# BMP, GIF, WebP --------------------------------------------------------------------------------------


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


# JPEG 2000, AVIF -------------------------------------------------------------------------------------


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
