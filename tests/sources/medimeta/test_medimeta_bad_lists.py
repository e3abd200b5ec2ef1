"""MedIMeta folders whose info.yaml, labels or splits are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from refusals import medimeta_refused as refused
from source_writers import (
    CLASSES,
    ROWS,
    edit_info,
    npy,
    task,
)


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
