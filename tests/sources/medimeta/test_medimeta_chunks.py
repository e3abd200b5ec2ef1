"""HDF5 files in chunks: the same pixels, each chunk decompressed once, in bounded memory."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from medimeta_c.sources import hdf5
from medimeta_c.sources.medimeta_images import Hdf5Images

ROWS = 40
SHAPES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((ROWS, 64, 64, 3), {}),
    ((ROWS, 64, 64, 3), {"chunks": (ROWS, 64, 64, 3), "compression": "gzip", "shuffle": True}),
    ((ROWS, 64, 64, 3), {"chunks": (7, 64, 64, 3), "compression": "gzip"}),
    ((ROWS, 64, 64), {"chunks": (9, 20, 30), "compression": "lzf", "fletcher32": True}),
]


def written(path: Path, shape: tuple[int, ...], options: dict[str, Any]) -> np.ndarray:
    data = np.random.Generator(np.random.Philox(key=3)).integers(0, 256, shape, dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=data, **options)
    return data


@pytest.mark.parametrize(("shape", "options"), SHAPES)
@pytest.mark.parametrize("bytes_kept", [1 << 28, 1000])
def test_every_layout_has_the_same_pixels(
    tmp_path: Path,
    shape: tuple[int, ...],
    options: dict[str, Any],
    bytes_kept: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read in order and at random, whether all chunks are kept or only those of an image."""
    monkeypatch.setattr(hdf5, "_WHOLE_BYTES", bytes_kept)
    data = written(tmp_path / "images.hdf5", shape, options)
    images = Hdf5Images(tmp_path / "images.hdf5")
    order = [*range(ROWS), *np.random.Generator(np.random.Philox(key=4)).permutation(ROWS)]
    for row in order:
        assert np.array_equal(images.image(int(row)), data[row])
    images.close()


def cache_of(dataset: h5py.Dataset) -> int:
    return int(dataset.id.get_access_plist().get_chunk_cache()[1])


@pytest.mark.parametrize(
    ("chunks", "kept"),
    [
        ((ROWS, 64, 64, 3), ROWS * 64 * 64 * 3),  # one chunk: whole, beyond every limit
        ((10, 64, 64, 3), 10 * 64 * 64 * 3),  # the chunk of an image
        ((10, 32, 64, 3), 10 * 64 * 64 * 3),  # both chunks that an image is part of
        ((10, 64, 64, 1), 10 * 64 * 64 * 2),  # three of them are more than the limit
    ],
)
def test_the_cache_holds_the_chunks_of_an_image(
    tmp_path: Path, chunks: tuple[int, ...], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the whole file is too large; never more than the limit, or one chunk."""
    monkeypatch.setattr(hdf5, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(hdf5, "_SLAB_BYTES", 10 * 64 * 64 * (2 if chunks[3] == 1 else 3))
    written(tmp_path / "images.hdf5", (ROWS, 64, 64, 3), {"chunks": chunks, "compression": "gzip"})
    assert cache_of(hdf5.open_images(tmp_path / "images.hdf5")) == kept
    hdf5.forget_images(tmp_path / "images.hdf5")


def test_copies_of_a_source_share_the_open_file(tmp_path: Path) -> None:
    """A worker gets a copy with each task: what the first decompressed, the next finds."""
    written(tmp_path / "images.hdf5", *SHAPES[1])
    images = Hdf5Images(tmp_path / "images.hdf5")
    handles = []
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(images))
        copy.image(0)
        handles.append(copy._handle)
        del copy
    assert handles[0] is handles[1]
    images.close()


def test_closing_one_copy_leaves_the_others_open(tmp_path: Path) -> None:
    data = written(tmp_path / "images.hdf5", *SHAPES[1])
    one, other = Hdf5Images(tmp_path / "images.hdf5"), Hdf5Images(tmp_path / "images.hdf5")
    one.image(0), other.image(0)
    one.close()
    assert np.array_equal(other.image(1), data[1])
    assert np.array_equal(one.image(2), data[2])


def test_a_file_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    """The open file is known by its identity, not by its name."""
    path = tmp_path / "images.hdf5"
    written(path, *SHAPES[1])
    Hdf5Images(path).image(0)
    path.rename(tmp_path / "old.hdf5")
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.full((2, 4, 4), 7, np.uint8))
    assert Hdf5Images(path).image(1).tolist() == [[7] * 4] * 4
