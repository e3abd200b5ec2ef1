"""Walk through a folder of pictures: the class, split and id of each file, and all problems found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from medimeta_c.errors import Remedy, SourceError
from medimeta_c.sources.catalog import SPLITS
from medimeta_c.sources.folders.layout import (
    HOW,
    NOTES,
    PICTURE_SUFFIXES,
    Layout,
    Picture,
    is_picture,
    stem,
)
from medimeta_c.sources.folders.names import is_junk, is_no_class, normal, safe, split_of
from medimeta_c.sources.folders.table import TABLE, Listed, listed_in

__all__ = ["scan"]

_DOCUMENTS = ("license", "license.md", "license.txt", "readme", "readme.md", "readme.txt")
_ONLY_SPLIT = "test"


def scan(root: Path, classes_are: Collection[str] = ()) -> Layout:
    """Return the images below a folder, by split and id, and every problem found on the way.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    classes_are : collection of str, optional
        Names of folders that are classes, although they look like splits or masks.
    """
    scan = _Scan(root, frozenset(map(normal, classes_are)))
    if tables := scan.tables():
        classes, splits = scan.listed(tables)
        names = tuple(table.relative_to(root).as_posix() for table in tables)
        return Layout(classes, splits, scan.problems, names)
    tree = scan.tree()
    classes = scan.classes(tree) if tree else ()
    order = [split for split in SPLITS if split in tree]
    splits = {split: scan.pictures(split, tree[split], classes) for split in order} if classes else {}
    pictures = [picture for own in splits.values() for picture in own.values()]
    lone = next((picture.file for picture in pictures if not picture.patient), None)
    if lone is not None and any(picture.patient for picture in pictures):
        scan.problems.append(
            f"{root / lone} is not in a patient's folder, but others are: move it into <class>/<patient>"
        )
    return Layout(classes, splits, scan.problems)


class _Scan:
    """A walk through a folder that continues after a problem, so that one run reports all of them."""

    def __init__(self, root: Path, classes_are: frozenset[str]) -> None:
        self.root, self._classes_are = root, classes_are
        self.problems: list[str | SourceError] = []
        self._home = root.resolve()

    def tables(self) -> list[Path]:
        """Return the tables that list the pictures, if there are any."""
        folders = [self.root, *(path for path in sorted(self.root.iterdir()) if self._split(path))]
        found = [folder / TABLE for folder in folders if (folder / TABLE).is_file()]
        return found[:1] if found and found[0].parent == self.root else found

    def listed(self, tables: list[Path]) -> tuple[tuple[str, ...], dict[str, dict[str, Picture]]]:
        """Return classes, and images by split and id, as tables list them."""
        problems = self.problems
        rows: list[Listed] = []
        mentioned: set[Path] = set()
        for table in tables:
            split = self._split(table.parent) if table.parent != self.root else None
            rows += listed_in(table, split, problems, mentioned)
        classes = sorted({row.label for row in rows}, key=_label_order)
        if len(classes) < 2:
            problems.append(f"{tables[0]} has fewer than two classes ({', '.join(classes) or 'none'})")
        labels = {name: label for label, name in enumerate(classes)}
        unsaid = [row for row in rows if row.split is None]
        if 0 < len(unsaid) < len(rows):
            problems += [f"{row.where}: split is missing, but other lines have it: add it" for row in unsaid]
        if any(row.patient for row in rows):
            problems += [
                f"{row.where}: patient is missing, but other lines have it: add it"
                for row in rows
                if not row.patient
            ]
        files = dict.fromkeys(self._files(self.root, tables))
        owners: dict[Path, Listed] = {}
        splits: dict[str, dict[str, Picture]] = {}
        for row in rows:
            if owners.setdefault(row.path, row) is not row:
                problems.append(f"{row.where}: {row.path} is listed twice: keep one of the lines")
            elif row.path in files:
                name = row.path.relative_to(self.root).with_name(stem(row.path))
                image_id = f"{safe(row.label)}/{safe(name.as_posix())}"
                split = row.split or _ONLY_SPLIT
                picture = Picture(self._name(row.path), labels[row.label], row.patient)
                self._add(splits.setdefault(split, {}), image_id, picture, split)
            elif is_picture(row.path):
                problems.append(f"{row.where}: {row.path} is hidden, or in a hidden folder: rename it")
        problems += [
            f"{path} is not listed in {TABLE}: add a line for it, or move it elsewhere"
            for path in files
            if path not in mentioned
        ]
        return tuple(classes), {
            split: dict(sorted(splits[split].items())) for split in SPLITS if split in splits
        }

    def _files(self, folder: Path, tables: list[Path]) -> list[Path]:
        """Return every file of the folder that is to be an image, at any depth."""
        files = []
        for path in self._below(folder):
            if is_picture(path):
                files.append(path)
            elif path not in tables and path.name not in NOTES and path.name.lower() not in _DOCUMENTS:
                self.problems.append(
                    f"{path} is not an image ({', '.join(PICTURE_SUFFIXES)}): move it elsewhere"
                )
        return files

    def tree(self) -> dict[str, list[Path]]:
        """Return the class folders of each split."""
        root, problems = self.root, self.problems
        folders = []
        for path in self._visible(root):
            if path.is_dir():
                folders.append(path)
            elif path.name not in NOTES and path.name.lower() not in _DOCUMENTS:
                problems.append(f"{path} is not in a class folder: {HOW}, and move other files elsewhere")
        splits = {folder: self._split(folder) for folder in folders}
        named = [folder.name for folder, split in splits.items() if split]
        if not folders:
            problems.append(f"{root} holds no sub-folders: {HOW}")
        elif not named:
            return {_ONLY_SPLIT: folders}
        elif len(named) < len(folders):
            other = next(folder.name for folder, split in splits.items() if not split)
            problems.append(
                SourceError(
                    f"{root} has a split folder {named[0]!r} beside {other!r}, but all sub-folders must be "
                    "splits (train, val, test), or all classes",
                    remedy=Remedy("if all are classes, add {classes_are}", classes_are=named),
                )
            )
        else:
            return self._split_tree(splits)
        return {}

    def _split_tree(self, splits: dict[Path, str | None]) -> dict[str, list[Path]]:
        tree: dict[str, list[Path]] = {}
        flat = []
        for folder, split in splits.items():
            assert split is not None
            if split in tree:
                self.problems.append(f"{folder} is a second folder of the split {split!r}: merge the two")
            inner = self._visible(folder)
            tree.setdefault(split, []).extend(path for path in inner if path.is_dir())
            if inner and not any(path.is_dir() for path in inner):
                flat.append(folder.name)
                continue
            self.problems += [
                f"{path} is not in a class folder: move it into {folder.name}/<class>"
                for path in inner
                if not path.is_dir()
            ]
        if flat:
            self.problems.append(
                SourceError(
                    f"{self.root} holds pictures directly in {', '.join(flat)}, named like splits",
                    remedy=[
                        Remedy("move them into class folders below"),
                        Remedy("if these are classes, add {classes_are}", classes_are=flat),
                    ],
                )
            )
        return {} if flat else tree

    def classes(self, tree: dict[str, list[Path]]) -> tuple[str, ...]:
        """Return the names of the classes, in label order."""
        root, problems = self.root, self.problems
        holders: dict[str, list[Path]] = {}
        for folder in (folder for folders in tree.values() for folder in folders):
            holders.setdefault(normal(folder.name), []).append(folder)
        names = sorted(holders)
        if len(names) < 2:
            problems.append(f"{root} has fewer than two class folders ({', '.join(names) or 'none'}): {HOW}")
            return ()
        if doubtful := [name for name in names if is_no_class(name) and name not in self._classes_are]:
            problems.append(
                SourceError(
                    f"{root} has folders named like splits, parts or masks where classes are expected "
                    f"({', '.join(doubtful)})",
                    remedy=[
                        Remedy("rename or rearrange them"),
                        Remedy("if they are classes, add {classes_are}", classes_are=doubtful),
                    ],
                )
            )
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                problems.append(f"{root} has classes {other!r} and {name!r}: give them one spelling")
            if not any(is_picture(path) for folder in holders[name] for path in folder.rglob("*")):
                problems.append(
                    f"{holders[name][0]} holds no image: add images of this class, or move it elsewhere"
                )
        return tuple(names)

    def pictures(self, split: str, folders: Iterable[Path], classes: tuple[str, ...]) -> dict[str, Picture]:
        """Return the images of a split by id, sorted."""
        pictures: dict[str, Picture] = {}
        for folder in folders:
            label = classes.index(normal(folder.name))
            inner = self._visible(folder)
            patients = [path for path in inner if path.is_dir()]
            if len(patients) < len(inner):
                self.problems += [
                    f"{path} is a folder beside images: move all images into folders of patients, or none"
                    for path in patients
                ]
                patients = []
            for path in inner:
                if path.is_file() and self._wanted(path):
                    image_id = f"{safe(folder.name)}/{safe(stem(path))}"
                    self._add(pictures, image_id, Picture(self._name(path), label), split)
            for patient in patients:
                for path in filter(self._wanted, self._below(patient)):
                    picture = Picture(self._name(path), label, normal(patient.name))
                    self._add(pictures, picture.file, picture, split)
        if not pictures:
            self.problems.append(
                f"{self.root} has no image in split {split!r}: {HOW}, or move the folder elsewhere"
            )
        return dict(sorted(pictures.items()))

    def _add(self, pictures: dict[str, Picture], image_id: str, picture: Picture, split: str) -> None:
        other = pictures.setdefault(image_id, picture)
        if other is not picture:
            self.problems.append(
                f"{self.root} has two images with the id {image_id!r} in split {split!r}: "
                f"{other.file} and {picture.file}; rename one"
            )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _wanted(self, path: Path) -> bool:
        if is_picture(path):
            return True
        self.problems.append(
            f"{path} is not an image ({', '.join(PICTURE_SUFFIXES)}): move it out of the class folder"
        )
        return False

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield every file of a folder, at any depth."""
        for path in self._visible(folder):
            if path.is_dir():
                yield from self._below(path)
            else:
                yield path

    def _split(self, folder: Path) -> str | None:
        return None if normal(folder.name) in self._classes_are else split_of(folder.name)

    def _visible(self, folder: Path) -> list[Path]:
        """Return a folder's entries without junk; report those that must not be read as problems."""
        entries = []
        for path in sorted(path for path in folder.iterdir() if not is_junk(path.name)):
            if any("\ud800" <= char <= "\udfff" for char in path.name):
                self.problems.append(f"{path.name!r} in {folder} is not a valid UTF-8 file name: rename it")
            elif path.is_symlink() and not path.exists():
                self.problems.append(f"{path} is a broken link: restore its target, or move it elsewhere")
            elif path.is_symlink() and not path.resolve().is_relative_to(self._home):
                self.problems.append(f"{path} is a link out of {self.root}: copy its target in its place")
            elif path.is_symlink() and path.resolve() in {above.resolve() for above in path.parents}:
                self.problems.append(f"{path} is a link to a folder that contains it: move it away")
            else:
                entries.append(path)
        return entries


def _label_order(label: str) -> tuple[bool, int, str, str]:
    """Sort numbers by value, before texts."""
    digits = label.lstrip("0") if label.isascii() and label.isdecimal() else None
    return digits is None, len(digits or ""), digits or "", label
