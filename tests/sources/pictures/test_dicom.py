"""DICOM: values as they are meant to be seen, frames one by one, and what is refused by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_matrix import linear, says
from written import PALETTE, as_bytes, dicom_file

from medimeta_c.errors import SourceError
from medimeta_c.sources.pictures import Window, frame_count, picture_channels, read_picture, shows_grey

pydicom = pytest.importorskip("pydicom")

RNG = np.random.default_rng(8)
GREY = RNG.integers(0, 256, (21, 37, 1), dtype=np.uint8)
RGB = RNG.integers(0, 256, (22, 38, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 4096, (21, 37, 1), dtype=np.uint16)
BASELINE = "1.2.840.10008.1.2.4.50"


def sequence(**elements: Any) -> Any:
    """A sequence of one item."""
    item = pydicom.Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return pydicom.Sequence([item])


def table(first: int, bits: int, entries: np.ndarray) -> dict[str, Any]:
    return {"LUTDescriptor": [len(entries), first, bits], "LUTData": entries.astype("<u2").tobytes()}


def windowed(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """A window as PS3.3 C.11.2.1.2 has it, in whole numbers of 255ths."""
    scaled = ((values - (centre - 0.5)) / (width - 1) + 0.5) * 255
    return np.floor(np.clip(scaled, 0, 255) + 0.5)


def test_own_window(tmp_path: Path) -> None:
    """Rescale, then the file's own window, the first of several; another may be given."""
    path = dicom_file(
        tmp_path / "x", DEEP, 12, RescaleSlope="0.5", RescaleIntercept="-1000",
        WindowCenter=["40", "300"], WindowWidth=["400", "2000"],
    )  # fmt: skip
    values = DEEP[..., 0] * 0.5 - 1000
    assert picture_channels(path) == 1
    np.testing.assert_array_equal(read_picture(path), windowed(values, 40, 400))
    given = linear((DEEP[..., 0].astype(int) - 2000), -600, 800)
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("-300,400")), given)
    full = linear(DEEP[..., 0], 0, 4095)
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("full")), full)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_monochrome1(tmp_path: Path, photometric: str) -> None:
    """MONOCHROME1 is turned round, with its own window, one that is given, and in eight bits."""
    flip = (lambda image: 255 - image) if photometric == "MONOCHROME1" else (lambda image: image)
    path = dicom_file(tmp_path / "a", DEEP, 12, photometric, WindowCenter="2048", WindowWidth="4096")
    expected = windowed(DEEP[..., 0].astype(float), 2048, 4096)
    np.testing.assert_array_equal(read_picture(path), flip(expected))
    np.testing.assert_array_equal(
        read_picture(path, window=Window.parse("full")), flip(linear(DEEP[..., 0], 0, 4095))
    )
    path = dicom_file(tmp_path / "b", GREY, 8, photometric)
    np.testing.assert_array_equal(read_picture(path), flip(GREY[..., 0]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("LINEAR_EXACT", lambda v: np.clip((v - 1800) / 400 + 0.5, 0, 1)),
        ("SIGMOID", lambda v: 1 / (1 + np.exp(-4 * (v - 1800) / 400))),
    ],
)
def test_window_functions(tmp_path: Path, kind: str, expected: Any) -> None:
    """The other two functions of the standard."""
    path = dicom_file(tmp_path / "x", DEEP, 12, WindowCenter="1800", WindowWidth="400", VOILUTFunction=kind)
    shades = np.floor(expected(DEEP[..., 0].astype(float)) * 255 + 0.5)
    np.testing.assert_array_equal(read_picture(path), shades)


def test_tables(tmp_path: Path) -> None:
    """A modality table and a VOI table, which goes before a window."""
    modality, voi = np.sort(RNG.integers(0, 1024, 4096)), np.sort(RNG.integers(0, 1024, 1024))
    path = dicom_file(
        tmp_path / "x", DEEP, 12, WindowCenter="1", WindowWidth="2",
        ModalityLUTSequence=sequence(**table(0, 16, modality)), VOILUTSequence=sequence(**table(0, 10, voi)),
    )  # fmt: skip
    np.testing.assert_array_equal(read_picture(path), linear(voi[modality[DEEP[..., 0]]], 0, 1023))


def test_signed(tmp_path: Path) -> None:
    """Signed values of twelve bits; what stands in the unused bits is no part of them."""
    values = (DEEP.astype(np.int16) - 2048).astype(np.int16)
    stored = (values & 0x0FFF) | (RNG.integers(0, 8, values.shape).astype(np.int16) << 12)
    expected = linear(values[..., 0].astype(int), -1000, 1000)
    for name, pixels in (("a", values), ("b", stored.astype(np.int16))):
        path = dicom_file(tmp_path / name, pixels, 12)
        np.testing.assert_array_equal(read_picture(path, window=Window.parse("-1000,1000")), expected)


def test_padding_is_no_value(tmp_path: Path) -> None:
    """The value around the picture does not count for percentiles."""
    values = DEEP.copy()
    values[:15] = 0
    path = dicom_file(tmp_path / "x", values, 12, PixelPaddingValue=0)
    low, high = np.percentile(values[values > 0], (0.5, 99.5))
    expected = np.floor(np.clip((values[..., 0] - low) * 255 / (high - low), 0, 255) + 0.5)
    np.testing.assert_array_equal(read_picture(path, window=Window.parse("percentiles")), expected)
    path = dicom_file(tmp_path / "y", values * 0, 12, PixelPaddingValue=0)
    says("only padding", lambda: read_picture(path, window=Window.parse("percentiles")))


def test_big_endian(tmp_path: Path) -> None:
    """The retired big-endian syntax gives the same values."""
    path = dicom_file(tmp_path / "x", DEEP.astype(">u2"), 12, syntax="1.2.840.10008.1.2.2", little=False)
    np.testing.assert_array_equal(
        read_picture(path, window=Window.parse("full")), linear(DEEP[..., 0], 0, 4095)
    )


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"])
def test_other_syntaxes(tmp_path: Path, syntax: str) -> None:
    """Deflated files, and run-length coding."""
    path = dicom_file(tmp_path / "x", DEEP, 12)
    dataset = pydicom.dcmread(path)
    if syntax.endswith(".5"):
        dataset.compress(syntax)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    image = read_picture(path, window=Window.parse("full"))
    np.testing.assert_array_equal(image, linear(DEEP[..., 0], 0, 4095))


def test_frames(tmp_path: Path) -> None:
    """Several frames are refused, or read one by one with what each says of itself."""
    path = dicom_file(tmp_path / "x", DEEP, 12, frames=3)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = b"".join((DEEP + one).tobytes() for one in range(3))
    dataset.SharedFunctionalGroupsSequence = sequence(
        PixelValueTransformationSequence=sequence(RescaleSlope="2", RescaleIntercept="0", RescaleType="US")
    )
    dataset.PerFrameFunctionalGroupsSequence = pydicom.Sequence(
        sequence(FrameVOILUTSequence=sequence(WindowCenter=str(1000 * (one + 1)), WindowWidth="2001"))[0]
        for one in range(3)
    )
    dataset.save_as(path)
    assert frame_count(path) == 3
    says("holds 3 frames: save the one", lambda: read_picture(path), lambda: picture_channels(path))
    for one in range(3):
        expected = windowed((DEEP[..., 0] + one) * 2.0, 1000 * (one + 1), 2001)
        np.testing.assert_array_equal(read_picture(path, frame=one), expected)
    says("has no frame 3: its frames are 0 to 2", lambda: read_picture(path, frame=3))


def test_table_of_a_frame(tmp_path: Path) -> None:
    """Tables of a frame's own, deep inside an enhanced file."""
    voi = np.sort(RNG.integers(0, 256, 4096))
    groups = sequence(FrameVOILUTSequence=sequence(VOILUTSequence=sequence(**table(0, 8, voi))))
    path = dicom_file(tmp_path / "x", DEEP, 12, PerFrameFunctionalGroupsSequence=groups)
    np.testing.assert_array_equal(read_picture(path), voi[DEEP[..., 0]])


def test_colours(tmp_path: Path) -> None:
    """RGB, planes, YCbCr, a palette of small numbers, a JPEG inside."""
    np.testing.assert_array_equal(read_picture(dicom_file(tmp_path / "a", RGB, 8, "RGB")), RGB, strict=True)
    path = dicom_file(tmp_path / "b", RGB, 8, "RGB", planar=True)
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)
    light = np.asarray(Image.fromarray(RGB).convert("YCbCr"))
    path = dicom_file(tmp_path / "c", light, 8, "YBR_FULL")
    assert np.abs(read_picture(path).astype(int) - RGB).max() <= 3
    names = {f"{name}PaletteColorLookupTableData": PALETTE[:, place].astype(np.uint16).tobytes()
             for place, name in enumerate(("Red", "Green", "Blue"))}  # fmt: skip
    path = dicom_file(tmp_path / "d", GREY, 8, "PALETTE COLOR", **names)
    np.testing.assert_array_equal(read_picture(path), PALETTE[GREY[..., 0]], strict=True)
    assert not shows_grey(path)
    path = dicom_file(tmp_path / "e", RGB.astype(np.uint16), 8, "RGB")
    np.testing.assert_array_equal(read_picture(path), RGB, strict=True)
    says("stores colours of 6 bits", lambda: read_picture(dicom_file(tmp_path / "f", RGB >> 2, 6, "RGB")))


@pytest.mark.parametrize("kind", ["bytes", "segments", "big-endian", "alpha"])
def test_palettes(tmp_path: Path, kind: str) -> None:
    """Entries of eight bits for values of sixteen, tables in segments, big-endian ones; alpha is refused."""
    values = RNG.integers(0, 700, (21, 37, 1), dtype=np.uint16)
    expected = PALETTE[np.minimum(values[..., 0], 255)]
    elements: dict[str, Any] = {}
    for place, name in enumerate(("Red", "Green", "Blue")):
        column, prefix = PALETTE[:, place], f"{name}PaletteColorLookupTable"
        elements[f"{prefix}Descriptor"] = [256, 0, 8 if kind in {"bytes", "alpha"} else 16]
        wide = column.astype(np.uint16) * 257
        data = {"segments": np.array([0, 256, *wide], "<u2"), "big-endian": wide.astype(">u2")}.get(
            kind, column
        )
        elements[f"{'Segmented' * (kind == 'segments')}{prefix}Data"] = data.tobytes()
    if kind == "alpha":
        elements["AlphaPaletteColorLookupTableData"] = bytes(256)
    big = {"syntax": "1.2.840.10008.1.2.2", "little": False} if kind == "big-endian" else {}
    stored = values.astype(">u2") if big else values
    path = dicom_file(tmp_path / "x", stored, 16, "PALETTE COLOR", **big, tables=False, **elements)
    if kind == "alpha":
        says("has a palette with alpha", lambda: read_picture(path))
    else:
        np.testing.assert_array_equal(read_picture(path), expected, strict=True)


@pytest.mark.parametrize("keep_rgb", [False, True])
def test_jpeg_inside(tmp_path: Path, keep_rgb: bool) -> None:
    """The colours of a JPEG are those its own marks say; a file that says others is refused."""
    y, x = np.mgrid[:22, :38]
    smooth = np.dstack([5 * x, 11 * y, 100 + x]).astype(np.uint8)
    data = as_bytes(Image.fromarray(smooth), "JPEG", quality=98, subsampling=0, keep_rgb=keep_rgb)
    right, wrong = ("RGB", "YBR_FULL_422") if keep_rgb else ("YBR_FULL_422", "RGB")
    path = dicom_file(tmp_path / "a", smooth, 8, right, syntax=BASELINE, data=data)
    assert np.abs(read_picture(path).astype(int) - smooth).max() <= 5
    path = dicom_file(tmp_path / "b", smooth, 8, wrong, syntax=BASELINE, data=data)
    says(f"says {wrong}, and its JPEG data say", lambda: read_picture(path))


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.4.51", "JPEG Extended"),
        ("1.2.840.10008.1.2.4.70", "JPEG Lossless"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
    ],
)
def test_nothing_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syntax: str, name: str) -> None:
    """A compression that nothing installed can undo is named, with what to install."""
    from pydicom.pixels.decoders.base import Decoder

    if name != "JPEG Extended":  # Pillow's plugin remains, which reads no 12 bits
        monkeypatch.setattr(Decoder, "is_available", False)
    path = dicom_file(tmp_path / "x", DEEP, 12, syntax=syntax, data=b"\xff\xd8\xff\xd9")
    says(f"as {name}", lambda: picture_channels(path), lambda: read_picture(path))


@pytest.mark.parametrize(
    ("elements", "text"),
    [
        ({"PhotometricInterpretation": "HSV"}, "holds 1 channels of HSV colours"),
        ({"HighBit": 13}, "highest bit in bit 13"),
        ({"PresentationLUTShape": "INVERSE"}, "says MONOCHROME2 and the opposite"),
        ({"PixelPresentation": "COLOR"}, "colours its grey values"),
        ({"WindowCenter": "5", "WindowWidth": "1"}, "an invalid window of its own"),
        (
            {"WindowCenter": "5", "WindowWidth": "9", "VOILUTFunction": "OTHER"},
            "an invalid window of its own",
        ),
        ({"BitsAllocated": 32}, "stores 12 of 32 bits"),
        ({}, "has more than 8 bits a channel (12): give a window"),
    ],
)
def test_refused(tmp_path: Path, elements: dict[str, Any], text: str) -> None:
    """Kinds that would need a guess."""
    path = dicom_file(tmp_path / "x", DEEP, 12, **elements)
    says(text, lambda: read_picture(path))


def test_rescaled_eight_bits(tmp_path: Path) -> None:
    """Eight bits that stand for other values need a window too."""
    path = dicom_file(tmp_path / "x", GREY, 8, RescaleSlope="3", RescaleIntercept="0")
    says("has signed or rescaled values (8 bits): give a window", lambda: read_picture(path))
    image = read_picture(path, window=Window.parse("0,765"))
    np.testing.assert_array_equal(image, GREY[..., 0])


def test_no_picture(tmp_path: Path) -> None:
    """A report is no picture; neither is the head of a TIFF before a DICOM file's mark."""
    path = dicom_file(tmp_path / "x", GREY, 8)
    data = b"II*\0\x08\0\0\0".ljust(128, b"\0") + path.read_bytes()[128:]
    (tmp_path / "both").write_bytes(data)
    np.testing.assert_array_equal(read_picture(tmp_path / "both"), GREY[..., 0])
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    says("holds Secondary Capture", lambda: read_picture(path))


def test_damaged(tmp_path: Path) -> None:
    """A file that is cut short."""
    path = dicom_file(tmp_path / "x", DEEP, 12)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"x is not a whole DICOM image \(damaged: .*\): replace it"):
        read_picture(path, window=Window.parse("full"))


def test_without_the_extra(tmp_path: Path) -> None:
    """Without pydicom the sentence names the extra."""
    path = dicom_file(tmp_path / "x", GREY, 8)
    script = (
        "import sys\nsys.modules['pydicom'] = None\nfrom medimeta_c import read_image\n"
        f"try:\n    read_image({str(path)!r})\nexcept ImportError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    remedy = "in a clone of the repository, pip install ./corruptions '.[dicom]'"
    assert run.stdout.strip() == f"{path} is a DICOM file; reading it needs the 'dicom' extra: {remedy}"
