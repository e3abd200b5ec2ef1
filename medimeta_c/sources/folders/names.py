"""What the names in a folder of pictures mean: splits, junk, and names that are hardly classes."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["is_junk", "is_no_class", "normal", "safe", "split_of"]

_SPLITS = {
    "train": "train|training",
    "val": "val|valid|validation|dev|development",
    "test": "test|testing",
}
_OF_A_SPLIT = r"(?:[-_ ]?(?:set|split|data|images?|imgs?|pictures))?"
_PARTS = r"images?|imgs?|pictures|parts?|folds?|batch|chunk|subset|split|set|volume|folder|data|disk|cv"
_CONTENTS = (
    r"images?|imgs?|pictures|photos|labels?|annotations?|ground[-_ ]?truths?|gt|eval|evaluation|holdout"
    r"|(?:.*[-_ ])?(?:masks?|segmentations?|segs?|overlays?)"
)
_NO_CLASS = re.compile(
    rf"(?:{_PARTS}|{'|'.join(_SPLITS.values())})[-_ ]?\d+(?:[-_ ]?of[-_ ]?\d+)?|{_CONTENTS}", re.IGNORECASE
)
_JUNK = re.compile(
    # Dotted names: .DS_Store, ._x.png, .picasa.ini. Then Windows, macOS, Synology, and what cameras and
    # photo programs write beside a picture.
    r"\..*|(?:eh)?thumbs\.db|desktop\.ini|\$recycle\.bin|system volume information|.*:zone\.identifier"
    r"|__macosx|icon\r|@eadir|#recycle|lost\+found|picasa\.ini|.*\.(?:xmp|aae|thm)",
    re.IGNORECASE | re.DOTALL,
)


def split_of(name: str) -> str | None:
    """Return the split that a folder's name means, in any of the usual spellings, or None.

    Examples
    --------
    >>> split_of("Training_Set"), split_of("valid"), split_of("test images"), split_of("contest")
    ('train', 'val', 'test', None)
    """
    for split, words in _SPLITS.items():
        if re.fullmatch(rf"(?:{words}){_OF_A_SPLIT}", name, re.IGNORECASE):
            return split
    return None


def is_no_class(name: str) -> bool:
    """Return whether a folder's name is that of a split, a part of an archive, or masks, not of a class.

    Examples
    --------
    >>> [is_no_class(name) for name in ("images_001", "masks", "Test", "fold 3", "grade_1", "normal")]
    [True, True, True, True, False, False]
    """
    return split_of(name) is not None or _NO_CLASS.fullmatch(name) is not None


def is_junk(name: str) -> bool:
    """Return whether a name is of what cameras and operating systems leave in folders.

    Examples
    --------
    >>> [is_junk(name) for name in ("Thumbs.db", "._a.png", "a.XMP", "a.png")]
    [True, True, True, False]
    """
    return _JUNK.fullmatch(name) is not None


def normal(name: str) -> str:
    """Return a name with its accents composed: labels and seeds must not depend on the file system."""
    return unicodedata.normalize("NFC", name)


def safe(name: str) -> str:
    """Return a name that can be part of a file name on any system."""
    return "".join(char if char.isalnum() or char in "._-" else "_" for char in normal(name))
