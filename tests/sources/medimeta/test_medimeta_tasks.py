"""MedIMeta folders of several tasks: which labels are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from refusals import medimeta_refused as refused
from source_writers import (
    CLASSES,
    ROWS,
    edit_info,
    task,
    write_medimeta,
)

from medimeta_c.errors import ConfigError
from medimeta_c.sources.medimeta import open_medimeta


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
