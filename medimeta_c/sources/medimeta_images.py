"""MedIMeta's two forms of the same pixels: one HDF5 dataset, or one TIFF per row."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medimeta_c.errors import SourceError, short
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures import MAX_PIXELS, picture_channels, read_picture
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
        if self._handle is not None and self._process == os.getpid():
            self._handle.file.close()
        self._handle = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    def _dataset(self) -> Any:
        if self._process != os.getpid():
            # Let go of an inherited handle first, or HDF5 finds the file open and shares it with the parent.
            self._handle = None
        if self._handle is None:
            self._handle = _open_images(self._path)
            self._process = os.getpid()
        return self._handle


def _open_images(path: Path) -> Any:
    import h5py  # noqa: PLC0415  (keeps `--help` fast)

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SourceError(f"{path} is not a complete HDF5 file ({short(error)}): replace it") from error
    try:
        dataset = _checked(path, file)
    except (SourceError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        file.close()
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path} is damaged HDF5 ({short(error)}): replace it") from error
    return dataset


def _checked(path: Path, file: Any) -> Any:
    import h5py  # noqa: PLC0415

    link = file.get("images", getlink=True)
    if link is None:
        names = ", ".join(repr(name) for name in file) or "nothing"
        raise SourceError(f"{path} holds {names} and no dataset 'images': it is not MedIMeta's, replace it")
    # A link or a mapping could name any file of this machine, and its bytes would be published.
    if not isinstance(link, h5py.HardLink):
        raise SourceError(f"{path} has a link to other data in place of 'images': refused, replace it")
    dataset = file["images"]
    if not isinstance(dataset, h5py.Dataset):
        raise SourceError(f"{path} has a group in place of the dataset 'images': replace it")
    if dataset.is_virtual or dataset.external:
        raise SourceError(f"{path} keeps the pixels of 'images' in other files: refused, replace it")
    shape: tuple[int, ...] = dataset.shape or ()
    if dataset.dtype != np.uint8:
        raise SourceError(f"{path} has images of type {dataset.dtype} where uint8 is needed: replace it")
    whole = len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)
    if not whole or 0 in shape or shape[1] * shape[2] > MAX_PIXELS:
        raise SourceError(
            f"{path} has images of shape {shape} where (N, H, W) or (N, H, W, 3) is needed: replace it"
        )
    return dataset


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
