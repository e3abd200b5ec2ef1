"""Windows, modes of grey and colour, formats that are not read, and how much memory a large picture takes."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import handmade
import memory
import numpy as np
import pytest
from PIL import Image
from samples import DEEP, GREY, RGB, put
from test_matrix import linear, says
from written import as_bytes, dicom_file

import medimeta_c
from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.pictures import (
    Window,
    frame_count,
    picture_channels,
    read_image,
    read_picture,
    shows_grey,
)

# Windows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "0", "5,5", "9,3", "nan,3", "0,inf", "a,b", "0,1,2", "Full", "0 4095"])
def test_windows_that_are_none(text: str) -> None:
    """Anything but two values in order, percentiles or full."""
    with pytest.raises(ConfigError, match="use LOW,HIGH in the pictures' own units"):
        Window.parse(text)


@pytest.mark.parametrize("text", ["0,4095", "-160.5,240", "percentiles", "full", "0.1,0.30000000000000004"])
def test_windows_as_text(text: str) -> None:
    """A window's text is the window."""
    assert str(Window.parse(text)) == text
    assert Window.parse(f" {text} ") == Window.parse(text)


def test_half_rounds_up(tmp_path: Path) -> None:
    """510 values on 255 shades: every odd one is a half, and goes up."""
    values = np.arange(511, dtype=np.uint16)[None]
    path = put(tmp_path, handmade.png(values, bits=16))
    shades = read_picture(path, window=Window.parse("0,510"))
    np.testing.assert_array_equal(shades[0], (np.arange(511) + 1) // 2)


@pytest.mark.parametrize(("bits", "top"), [(16, 65535), (12, 4095)])
def test_full(tmp_path: Path, bits: int, top: int) -> None:
    """All that the bits hold, whatever the picture has."""
    values = DEEP // 7 & top
    path = put(tmp_path, handmade.tiff([values], bits=bits))
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("full")), linear(values, 0, top))


def test_percentiles(tmp_path: Path) -> None:
    """0.5 and 99.5 % of the picture's own values, as numpy has them."""
    for values in (DEEP, DEEP // 999, np.minimum(DEEP, 700)):
        path = put(tmp_path, handmade.png(values, bits=16))
        low, high = np.percentile(values, (0.5, 99.5))
        expected = np.floor(np.clip((values - low) * 255 / (high - low), 0, 255) + 0.5)
        np.testing.assert_array_equal(read_picture(path, window=Window.parse("percentiles")), expected)
    path = put(tmp_path, handmade.png(np.full_like(DEEP, 9), bits=16))
    says("has one value, 9", lambda: read_picture(path, window=Window.parse("percentiles")))


def test_floats(tmp_path: Path) -> None:
    """Floats need two values, and to be numbers."""
    values = (DEEP / 65536).astype(np.float32)
    path = put(tmp_path, handmade.tiff([values], bits=32))
    for name in ("percentiles", "full"):
        says("give a window of two values", lambda: read_picture(path, window=Window.parse(name)))  # noqa: B023
    np.testing.assert_array_equal(
        read_image(path, window="0.25,0.75"), linear(DEEP.astype(np.int64), 16384, 49152)
    )
    values[3, 3] = np.nan
    path = put(tmp_path, handmade.tiff([values], bits=32))
    says("values that are no numbers", lambda: read_image(path, window="0,1"))


def test_eight_bits_need_no_window(tmp_path: Path) -> None:
    """A window is for pictures of more than eight bits; others are left as they are."""
    path = put(tmp_path, handmade.png(GREY))
    np.testing.assert_array_equal(read_image(path, window="0,100"), GREY)


# Grey and colour -------------------------------------------------------------------------------------


def test_modes(tmp_path: Path) -> None:
    """Grey as three channels, equal channels as one, colours as light."""
    grey, colour = (
        put(tmp_path, handmade.png(GREY), "grey"),
        put(tmp_path, handmade.png(RGB, colour=2), "rgb"),
    )
    three = np.repeat(GREY[..., None], 3, axis=2)
    equal = put(tmp_path, handmade.png(three, colour=2), "equal")
    light = (RGB.astype(int) @ [299, 587, 114] + 500) // 1000
    for mode, path, expected in (
        ("source", grey, GREY), ("source", equal, three), ("source", colour, RGB),
        ("rgb", grey, three), ("rgb", colour, RGB),
        ("grey", grey, GREY), ("grey", equal, GREY),
        ("luma", grey, GREY), ("luma", equal, GREY), ("luma", colour, light.astype(np.uint8)),
    ):  # fmt: skip
        np.testing.assert_array_equal(read_picture(path, mode=mode), expected, strict=True)
        assert picture_channels(path, mode=mode) == (3 if expected.ndim == 3 else 1)
    says("rgb shows colours and cannot be taken as grey", lambda: read_picture(colour, mode="grey"))
    says("grey is grey where the dataset's images are RGB", lambda: read_picture(grey, channels=3))
    assert [shows_grey(path) for path in (grey, equal, colour)] == [True, True, False]
    with pytest.raises(ConfigError, match="unknown channels 'gray': did you mean 'grey'"):
        read_picture(grey, mode="gray")


def test_grey_in_lossy_colours(tmp_path: Path) -> None:
    """A JPEG of a grey picture saved as RGB is grey within two levels; three levels are colour."""
    y, x = np.mgrid[:64, :64]
    grey = ((x * 3 + y) % 256).astype(np.uint8)
    path = put(tmp_path, as_bytes(Image.fromarray(grey).convert("RGB"), "JPEG", quality=60))
    assert picture_channels(path) == 3
    assert shows_grey(path)
    assert read_picture(path, mode="grey").shape == grey.shape
    off = np.repeat(grey[..., None], 3, axis=2)
    off[5, 5, 0] ^= 1
    assert not shows_grey(put(tmp_path, handmade.png(off, colour=2)))


# Other formats ---------------------------------------------------------------------------------------

NIFTI = bytes([92, 1]) + bytes(342) + b"n+1\0" + bytes(100)


@pytest.mark.parametrize(
    ("data", "name", "text", "remedy"),
    [
        (b"<svg/>", "a.png", "a drawing (SVG)", "Inkscape"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns='x'/>", "a.svg", "a drawing (SVG)", "Inkscape"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.jpg", "a HEIC photograph", "heif-convert"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a.heic", "a HEIF photograph", "heif-convert"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", "a.mp4", "a video (MP4", "ffmpeg"),
        (b"\x1aE\xdf\xa3" + bytes(9), "a.webm", "a video (WebM", "ffmpeg"),
        (b"RIFF\0\0\0\0AVI LIST", "a.avi", "a video (AVI)", "ffmpeg"),
        (NIFTI, "a.nii", "a volume (NIfTI)", "nibabel"),
        (gzip.compress(NIFTI, mtime=0), "a.gz", "a volume (NIfTI, compressed)", "nibabel"),
        (gzip.compress(bytes(400), mtime=0), "a.nii.gz", "a volume (NIfTI, compressed)", "nibabel"),
        (gzip.compress(b"hello", mtime=0), "a.png.gz", "compressed with gzip", "unpack it"),
        (b"NRRD0005\n", "a.nrrd", "a volume (NRRD)", "3D Slicer"),
        (b"ObjectType = Image\nNDims = 3", "a.mha", "a volume (MHA", "3D Slicer"),
        (b"8BPS\0\1", "a.psd", "a Photoshop file", "ImageMagick"),
        (b"v/1\x01\2\0", "a.exr", "OpenEXR", "ImageMagick"),
        (b"%PDF-1.7", "a.pdf", "a PDF document", "pdftoppm"),
        (b"PK\3\4" + bytes(30), "a.zip", "a ZIP archive", "unpack"),
        (b"\xff\x0a\0\0", "a.jxl", "a JPEG XL picture", "djxl"),
        (b"P5\n3 3\n255\n", "a.pgm", "a Netpbm picture", "ImageMagick"),
        (b"\x89HDF\r\n\x1a\n", "a.h5", "an HDF5 file", "Python"),
        (b"\x93NUMPY\1\0", "a.npy", "a NumPy array", "Python"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a.png", "a Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "a.jpg", "a web page", "download"),
        (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", "a.dcm", "DICOM without its preamble", "dcmconv"),
        (b"any text", "a.png", "is not of a format known here", "PNG, JPEG, TIFF"),
    ],
)
def test_other_formats(tmp_path: Path, data: bytes, name: str, text: str, remedy: str) -> None:
    """A whole file of another format is called by its name, whatever it is named, with what converts it."""
    path = put(tmp_path, data, name)
    says(text, lambda: read_picture(path), lambda: picture_channels(path))
    says(remedy, lambda: frame_count(path))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000"])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.9])
def test_cut_short(tmp_path: Path, kind: str, share: float) -> None:
    """A file of a known format that is cut short is damaged, wherever it ends."""
    large = np.random.default_rng(3).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    data = as_bytes(Image.fromarray(large), kind)
    path = put(tmp_path, data[: max(int(len(data) * share), 15)])
    with pytest.raises(SourceError, match=r"x is not a whole .* image \(damaged: .*\): replace it"):
        read_picture(path)


def test_no_file(tmp_path: Path) -> None:
    """A missing file, a folder, an empty file."""
    says("does not exist", lambda: read_image(tmp_path / "no"))
    says("is a folder", lambda: read_image(tmp_path))
    with pytest.raises(SourceError, match="the file is empty"):
        read_image(put(tmp_path, b""))


def test_random_bytes(tmp_path: Path) -> None:
    """Any byte of a header changed gives a picture or one sentence, nothing else."""
    rng = np.random.default_rng(1)
    whole = [
        handmade.tiff([GREY], photometric=3, tags={320: list(range(768))}), handmade.png(RGB, colour=2),
        as_bytes(Image.fromarray(RGB), "JPEG"), as_bytes(Image.fromarray(RGB), "GIF"),
        as_bytes(Image.fromarray(RGB), "BMP"), as_bytes(Image.fromarray(RGB), "WEBP"),
        as_bytes(Image.fromarray(RGB), "JPEG2000"),
    ]  # fmt: skip
    for data in whole:
        for _ in range(60):
            changed = bytearray(data)
            start = int(rng.integers(0, 2)) * max(len(data) - 300, 0)
            changed[int(rng.integers(start, min(start + 300, len(data))))] = int(rng.integers(0, 256))
            try:
                image = read_picture(put(tmp_path, bytes(changed)))
            except SourceError as error:
                assert "\n" not in str(error)
                assert "object has no" not in str(error)
            else:
                assert image.dtype == np.uint8


# The public reader -----------------------------------------------------------------------------------


def test_read_image(tmp_path: Path) -> None:
    """The package's own reader takes a path as text too."""
    path = put(tmp_path, handmade.png(RGB, colour=2), "scan.png")
    image = medimeta_c.read_image(str(path))
    np.testing.assert_array_equal(image, RGB, strict=True)
    assert frame_count(path) == 1
    assert frame_count(put(tmp_path, handmade.tiff([GREY] * 3))) == 3
    says("has no frame 1", lambda: read_picture(path, frame=1))


@pytest.mark.parametrize("kind", ["png", "png16", "tiff16", "float", "jpeg", "dicom"])
def test_memory(tmp_path: Path, kind: str) -> None:
    """A mammogram of 5000 x 6000 grey values is read within a gigabyte."""
    y, x = np.ogrid[:6000, :5000]
    values = ((x // 7 + y // 5) % 4096).astype(np.uint16)
    if kind == "dicom":
        path = dicom_file(tmp_path / "x", values[:, :, None], 12)
    else:
        data = {
            "png": lambda: handmade.png(values.astype(np.uint8)),
            "png16": lambda: handmade.png(values, bits=16),
            "tiff16": lambda: handmade.tiff([values], bits=16, photometric=0, tags={274: 6}),
            "float": lambda: handmade.tiff([values.astype(np.float32)], bits=32),
            "jpeg": lambda: as_bytes(Image.fromarray(values.astype(np.uint8)).convert("RGB"), "JPEG"),
        }[kind]()
        path = put(tmp_path, data)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.append(sys.argv[4])\n"
        "from memory import peak_memory\n"
        "from medimeta_c.sources.pictures import Window, read_picture\n"
        "window = Window.parse(sys.argv[2])\n"
        "mode = 'grey' if sys.argv[3] == 'jpeg' else 'source'\n"
        "image = read_picture(Path(sys.argv[1]), window=window, mode=mode)\n"
        "assert sorted(image.shape) == [5000, 6000], image.shape\n"
        "print(peak_memory())\n"
    )
    window = "0,4095" if kind == "float" else "percentiles"
    tests = str(Path(memory.__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", script, str(path), window, kind, tests],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 1_000_000_000
