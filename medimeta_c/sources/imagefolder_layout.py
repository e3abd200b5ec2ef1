"""Which files of an image folder are which image of which class and split."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.errors import SourceError
from medimeta_c.sources.catalog import SPLITS
from medimeta_c.sources.pictures import SUFFIXES

__all__ = ["NOTES", "Layout", "Picture", "find_root", "scan"]

NOTES = ("info.yaml", "medimeta.yaml")
"""Names of the optional file that describes the dataset."""

_DOCUMENTS = ("license", "license.md", "license.txt", "readme", "readme.md", "readme.txt")
_ONLY_SPLIT = "test"
_HOW = "put images into one sub-folder per class, or into train/<class>, val/<class> and test/<class>"


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file.

    Parameters
    ----------
    file : str
        Path relative to the dataset's folder, with forward slashes.
    label : int
        Index of its class.
    """

    file: str
    label: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What an image folder holds.

    Parameters
    ----------
    classes : tuple of str
        Names of the class folders, in label order.
    splits : dict of str to dict of str to Picture
        Images of each split by id, in the order of ids.
    """

    classes: tuple[str, ...]
    splits: dict[str, dict[str, Picture]]


def find_root(dataset: str, data_dir: Path) -> Path:
    """Return the dataset's folder: `data_dir`/`dataset`, else `data_dir` itself if it holds class folders.

    Raises
    ------
    SourceError
        If neither does.
    """
    root = data_dir / dataset
    if root.is_dir():
        return root
    own = ("*/*", *(f"{split}/*/*" for split in SPLITS))
    if data_dir.is_dir() and any(_is_image(path) for pattern in own for path in data_dir.glob(pattern)):
        return data_dir
    raise SourceError(
        f"no data for {dataset!r}: {root} is not a folder, and {data_dir} holds no class folders itself: "
        f"{_HOW}, or build from synthetic images with --source phantoms"
    )


def scan(root: Path) -> Layout:
    """Return the images below a folder, by split and id.

    Raises
    ------
    SourceError
        If the layout is ambiguous, something is neither an image nor expected, a class or split is empty,
        a link leads out of the folder, or two files would have the same id.
    """
    folders = _top_folders(root)
    in_splits = [folder for folder in folders if folder.name in SPLITS]
    if in_splits and len(in_splits) < len(folders):
        other = next(folder.name for folder in folders if folder.name not in SPLITS)
        raise SourceError(
            f"{root} has a split folder {in_splits[0].name!r} beside {other!r}: all sub-folders must be "
            "splits (train, val, test), or all must be classes"
        )
    tree = {_ONLY_SPLIT: folders}
    if in_splits:
        tree = {folder.name: list(_class_folders(root, folder)) for folder in in_splits}
    classes = _class_names(root, tree)
    order = [split for split in SPLITS if split in tree]
    return Layout(classes, {split: _pictures(root, split, tree[split], classes) for split in order})


def _top_folders(root: Path) -> list[Path]:
    folders = []
    for path in _visible(root, root):
        if path.is_dir():
            folders.append(path)
        elif path.name not in NOTES and path.name.lower() not in _DOCUMENTS:
            raise SourceError(f"{path} is not in a class folder: {_HOW}, and move other files elsewhere")
    if not folders:
        raise SourceError(f"{root} holds no sub-folders: {_HOW}")
    return folders


def _class_folders(root: Path, split: Path) -> Iterator[Path]:
    for path in _visible(root, split):
        if not path.is_dir():
            raise SourceError(f"{path} is not in a class folder: move it into {split.name}/<class>")
        yield path


def _class_names(root: Path, tree: dict[str, list[Path]]) -> tuple[str, ...]:
    names = sorted({_normal(folder.name) for folders in tree.values() for folder in folders})
    if len(names) < 2:
        raise SourceError(f"{root} has fewer than two class folders ({', '.join(names) or 'none'}): {_HOW}")
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise SourceError(f"{root} has classes {other!r} and {name!r}: give them one spelling")
    for name in names:
        holders = [folder for folders in tree.values() for folder in folders if _normal(folder.name) == name]
        if not any(_is_image(path) for folder in holders for path in folder.iterdir()):
            raise SourceError(f"{holders[0]} holds no image: add images of this class or remove the folder")
    return tuple(names)


def _pictures(root: Path, split: str, folders: list[Path], classes: tuple[str, ...]) -> dict[str, Picture]:
    pictures: dict[str, Picture] = {}
    for folder in folders:
        label = classes.index(_normal(folder.name))
        for path in _visible(root, folder):
            if not _is_image(path):
                raise SourceError(
                    f"{path} is not an image ({', '.join(SUFFIXES)}): move it out of the class folder"
                )
            image_id = f"{_safe(folder.name)}/{_safe(path.stem)}"
            picture = Picture(path.relative_to(root).as_posix(), label)
            if image_id in pictures:
                raise SourceError(
                    f"{root} has two images with the id {image_id!r} in split {split!r}: "
                    f"{pictures[image_id].file} and {picture.file}; rename one"
                )
            pictures[image_id] = picture
    if not pictures:
        raise SourceError(f"{root} has no image in split {split!r}: {_HOW}, or remove the folder")
    return dict(sorted(pictures.items()))


def _visible(root: Path, folder: Path) -> list[Path]:
    """Return a folder's entries, hidden ones left out, none leading out of the root."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    home = root.resolve()
    for path in entries:
        if any("\ud800" <= char <= "\udfff" for char in path.name):
            raise SourceError(f"{path.name!r} in {folder} is no valid file name in UTF-8: rename it")
        if path.is_symlink():
            if not path.exists():
                raise SourceError(f"{path} is a link to nothing: restore its target or remove it")
            if not path.resolve().is_relative_to(home):
                raise SourceError(f"{path} is a link out of {root}: copy its target in, or remove it")
    return entries


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _normal(name: str) -> str:
    # Some file systems store accents composed, some apart: labels and seeds must not depend on that.
    return unicodedata.normalize("NFC", name)


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() or char in "._-" else "_" for char in _normal(name))
