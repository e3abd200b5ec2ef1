"""MedIMeta folders: what is read, and every way in which one can be wrong."""

from __future__ import annotations

import gc
import io
import pickle
import re
import shutil
from collections.abc import Callable
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from source_writers import CLASSES, ROWS, SPLITS, edit_info, pixels, task, write_images, write_medimeta

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources import medimeta_images
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.rows import RowSource
from medimeta_c.sources.selection import open_datasets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_medimeta(tmp_path)


def refused(folder: Path, *words: str, kind: type[Exception] = SourceError, task: str | None = None) -> None:
    """Assert that opening fails with one sentence that holds every word."""
    with pytest.raises(kind) as caught:
        open_medimeta(folder.name, folder.parent, task=task)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


# What is read ----------------------------------------------------------------------------------------


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


# Which task ------------------------------------------------------------------------------------------


def with_tasks(folder: Path, *tasks: dict[str, object]) -> None:
    edit_info(folder, tasks=list(tasks))
    for entry in tasks:
        np.save(folder / "task_labels" / f"{entry['task_name']}.npy", np.arange(ROWS) % 2)


@pytest.mark.parametrize(
    "target", ["BINARY_CLASSIFICATION", "MULTICLASS_CLASSIFICATION", "ORDINAL_REGRESSION"]
)
def test_single_label_targets(folder: Path, target: str) -> None:
    """All three kinds of single-label tasks are read."""
    with_tasks(folder, task("t", ("no", "yes"), target))
    assert open_medimeta("toy", folder.parent).info.class_names == ("no", "yes")


def test_task_asked_for(folder: Path) -> None:
    """A named task is read, with its own labels and class names."""
    with_tasks(folder, task("a", ("x", "y")), task("b", ("u", "v", "w")))
    info = open_medimeta("toy", folder.parent, task="b").info
    assert (info.task, info.class_names) == ("b", ("u", "v", "w"))


def test_the_catalogues_task(tmp_path: Path) -> None:
    """A known dataset with several tasks is read by the benchmark's."""
    folder = write_medimeta(tmp_path, "pneumonia")
    with_tasks(folder, task("pneumonia presence", ("n", "p")), task("disease class", ("N", "B", "V")))
    assert open_medimeta("pneumonia", tmp_path).info.task == "disease class"


def test_the_only_single_label_task(folder: Path) -> None:
    """A multi-label task beside it leaves no doubt."""
    with_tasks(folder, task("many", ("x", "y"), "MULTILABEL_CLASSIFICATION"), task("one", ("x", "y")))
    assert open_medimeta("toy", folder.parent).info.task == "one"


def test_several_tasks(folder: Path) -> None:
    """Without a default, the tasks to choose from are listed."""
    with_tasks(folder, task("a", ("x", "y")), task("b", ("x", "y")))
    refused(folder, "2 tasks", "`task`", "'a', 'b'", kind=ConfigError)


def test_unknown_task(folder: Path) -> None:
    """A misspelt task is answered with the nearest."""
    refused(folder, "'grad'", "did you mean 'grade'?", task="grad", kind=ConfigError)


@pytest.mark.parametrize("asked", ["many", None], ids=["asked for", "the only one"])
def test_multilabel_task(folder: Path, asked: str | None) -> None:
    """A multi-label task is refused by a sentence saying why."""
    with_tasks(folder, task("many", ("x", "y"), "MULTILABEL_CLASSIFICATION"))
    refused(folder, "'many'", "multi-label", "exactly one class", task=asked, kind=ConfigError)


def test_other_target(folder: Path) -> None:
    """A task that is no classification is refused, naming the ones that are."""
    with_tasks(folder, task("age", ("x", "y"), "REGRESSION"), task("sex", ("x", "y")))
    refused(folder, "'age'", "REGRESSION", "'sex'", task="age", kind=ConfigError)


@pytest.mark.parametrize("name", ["../grade", "a/b", "a\\b", ".hidden", "C:x", "a\0b", ""])
def test_task_names_cannot_leave_the_folder(folder: Path, name: str) -> None:
    """A task name is a file name and nothing more."""
    edit_info(folder, tasks=[task(name, CLASSES)])
    refused(folder, "info.yaml", "cannot name a label file")


# What is missing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", ["pbc", "mammo_calc", "pneumonia", "fundus", "oct"])
def test_no_data_folder(tmp_path: Path, dataset: str) -> None:
    """The folder looked in, the archive wanted and both ways out are named."""
    words = [
        str(tmp_path / dataset),
        f"{dataset}.zip",
        f"`medimeta-c download` (datasets={dataset!r})",
        "`source='phantoms'`",
    ]
    refused(tmp_path / dataset, *words)


def test_no_data_folder_outside_the_benchmark(tmp_path: Path) -> None:
    """Phantoms stand in for the benchmark's five only."""
    with pytest.raises(SourceError, match=r"run the command `medimeta-c download` \(datasets='bus'\)$"):
        open_medimeta("bus", tmp_path)
    refused(tmp_path / "unheard_of", str(tmp_path / "unheard_of"), "pbc, mammo_calc", "correct the name")


def test_dataset_names_cannot_leave_the_data_folder(tmp_path: Path) -> None:
    """An id is a folder name and nothing more."""
    with pytest.raises(ConfigError, match=r"'\.\./pbc' is not usable"):
        open_medimeta("../pbc", tmp_path)


@pytest.mark.parametrize(
    "name",
    ["info.yaml", "task_labels/cell class.npy", "splits/train.txt", "splits/val.txt", "splits/test.txt"],
)
def test_half_extracted(tmp_path: Path, name: str) -> None:
    """A file that is not there is named, with what to do."""
    folder = write_medimeta(tmp_path, "pbc")
    edit_info(folder, tasks=[task("cell class", CLASSES)])
    (folder / "task_labels/grade.npy").rename(folder / "task_labels/cell class.npy")
    (folder / name).unlink()
    refused(folder, str(folder), name, "move the folder away", "`medimeta-c download` (datasets='pbc')")


@pytest.mark.parametrize("name", ["splits", "task_labels"])
def test_half_extracted_folders(folder: Path, name: str) -> None:
    """So is a folder; a dataset of unknown origin is to be extracted again by hand."""
    shutil.rmtree(folder / name)
    refused(folder, name, "extract toy.zip again")


@pytest.mark.parametrize("data", [".", "pets"])
def test_class_folders_are_recognised(tmp_path: Path, data: str) -> None:
    """Pictures in class folders, asked for without their source, are not called half an archive."""
    write_images(tmp_path / "pets", ["cat/a.png", "dog/b.png"])
    with pytest.raises(SourceError, match=r"class folders of pictures.*`source='imagefolder'`") as caught:
        open_datasets(["pets"], None, tmp_path / data)
    assert "extract" not in str(caught.value)


def test_no_images_at_all(folder: Path) -> None:
    """Neither form of the images is there."""
    (folder / "images.hdf5").unlink()
    shutil.rmtree(folder / "images")
    refused(folder, "neither images.hdf5 nor a folder images", "extract toy.zip again")


def test_no_splits_listed(folder: Path) -> None:
    """A splits folder without a split is not a whole dataset, even if info.yaml counts none."""
    edit_info(folder, splits_num_samples=None)
    for path in (folder / "splits").iterdir():
        path.unlink()
    refused(folder, "train.txt, val.txt or test.txt", "extract toy.zip again")


# A bad info.yaml -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tasks: [", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("\xff", "not valid YAML"),
        ("- 1\n- 2", "at the top: Input should be an object"),
        ("", "at the top: Input should be an object"),
        ("id: toy", "at tasks: Field required"),
        ("tasks: [3]", "at tasks.0: Input should be an object"),
        ("tasks: [{task_name: a}]", "at tasks.0.task_target: Field required"),
        ("tasks: [{task_name: a, task_target: b, labels: {0: x, '0': y}}]", "duplicate key '0'"),
    ],
)
def test_broken_info(folder: Path, text: str, word: str) -> None:
    """Broken YAML, unsafe YAML, and YAML of another form."""
    (folder / "info.yaml").write_bytes(text.encode("latin-1"))
    refused(folder, str(folder / "info.yaml"), word)


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (None, "not a mapping"),
        (["x", "y", "z"], "not a mapping"),
        ({0: "x", "00": "y", 1: "z"}, "0, 00, 1"),
        ({0: "x", "one": "y"}, "'one' is not a whole number"),
        ({False: "x", True: "y"}, "not a whole number"),
        ({0: "x", 1: False, 2: "z"}, "put it in quotes"),
        ({0: "x", 1: None, 2: "z"}, "put it in quotes"),
        ({0: "x", 1: " ", 2: "z"}, "put it in quotes"),
        ({0: "x", 1: "x", 2: "z"}, "same name"),
    ],
)
def test_bad_labels_in_info(folder: Path, labels: object, word: str) -> None:
    """Class names must be numbered, each number once, and be distinct texts."""
    edit_info(folder, tasks=[{**task("grade", CLASSES), "labels": labels}])
    if labels is None:
        (folder / "info.yaml").write_text("tasks: [{task_name: grade, task_target: BINARY_CLASSIFICATION}]")
    refused(folder, str(folder / "info.yaml"), "'grade'", word)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"id": "other"}, "says id 'other'"),
        ({"input_size": [1, 8, 8]}, "3-channel images"),
        ({"input_size": [4, 8, 8]}, "at input_size.0: Input should be 1 or 3"),
        ({"input_size": "3x8x8"}, "at input_size: Input should be a valid array"),
        ({"splits_num_samples": [6, 3, 3]}, "splits_num_samples"),
        ({"splits_num_samples": {"train": "six"}}, "splits_num_samples"),
        ({"splits_num_samples": {"train": 6, "val": 3, "test": 4}}, "lists 3 images but info.yaml says 4"),
    ],
)
def test_info_that_contradicts(folder: Path, changes: dict[str, object], word: str) -> None:
    """What info.yaml says must agree with the folder."""
    edit_info(folder, **changes)
    refused(folder, word, str(folder))


# A bad images.hdf5 -----------------------------------------------------------------------------------


def with_hdf5(folder: Path, write: Callable[[h5py.File], object]) -> None:
    with h5py.File(folder / "images.hdf5", "w") as file:
        write(file)


@pytest.mark.parametrize("keep", [0, 7, 600, -1])
def test_truncated_hdf5(folder: Path, keep: int) -> None:
    """A file cut short anywhere is named."""
    path = folder / "images.hdf5"
    path.write_bytes(path.read_bytes()[:keep])
    refused(folder, str(path), "not a complete HDF5 file", "replace it")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((ROWS, 8, 8, 3), np.uint8)
    layout[:] = h5py.VirtualSource("/etc/hostname", "images", (ROWS, 8, 8, 3), np.uint8)
    file.create_virtual_dataset("images", layout)


@pytest.mark.parametrize(
    ("write", "word"),
    [
        (lambda file: file.create_dataset("pictures", data=pixels()), "'pictures'"),
        (lambda file: None, "nothing"),
        (lambda file: file.create_group("images"), "a group"),
        (lambda file: file.create_dataset("images", data=pixels().astype(np.float32)), "float32"),
        (lambda file: file.create_dataset("images", data=pixels().astype(np.uint16)), "uint16"),
        (lambda file: file.create_dataset("images", data=pixels()[..., 0, 0]), f"({ROWS}, 8)"),
        (lambda file: file.create_dataset("images", data=pixels()[..., :2]), f"({ROWS}, 8, 8, 2)"),
        (lambda file: file.create_dataset("images", data=pixels()[..., :1]), f"({ROWS}, 8, 8, 1)"),
        (lambda file: file.create_dataset("images", (0, 8, 8, 3), np.uint8), "(0, 8, 8, 3)"),
        (lambda file: file.create_dataset("images", (ROWS, 10**5, 10**5), np.uint8), "(12, 100000, 100000)"),
        (lambda file: file.create_dataset("images", data=np.uint8(1)), "shape ()"),
        (lambda file: file.create_dataset("images", data=h5py.Empty(np.uint8)), "shape ()"),
        (virtual, "other files"),
        (
            lambda file: file.create_dataset(
                "images", (ROWS, 8, 8, 3), np.uint8, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
            ),
            "other files",
        ),
    ],
    ids=[
        "other name",
        "no dataset",
        "group",
        "float",
        "16 bits",
        "two axes",
        "two channels",
        "one-channel axis",
        "no rows",
        "bomb",
        "scalar",
        "empty",
        "virtual",
        "external storage",
    ],
)
def test_other_hdf5(folder: Path, write: Callable[[h5py.File], object], word: str) -> None:
    """HDF5 of another form is named, and data kept outside the file is never followed."""
    with_hdf5(folder, write)
    refused(folder, str(folder / "images.hdf5"), word, "replace it")


@pytest.mark.parametrize("kind", ["external", "soft", "soft to external"])
def test_links_in_hdf5(tmp_path: Path, folder: Path, kind: str) -> None:
    """A link in place of the images is refused, however good the data it leads to."""
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["images"] = pixels()

    def write(file: h5py.File) -> None:
        if kind == "soft":
            file["elsewhere"] = pixels()
        else:
            file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "images")
        if kind == "external":
            file.move("elsewhere", "images")
        else:
            file["images"] = h5py.SoftLink("/elsewhere")
        assert file["images"].shape == pixels().shape

    with_hdf5(folder, write)
    refused(folder, str(folder / "images.hdf5"), "a link to other data", "refused")


def test_rows_and_labels_must_agree(folder: Path) -> None:
    """As many labels as images, or the rows may be shifted."""
    with_hdf5(folder, lambda file: file.create_dataset("images", data=pixels(ROWS + 1)))
    refused(folder, "grade.npy", f"{ROWS} labels for {ROWS + 1} images")


def test_damage_inside_hdf5(folder: Path) -> None:
    """Pixels that do not decode are reported when they are read, with file and row."""
    with_hdf5(
        folder,
        lambda file: file.create_dataset("images", data=pixels(), compression="gzip", chunks=(1, 8, 8, 3)),
    )
    with h5py.File(folder / "images.hdf5") as file:
        chunk = file["images"].id.get_chunk_info_by_coord((9, 0, 0, 0))
    data = bytearray((folder / "images.hdf5").read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    (folder / "images.hdf5").write_bytes(data)
    source = open_medimeta("toy", folder.parent)
    np.testing.assert_array_equal(source.image("test", "000010"), pixels()[10])
    with pytest.raises(SourceError, match=r"images\.hdf5 has no readable row 9 .*replace the file"):
        source.image("test", "000009")
    source.close()


# Bad labels ------------------------------------------------------------------------------------------


def npy(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not a complete npy file"),
        (npy(np.arange(ROWS))[:-3], "not a complete npy file"),
        (npy(np.array([{}] * ROWS), allow_pickle=True), "not a complete npy file"),
        (npy(np.arange(10)).replace(b"(10,)", b"(9e9)"), "not a complete npy file"),
        (npy(np.arange(10)).replace(b"(10,)", b"(-9,)"), "not a complete npy file"),
        (npy(np.arange(10)).replace(b"(10,)", b"(10, "), "not a complete npy file"),
        (npy(np.zeros(ROWS)), "float64"),
        (npy(np.zeros((ROWS, 3), int)), f"({ROWS}, 3)"),
        (npy(np.array(["a"] * ROWS)), "<U1"),
        (npy(np.zeros(ROWS - 1, int)), f"{ROWS - 1} labels for {ROWS} images"),
        (npy(np.full(ROWS, 3)), "label 3 in row 0"),
        (npy(np.array([0] * (ROWS - 1) + [-1])), "label -1 in row 11"),
        (npy(np.full(ROWS, 2**32)), "in row 0"),
        (npy(np.full(ROWS, 2**63, np.uint64)), "in row 0"),
    ],
    ids=[
        "empty",
        "cut short",
        "pickle",
        "bad header",
        "negative length",
        "open bracket",
        "floats",
        "several a row",
        "texts",
        "too few",
        "too large",
        "negative",
        "wraps in 32 bits",
        "wraps in 64 bits",
    ],
)
def test_bad_labels(folder: Path, content: bytes, word: str) -> None:
    """Labels that are damaged, of another form, too few, or without a class name."""
    (folder / "task_labels" / "grade.npy").write_bytes(content)
    refused(folder, str(folder / "task_labels" / "grade.npy"), word)


# Bad splits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("images/000009.tiff\nimages/000012.tiff", "line 2: there is no image 000012, the last is 000011"),
        ("images/9.tiff", "line 1: 'images/9.tiff' is not like"),
        ("images/000009.png", "not like"),
        ("000009", "not like"),
        ("images/000009.tiff\n\nimages/000010.tiff", "line 2: '' is not like"),
        ("images/../000009.tiff", "not like"),
        ("images/\uff10\uff100009.tiff", "not like"),
        ("images/000009.tiff\nimages/000009.tiff\nimages/000010.tiff", "000009 more than once"),
        ("images/000009.tiff\nimages/000010.tiff\nimages/000000.tiff", "000000, which train.txt lists too"),
        ("images/000009.tiff", "lists 1 images but info.yaml says 3"),
        ("", "lists no image"),
    ],
    ids=[
        "no such row",
        "short number",
        "other ending",
        "no folder",
        "blank line",
        "path",
        "other digits",
        "twice",
        "in two splits",
        "cut short",
        "empty",
    ],
)
def test_bad_splits(folder: Path, text: str, word: str) -> None:
    """A split must list existing rows, each once, in one split only."""
    (folder / "splits" / "test.txt").write_text(text, encoding="utf-8")
    refused(folder, str(folder / "splits" / "test.txt"), word)


def test_unreadable_split(folder: Path) -> None:
    """A split that is no text is named."""
    (folder / "splits" / "test.txt").write_bytes(b"\xff\xfe\0")
    refused(folder, "test.txt", "cannot read")


def test_unknown_split_file(folder: Path) -> None:
    """A split of another name would otherwise be passed over."""
    (folder / "splits" / "fold1.txt").write_text("images/000000.tiff")
    refused(folder, "fold1.txt", "rename it")


# Bad TIFFs -------------------------------------------------------------------------------------------


@pytest.fixture
def tiffs(folder: Path) -> Path:
    (folder / "images.hdf5").unlink()
    return folder


def test_missing_tiff(tiffs: Path) -> None:
    """Without HDF5 every TIFF must be there."""
    (tiffs / "images" / "000004.tiff").unlink()
    refused(tiffs, str(tiffs / "images"), "no 000004.tiff", "extract its archive again")


def test_last_tiffs_missing(tiffs: Path) -> None:
    """Missing ones at the end show by the number of labels."""
    (tiffs / "images" / "000011.tiff").unlink()
    refused(tiffs, "12 labels for 11 images")


def test_no_tiffs(tiffs: Path) -> None:
    """An empty folder of images is named, and so is the HDF5 file that could replace it."""
    for path in (tiffs / "images").iterdir():
        path.unlink()
    refused(tiffs, "holds no TIFF file", "images.hdf5")


@pytest.mark.parametrize("mode", ["L", "I;16", "RGBA", "CMYK", "1"])
def test_tiff_of_another_mode(tiffs: Path, mode: str) -> None:
    """A TIFF's mode must match the dataset's channels."""
    path = tiffs / "images" / "000009.tiff"
    Image.new(mode, (8, 8)).save(path)
    source = open_medimeta("toy", tiffs.parent)
    with pytest.raises(SourceError, match=re.escape(str(path))):
        source.image("test", "000009")


def test_truncated_tiff(tiffs: Path) -> None:
    """A TIFF cut short is named."""
    path = tiffs / "images" / "000009.tiff"
    path.write_bytes(path.read_bytes()[:-50])
    source = open_medimeta("toy", tiffs.parent)
    with pytest.raises(SourceError, match=r"000009\.tiff is not a whole"):
        source.image("test", "000009")


def test_channels_without_input_size(tiffs: Path) -> None:
    """The first TIFF tells the channels where info.yaml does not."""
    edit_info(tiffs, input_size=None)
    assert open_medimeta("toy", tiffs.parent).info.channels == 3


# What is asked for -----------------------------------------------------------------------------------


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


# Processes, handles, digests --------------------------------------------------------------------------


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
    original = medimeta_images._open_images

    def counting(path: Path) -> object:
        opened.append(path)
        return original(path)

    medimeta_images._open_images = counting
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
    with_hdf5(folder, lambda file: file.create_dataset("images", (rows, 8, 8), np.uint8))
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


# Real images -----------------------------------------------------------------------------------------

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
