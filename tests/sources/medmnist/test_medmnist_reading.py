"""MedMNIST+ npz files: which one is read, and how."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import medmnist_refused as refused
from source_writers import npz_arrays, write_npz

from medimeta_c.errors import ConfigError
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.medmnist import open_medmnist

USABLE = [name for name, record in catalog().items() if record.kind == "medmnist" and record.single_label]


@pytest.mark.parametrize("dataset", USABLE)
def test_every_single_label_dataset(tmp_path: Path, dataset: str) -> None:
    """Each dataset opens, described by the catalogue."""
    record = catalog()[dataset]
    arrays = npz_arrays(channels=record.channels, classes=len(record.class_names))
    write_npz(tmp_path / f"{dataset}.npz", arrays)
    info = open_medmnist(dataset, tmp_path).info
    assert (info.dataset, info.kind, info.title) == (dataset, "medmnist", record.title)
    assert (info.class_names, info.channels, info.task) == (record.class_names, record.channels, record.task)
    assert info.splits == {"train": 4, "val": 2, "test": 3}
    assert "MedMNIST" in info.citation


def test_pixels_and_labels(path: Path) -> None:
    """Ids number the rows of a split; pixels and labels are the file's, and fresh."""
    source = open_medmnist("bloodmnist", path.parent)
    arrays = npz_arrays()
    for split in ("train", "val", "test"):
        stored = arrays[f"{split}_images"]
        assert source.ids(split) == tuple(f"{row:06d}" for row in range(len(stored)))
        for row, image_id in enumerate(source.ids(split)):
            source.image(split, image_id)[:] = 0
            image = source.image(split, image_id)
            np.testing.assert_array_equal(image, stored[row], strict=True)
            assert type(image) is np.ndarray
            assert source.label(split, image_id) == row % 8
    source.close()


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    fortran=st.booleans(),
    compressed=st.booleans(),
    flat=st.booleans(),
)
def test_any_layout_is_read_back(  # noqa: PLR0917
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    height: int,
    width: int,
    fortran: bool,
    compressed: bool,
    flat: bool,
) -> None:
    """Whatever the sizes, memory order, compression and shape of labels, pixels come back exactly."""
    folder = tmp_path_factory.mktemp("layout")
    images = np.arange(rows * height * width, dtype=np.uint8).reshape(rows, height, width)
    labels = np.arange(rows) % 4
    arrays = {
        "test_images": np.asfortranarray(images) if fortran else images,
        "test_labels": labels if flat else labels[:, None],
    }
    write_npz(folder / "octmnist.npz", arrays, compressed=compressed)
    source = open_medmnist("octmnist", folder)
    read = np.stack([source.image("test", image_id) for image_id in source.ids("test")])
    np.testing.assert_array_equal(read, images, strict=True)
    assert [source.label("test", image_id) for image_id in source.ids("test")] == list(labels)
    source.close()


def sized(folder: Path, *sizes: int) -> None:
    for size in sizes:
        arrays = npz_arrays(size=size)
        write_npz(
            folder / f"bloodmnist_{size}.npz", {name: arrays[name] for name in ("test_images", "test_labels")}
        )


def opened_size(dataset: str, folder: Path) -> int:
    source = open_medmnist(dataset, folder)
    size = source.image("test", "000000").shape[0]
    source.close()
    return int(size)


@pytest.mark.parametrize(
    ("sizes", "dataset", "expected"),
    [
        ((64, 224, 28), "bloodmnist", 224),
        ((224, 300), "bloodmnist", 224),
        ((28, 128, 64), "bloodmnist", 128),
        ((28, 224), "bloodmnist_28", 28),
        ((28, 224), "bloodmnist_224", 224),
    ],
)
def test_which_size(tmp_path: Path, sizes: tuple[int, ...], dataset: str, expected: int) -> None:
    """The bare name takes 224 pixels, else the largest there; a name with a size takes exactly that."""
    sized(tmp_path, *sizes)
    assert opened_size(dataset, tmp_path) == expected
    assert open_medmnist(dataset, tmp_path).info.dataset == dataset


@pytest.mark.parametrize("dataset", ["bloodmnist", "bloodmnist_28"])
def test_the_original_file_has_28_pixels(tmp_path: Path, dataset: str) -> None:
    """The original MedMNIST file carries no size in its name."""
    write_npz(tmp_path / "bloodmnist.npz")
    assert opened_size(dataset, tmp_path) == 28


def test_other_datasets_files_are_not_taken(tmp_path: Path) -> None:
    """A neighbour whose name starts alike is another dataset."""
    write_npz(tmp_path / "bloodmnist_extra.npz")
    refused(tmp_path / "x", "holds no bloodmnist_224.npz")


@pytest.mark.parametrize(
    ("dataset", "wanted"),
    [
        ("bloodmnist", "bloodmnist_224.npz"),
        ("bloodmnist_64", "bloodmnist_64.npz"),
        ("bloodmnist_28", "bloodmnist.npz"),
    ],
)
def test_no_file(tmp_path: Path, dataset: str, wanted: str) -> None:
    """The folder looked in, the file wanted and how to get it are named."""
    refused(
        tmp_path / "x",
        str(tmp_path),
        wanted,
        f"`medimeta-c download` (datasets={dataset!r})",
        dataset=dataset,
    )


def test_size_not_there(tmp_path: Path) -> None:
    """The sizes that are there are named."""
    sized(tmp_path, 28, 224)
    refused(tmp_path / "x", "bloodmnist_64.npz", "sizes there: 28, 224", dataset="bloodmnist_64")


@pytest.mark.parametrize("dataset", ["bloodmnits", "nodulemnist3d", "bloodmnist_", "bloodmnist_064"])
def test_unknown_dataset(tmp_path: Path, dataset: str) -> None:
    """3D and misspelt names are refused, with those there are."""
    refused(
        tmp_path / "x",
        f"unknown MedMNIST dataset {dataset!r}",
        "bloodmnist",
        kind=ConfigError,
        dataset=dataset,
    )


def test_dataset_names_cannot_leave_the_data_folder(tmp_path: Path) -> None:
    """An id is a file name and nothing more."""
    refused(tmp_path / "x", "not usable", kind=ConfigError, dataset="../bloodmnist")


def test_multi_label(tmp_path: Path) -> None:
    """ChestMNIST is refused by a sentence saying why, before any file is looked for."""
    refused(
        tmp_path / "x",
        "multi-label",
        "exactly one class",
        "octmnist",
        kind=ConfigError,
        dataset="chestmnist_64",
    )


def test_task(path: Path) -> None:
    """The only task may be named; another is refused."""
    assert open_medmnist("bloodmnist", path.parent, task="multi-class").info.task == "multi-class"
    with pytest.raises(ConfigError, match=r"only the task 'multi-class': leave out `task`"):
        open_medmnist("bloodmnist", path.parent, task="cell class")


def test_unknown_split_and_image(path: Path) -> None:
    """Splits and ids that are not there are answered with those that are."""
    source = open_medmnist("bloodmnist", path.parent)
    with pytest.raises(ConfigError, match="unknown split of bloodmnist 'dev'"):
        source.ids("dev")
    for ask in (source.image, source.label):
        with pytest.raises(
            ConfigError,
            match="no image '000003' in split 'test' of bloodmnist: ids run from 000000 to 000002",
        ):
            ask("test", "000003")
