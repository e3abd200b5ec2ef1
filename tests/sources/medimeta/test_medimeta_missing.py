"""MedIMeta folders that are absent or incomplete: what is missing, and how to get it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from refusals import medimeta_refused as refused
from source_writers import (
    CLASSES,
    edit_info,
    task,
    write_images,
    write_medimeta,
)

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.selection import open_datasets


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
