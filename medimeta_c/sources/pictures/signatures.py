"""Recognise a file's format by its first bytes; for other formats, name the tool that converts them."""

from __future__ import annotations

import zlib
from pathlib import Path

from medimeta_c.sources.pictures.header import Damage, Refusal

__all__ = ["READ", "recognise"]

READ = "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, AVIF or DICOM"

# Where a format's mark begins, the mark, and the format's name in Pillow.
_READ = (
    (128, b"DICM", "DICOM"),  # before it anything may stand, even the head of a TIFF
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"WEBP", "WEBP"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG2000"),
    (8, b"avif", "AVIF"),
    (8, b"avis", "AVIF"),
)
_MAGICK = "convert it to PNG with ImageMagick (magick)"
_SLICES = "save the slices to use as PNG with 3D Slicer or nibabel"
_VIDEO = "save the frames to use as PNG with ffmpeg"
_UNPACK = "unpack it and name the pictures in it"
_ARRAY = "save its images as PNG with Python"
_SCANNER = "save its pages as PNG with Fiji (Bio-Formats)"

# Marks of whole files that are no pictures to us: not broken, only of another format.
_OTHERS = (
    (0, b"<svg", "a drawing (SVG)", "draw it as PNG with Inkscape or rsvg-convert"),
    (4, b"ftyphei", "a HEIC photograph", "convert it to PNG with heif-convert (libheif)"),
    (4, b"ftyphev", "a HEIC photograph", "convert it to PNG with heif-convert (libheif)"),
    (4, b"ftypmif1", "a HEIF photograph", "convert it to PNG with heif-convert (libheif)"),
    (4, b"ftypmsf1", "a HEIF photograph", "convert it to PNG with heif-convert (libheif)"),
    (4, b"ftypcrx", "a camera's raw file (CR3)", "develop it to PNG with darktable or RawTherapee"),
    (4, b"ftyp", "a video (MP4 or QuickTime)", _VIDEO),
    (0, b"\x1aE\xdf\xa3", "a video (WebM or Matroska)", _VIDEO),
    (8, b"AVI ", "a video (AVI)", _VIDEO),
    (344, b"n+1\0", "a volume (NIfTI)", _SLICES),
    (344, b"ni1\0", "a volume's header (NIfTI)", _SLICES),
    (4, b"n+2\0", "a volume (NIfTI-2)", _SLICES),
    (0, b"\x5c\x01\0\0", "a volume's header (Analyze)", _SLICES),
    (0, b"NRRD000", "a volume (NRRD)", _SLICES),
    (0, b"ObjectType = Image", "a volume (MHA or MHD)", _SLICES),
    (0, b"NDims = ", "a volume (MHA or MHD)", _SLICES),
    (0, b"8BPS", "a Photoshop file (PSD)", _MAGICK),
    (0, b"v/1\x01", "a high dynamic range picture (OpenEXR)", _MAGICK),
    (0, b"#?RADIANCE", "a high dynamic range picture (Radiance HDR)", _MAGICK),
    (0, b"gimp xcf", "a GIMP file (XCF)", "export it as PNG with GIMP"),
    (0, b"\xff\x0a", "a JPEG XL picture", "convert it to PNG with djxl (libjxl)"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", "convert it to PNG with djxl (libjxl)"),
    (0, b"II\xbc\x01", "a JPEG XR picture", _MAGICK),
    (0, b"\0\0\x01\0", "an icon (ICO)", _MAGICK),
    (0, b"DDS ", "a texture (DDS)", _MAGICK),
    (0, b"qoif", "a QOI picture", _MAGICK),
    (0, b"SIMPLE  =", "a FITS file", _ARRAY),
    (0, b"ZISRAWFILE", "a microscope's file (CZI)", _SCANNER),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE container (OIB, ZVI or an office file)", _SCANNER),
    (0, b"%PDF-", "a PDF document", "save the pages to use as PNG with pdftoppm (poppler)"),
    (0, b"%!PS", "a PostScript file", "draw it as PNG with Ghostscript"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"BZh", "compressed with bzip2", _UNPACK),
    (0, b"\xfd7zXZ\0", "compressed with xz", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed with Zstandard", _UNPACK),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _ARRAY),
    (0, b"CDF\x01", "a netCDF file (MINC)", _SLICES),
    (0, b"\x93NUMPY", "a NumPy array", _ARRAY),
    (0, b"MATLAB 5.0", "a MATLAB file", _ARRAY),
    (0, b"PAR1", "a Parquet table", _ARRAY),
    (0, b"version https://git-lfs", "a Git LFS pointer in place of the picture", "run git lfs pull"),
    (0, b"<!doctype html", "a web page", "download the picture itself"),
    (0, b"<html", "a web page", "download the picture itself"),
    *((0, b"P%d%c" % (kind, end), "a Netpbm picture", _MAGICK) for kind in range(1, 8) for end in b"\n\r \t"),
)


def recognise(head: bytes, path: Path) -> str:
    """Return the format of a file that begins with some bytes (a kilobyte is enough), as Pillow calls it.

    Raises
    ------
    Refusal
        If it is whole but of a format that is not read: which, and what converts it.
    Damage
        If it is empty.
    """
    if not head.strip(b"\0"):
        raise Damage("the file is empty" if not head else "it begins with nothing but zeros")
    for offset, mark, name in _READ:
        if head.startswith(mark, offset) and (name != "WEBP" or head.startswith(b"RIFF")):
            return name
    if head.startswith(b"ftyp", 4) and b"avif" in head[16:64]:
        return "AVIF"
    if head.startswith(b"\x1f\x8b"):
        _refuse_gzip(head, path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text:
        text = b"<svg"
    for offset, mark, name, remedy in _OTHERS:
        if head.startswith(mark, offset) or (offset == 0 and text.startswith(mark)):
            raise Refusal(f"is {name}, which is not read as a picture: {remedy}")
    # A DICOM file without its preamble begins with an element of group 2 or 8, of some type or short length.
    group = head[:2] in {b"\x02\0", b"\x08\0"} and head[3:4] == b"\0"
    if group and (head[4:6].isalpha() or not any(head[6:8])):
        raise Refusal("seems to be DICOM without its preamble: write it anew as a DICOM file (dcmconv)")
    raise Refusal(f"is not of a format known here: give a {READ} file")


def _refuse_gzip(head: bytes, path: Path) -> None:
    try:
        inside = zlib.decompressobj(31).decompress(head, 1024)
    except zlib.error:
        inside = b""
    if path.name.lower().endswith(".nii.gz") or inside[344:347] in (b"n+1", b"ni1") or inside[4:7] == b"n+2":
        raise Refusal(f"is a volume (NIfTI, compressed), which is not read as a picture: {_SLICES}")
    raise Refusal(f"is compressed with gzip: {_UNPACK}")
