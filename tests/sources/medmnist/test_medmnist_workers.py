"""MedMNIST+ sources: memory, other processes, open files, checksums."""

from __future__ import annotations

import pickle
import re
import tempfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from memory import peak_memory
from source_writers import npz_arrays, write_npz

from medimeta_c.sources.medmnist import open_medmnist
from medimeta_c.sources.npz import NpzArray
from medimeta_c.sources.rows import RowSource


def read_one(source: RowSource) -> np.ndarray:
    return source.image("test", "000001")


def test_pickling_and_workers(path: Path) -> None:
    """A source travels before and after its images were mapped; workers map their own."""
    source = open_medmnist("bloodmnist", path.parent)
    expected = npz_arrays()["test_images"][1]
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(source))
        assert len(pickle.dumps(source)) < 5000
        assert copy.info == source.info
        np.testing.assert_array_equal(read_one(copy), expected)
        np.testing.assert_array_equal(read_one(source), expected)
        copy.close()
    with get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(read_one, (source,)), expected)
        pool.close()
        pool.join()
    source.close()


@pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "stored"])
def test_arrays_stay_on_disk(tmp_path: Path, compressed: bool) -> None:
    """Reading a row of a 64 MB array takes memory for a row, not for the array."""
    path = tmp_path / "big.npz"
    rows = np.zeros((64, 1 << 20), np.uint8)
    rows[-1] = 7
    write_npz(path, {"rows": rows}, compressed=compressed)
    del rows
    with get_context("spawn").Pool(1) as pool:
        growth, value = pool.apply(_growth, (NpzArray(path, "rows"),))
        pool.close()
        pool.join()
    assert value == 7
    assert growth < 24 << 20


def _growth(array: NpzArray) -> tuple[int, int]:
    before = peak_memory()
    value = int(array.array()[-1].max())
    array.close()
    return peak_memory() - before, value


def test_copies_in_a_process_share_what_was_decompressed(tmp_path: Path) -> None:
    """A worker gets a copy of the source with every set; a file replaced meanwhile is read anew."""
    path = tmp_path / "small.npz"
    write_npz(path, {"rows": np.zeros((4, 8), np.uint8)}, compressed=True)
    first, second = (pickle.loads(pickle.dumps(NpzArray(path, "rows"))) for _ in range(2))
    assert np.shares_memory(first.array(), second.array())
    write_npz(path, {"rows": np.ones((5, 8), np.uint8)}, compressed=True)
    later = NpzArray(path, "rows")
    assert later.array().shape == (5, 8)
    assert later.array().all()
    later.close()


def test_stored_arrays_are_mapped_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array stored uncompressed needs no temporary file."""

    def no_temporary_file() -> None:
        raise AssertionError("made a temporary file")

    write_npz(tmp_path / "bloodmnist_28.npz", compressed=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_temporary_file)
    source = open_medmnist("bloodmnist", tmp_path)
    np.testing.assert_array_equal(read_one(source), npz_arrays()["test_images"][1])
    source.close()


def test_nothing_stays_open(path: Path) -> None:
    """Neither the npz file nor a temporary one stays open, and closing unmaps."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see open files")

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    source = open_medmnist("bloodmnist", path.parent)
    read_one(source)
    source.close()
    assert open_files() == before
    np.testing.assert_array_equal(read_one(source), npz_arrays()["test_images"][1])
    source.close()


def test_checksum(tmp_path: Path) -> None:
    """The digest is of the file's bytes and name, wherever it lies."""
    one, two = tmp_path / "a" / "bloodmnist.npz", tmp_path / "b" / "bloodmnist.npz"
    for path in (one, two):
        path.parent.mkdir()
    write_npz(one)
    two.write_bytes(one.read_bytes())
    first, second = (open_medmnist("bloodmnist", path.parent) for path in (one, two))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", first.checksum())
    assert first.checksum() == second.checksum()
    with two.open("ab") as file:
        file.write(b"x")
    assert first.checksum() != second.checksum()
