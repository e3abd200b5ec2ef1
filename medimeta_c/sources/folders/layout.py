"""Layout of a folder of pictures: where a dataset is, which files are pictures, and what was found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c.errors import Remedy, SourceError
from medimeta_c.sources.folders.names import is_junk, normal, split_of
from medimeta_c.sources.folders.table import TABLE
from medimeta_c.sources.pictures import DICOM_SUFFIXES, SUFFIXES

__all__ = [
    "HOW",
    "NOTES",
    "PICTURE_SUFFIXES",
    "Layout",
    "Picture",
    "datasets_below",
    "find_root",
    "holds_classes",
    "is_picture",
    "raise_problems",
    "stem",
]

NOTES = ("info.yaml", "medimeta.yaml")
"""Names of the optional file that describes the dataset."""

PICTURE_SUFFIXES = (*SUFFIXES, *DICOM_SUFFIXES)
"""Endings of files that are pictures."""

HOW = "put images into one sub-folder per class, or into train/<class>, val/<class> and test/<class>"
"""What to do with images that lie elsewhere."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file.

    Parameters
    ----------
    file : str
        Path relative to the dataset's folder, with forward slashes.
    label : int
        Index of its class.
    patient : str
        Whom it is of; empty if not said.
    group : int or None
        The number that stands for the patient.
    frame : int or None
        Which of the file's frames, if it has several.
    """

    file: str
    label: int
    patient: str = ""
    group: int | None = None
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What an image folder holds.

    Parameters
    ----------
    classes : tuple of str
        Names of the class folders, in label order.
    splits : dict of str to dict of str to Picture
        Images of each split by id, in the order of ids.
    problems : list of str or SourceError
        Why the folder cannot be read, one sentence for each problem.
    tables : tuple of str
        Files that say which image is what, relative to the folder.
    """

    classes: tuple[str, ...]
    splits: dict[str, dict[str, Picture]]
    problems: list[str | SourceError] = field(default_factory=list)
    tables: tuple[str, ...] = ()

    @property
    def patients(self) -> set[str]:
        """The patients that are named; of all images or of none."""
        own = {picture.patient for pictures in self.splits.values() for picture in pictures.values()}
        return own - {""}


def find_root(dataset: str, data_dir: Path, *, data_is_dataset: bool = False) -> Path:
    """Return the dataset's folder: `data_dir`/`dataset`, or `data_dir` itself if it has that name.

    Raises
    ------
    SourceError
        If neither is there.
    """
    root = data_dir / dataset
    if data_is_dataset or (not root.is_dir() and dataset in (data_dir.name, data_dir.resolve().name)):
        root = data_dir
    if root.is_dir():
        return root
    reason = "is not a folder" if root.exists() else "does not exist"
    remedies = [Remedy(HOW), Remedy("build from synthetic images with {source}", source="phantoms")]
    if holds_classes(data_dir):
        reason += f", but {data_dir} holds class folders"
        remedies.insert(0, Remedy("if it is the dataset itself, add {data_is_dataset}", data_is_dataset=True))
    raise SourceError(f"no data for {dataset!r}: {root} {reason}", remedy=remedies)


def holds_classes(folder: Path) -> bool:
    """Return whether a folder looks like one of pictures in class folders."""
    levels = ("*/*", "*/*/*", "*/*/*/*")
    return folder.is_dir() and any(is_picture(path) for level in levels for path in folder.glob(level))


def datasets_below(folder: Path, classes_are: Collection[str] = ()) -> list[Path]:
    """Return the sub-folders that are datasets themselves: they have splits, a table or a description.

    Parameters
    ----------
    folder : Path
        A folder; if it has splits, a table or a description itself, it is the dataset.
    classes_are : collection of str, optional
        Names of folders that are classes, although they look like splits or masks.
    """
    classes = frozenset(map(normal, classes_are))
    if _is_dataset(folder, classes):
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and _is_dataset(path, classes)]


def _is_dataset(folder: Path, classes: frozenset[str]) -> bool:
    if any((folder / name).is_file() for name in (TABLE, *NOTES)):
        return True
    inner = [path.name for path in folder.iterdir() if path.is_dir()]
    return any(split_of(name) and normal(name) not in classes for name in inner)


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture, by its ending or because it is DICOM."""
    return not is_junk(path.name) and path.is_file() and (_is_known(path) or _is_dicom(path))


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def _is_dicom(path: Path) -> bool:
    """Return whether a file of any name is DICOM; archives call them by number, without an ending."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def stem(path: Path) -> str:
    """Return a picture's name without its ending, if it has a known one."""
    return path.stem if _is_known(path) else path.name


def raise_problems(root: Path, problems: list[str | SourceError]) -> None:
    """Raise a SourceError that names every problem, if there is any."""
    if not problems:
        return
    if len(problems) > 1:
        raise SourceError(f"{root} has {len(problems)} problems: {'; '.join(map(str, problems))}", problems)
    only = problems[0]
    if isinstance(only, str):
        raise SourceError(only, problems)
    raise SourceError(only.cause, problems, remedy=only.remedies)
