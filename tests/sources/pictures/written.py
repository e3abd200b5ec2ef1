"""A file of each kind of the matrix, and what is stored in it."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from PIL import Image, features

HEIGHT, WIDTH = 21, 37
TOP = {"1": 1, "8": 255, "12": 4095, "16": 65535}
SAMPLES = {"grey": 1, "grey+alpha": 2, "palette": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}
PALETTE = np.random.default_rng(5).integers(0, 256, (256, 3), dtype=np.uint8)


@dataclass
class Written:
    """A file, its stored values upright and without alpha, and how far a lossy format may be off."""

    path: Path
    stored: np.ndarray
    off: int = 0


def write(folder: Path, name: str, bits: str, colours: str, layout: str, *, opaque: bool = True) -> Written:
    """Write a file, or skip the test where nothing here can."""
    samples = SAMPLES.get(colours) or int(colours[0])
    values = picture(bits, samples, smooth=name in {"JPEG", "WebP", "AVIF"})
    if colours in {"grey+alpha", "RGBA"}:
        values[..., -1] = 1.0 if bits == "float" else min(TOP[bits], np.iinfo(values.dtype).max)
        if not opaque:
            values[3, 4, -1] = 0
    suffix = {"JPEG": "jpg", "TIFF": "tif", "JPEG 2000": "jp2", "DICOM": "dcm"}.get(name, name.lower())
    path = folder / f"x.{suffix}"
    writer = {"PNG": png, "JPEG": jpeg, "TIFF": tiff, "BMP": bmp, "GIF": gif, "WebP": webp,
              "JPEG 2000": jpeg2000, "AVIF": avif, "DICOM": dicom}[name]  # fmt: skip
    off = writer(path, values, bits, colours, layout) or 0
    stored = values[..., 0] if samples < 3 else values[..., :3]
    if colours == "palette":
        stored = PALETTE[stored.astype(int) & 255]
    return Written(path, np.rot90(stored, -1) if layout == "rotated" else stored, off)


def picture(bits: str, samples: int, *, smooth: bool = False) -> np.ndarray:
    """A picture of (H, W, samples): random, or smooth for lossy formats."""
    shape = (HEIGHT, WIDTH, samples)
    if smooth:
        y, x, c = np.indices(shape)
        return (60 + 2 * y + 3 * x + 5 * c).astype(np.uint8)
    rng = np.random.default_rng(11)
    if bits == "float":
        return rng.random(shape, dtype=np.float32)
    top = TOP[bits]
    return rng.integers(0, top + 1, shape, dtype=np.uint8 if top < 256 else np.uint16)


def exif(layout: str) -> dict[str, Any]:
    turned = Image.Exif()
    turned[0x0112] = 6
    return {"exif": turned} if layout == "rotated" else {}


def pillow(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)


def png(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    kind = {"grey": 0, "RGB": 2, "palette": 3, "grey+alpha": 4, "RGBA": 6}[colours]
    before = handmade.chunk(b"PLTE", PALETTE[: TOP[bits] + 1].tobytes()) if kind == 3 else b""
    if layout == "rotated":
        before += handmade.chunk(b"eXIf", exif(layout)["exif"].tobytes()[6:])
    frames = 2 if layout == "several pages" else 0
    path.write_bytes(handmade.png(values, bits=int(bits), colour=kind, before=before, frames=frames))


def jpeg(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> int:
    if bits != "8" or colours in {"2 channels", "5 channels"}:
        path.write_bytes(handmade.jpeg_start(int(bits), values.shape[2], 0xC3 if bits == "16" else 0xC1))
        return 0
    image = pillow(values) if values.shape[2] != 4 else Image.fromarray(values, "RGBA").convert("CMYK")
    if layout == "several pages":
        image.save(path, "MPO", save_all=True, append_images=[image])
    else:
        image.save(path, quality=98, subsampling=0, **exif(layout))
    return 4


def tiff(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    depth = {"float": 32}.get(bits) or int(bits)
    photometric = {"palette": 3, "RGB": 2, "RGBA": 2, "CMYK": 5}.get(
        colours, 2 if "4" in colours or "5" in colours else 1
    )
    tags: dict[int, Any] = {}
    if colours in {"grey+alpha", "RGBA"}:
        tags[338] = 2
    elif "channels" in colours:
        tags[338] = [0] * (values.shape[2] - (3 if photometric == 2 else 1))
    if colours == "palette" and depth <= 16:
        entries = np.zeros((1 << depth, 3), np.uint16)
        entries[:256] = PALETTE[: len(entries)].astype(np.uint16) * 257
        tags[320] = entries.T.ravel().tolist()[:65535]
    if layout == "rotated":
        tags[274] = 6
    path.write_bytes(
        handmade.tiff(
            [values] * (1 + (layout == "several pages")), bits=depth, photometric=photometric, tags=tags,
            planar=layout == "planar", tile=16 if layout == "tiled" else 0,
        )
    )  # fmt: skip


def bmp(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    flipped = values[::-1]
    palette = b""
    if colours in {"grey", "palette"}:
        grey = np.repeat(np.linspace(0, 255, TOP[bits] + 1).astype(np.uint8)[:, None], 3, axis=1)
        table = grey if colours == "grey" else PALETTE[: TOP[bits] + 1]
        palette = np.pad(table[:, ::-1], [(0, 0), (0, 1)]).tobytes()
    else:
        flipped = flipped[..., [2, 1, 0, 3][: values.shape[2]]]
    depth = int(bits) * values.shape[2]
    rows = np.frombuffer(handmade.packed(flipped, int(bits), "<"), np.uint8).reshape(HEIGHT, -1)
    data = np.pad(rows, [(0, 0), (0, -rows.shape[1] % 4)]).tobytes()
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if colours == "RGBA" else b""
    path.write_bytes(
        handmade.bmp(data, WIDTH, HEIGHT, depth, palette=palette, masks=masks, compression=3 if masks else 0)
    )


def gif(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    image = Image.fromarray(values[..., 0])
    if colours == "palette":
        image = image.convert("P")
        image.putpalette(PALETTE[: TOP[bits] + 1].tobytes())
    more = {"save_all": True, "append_images": [image.rotate(180)]} if layout == "several pages" else {}
    image.save(path, optimize=False, **more)


def webp(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> int:
    image = pillow(values)
    more = {"save_all": True, "append_images": [image.rotate(180)]} if layout == "several pages" else {}
    image.save(path, lossless=layout != "rotated", quality=100, **exif(layout), **more)
    return 6 if layout == "rotated" else 0


def jpeg2000(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    if bits == "8" and colours in {"grey", "grey+alpha", "RGB", "RGBA"}:
        tiles = {"tile_size": (16, 16)} if layout == "tiled" else {}
        pillow(values).save(path, irreversible=False, **tiles)
        return
    if colours == "grey" and bits != "1":
        imagecodecs = pytest.importorskip("imagecodecs")
        path.write_bytes(
            imagecodecs.jpeg2k_encode(
                values[..., 0], bitspersample=int(bits), reversible=True, codecformat="jp2"
            )
        )
        return
    # Everything else is refused by its header.
    header = handmade.box(b"pclr", bytes(8)) if colours == "palette" else b""
    if colours in {"grey+alpha", "RGBA"}:
        last = values.shape[2] - 1
        meanings = [
            struct.pack(">HHH", one, one == last, (one + 1) * (one < last)) for one in range(last + 1)
        ]
        header = handmade.box(b"cdef", struct.pack(">H", len(meanings)), *meanings)
    stream = handmade.codestream(int(bits), values.shape[2], 4 if layout == "tiled" else 8)
    path.write_bytes(handmade.jp2(stream, colours=12 if colours == "CMYK" else 0, header=header))


def avif(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> int:
    if "avif" not in features.modules or not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    image = pillow(values)
    more = {"save_all": True, "append_images": [image.rotate(180)]} if layout == "several pages" else {}
    image.save(
        path, quality=100, subsampling="4:0:0" if "grey" in colours else "4:4:4", **exif(layout), **more
    )
    if bits == "12" and layout != "several pages":
        head, *rest = path.read_bytes().split(b"av1C")
        path.write_bytes(b"av1C".join([head, *(b[:2] + bytes([b[2] | 0x60]) + b[3:] for b in rest)]))
    return 6


def dicom(path: Path, values: np.ndarray, bits: str, colours: str, layout: str) -> None:
    photometric = {"grey": "MONOCHROME2", "palette": "PALETTE COLOR", "RGBA": "ARGB"}.get(colours, colours)
    photometric = "RGB" if "channels" in colours else photometric
    values = values & 255 if colours == "palette" else values
    frames = 2 if layout == "several pages" else 1
    dicom_file(
        path,
        values,
        int(bits) if bits != "float" else 32,
        photometric,
        planar=layout == "planar",
        frames=frames,
    )


def dicom_file(
    path: Path,
    values: np.ndarray,
    bits: int,
    photometric: str = "MONOCHROME2",
    *,
    planar: bool = False,
    frames: int = 1,
    syntax: str = "1.2.840.10008.1.2.1",
    data: bytes | None = None,
    little: bool = True,
    tables: bool = True,
    **elements: Any,
) -> Path:
    """Write a DICOM file of values (H, W, samples), each frame the same."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    meta.TransferSyntaxUID = syntax
    file = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.Rows, file.Columns, file.SamplesPerPixel = values.shape
    file.PhotometricInterpretation = photometric
    file.BitsAllocated = 1 if bits == 1 else values.itemsize * 8
    whole = np.moveaxis(values, -1, 0) if planar else values
    if values.dtype.kind == "f":
        file.FloatPixelData = whole.tobytes() * frames
    else:
        file.BitsStored, file.HighBit = bits, bits - 1
        file.PixelRepresentation = int(values.dtype.kind == "i")
        file.PixelData = (
            np.packbits(whole, bitorder="little").tobytes() if bits == 1 else whole.tobytes()
        ) * frames
    if data is not None:
        file.PixelData = pydicom.encaps.encapsulate([data])
        file["PixelData"].is_undefined_length = True
    if values.shape[2] > 1:
        file.PlanarConfiguration = int(planar)
    if frames > 1:
        file.NumberOfFrames = frames
    if photometric == "PALETTE COLOR" and tables:
        size = min(1 << bits, 1 << 16)
        for channel, name in enumerate(("Red", "Green", "Blue")):
            table = np.zeros(size, np.uint16)
            table[:256] = PALETTE[:, channel].astype(np.uint16) * 257
            setattr(file, f"{name}PaletteColorLookupTableDescriptor", [size % 65536, 0, 16])
            setattr(file, f"{name}PaletteColorLookupTableData", table.tobytes())
    for name, value in elements.items():
        setattr(file, name, value)
    pydicom.dcmwrite(path, file, enforce_file_format=True, implicit_vr=False, little_endian=little)
    return path


def as_bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image as a file's bytes."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
