"""TIFF files that decoders read wrongly, or differently from version to version: right or refused here."""

from __future__ import annotations

import itertools
import re
import struct
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from samples import DEEP, GREY, RGB, WHOLE, put
from test_matrix import linear, says
from written import PALETTE

from medimeta_c.errors import SourceError
from medimeta_c.sources.pictures import Window, picture_channels, read_picture


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
            stored = tifffile.imread(path).astype(int)
            stored = np.moveaxis(stored, 0, -1) if stored.shape[0] < 5 else stored
            if stored.ndim == 3:
                stored = stored[..., :3] if image.ndim == 3 else stored[..., 0]
            assert np.abs(image - (255 - stored if name == "white" else stored)).max() <= 4, name
    # Whether zstd can be read depends on how Pillow was built.
    assert read >= {"jpeg": 3, "zstd": 0}.get(str(codec), 8)
