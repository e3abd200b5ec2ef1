"""The optional file beside your own images that says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c.errors import SourceError, printable
from medimeta_c.sources.files import read_mapping
from medimeta_c.sources.imagefolder_layout import NOTES

__all__ = ["Notes", "read_notes"]

_TEXTS = ("title", "modality", "task", "license", "citation", "homepage")
_CLASS_NAMES = "class_names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the user says of an image folder; empty where nothing is said.

    Parameters
    ----------
    file : str
        Name of the file, in the dataset's folder.
    title, modality, task, license, citation, homepage : str
        As in `medimeta_c.format.keys.SourceInfo`.
    class_names : mapping of str to str
        Class folder to the name shown; folders not mentioned keep theirs.
    """

    file: str = ""
    title: str = ""
    modality: str = ""
    task: str = ""
    license: str = ""
    citation: str = ""
    homepage: str = ""
    class_names: Mapping[str, str] = field(default_factory=dict)


def read_notes(root: Path, classes: tuple[str, ...]) -> Notes:
    """Return the notes in a dataset's folder, or empty ones if it has none.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    classes : tuple of str
        Its class folders.

    Raises
    ------
    SourceError
        If there are two files of notes, or one is not valid.
    """
    present = [name for name in NOTES if (root / name).is_file()]
    if not present:
        return Notes()
    if len(present) > 1:
        raise SourceError(f"{root} has both {' and '.join(present)}: keep one of them")
    path = root / present[0]
    fields = read_mapping(path)
    known = (*_TEXTS, _CLASS_NAMES)
    for name, value in fields.items():
        if name not in known:
            raise SourceError(f"{path} has unknown entry {name!r}: use {', '.join(known)}")
        if name in _TEXTS and not isinstance(value, str):
            raise SourceError(f"{path}: {name} is {value!r}, which is not a text: put it in quotes")
    texts = {name: printable(fields[name]) for name in _TEXTS if name in fields}
    return Notes(file=present[0], class_names=_class_names(path, fields.get(_CLASS_NAMES), classes), **texts)


def _class_names(path: Path, given: object, classes: tuple[str, ...]) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise SourceError(f"{path}: {_CLASS_NAMES} is not a mapping of class folders to names: correct it")
    for folder, name in given.items():
        if folder not in classes:
            raise SourceError(
                f"{path}: {_CLASS_NAMES} mentions {folder!r}, which is no class folder "
                f"({', '.join(classes)}): correct it"
            )
        if not isinstance(name, str) or not name.strip():
            raise SourceError(f"{path}: class {folder!r} is named {name!r}, which is not a text: quote it")
    names = {folder: printable(name) for folder, name in given.items()}
    shown = [names.get(folder, folder) for folder in classes]
    if len(set(shown)) != len(shown):
        raise SourceError(f"{path}: two classes would have the same name ({', '.join(shown)}): correct it")
    return names
