"""Readers of datasets: MedIMeta folders, MedMNIST archives, folders of pictures, downloads."""

from __future__ import annotations

import shutil
from pathlib import Path

from fuzz_readers.entry import calls, entry

_NPZ = "npz/bloodmnist_28.npz"


def _medimeta(root: Path) -> None:
    from medimeta_c.sources.medimeta import open_medimeta

    source = open_medimeta("toy", root / "medimeta")
    for split in source.info.splits:
        for image_id in source.ids(split)[:2]:
            source.image(split, image_id)
            source.label(split, image_id)


def _medmnist(root: Path) -> None:
    from medimeta_c.sources.medmnist import open_medmnist

    source = open_medmnist("bloodmnist", root / "npz")
    for split in source.info.splits:
        source.image(split, source.ids(split)[0])


def _npz_rows(root: Path) -> None:
    from medimeta_c.sources.npz import npz_headers, npz_rows

    path = root / _NPZ
    for name in npz_headers(path):
        sum(1 for _ in npz_rows(path, name))


def _imagefolder(root: Path) -> None:
    from medimeta_c.sources.imagefolder import open_imagefolder

    source = open_imagefolder("rays", root / "images")
    for split in source.info.splits:
        for image_id in source.ids(split):
            source.image(split, image_id)


def _notes(root: Path) -> None:
    from medimeta_c.sources.imagefolder import open_imagefolder, said_title

    said_title(root / "images/rays")
    open_imagefolder("rays", root / "images")


def _zip(root: Path) -> None:
    from medimeta_c.download.extract import extract_zip

    shutil.rmtree(root / "extracted", ignore_errors=True)
    extract_zip(root / "texts/oct.zip", root / "extracted", top="oct", required="info.yaml")


READERS = (
    entry(
        "medimeta-info",
        "yaml",
        "medimeta/toy/info.yaml",
        calls("sources.medimeta_info:read_info", "medimeta/toy/info.yaml"),
        code={"sources.medimeta_info": "read_info _line _lines _mappings _file_stem"},
    ),
    entry(
        "medimeta-images",
        "hdf5",
        "medimeta/toy/images.hdf5",
        _medimeta,
        code={
            "sources.medimeta": "_open_images",
            "sources.medimeta_images": "Hdf5Images.__init__ Hdf5Images.image Hdf5Images._dataset",
        },
    ),
    entry(
        "medimeta-labels",
        "npy",
        "medimeta/toy/task_labels/grade.npy",
        _medimeta,
        code={"sources.medimeta": "_read_labels"},
    ),
    entry(
        "medimeta-splits",
        "txt",
        "medimeta/toy/splits/train.txt",
        _medimeta,
        code={"sources.medimeta": "_read_splits _read_split _row"},
    ),
    entry(
        "annotations",
        "csv",
        "medimeta/toy/annotations.csv",
        _medimeta,
        code={"sources.patients": "annotated_patients"},
    ),
    entry(
        "medmnist",
        "zip",
        _NPZ,
        _medmnist,
        code={"sources.medmnist": "open_medmnist check_images read_labels _splits"},
    ),
    entry(
        "npz-rows", "zip", _NPZ, _npz_rows, code={"sources.npz": "npz_rows npz_headers _read_header _archive"}
    ),
    entry(
        "image-table",
        "csv",
        "images/rays/metadata.csv",
        _imagefolder,
        code={"sources.folders.table": "listed_in _listed _faults"},
    ),
    entry(
        "ids",
        "csv",
        "ids/rays.csv",
        calls("sources.folders.ids:read_ids", "ids", "rays"),
        code={"sources.folders.ids": "read_ids"},
    ),
    entry(
        "notes",
        "yaml",
        "images/rays/info.yaml",
        _notes,
        code={"sources.imagefolder": "_read_notes said_title"},
    ),
    entry(
        "archive",
        "zip",
        "texts/oct.zip",
        _zip,
        code={"download.extract": "extract_zip _checked_files _checked_path _checked_total"},
    ),
)
