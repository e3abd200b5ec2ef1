"""The catalogue of known datasets."""

from __future__ import annotations

import json
import re

import pytest

from medimeta_c.download.archives import MEDIMETA_DATASETS, MEDMNIST_DATASETS
from medimeta_c.format.keys import check_name
from medimeta_c.format.suites import CORE
from medimeta_c.io.records import dump
from medimeta_c.sources import SOURCES, family_of
from medimeta_c.sources.catalog import SPLITS, catalog


def test_it_lists_what_can_be_downloaded() -> None:
    """The catalogue and the archives know the same datasets."""
    assert set(catalog()) == {*MEDIMETA_DATASETS, *MEDMNIST_DATASETS}


def test_the_benchmark_leads() -> None:
    """The suite's datasets come first, in its order."""
    assert tuple(catalog())[: len(CORE.headline["medimeta"])] == CORE.headline["medimeta"]


@pytest.mark.parametrize("dataset", catalog())
def test_a_record_is_complete(dataset: str) -> None:
    """Every record has a source family, a usable id, three splits, terms and a reference."""
    record = catalog()[dataset]
    assert check_name("dataset", dataset) == record.dataset
    assert record.kind == family_of(dataset).name
    assert record.kind in SOURCES
    assert record.channels in (1, 3)
    assert tuple(record.splits) == SPLITS
    assert min(record.splits.values()) > 0
    assert all((record.title, record.modality, record.task, record.homepage))
    assert re.search(r"\(CC BY(-NC)?(-SA)? 4\.0\)$", record.license)
    assert "https://doi.org/" in record.citation


def test_only_medmnist_has_class_names_here() -> None:
    """MedIMeta's class names always come from its data."""
    for record in catalog().values():
        assert bool(record.class_names) == (record.kind == "medmnist")
        assert len(set(record.class_names)) == len(record.class_names)


def test_the_non_commercial_ones_say_so() -> None:
    """Exactly the CT slices of MedIMeta and DermaMNIST are non-commercial."""
    found = {dataset for dataset, record in catalog().items() if "NonCommercial" in record.license}
    assert found == {"organs_axial", "organs_coronal", "organs_sagittal", "dermamnist"}


def test_published_counts() -> None:
    """Counts of the two collections' smallest and of the one the paper misprints."""
    assert catalog()["pbc"].splits == {"train": 11964, "val": 1709, "test": 3419}
    assert sum(catalog()["dr_uwf"].splits.values()) == 250
    assert catalog()["bloodmnist"].splits["test"] == 3421


def test_chestmnist_is_the_only_multi_label_one() -> None:
    """Datasets without a single-label task are marked."""
    assert [name for name, record in catalog().items() if not record.single_label] == ["chestmnist"]


def test_records_serialise() -> None:
    """A record is plain data, for `datasets --json`."""
    assert json.loads(json.dumps(dump(catalog()["oct"])))["splits"]["test"] == 1000
