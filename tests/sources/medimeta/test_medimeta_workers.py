"""MedIMeta sources in other processes; open files; checksums."""

from __future__ import annotations

import gc
import pickle
import re
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from source_writers import (
    edit_info,
    pixels,
    write_hdf5,
    write_medimeta,
)

from medimeta_c.errors import SourceError
from medimeta_c.sources import hdf5
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.rows import RowSource


def read_one(source: RowSource) -> np.ndarray:
    return source.image("test", "000009")


def test_pickling(folder: Path) -> None:
    """A source travels to a worker before and after its file was opened."""
    source = open_medimeta("toy", folder.parent)
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(source))
        assert copy.info == source.info
        np.testing.assert_array_equal(read_one(copy), read_one(source))
        copy.close()
    source.close()


def test_worker_processes(folder: Path) -> None:
    """A worker that was sent a source opens its own handle."""
    source = open_medimeta("toy", folder.parent)
    expected = read_one(source)
    with get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(read_one, (source,)), expected)
        pool.close()
        pool.join()
    source.close()


def _read_as_child(source: RowSource, connection: Connection) -> None:
    opened: list[Path] = []
    original = hdf5._opened

    def counting(path: Path) -> object:
        opened.append(path)
        return original(path)

    hdf5._opened = counting
    connection.send((read_one(source), read_one(source), len(opened)))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="needs a system that can fork")
def test_forked_processes(folder: Path) -> None:
    """A process forked from one that reads opens the file anew, once, and does not disturb its parent."""
    source = open_medimeta("toy", folder.parent)
    expected = read_one(source)
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with receiver, sender:
        child = context.Process(target=_read_as_child, args=(source, sender))
        child.start()
        first, second, opened = receiver.recv()
        child.join()
    assert opened == 1
    for image in (first, second, read_one(source)):
        np.testing.assert_array_equal(image, expected)
    source.close()


def test_a_large_index_is_small_to_send(tmp_path: Path) -> None:
    """A pickled source holds numbers, not a string for every image."""
    folder = write_medimeta(tmp_path, tiffs=False)
    rows = 20_000
    write_hdf5(folder, lambda file: file.create_dataset("images", (rows, 8, 8), np.uint8))
    np.save(folder / "task_labels" / "grade.npy", np.zeros(rows, int))
    edit_info(folder, input_size=[1, 8, 8], splits_num_samples=None)
    for path in (folder / "splits").iterdir():
        path.unlink()
    (folder / "splits" / "train.txt").write_text("\n".join(f"images/{row:06d}.tiff" for row in range(rows)))
    assert len(pickle.dumps(open_medimeta("toy", tmp_path))) < 10 * rows


def test_handles_are_closed(folder: Path) -> None:
    """Opening leaves no file open; closing closes; a closed source opens again."""

    def is_open() -> bool:
        gc.collect()
        links = list(Path("/proc/self/fd").iterdir())
        return folder / "images.hdf5" in [link.readlink() for link in links if link.is_symlink()]

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see open files")
    source = open_medimeta("toy", folder.parent)
    assert not is_open()
    read_one(source)
    assert is_open()
    source.close()
    assert not is_open()
    read_one(source)
    del source
    assert not is_open()


def test_checksum_does_not_depend_on_the_place(tmp_path: Path) -> None:
    """The same bytes in another folder have the same digest."""
    one, two = (open_medimeta("toy", write_medimeta(tmp_path / place).parent) for place in "ab")
    assert one.checksum() == two.checksum()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", one.checksum())


@pytest.mark.parametrize(
    "name", ["info.yaml", "task_labels/grade.npy", "splits/train.txt", "splits/test.txt", "images.hdf5"]
)
def test_checksum_covers_what_is_read(folder: Path, name: str) -> None:
    """One more byte in any file read changes the digest."""
    source = open_medimeta("toy", folder.parent)
    before = source.checksum()
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert source.checksum() != before


def test_checksum_leaves_out_what_is_not_read(folder: Path) -> None:
    """TIFFs beside the HDF5 file and other tasks' labels do not matter; without HDF5 the TIFFs do."""
    source = open_medimeta("toy", folder.parent)
    before = source.checksum()
    np.save(folder / "task_labels" / "other.npy", np.zeros(3))
    (folder / "images" / "000000.tiff").write_bytes(b"")
    assert source.checksum() == before
    (folder / "images.hdf5").unlink()
    Image.fromarray(pixels()[0]).save(folder / "images" / "000000.tiff")
    source = open_medimeta("toy", folder.parent)
    before = source.checksum()
    Image.fromarray(pixels()[1]).save(folder / "images" / "000000.tiff")
    assert source.checksum() != before


def test_checksum_of_a_file_that_went_away(folder: Path) -> None:
    """A file removed after opening is named."""
    source = open_medimeta("toy", folder.parent)
    (folder / "images.hdf5").unlink()
    with pytest.raises(SourceError, match=r"cannot read .*images\.hdf5"):
        source.checksum()
