"""Open the images of an HDF5 file, with a cache that fits their chunks.

HDF5 decompresses a chunk whole, and its own cache of 1 MB holds none that has several images: each image
would decompress its chunk again. A worker keeps the file it read last open, because the tasks of a build are
sent to it one by one, each with a copy of the source.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medimeta_c.errors import SourceError, short
from medimeta_c.io.files import identity
from medimeta_c.sources.pictures import MAX_PIXELS

__all__ = ["forget_images", "open_images"]

_WHOLE_BYTES = 256 << 20
"""All chunks of a file are kept if they have no more bytes than this."""

_SLAB_BYTES = 1 << 30
"""Otherwise the chunks that an image is part of are, up to this; a single larger one is kept too, since
reading a row of it takes as much memory."""

_WEIGHT = 0.75  # h5py's own: how much sooner a chunk that was read whole is dropped


@dataclass(frozen=True, slots=True)
class _Open:
    """The dataset of a file, as this process opened it."""

    path: Path
    identity: tuple[int, ...] | None
    process: int
    dataset: Any


_last: list[_Open] = []


def open_images(path: Path, *, keep: bool = False) -> Any:
    """Return the dataset ``images`` of a file, opened in this process.

    Parameters
    ----------
    path : Path
        The file.
    keep : bool, optional
        Keep it open for the next caller that asks so, until that one reads another file.

    Raises
    ------
    SourceError
        If the file is damaged, has no such dataset, keeps it in another file, or in another form.
    """
    if not keep:
        return _opened(path)
    now = identity(path)
    for each in _last:
        if (each.path, each.identity, each.process) == (path, now, os.getpid()) and each.dataset:
            return each.dataset
    _last.clear()  # before opening: HDF5 would share an inherited handle with the parent
    dataset = _opened(path)
    _last.append(_Open(path, now, os.getpid(), dataset))
    return dataset


def forget_images(path: Path) -> None:
    """Let go of a file; it is closed when nobody else reads it."""
    _last[:] = [each for each in _last if each.path != path]


def _opened(path: Path) -> Any:
    import h5py  # noqa: PLC0415  (keeps `--help` fast)

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SourceError(f"{path} is not a complete HDF5 file ({short(error)}): replace it") from error
    try:
        access = _cache(*_checked(path, file))
        # Of a dataset that may be written to, h5py asks for shape and type anew at every row.
        return h5py.Dataset(h5py.h5d.open(file.id, b"images", dapl=access), readonly=True)
    except (SourceError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        file.close()
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path} is damaged HDF5 ({short(error)}): replace it") from error


def _checked(path: Path, file: Any) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return the shape of the images and of their chunks, checked."""
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
    return shape, dataset.chunks


def _cache(shape: tuple[int, ...], chunks: tuple[int, ...] | None) -> Any:
    """Return access properties of a dataset whose cache holds every chunk that an image is part of."""
    import h5py  # noqa: PLC0415

    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    if chunks is not None:
        chunk = math.prod(chunks)
        across = [-(-size // of) for size, of in zip(shape, chunks, strict=True)]
        slab = chunk * math.prod(across[1:])
        whole = slab * across[0]
        size = whole if whole <= _WHOLE_BYTES else max(chunk, min(slab, _SLAB_BYTES))
        slots = min(max(521, 10 * size // chunk), 1_000_000) | 1
        access.set_chunk_cache(slots, size, _WEIGHT)
    return access
