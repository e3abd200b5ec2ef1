"""Folders of your own images: colour modes, and pictures that are not read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import imagefolder_refused as refused
from source_writers import pixels, write_images

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.imagefolder import open_imagefolder


def one_image(folder: Path, image: Image.Image, name: str = "x.png", **options: object) -> Path:
    """Write a dataset of two classes that hold the same image."""
    for label in ("cat", "dog"):
        path = folder / "pets" / label / name
        path.parent.mkdir(parents=True)
        image.save(path, **options)
    return folder / "pets"


def test_grey(tmp_path: Path) -> None:
    """Grey stays grey."""
    stored = pixels(1, channels=1)[0]
    root = one_image(tmp_path, Image.fromarray(stored))
    source = open_imagefolder("pets", root.parent)
    assert source.info.channels == 1
    np.testing.assert_array_equal(source.image("test", "cat/x"), stored, strict=True)


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_palette_and_opaque_alpha(tmp_path: Path, mode: str) -> None:
    """A palette, and an alpha channel that hides nothing, become RGB without a changed colour."""
    stored = pixels(1)[0]
    stored = np.where(stored > 127, np.uint8(255), np.uint8(0))
    image = Image.fromarray(stored)
    root = one_image(tmp_path, image.quantize(8) if mode == "P" else image.convert("RGBA"))
    source = open_imagefolder("pets", root.parent)
    assert source.info.channels == 3
    np.testing.assert_array_equal(source.image("test", "cat/x"), stored, strict=True)


def test_opaque_grey_alpha(tmp_path: Path) -> None:
    """Grey with an alpha channel that hides nothing is grey."""
    stored = pixels(1, channels=1)[0]
    root = one_image(tmp_path, Image.fromarray(stored).convert("LA"))
    image = open_imagefolder("pets", root.parent).image("test", "cat/x")
    np.testing.assert_array_equal(image, stored, strict=True)


def test_upright(tmp_path: Path) -> None:
    """A photograph is turned as its EXIF orientation says."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    stored = pixels(1)[0][:, :5]
    root = one_image(tmp_path, Image.fromarray(stored), exif=exif)
    image = open_imagefolder("pets", root.parent).image("test", "cat/x")
    np.testing.assert_array_equal(image, np.rot90(stored, -1), strict=True)


def test_mixed_channels(tmp_path: Path) -> None:
    """Grey and RGB in one dataset: two of the files are named, and what to do."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "cat/b.png", "dog/c.png"])
    write_images(root, ["dog/d.png"], channels=1)
    refused(root, "dog/d.png is grey", "cat/a.png is RGB", "`channels='rgb'`", "convert them all")


@pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("luma", 1)])
def test_mixed_channels_taken_as_one(tmp_path: Path, mode: str, channels: int) -> None:
    """Grey and RGB together are read as what was asked for."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "dog/c.png"])
    write_images(root, ["dog/d.png"], channels=1)
    source = open_imagefolder("pets", tmp_path, reading=Reading(channels=mode))
    assert source.info.channels == channels
    assert {source.image("test", image_id).ndim for image_id in source.ids("test")} == {channels // 2 + 2}


def test_grey_refuses_colours_before_anything_is_built(tmp_path: Path) -> None:
    """A coloured picture among grey ones is named when the folder is opened."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "dog/c.png"], channels=1)
    write_images(root, ["dog/d.png"])
    with pytest.raises(SourceError, match=r"dog/d\.png shows colours"):
        open_imagefolder("pets", tmp_path, reading=Reading(channels="grey"))


SIXTEEN = np.full((8, 8), 1000, np.uint16)


def test_a_window_for_more_bits(tmp_path: Path) -> None:
    """Pictures of 16 bits are read through the window given, and those of 8 as they are."""
    root = one_image(tmp_path, Image.fromarray(SIXTEEN))
    write_images(root, ["cat/y.png"], channels=1)
    source = open_imagefolder("pets", tmp_path, reading=Reading(window=" 0, 2000 "))
    assert set(source.image("test", "cat/x").flat) == {128}
    np.testing.assert_array_equal(source.image("test", "cat/y"), pixels(1, channels=1)[0])
    with pytest.raises(ConfigError, match="window 'wide' is not valid"):
        Reading(window="wide")


@pytest.mark.parametrize(
    ("image", "name", "word"),
    [
        (Image.fromarray(SIXTEEN), "x.png", "more than 8 bits"),
        (Image.fromarray(SIXTEEN), "x.tif", "more than 8 bits"),
        (Image.fromarray(SIXTEEN.astype(np.float32)), "x.tif", "more than 8 bits"),
        (Image.new("CMYK", (8, 8)), "x.jpg", "CMYK"),
        (Image.new("1", (8, 8)), "x.png", "mode 1"),
        (Image.new("LAB", (8, 8)), "x.tif", "LAB"),
    ],
    ids=["16-bit png", "16-bit tiff", "float tiff", "cmyk", "bilevel", "lab"],
)
def test_other_modes(tmp_path: Path, image: Image.Image, name: str, word: str) -> None:
    """Images that would have to be changed to fit are named when the folder is opened."""
    root = one_image(tmp_path, image, name)
    refused(root, str(root / "cat" / name), word)


def test_sixteen_bit_rgb(tmp_path: Path) -> None:
    """16-bit colour is noticed, although Pillow opens it as 8-bit RGB."""
    import cv2

    root = one_image(tmp_path, Image.new("RGB", (8, 8)))
    for label in ("cat", "dog"):
        assert cv2.imwrite(str(root / label / "x.png"), np.full((8, 8, 3), 1000, np.uint16))
    refused(root, str(root / "cat" / "x.png"), "more than 8 bits")


def test_a_transparent_colour(tmp_path: Path) -> None:
    """A palette or RGB file that marks one colour as transparent is named."""
    root = one_image(tmp_path, Image.fromarray(pixels(1)[0]).quantize(8), transparency=0)
    refused(root, str(root / "cat" / "x.png"), "transparent")


def test_real_alpha(tmp_path: Path) -> None:
    """Partly transparent pixels are found when the image is read."""
    image = Image.fromarray(pixels(1)[0]).convert("RGBA")
    image.putpixel((3, 3), (1, 2, 3, 254))
    root = one_image(tmp_path, image)
    source = open_imagefolder("pets", root.parent)
    with pytest.raises(SourceError, match=r"cat/x\.png is partly transparent: flatten it"):
        source.image("test", "cat/x")


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.webp"])
def test_animated(tmp_path: Path, name: str) -> None:
    """Files of several frames are named."""
    frames = [Image.fromarray(pixels(1, seed=seed)[0]) for seed in range(2)]
    root = one_image(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    refused(root, str(root / "cat" / name), "2 frames")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.bmp", "x.webp"])
@pytest.mark.parametrize("share", [0, 0.1, 0.8])
def test_truncated(tmp_path: Path, name: str, share: float) -> None:
    """A file cut short is named, when the folder is opened or at the latest when it is read."""
    root = one_image(tmp_path, Image.fromarray(pixels(1, size=40)[0]), name)
    path = root / "dog" / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=rf"dog/{re.escape(name)} is not a whole .*replace it"):
        open_imagefolder("pets", root.parent).image("test", "dog/x")


def test_another_kind_of_file(flat: Path) -> None:
    """A file that only claims to be an image is named, with what it is."""
    (flat / "cat" / "fake.png").write_text("<svg/>")
    refused(flat, str(flat / "cat" / "fake.png"), "is a drawing (SVG)", "draw it as PNG")


@pytest.mark.parametrize("limit", [40, 10], ids=["warning", "error"])
def test_decompression_bomb(flat: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """An image of absurd size is named, whether Pillow would warn or raise."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    refused(flat, str(flat / "cat" / "one.png"), "could exhaust memory")


def test_file_that_went_away(flat: Path) -> None:
    """A file removed after opening is named when it is asked for."""
    source = open_imagefolder("pets", flat.parent)
    (flat / "cat" / "one.png").unlink()
    with pytest.raises(SourceError, match=r"cat/one\.png does not exist"):
        source.image("test", "cat/one")


def test_file_that_changed(flat: Path) -> None:
    """A file replaced by one with other channels after opening is named."""
    source = open_imagefolder("pets", flat.parent)
    write_images(flat, ["cat/one.png"], channels=1)
    with pytest.raises(SourceError, match=r"cat/one\.png is grey where the dataset's images are RGB"):
        source.image("test", "cat/one")
