"""MedIMeta's two forms of the same pixels: one HDF5 dataset, or one TIFF per row."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medimeta_c.errors import SourceError, short
from medimeta_c.format.keys import Image
from medimeta_c.sources.hdf5 import forget_images, open_images
from medimeta_c.sources.pictures import picture_channels, read_picture
from medimeta_c.sources.rows import row_id

__all__ = ["Hdf5Images", "TiffImages"]


class Hdf5Images:
    """The dataset ``images`` of an HDF5 file, read a row at a time.

    The file is opened on first use and once per process: an open HDF5 handle survives neither pickling
    nor a fork.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Attributes
    ----------
    rows, channels : int
        Number of images, and 1 (grey) or 3 (RGB).

    Raises
    ------
    SourceError
        If the file is damaged, has no such dataset, keeps it in another file, or in another form.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: Any = None
        self._process = 0
        self._copied = False
        try:
            shape = self._dataset().shape
        finally:
            self.close()
        self.rows = int(shape[0])
        self.channels: Literal[1, 3] = 1 if len(shape) == 3 else 3

    def image(self, row: int) -> Image:
        """Return the pixels of a row, freshly allocated."""
        try:
            return np.asarray(self._dataset()[row], dtype=np.uint8)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise SourceError(
                f"{self._path} has no readable row {row} ({short(error)}): replace the file"
            ) from error

    def files(self, rows: Sequence[int]) -> list[str]:
        """Return the names of the files that hold some rows, relative to the dataset's folder."""
        del rows  # one file holds them all
        return [self._path.name]

    def close(self) -> None:
        """Close the file; it is opened again when next needed."""
        self._handle = None
        forget_images(self._path)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None, "_copied": True}

    def _dataset(self) -> Any:
        if self._process != os.getpid():
            # Let go of an inherited handle first, or HDF5 finds the file open and shares it with the parent.
            self._handle = None
        if self._handle is None:
            self._handle = open_images(self._path, keep=self._copied)
            self._process = os.getpid()
        return self._handle


class TiffImages:
    """One TIFF file per row: ``images/000123.tiff``.

    Parameters
    ----------
    folder : pathlib.Path
        The dataset's folder.
    channels : int or None
        1 or 3, or None to ask the first file.

    Attributes
    ----------
    rows, channels : int
        Number of images, and 1 (grey) or 3 (RGB).

    Raises
    ------
    SourceError
        If there are no TIFF files, their numbers have gaps, or the first one is not an image.
    """

    def __init__(self, folder: Path, channels: Literal[1, 3] | None) -> None:
        self._folder = folder
        with os.scandir(folder / "images") as entries:
            names = {entry.name for entry in entries if entry.name.endswith(".tiff")}
        self.rows = len(names)
        for row in range(self.rows):
            if f"{row_id(row)}.tiff" not in names:
                raise SourceError(
                    f"{folder / 'images'} holds {self.rows} TIFF files but no {row_id(row)}.tiff: "
                    "move the dataset's folder away and extract its archive again"
                )
        if not names:
            raise SourceError(
                f"{folder / 'images'} holds no TIFF file, and {folder / 'images.hdf5'} is missing: "
                "move the dataset's folder away and extract its archive again"
            )
        self.channels = picture_channels(self._path(0)) if channels is None else channels

    def image(self, row: int) -> Image:
        """Return the pixels of a row, freshly allocated."""
        return read_picture(self._path(row), channels=self.channels)

    def files(self, rows: Sequence[int]) -> list[str]:
        """Return the names of the files that hold some rows, relative to the dataset's folder."""
        return [f"images/{row_id(row)}.tiff" for row in rows]

    def close(self) -> None:
        """Do nothing: no file stays open between images."""

    def _path(self, row: int) -> Path:
        return self._folder / "images" / f"{row_id(row)}.tiff"
