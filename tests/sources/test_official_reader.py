"""MedIMeta's own reader, the package `medimeta`, sees in our folders what our source sees."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medimeta_c.format.suites import CORE
from medimeta_c.sources.contract import Source
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.phantoms import open_phantoms

NEEDED = (
    "needs the official reader: pip install torch torchvision, then pip install --no-deps "
    "medimeta==0.0.6 torchcross==0.0.6 torchopt optree graphviz"
)


@pytest.fixture
def reader() -> Iterator[Any]:
    """The class medimeta.MedIMeta, which remembers the last data folder in class attributes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports: torch, torchvision, torchcross, torchopt
        medimeta = pytest.importorskip("medimeta", reason=NEEDED, exc_type=ImportError)
    cls = medimeta.MedIMeta
    remembered = ("_data_path", "_infos", "_dataset_dir_mapping", "_available_tasks")
    for name in remembered:
        setattr(cls, name, None)
    yield cls
    for name in remembered:
        setattr(cls, name, None)


def compare(official: Any, source: Source, split: str, rows: tuple[str, ...]) -> None:
    """Assert that both see the same images, in the same order, with the same labels."""
    assert official.input_size[0] == source.info.channels
    assert [official.classes[label] for label in sorted(official.classes)] == list(source.info.class_names)
    assert len(official) == len(rows) == source.info.splits[split]
    for position, row in enumerate(rows):
        picture, label = official[position]
        assert np.array_equal(np.asarray(picture), source.image(split, row))
        assert int(label) == source.label(split, row)


@pytest.mark.parametrize("use_hdf5", [True, False], ids=["hdf5", "tiff"])
@pytest.mark.parametrize("dataset", CORE.datasets)
def test_official_reader_reads_phantoms(
    reader: Any, phantoms_dir: Path, dataset: str, use_hdf5: bool
) -> None:
    """A folder of phantoms is a MedIMeta folder to MedIMeta's own code, from either kind of image file."""
    source = open_phantoms(dataset, phantoms_dir.parent)
    official = reader(
        str(phantoms_dir),
        dataset,
        source.info.task,
        split="test",
        transform=lambda picture: picture,
        use_hdf5=use_hdf5,
    )
    compare(official, source, "test", source.ids("test"))


def test_official_reader_lists_the_phantoms_tasks(reader: Any, phantoms_dir: Path) -> None:
    """Its listing finds the five folders, by their ids, and no lock or temporary folder."""
    tasks = reader.get_available_tasks(str(phantoms_dir))
    assert set(tasks) == set(CORE.datasets)
    assert tasks["pneumonia"] == ["disease class", "pneumonia presence"]


def test_official_reader_reads_original_splits(reader: Any, phantoms_dir: Path) -> None:
    """Original splits work too, and an empty one is refused as in the published data."""
    folder = str(phantoms_dir)
    assert len(reader(folder, "oct", "disease class", original_split="train")) == 60
    with pytest.raises(ValueError, match="Original split 'val' not found"):
        reader(folder, "oct", "disease class", original_split="val")


@pytest.mark.parametrize("dataset", ["pbc", "pneumonia", "fundus", "oct"])
def test_both_readers_agree_on_real_images(reader: Any, sample_dir: Path, dataset: str) -> None:
    """On real medical images in MedIMeta's format, our source gives the official reader's pixels."""
    source = open_medimeta(dataset, sample_dir)
    for split in ("val", "test"):
        official = reader(
            str(sample_dir), dataset, source.info.task, split=split, transform=lambda picture: picture
        )
        compare(official, source, split, source.ids(split))
