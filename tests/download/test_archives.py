"""Which archive holds which dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from medimeta_c.download.archives import MEDIMETA_DATASETS, MEDMNIST_DATASETS, archive_for, is_downloaded
from medimeta_c.errors import ConfigError
from medimeta_c.format.suites import CORE
from medimeta_c.sources import family_of


@pytest.mark.parametrize("dataset", [*MEDIMETA_DATASETS, *MEDMNIST_DATASETS])
def test_every_dataset_has_an_archive_of_its_family(dataset: str) -> None:
    """The family that `--source` defaults to is the family of the archive."""
    archive = archive_for(dataset)
    assert (archive.dataset, archive.family) == (dataset, family_of(dataset).name)
    assert archive.is_zip == (archive.family == "medimeta")


def test_suite_datasets_are_published() -> None:
    """All datasets of the benchmark can be downloaded."""
    assert set(CORE.headline["medimeta"]) <= set(MEDIMETA_DATASETS)


def test_places() -> None:
    """MedIMeta becomes a folder of the dataset's name, MedMNIST+ stays a file with its size in the name."""
    data = Path("data")
    assert archive_for("mammo_calc").target(data) == data / "mammo_calc"
    assert archive_for("octmnist").target(data) == data / "octmnist_224.npz"
    assert archive_for("octmnist_28").target(data) == data / "octmnist.npz"
    assert archive_for("octmnist").page == "https://zenodo.org/records/10519652/files/octmnist_224.npz"


def test_printed_checksums_are_of_the_224_pixel_files_only() -> None:
    """The md5s in print belong to five files; other sizes are checked against the record alone."""
    printed = sorted(name for name in MEDMNIST_DATASETS if archive_for(name).md5)
    assert printed == ["bloodmnist", "breastmnist", "octmnist", "pneumoniamnist", "retinamnist"]
    assert archive_for("bloodmnist_224").md5 == archive_for("bloodmnist").md5
    assert archive_for("bloodmnist_64").md5 is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pcb", "'pbc'"),
        ("bloodmnst", "'bloodmnist'"),
        ("bloodmnist_99", "bloodmnist"),
        ("../mnist", "known:"),
    ],
)
def test_unknown_dataset_is_named_with_the_nearest(name: str, hint: str) -> None:
    """A wrong name says what was likely meant."""
    with pytest.raises(ConfigError, match="unknown dataset") as caught:
        archive_for(name)
    assert hint in str(caught.value)


def test_is_downloaded(tmp_path: Path) -> None:
    """A folder counts with its info.yaml, an npz by being there."""
    assert not is_downloaded("pbc", tmp_path)
    (tmp_path / "pbc").mkdir()
    assert not is_downloaded("pbc", tmp_path)
    (tmp_path / "pbc" / "info.yaml").write_text("id: pbc\n")
    assert is_downloaded("pbc", tmp_path)
    assert not is_downloaded("octmnist", tmp_path)
    (tmp_path / "octmnist_224.npz").write_bytes(b"")
    assert is_downloaded("octmnist", tmp_path)
