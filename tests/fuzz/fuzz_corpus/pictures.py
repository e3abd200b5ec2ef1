"""Pictures of every kind that is read, and of many that are refused, by the table of `sources/pictures`."""

from __future__ import annotations

import contextlib
import shutil
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

_KINDS = {
    **{"PNG": "png", "JPEG": "jpg", "TIFF": "tiff", "BMP": "bmp", "GIF": "gif", "WebP": "webp"},
    **{"JPEG 2000": "jp2", "AVIF": "avif", "DICOM": "dcm"},
}


def write_pictures(root: Path) -> None:
    """Write pictures as shards have them, and one of each kind that people bring."""
    from medimeta_c.format.png import encode

    draw = np.random.Generator(np.random.Philox(key=3))
    values = draw.integers(0, 256, (9, 11), dtype=np.uint8)
    colours = draw.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    folder = root / "pictures"
    folder.mkdir()
    Image.fromarray(values).save(folder / "picture.gif")
    (folder / "stored.png").write_bytes(encode(values))
    (folder / "stored-rgb.png").write_bytes(encode(colours))
    _write_matrix(folder)
    _write_bmps(folder / "bmp")
    if find_spec("pydicom") is not None:
        _write_dicoms(folder / "dcm")


def _write_matrix(folder: Path) -> None:
    """Write a picture of each kind of file that can be written here."""
    import pytest
    from matrix import cells
    from written import write

    for kind in _KINDS.values():
        (folder / kind).mkdir()
    for number, (name, bits, colours, layout, rule) in enumerate(cells()):
        kind = _KINDS[name]
        if rule.untested:
            continue
        with contextlib.suppress(pytest.skip.Exception):  # without the library that writes it
            made = write(folder / kind, name, bits, colours, layout)
            made.path.replace(folder / kind / f"{number:03d}.{kind}")
            if (bits, colours, layout) == ("8", "RGB", "contiguous") and rule.fate == "read":
                shutil.copy(folder / kind / f"{number:03d}.{kind}", folder / f"picture.{kind}")


def _write_bmps(folder: Path) -> None:
    """Write what the table does not tell apart: a palette, old headers, a fourth byte, masks of 16 bits."""
    import handmade

    palette = bytes(range(256)) * 4
    pixels = bytes(range(64))
    old = struct.pack("<IIIIHHHH", 26 + 768 + 64, 0, 26 + 768, 12, 8, 8, 1, 8)
    for name, data in {
        "palette": handmade.bmp(pixels, 8, 8, 8, palette=palette),
        "fourth": handmade.bmp(pixels, 4, 4, 32),
        "filled": handmade.bmp(b"abc\xff" * 16, 4, 4, 32),
        "masks": handmade.bmp(pixels + bytes(16), 8, 4, 16, compression=3),
        "old": b"BM" + old + palette[:768] + pixels,
    }.items():
        (folder / f"{name}.bmp").write_bytes(data)


def _write_dicoms(folder: Path) -> None:
    """Write what the table does not tell apart: how stored values become shades, and data as JPEG."""
    from pydicom.dataset import Dataset
    from written import as_bytes, dicom_file

    draw = np.random.Generator(np.random.Philox(key=4))
    grey = draw.integers(0, 256, (9, 11, 1), dtype=np.uint8)
    deep = draw.integers(-900, 2000, (9, 11, 1), dtype=np.int16)
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 8], bytes(range(256))
    window = {"WindowCenter": 100, "WindowWidth": 80}
    ct = {"RescaleSlope": 2, "RescaleIntercept": -100, "PixelPaddingValue": -900}
    dicom_file(folder / "window.dcm", grey, 8, "MONOCHROME1", **window)
    dicom_file(folder / "frames.dcm", grey, 8, frames=2)
    dicom_file(folder / "sigmoid.dcm", deep, 16, **window, **ct, VOILUTFunction="SIGMOID")
    dicom_file(folder / "exact.dcm", deep, 16, **window, VOILUTFunction="LINEAR_EXACT")
    dicom_file(folder / "padded.dcm", deep, 16, **ct)
    dicom_file(folder / "shown.dcm", grey, 8, VOILUTSequence=[table])
    dicom_file(folder / "looked-up.dcm", grey, 8, ModalityLUTSequence=[table])
    dicom_file(folder / "float.dcm", grey.astype(np.float32), 32, **window)
    jpeg = as_bytes(Image.fromarray(np.repeat(grey, 3, axis=2)), "JPEG")
    for colours in ("YBR_FULL_422", "RGB"):
        dicom_file(
            folder / f"{colours}.dcm",
            np.repeat(grey, 3, axis=2),
            8,
            colours,
            syntax="1.2.840.10008.1.2.4.50",
            data=jpeg,
        )
