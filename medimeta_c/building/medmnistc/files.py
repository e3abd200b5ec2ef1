"""Read the official MedMNIST-C: npz files of corrupted images, one per dataset and corruption.

::

    <folder>/<dataset>/<corruption>.npz
        test_images     uint8 (5N, H, W) or (5N, H, W, 3)
        test_labels     integers (5N, 1)

N is the number of clean test images. Rows 0 to N-1 are all of them at severity 1, in the clean order; the
next N are all of them at severity 2, and so on up to 5: row r is image r mod N at severity 1 + r div N.

References
----------
F. Di Salvo, S. Doerrich and C. Ledig, "MedMNIST-C: Comprehensive benchmark and improved classifier
robustness by simulating realistic image corruptions", arXiv:2406.17536, 2024.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.files import checksum_of
from medimeta_c.sources.medmnist import check_images, open_medmnist, read_labels
from medimeta_c.sources.npz import npz_headers, npz_rows
from medimeta_c.sources.rows import RowSource

__all__ = ["SEVERITIES", "SPLIT", "MedmnistC", "datasets_in", "open_medmnistc"]

SEVERITIES = (1, 2, 3, 4, 5)
SPLIT = "test"
_COMPARED = 64

_CITATION = (
    'F. Di Salvo, S. Doerrich and C. Ledig, "MedMNIST-C: Comprehensive benchmark and improved classifier '
    'robustness by simulating realistic image corruptions", arXiv:2406.17536, 2024.'
)
_HOMEPAGE = "https://doi.org/10.5281/zenodo.11471504"


@dataclass(frozen=True, slots=True, kw_only=True)
class MedmnistC:
    """One dataset of MedMNIST-C with its clean test set. Made by `open_medmnistc`; can be pickled.

    Parameters
    ----------
    info : DatasetInfo
        The clean dataset's, with MedMNIST-C's reference and address.
    clean : RowSource
        The clean images.
    files : mapping of str to Path
        The npz file of each corruption.
    """

    info: DatasetInfo
    clean: RowSource
    files: Mapping[str, Path]

    @property
    def count(self) -> int:
        """N, the number of clean test images."""
        return self.info.splits[SPLIT]

    def images(self, corruption: str) -> Generator[tuple[str, int, Image]]:
        """Yield the images of one corruption, in the file's order, reading it as a stream.

        Parameters
        ----------
        corruption : str
            One of `files`, or ``"clean"``.

        Yields
        ------
        (str, int, ndarray)
            Image id, label and pixels: N rows for ``"clean"``, else N for each of the five severities.

        Raises
        ------
        SourceError
            If the file turns out to be damaged, which may be only at its end.
        """
        ids = self.clean.ids(SPLIT)
        labels = [self.clean.label(SPLIT, image_id) for image_id in ids]
        if corruption == CLEAN:
            yield from ((i, label, self.clean.image(SPLIT, i)) for i, label in zip(ids, labels, strict=True))
            return
        for row, image in enumerate(npz_rows(self.files[corruption], "test_images")):
            yield ids[row % len(ids)], labels[row % len(ids)], image

    def some_clean(self) -> dict[str, Image]:
        """Return clean images by id, spread over the test set: enough to compare corrupted ones with."""
        ids = self.clean.ids(SPLIT)
        return {one: self.clean.image(SPLIT, one) for one in ids[:: -(-len(ids) // _COMPARED)]}

    def checksum(self) -> str:
        """Return the digest of the clean file and of every corruption's file."""
        folder = next(iter(self.files.values())).parent
        corrupted = checksum_of(folder, [path.name for path in self.files.values()])
        text = f"clean\0{self.clean.checksum()}\ncorrupted\0{corrupted}\n"
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def datasets_in(folder: Path) -> tuple[str, ...]:
    """Return the single-label datasets of MedMNIST that `folder` has a folder of, in MedMNIST's order."""
    return tuple(name for name in published("medmnist", single_label=True) if (folder / name).is_dir())


def open_medmnistc(dataset: str, folder: Path, data_dir: Path) -> MedmnistC:
    """Open a dataset of MedMNIST-C and check that every file has its layout.

    Parameters
    ----------
    dataset : str
        A MedMNIST dataset, e.g. ``"bloodmnist"``.
    folder : pathlib.Path
        The folder of all datasets of MedMNIST-C.
    data_dir : pathlib.Path
        Where the clean MedMNIST+ npz file is; see `medimeta_c.sources.medmnist`.

    Raises
    ------
    ConfigError
        If the id is not a MedMNIST 2D dataset with one label an image.
    SourceError
        If a file is missing, damaged, or has not the layout above: images of the clean ones' size, and the
        clean labels five times over.
    """
    clean = open_medmnist(dataset, data_dir)
    if SPLIT not in clean.info.splits:
        raise SourceError(f"the clean {dataset} in {data_dir} has no test images: replace the file")
    own = folder / dataset
    files = {path.stem: path for path in sorted(own.glob("*.npz"))}
    if not files:
        raise SourceError(
            f"{own} holds no npz files: give the folder of MedMNIST-C that has one folder a dataset, with "
            "<corruption>.npz files in it"
        )
    for corruption, path in files.items():
        _check_name(dataset, corruption, path)
        _check_file(dataset, path, clean)
    credits = {"citation": f"{clean.info.citation}\n{_CITATION}", "homepage": _HOMEPAGE}
    info = clean.info.model_copy(update=credits)
    return MedmnistC(info=info, clean=clean, files=files)


def _check_name(dataset: str, corruption: str, path: Path) -> None:
    try:
        SetKey(dataset, SPLIT, corruption, SEVERITIES[0])
    except ConfigError as error:
        raise SourceError(
            f"{path} is not named after a corruption ({error}): rename it, or move it away"
        ) from error


def _check_file(dataset: str, path: Path, clean: RowSource) -> None:
    headers = npz_headers(path)
    if set(headers) != {"test_images", "test_labels"}:
        raise SourceError(
            f"{path} holds the arrays {', '.join(sorted(headers)) or 'none'} where MedMNIST-C has "
            "test_images and test_labels: replace the file"
        )
    record = catalog()[dataset.partition("_")[0]]
    check_images(path, SPLIT, headers["test_images"], record, None)
    count = clean.info.splits[SPLIT]
    size = clean.image(SPLIT, clean.ids(SPLIT)[0]).shape
    shape = headers["test_images"].shape
    if shape[1:] != size:
        raise SourceError(
            f"{path} has {shape[1]}x{shape[2]} images, the clean {dataset} {size[0]}x{size[1]} ones: get the "
            "clean file of the same size"
        )
    if shape[0] != len(SEVERITIES) * count:
        raise SourceError(
            f"{path} has {shape[0]} rows where the {count} clean test images at five severities make "
            f"{len(SEVERITIES) * count}: it is of another version of {dataset}, or cut short"
        )
    expected = np.array([clean.label(SPLIT, image_id) for image_id in clean.ids(SPLIT)])
    stacked = read_labels(path, SPLIT, headers, record).reshape(len(SEVERITIES), count)
    wrong = np.flatnonzero((stacked != expected).ravel())
    if len(wrong):
        row = int(wrong[0])
        raise SourceError(
            f"{path} has label {stacked.ravel()[row]} in row {row} where the clean set has "
            f"{expected[row % count]}: its rows must be all test images at severity 1, then all at severity "
            "2, up to 5, in the clean order; save it in that order, or get the official file"
        )
