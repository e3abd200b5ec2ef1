"""MedIMeta folders: what is read from whole ones, and what may be asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import medimeta_refused as refused
from source_writers import (
    CLASSES,
    ROWS,
    SPLITS,
    edit_info,
    pixels,
    task,
    write_medimeta,
)

from medimeta_c.errors import ConfigError
from medimeta_c.sources.medimeta import open_medimeta


def test_it_describes_itself(folder: Path) -> None:
    """Names, terms and counts come from the data's own files, for an id nobody knows."""
    info = open_medimeta("toy", folder.parent).info
    assert (info.dataset, info.kind, info.title, info.modality) == (
        "toy",
        "medimeta",
        "A toy dataset",
        "Toy imaging",
    )
    assert (info.task, info.class_names, info.channels) == ("grade", CLASSES, 3)
    assert info.splits == {"train": 6, "val": 3, "test": 3}
    assert info.license == "CC0"
    assert info.citation == "Doe, J. Toys. (2020).\nMedIMeta. https://doi.org/10.1234/toy"
    assert info.homepage == "https://doi.org/10.1234/toy"


def test_the_catalogue_fills_gaps(tmp_path: Path) -> None:
    """What info.yaml leaves out comes from the catalogue; the modality always does."""
    folder = write_medimeta(tmp_path, "aml")
    edit_info(folder, name=None, license=None, DOI=None, original_data=None)
    info = open_medimeta("aml", tmp_path).info
    assert info.title == "AML Cytomorphology"
    assert info.modality == "Cell Microscopy"
    assert info.license.endswith("(CC BY-SA 4.0)")
    assert "Matek" in info.citation
    assert info.homepage.endswith("zenodo.7884735")


@pytest.mark.parametrize(
    ("entry", "citation"),
    [
        ({"citations": {"data": "One.", "paper": "Two\n words."}}, "One.\nTwo words."),
        ({"authors": "A. B.", "title": "Things", "url": "https://x.org"}, "A. B. Things. https://x.org"),
    ],
    ids=["mapping of citations", "no citations"],
)
def test_citation_forms(folder: Path, entry: dict[str, object], citation: str) -> None:
    """Both forms MedIMeta's files use, and files without citations."""
    edit_info(folder, original_data=[entry], DOI=None)
    assert open_medimeta("toy", folder.parent).info.citation == citation


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["hdf5", "tiff"])
def test_pixels_and_labels(tmp_path: Path, channels: int, form: str) -> None:
    """The number in a split's line is the row of pixels and label, in both forms of the images."""
    folder = write_medimeta(tmp_path, channels=channels, tiffs=form == "tiff")
    if form == "tiff":
        (folder / "images.hdf5").unlink()
    source = open_medimeta("toy", tmp_path)
    stored = pixels(channels=channels)
    for split, rows in SPLITS.items():
        assert source.ids(split) == tuple(f"{row:06d}" for row in rows)
        for row, image_id in zip(rows, source.ids(split), strict=True):
            image = source.image(split, image_id)
            np.testing.assert_array_equal(image, stored[row], strict=True)
            assert type(image) is np.ndarray
            assert image.flags.owndata or image.base.base is None
            assert source.label(split, image_id) == row % 3
    assert source.info.channels == channels
    source.close()


def test_images_are_fresh(folder: Path) -> None:
    """Writing into an image changes nobody else's."""
    source = open_medimeta("toy", folder.parent)
    source.image("test", "000009")[:] = 0
    np.testing.assert_array_equal(source.image("test", "000009"), pixels()[9])
    source.close()


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_last_line_may_lack_its_ending(folder: Path, ending: str) -> None:
    """MedIMeta writes no newline after the last line; an editor may."""
    path = folder / "splits" / "test.txt"
    path.write_bytes(path.read_bytes() + ending.encode())
    assert len(open_medimeta("toy", folder.parent).ids("test")) == 3


def test_lines_in_any_order(folder: Path) -> None:
    """Ids are sorted whatever the order of lines."""
    path = folder / "splits" / "train.txt"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    assert open_medimeta("toy", folder.parent).ids("train") == tuple(f"{row:06d}" for row in range(6))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1)])
def test_label_forms(folder: Path, dtype: type, shape: tuple[int, ...]) -> None:
    """Labels may be any integers, in a row or in a column."""
    np.save(folder / "task_labels" / "grade.npy", (np.arange(ROWS) % 3).astype(dtype).reshape(shape))
    source = open_medimeta("toy", folder.parent)
    assert [source.label("test", image_id) for image_id in source.ids("test")] == [0, 1, 2]


def test_a_split_may_be_absent(folder: Path) -> None:
    """A dataset without validation images has no val.txt."""
    (folder / "splits" / "val.txt").unlink()
    edit_info(folder, splits_num_samples={"train": 6, "val": 0, "test": 3})
    assert open_medimeta("toy", folder.parent).info.splits == {"train": 6, "test": 3}


@pytest.mark.parametrize("keys", [(0, 1, 2), ("0", "1", "2"), (2, 0, 1)], ids=["int", "text", "any order"])
def test_label_keys(folder: Path, keys: tuple[int | str, ...]) -> None:
    """Class names are ordered by their number, written as a number or in quotes."""
    labels = {key: CLASSES[int(key)] for key in keys}
    edit_info(folder, tasks=[{**task("grade", CLASSES), "labels": labels}])
    assert open_medimeta("toy", folder.parent).info.class_names == CLASSES


def test_label_keys_with_gaps(folder: Path) -> None:
    """A label is the place of its number among the sorted ones; the numbers are kept."""
    labels = dict(zip((1, 4, 10), CLASSES, strict=True))
    edit_info(folder, tasks=[{**task("grade", CLASSES), "labels": labels}])
    np.save(folder / "task_labels" / "grade.npy", np.array([10, 4, 1] * 4))
    source = open_medimeta("toy", folder.parent)
    assert (source.info.class_names, source.label_values) == (CLASSES, (1, 4, 10))
    assert [source.label("test", image_id) for image_id in source.ids("test")] == [2, 1, 0]
    np.save(folder / "task_labels" / "grade.npy", np.array([10, 4, 2] * 4))
    refused(folder, "grade.npy", "label 2 in row 2", "1, 4, 10")


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(ROWS)), cuts=st.tuples(st.integers(1, 5), st.integers(6, 11)))
def test_any_partition_is_kept(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cuts: tuple[int, int]
) -> None:
    """Whatever rows the splits list, exactly those come back, each with its own label."""
    folder = write_medimeta(tmp_path_factory.mktemp("partition"), tiffs=False)
    parts = {"train": order[: cuts[0]], "val": order[cuts[0] : cuts[1]], "test": order[cuts[1] :]}
    edit_info(folder, splits_num_samples=None)
    for split, rows in parts.items():
        (folder / "splits" / f"{split}.txt").write_text("\n".join(f"images/{row:06d}.tiff" for row in rows))
    source = open_medimeta("toy", folder.parent)
    for split, rows in parts.items():
        assert source.ids(split) == tuple(f"{row:06d}" for row in sorted(rows))
        assert [source.label(split, name) for name in source.ids(split)] == [row % 3 for row in sorted(rows)]


def test_unknown_split(folder: Path) -> None:
    """A split the dataset does not have is answered with those it has."""
    with pytest.raises(ConfigError, match=r"unknown split of toy 'tset': did you mean 'test'"):
        open_medimeta("toy", folder.parent).ids("tset")


@pytest.mark.parametrize("image_id", ["000000", "000012", "9", "0000009", "-00001", "x", "\uff10\uff100009"])
def test_unknown_image(folder: Path, image_id: str) -> None:
    """An id of another split, or of none, is refused."""
    source = open_medimeta("toy", folder.parent)
    for ask in (source.label, source.image):
        with pytest.raises(
            ConfigError, match=r"no image .* in split 'test' of toy: ids run from 000009 to 000011"
        ):
            ask("test", image_id)


REAL = {
    "pbc": ("cell class", 3, {"train": 56, "val": 16, "test": 24}, "neutrophil"),
    "pneumonia": ("disease class", 1, {"train": 72, "val": 18, "test": 30}, "NORMAL"),
    "fundus": ("disease presence", 3, {"train": 57, "val": 15, "test": 24}, "normal"),
    "oct": ("disease class", 1, {"train": 44, "val": 10, "test": 18}, "CNV"),
}


@pytest.mark.parametrize("dataset", REAL)
def test_real_folders(sample_dir: Path, dataset: str) -> None:
    """Real folders open with the benchmark's task, info.yaml's label order and the published form."""
    source = open_medimeta(dataset, sample_dir)
    task_name, channels, splits, first = REAL[dataset]
    info = source.info
    assert (info.task, info.channels, info.splits, info.class_names[0]) == (
        task_name,
        channels,
        splits,
        first,
    )
    assert info.license
    assert info.citation
    image = source.image("test", source.ids("test")[0])
    assert image.shape == ((224, 224) if channels == 1 else (224, 224, 3))
    source.close()


@pytest.mark.parametrize("dataset", REAL)
def test_real_hdf5_equals_tiff(sample_dir: Path, tmp_path: Path, dataset: str) -> None:
    """Both forms of the real images hold the same pixels."""
    for path in (sample_dir / dataset).iterdir():
        if path.name != "images.hdf5":
            target = tmp_path / dataset / path.name
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(path.resolve())
    stored, files = open_medimeta(dataset, sample_dir), open_medimeta(dataset, tmp_path)
    assert stored.info == files.info
    for image_id in stored.ids("test"):
        np.testing.assert_array_equal(
            stored.image("test", image_id), files.image("test", image_id), strict=True
        )
    stored.close()
