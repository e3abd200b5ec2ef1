"""Interpret names in a folder of pictures: splits, junk, and names that are hardly classes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["is_junk", "is_no_class", "normal", "safe", "split_of", "words_of_a_person"]

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

_LETTERS = r"[^\W\d_]"
_WORDS = re.compile(rf"{_LETTERS}+")
# As DICOM and archives write people: DOE^JOHN, Doe, John; then two words, which must begin with a capital.
_PERSON = re.compile(
    rf"{_LETTERS}{{2,}}(?:\^|, ?){_LETTERS}{{2,}}"
    rf"|(?<!{_LETTERS})(?P<one>{_LETTERS}{{2,}})[ ._-](?P<two>{_LETTERS}{{2,}})(?!{_LETTERS})"
)
_NOBODY = re.compile(
    "abnormal|adult|anterior|ap|apr(?:il)?|aug(?:ust)?|axial|back|bacteria(?:l)?|bad|baseline|benign|biopsy|blood"
    "|bone|brain|breast|case|cells?|chest|child|clinical|colou?r|copy|coronal|covid|cropped|day|dec(?:ember)?|derm"
    "|dorsal|down|early|edited|eye|fe?male|feb(?:ruary)?|figure|file|final|first|fluid|follow|foot|frame|fri(?:day)?"
    "|front(?:al)?|full|fundus|good|grade|hand|head|heart|high|hip|images?|img|jan(?:uary)?|june?|july?|kidney|knee"
    "|last|lat(?:eral|e)?|left|lesion|level|liver|low(?:er)?|lungs?|malignant|mar(?:ch)?|mass|max|may|mild|min"
    "|moderate|mon(?:day)?|mri?|neck|negative|new|normal|nov(?:ember)?|number|oct(?:ober)?|old|original|pa|page|part"
    "|patch|patient|photo|picture|plane|pneumonia|pos(?:ition|itive|t|terior)|pre|prone|raw|ray|region|retina|right"
    "|sample|sat(?:urday)?|scans?|screen|second|section|sep(?:tember)?|series|severe|shot|side|skin|slice|slide"
    "|spine|stage|stain|study|subject|sun(?:day)?|supine|task|third|thorax|thu(?:rsday)?|tile|time|top|tue(?:sday)?"
    "|tumou?r|type|ultrasound|unknown|upper|version|view|viral|virus|visit|wed(?:nesday)?|week|whole|with(?:out)?"
    "|wrist|xray|year"
)
"""Words of file names that are nobody's name, though they may begin with a capital."""


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


def words_of_a_person(name: str, classes: Iterable[str] = ()) -> str:
    """Return the words of a file's or folder's name that look like a person's, or nothing.

    Parameters
    ----------
    name : str
        The name, without its ending.
    classes : iterable of str
        Names of classes, whose words are nobody's.

    Examples
    --------
    >>> [words_of_a_person(name) for name in ("DOE^JOHN", "scan Jane Doe 3", "Chest_Left", "IM-0006-0001")]
    ['DOE^JOHN', 'Jane Doe', '', '']
    """
    known = {word for one in classes for word in _WORDS.findall(one.lower())}
    name, start = normal(name), 0
    while match := _PERSON.search(name, start):
        words = [word for word in match.group("one", "two") if word]
        if all(
            word.istitle() and word.lower() not in known and not _NOBODY.fullmatch(word.lower())
            for word in words
        ):
            return match[0]
        start = match.end("one")
    return ""
