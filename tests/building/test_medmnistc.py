"""MedMNIST-C's own files: their layout, and every way in which a file can fail to have it."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from medmnist_files import COUNT, Arrays, darkened, stacked, write_clean, write_corrupted

from medimeta_c.building.medmnistc.files import datasets_in, open_medmnistc
from medimeta_c.errors import ConfigError, MediMetaError, SourceError
from medimeta_c.sources.npz import npz_rows


@pytest.fixture
def clean(tmp_path: Path) -> Arrays:
    """The clean bloodmnist in ``data``, and ``c/bloodmnist/bubble.npz`` beside it."""
    arrays = write_clean(tmp_path / "data", "bloodmnist")
    write_corrupted(tmp_path / "c", "bloodmnist", "bubble", stacked(arrays))
    return arrays


def test_severities_are_stacked_in_order(tmp_path: Path, clean: Arrays) -> None:
    """Row r is image r mod N at severity 1 + r div N; ids and labels are the clean set's."""
    source = open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data")
    rows = list(pickle.loads(pickle.dumps(source)).images("bubble"))
    assert len(rows) == 5 * COUNT
    for row, (image_id, label, image) in enumerate(rows):
        assert image_id == f"{row % COUNT:06d}"
        assert label == clean["test_labels"][row % COUNT, 0]
        expected = darkened(clean["test_images"][row % COUNT], 1 + row // COUNT)
        np.testing.assert_array_equal(image, expected)


def test_the_clean_set_is_part_of_it(tmp_path: Path, clean: Arrays) -> None:
    """The clean images come from the MedMNIST+ file."""
    source = open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data")
    np.testing.assert_array_equal([image for *_, image in source.images("clean")], clean["test_images"])
    assert "arXiv:2406.17536" in source.info.citation


def test_the_checksum_covers_every_file(tmp_path: Path, clean: Arrays) -> None:
    """Another clean file, another corruption and another corruption's bytes are other data."""

    def checksum() -> str:
        return open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data").checksum()

    found = [checksum()]
    write_corrupted(tmp_path / "c", "bloodmnist", "pixelate", stacked(clean))
    found.append(checksum())
    brighter = stacked({**clean, "test_images": clean["test_images"] | 1})
    write_corrupted(tmp_path / "c", "bloodmnist", "pixelate", brighter)
    found.append(checksum())
    np.savez(tmp_path / "data/bloodmnist_28.npz", **clean)
    found.append(checksum())
    assert len(set(found)) == len(found)


def test_only_single_label_datasets_are_found(tmp_path: Path) -> None:
    """ChestMNIST is multi-label; other folders are none of ours."""
    for name in ("octmnist", "chestmnist", "bloodmnist", "notes"):
        (tmp_path / name).mkdir()
    assert set(datasets_in(tmp_path)) == {"bloodmnist", "octmnist"}


def interleaved(arrays: Arrays) -> Arrays:
    """All severities of an image together, which is not the layout."""
    order = np.arange(5 * COUNT).reshape(5, COUNT).T.ravel()
    return {name: array[order] for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (interleaved, "all test images at severity 1, then all at severity 2"),
        (lambda a: {n: x[:-1] for n, x in a.items()}, "29 rows where the 6 clean test images"),
        (
            lambda a: {**a, "test_images": a["test_images"][:, ::2]},
            "14x28 images, the clean bloodmnist 28x28",
        ),
        (
            lambda a: {**a, "test_images": a["test_images"].astype(np.float32)},
            "float32 where uint8 is needed",
        ),
        (lambda a: {**a, "test_images": a["test_images"][..., 0]}, r"where bloodmnist has \(N, H, W, 3\)"),
        (lambda a: {**a, "severity": np.arange(5)}, "holds the arrays severity, test_images, test_labels"),
        (lambda a: {"test_images": a["test_images"]}, "where MedMNIST-C has test_images and test_labels"),
        (lambda a: {**a, "test_labels": a["test_labels"].astype(object)}, "never unpickled"),
        (lambda a: {**a, "test_labels": a["test_labels"] + 8}, "the classes are 0-7"),
        (lambda a: {**a, "test_labels": a["test_labels"][:7]}, "30 images need one label each"),
    ],
)
def test_a_file_of_another_layout_is_refused(
    tmp_path: Path, clean: Arrays, spoil: Callable[[Arrays], Arrays], message: str
) -> None:
    """Before anything is imported; the message names the file and what it should be."""
    path = write_corrupted(tmp_path / "c", "bloodmnist", "bubble", spoil(stacked(clean)))
    with pytest.raises(SourceError, match=message) as caught:
        open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["Gaussian Noise", "clean", "..x"])
def test_a_file_name_must_be_a_corruption(tmp_path: Path, clean: Arrays, name: str) -> None:
    """Names become folders and configurations; "clean" is taken."""
    write_corrupted(tmp_path / "c", "bloodmnist", name, stacked(clean))
    with pytest.raises(SourceError, match="not named after a corruption"):
        open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data")


@pytest.mark.parametrize(
    ("dataset", "kind", "message"),
    [
        ("octmnist", SourceError, "holds no octmnist_224.npz: .*`medimeta-c download`"),
        ("chestmnist", ConfigError, "multi-label"),
        ("bloodmnistt", ConfigError, "did you mean 'bloodmnist'"),
    ],
)
def test_the_clean_dataset_is_needed(
    tmp_path: Path, clean: Arrays, dataset: str, kind: type[MediMetaError], message: str
) -> None:
    """mCE's clean error comes from it; a dataset that has none is refused with the way to get it."""
    write_corrupted(tmp_path / "c", dataset, "pixelate", stacked(clean))
    with pytest.raises(kind, match=message):
        open_medmnistc(dataset, tmp_path / "c", tmp_path / "data")


def test_a_folder_without_files_is_refused(tmp_path: Path, clean: Arrays) -> None:
    """The message says what folder is meant."""
    with pytest.raises(SourceError, match="one folder a dataset"):
        open_medmnistc("bloodmnist", tmp_path / "elsewhere", tmp_path / "data")


def test_streaming_holds_one_row(tmp_path: Path) -> None:
    """A compressed array is never in memory whole."""
    array = np.zeros((400, 100, 100), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x=array)
    tracemalloc.start()
    rows = sum(1 for _ in npz_rows(tmp_path / "a.npz", "x"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 400
    assert peak < array.nbytes / 8


def test_damage_inside_the_stream_is_found(tmp_path: Path, clean: Arrays) -> None:
    """A changed byte fails the archive's own checksum, at the latest when the last row is read."""
    path = tmp_path / "c/bloodmnist/bubble.npz"
    np.savez(path, **stacked(clean))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    source = open_medmnistc("bloodmnist", tmp_path / "c", tmp_path / "data")
    with pytest.raises(SourceError, match=r"bubble\.npz is not a complete npz file"):
        list(source.images("bubble"))


def test_column_order_is_refused(tmp_path: Path) -> None:
    """An array in Fortran order has no rows to stream; the message says how to save it."""
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(np.zeros((4, 3), dtype=np.uint8)))
    with pytest.raises(SourceError, match="ascontiguousarray"):
        list(npz_rows(tmp_path / "a.npz", "x"))
