"""Read picture files of any common format, or refuse them with a reason."""

from __future__ import annotations

from medimeta_c.sources.pictures.header import MAX_PIXELS, Refusal
from medimeta_c.sources.pictures.reading import (
    Mode,
    converted,
    frame_count,
    picture_channels,
    picture_headers,
    read_image,
    read_picture,
    shows_grey,
)
from medimeta_c.sources.pictures.window import Window

__all__ = [
    "DICOM_SUFFIXES",
    "MAX_PIXELS",
    "SUFFIXES",
    "Mode",
    "Refusal",
    "Window",
    "converted",
    "frame_count",
    "picture_channels",
    "picture_headers",
    "read_image",
    "read_picture",
    "shows_grey",
]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".avif")
"""File name endings of pictures, in lower case."""

DICOM_SUFFIXES = (".dcm", ".dicom")
"""File name endings of DICOM files, in lower case; often they have none."""
