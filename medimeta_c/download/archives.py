"""Catalogue of the published archives: dataset ids, addresses, and where the data belongs on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.errors import unknown_name
from medimeta_c.sources.catalog import published

__all__ = [
    "MEDIMETA_DATASETS",
    "MEDIMETA_RECORD",
    "MEDMNIST_DATASETS",
    "MEDMNIST_RECORD",
    "ZENODO",
    "Archive",
    "archive_for",
    "is_downloaded",
]

ZENODO = "https://zenodo.org"
"""Where the records are published."""

MEDIMETA_RECORD = "7884735"
"""MedIMeta: one zip per dataset (DOI 10.5281/zenodo.7884735)."""

MEDMNIST_RECORD = "10519652"
"""MedMNIST+: one npz per dataset and image size (DOI 10.5281/zenodo.10519652)."""

MEDIMETA_DATASETS, MEDMNIST_DATASETS = published("medimeta"), published("medmnist")
"""Ids of the datasets in the two records; MedMNIST+'s are there at 28, 64, 128 and 224 pixels a side."""

# As the medmnist package 3.0.2 prints them. MedIMeta publishes no checksums; the record's API has them.
_PRINTED_MD5 = {
    "bloodmnist_224.npz": "b718ff6835fcbdb22ba9eacccd7b2601",
    "breastmnist_224.npz": "b56378a6eefa9fed602bb16d192d4c8b",
    "octmnist_224.npz": "abc493b6d529d5de7569faaef2773ba3",
    "pneumoniamnist_224.npz": "d6a3c71de1b945ea11211b03746c1fe1",
    "retinamnist_224.npz": "eae7e3b6f3fcbda4ae613ebdcbe35348",
}

_MEDMNIST_ID = re.compile(r"(?P<name>[a-z]+mnist)(?P<size>_(?:28|64|128|224))?")


@dataclass(frozen=True, slots=True)
class Archive:
    """One published file that holds one dataset: the dataset's id, and the file's name in its record."""

    dataset: str
    filename: str

    @property
    def is_zip(self) -> bool:
        """Whether it is extracted to a folder (MedIMeta); otherwise the file is the data (MedMNIST+)."""
        return self.filename.endswith(".zip")

    @property
    def family(self) -> str:
        """The source family that reads it."""
        return "medimeta" if self.is_zip else "medmnist"

    @property
    def record(self) -> str:
        """The Zenodo record that publishes it."""
        return MEDIMETA_RECORD if self.is_zip else MEDMNIST_RECORD

    @property
    def md5(self) -> str | None:
        """The checksum in print, or None where only the record's API states it."""
        return _PRINTED_MD5.get(self.filename)

    @property
    def page(self) -> str:
        """Where a person can fetch it with a browser."""
        return f"{ZENODO}/records/{self.record}/files/{self.filename}"

    def target(self, data_dir: Path) -> Path:
        """Return the folder or file in `data_dir` that the source family reads."""
        return data_dir / (self.dataset if self.is_zip else self.filename)


def archive_for(dataset: str) -> Archive:
    """Return the archive that holds a dataset.

    A MedMNIST+ id names the 224-pixel file; ``<id>_28``, ``<id>_64`` and ``<id>_128`` name the smaller ones.

    Raises
    ------
    ConfigError
        If no published archive holds a dataset of that name.

    Examples
    --------
    >>> archive_for("pbc").page
    'https://zenodo.org/records/7884735/files/pbc.zip'
    >>> archive_for("bloodmnist").filename, archive_for("bloodmnist_64").filename
    ('bloodmnist_224.npz', 'bloodmnist_64.npz')
    """
    match = _MEDMNIST_ID.fullmatch(dataset)
    if match is not None and match["name"] in MEDMNIST_DATASETS:
        # The 28-pixel files are the original MedMNIST's and carry no size in their name.
        size = "" if match["size"] == "_28" else match["size"] or "_224"
        return Archive(dataset, f"{match['name']}{size}.npz")
    if dataset in MEDIMETA_DATASETS:
        return Archive(dataset, f"{dataset}.zip")
    raise unknown_name("dataset", dataset, (*MEDIMETA_DATASETS, *MEDMNIST_DATASETS))


def is_downloaded(dataset: str, data_dir: Path) -> bool:
    """Return whether a dataset's data is in `data_dir`, whoever put it there.

    A MedIMeta folder counts when it has its ``info.yaml``: `download` gives a folder its name only after
    everything in it is written. Raises ConfigError if no published archive holds a dataset of that name.
    """
    archive = archive_for(dataset)
    target = archive.target(data_dir)
    return (target / "info.yaml" if archive.is_zip else target).is_file()
