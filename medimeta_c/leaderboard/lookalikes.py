"""Warn of names that look like others: mixed scripts, invisible characters, letters that look alike.

The table of letters is a small part of Unicode's [1]_: the Cyrillic, Greek and Armenian letters that most
fonts draw as Latin ones. Styled and full-width letters are found by their compatibility form.

References
----------
.. [1] Unicode Technical Standard 39, https://www.unicode.org/reports/tr39/
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from medimeta_c.errors import printable

__all__ = ["Named", "folded", "likeness", "oddities"]

_SAME_SHAPE = {
    **dict(zip("АВЕЅІЈКМНОРСТУХҺԌԚԜѴӀ", "ABESIJKMHOPCTYXhGQWVI", strict=True)),
    **dict(zip("асԁеһіјӏорԛѕԝхуѵɡ", "acdehijlopqswxyvg", strict=True)),  # noqa: RUF001
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),  # noqa: RUF001
    **dict(zip("αγικνορυχϲϳ", "ayiknopuxcj", strict=True)),
    **dict(zip("օսոհցՕԼՏ", "ounhgOLS", strict=True)),
}
"""Letter of another script → the Latin letter that it looks like."""

_STROKES = str.maketrans({"1": "l", "I": "l", "i": "l", "|": "l", "0": "o", "O": "o"})
_JOINED = {"rn": "m", "vv": "w"}
_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a board shows of a submission as its identity.

    Parameters
    ----------
    name, organisation : str
        As in ``submission.yaml``.
    """

    name: str
    organisation: str


def oddities(text: str, what: str) -> Iterator[str]:
    """Yield a sentence for each kind of character in a text that may mislead readers.

    Examples
    --------
    >>> list(oddities("BioMedCLI\N{CYRILLIC CAPITAL LETTER ER}", "name"))
    ['its name mixes CYRILLIC and LATIN letters in one word: U+0420 (CYRILLIC CAPITAL LETTER ER)']
    >>> list(oddities("ResNet β", "name"))
    []
    """
    hidden = [char for char in text if _is_selector(char)]
    if hidden:
        yield f"its {what} has invisible characters: {_listed(hidden)}"
    styled = [char for char in text if char.isalpha() and unicodedata.normalize("NFKC", char) != char]
    styled = [char for char in styled if unicodedata.normalize("NFC", char) == char]
    if styled:
        yield f"its {what} has styled letters in place of plain ones: {_listed(styled)}"
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFKC", text)):
        scripts = {char: _script(char) for char in word}
        found = sorted({*scripts.values()})
        if len(found) > 1:
            foreign = [char for char in word if scripts[char] != "LATIN"]
            yield f"its {what} mixes {' and '.join(found)} letters in one word: {_listed(foreign)}"
        elif found != ["LATIN"] and all(char in _SAME_SHAPE for char in word) and len(word) > 1:
            yield f"its {what} has a word of {found[0]} letters that look like Latin ones: {_listed(word)}"


@lru_cache(4096)
def folded(text: str) -> str:
    """Return what a text looks like: equal for texts that readers may take for each other.

    Examples
    --------
    >>> folded("B\N{GREEK SMALL LETTER IOTA}oMed-CL1P") == folded("BioMed CLIP")
    True
    >>> folded("CLIP+") == folded("CLIP")
    False
    """
    parts = unicodedata.normalize("NFKD", text)
    plain = "".join(_SAME_SHAPE.get(char, char) for char in parts if unicodedata.category(char)[0] != "M")
    shape = plain.translate(_STROKES).casefold().translate(_STROKES)
    for pair, letter in _JOINED.items():
        shape = shape.replace(pair, letter)
    return re.sub(r"[\s_\-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{MINUS SIGN}]", "", shape)


def likeness(one: Named, others: Iterable[Named]) -> Iterator[str]:
    """Yield a sentence for what of a submission can be taken for that of another entry."""
    shapes = folded(one.name), folded(one.organisation)
    for other in dict.fromkeys(others):
        shown = f"{printable(other.name)} of {printable(other.organisation)}"
        same_makers = one.organisation == other.organisation
        if folded(other.name) == shapes[0] and not (one.name == other.name and same_makers):
            alike = "is" if one.name == other.name else "looks like"
            yield f"its name {alike} that of the entry {shown}"
        if not same_makers and folded(other.organisation) == shapes[1]:
            yield f"its organisation looks like that of the entry {shown}"


def _is_selector(char: str) -> bool:
    """Return whether a character only selects a variant of the one before it, and is not seen itself."""
    return unicodedata.name(char, "").partition("-")[0] in {
        "VARIATION SELECTOR",
        "MONGOLIAN FREE VARIATION SELECTOR ONE",
        "MONGOLIAN FREE VARIATION SELECTOR TWO",
        "MONGOLIAN FREE VARIATION SELECTOR THREE",
        "MONGOLIAN FREE VARIATION SELECTOR FOUR",
        "COMBINING GRAPHEME JOINER",
    }


def _script(char: str) -> str:
    first = unicodedata.name(char, "UNNAMED").partition(" ")[0].partition("-")[0]
    return "CJK" if first in _ASIAN else first


def _listed(chars: Iterable[str]) -> str:
    different = list(dict.fromkeys(chars))
    shown = [f"U+{ord(char):04X} ({unicodedata.name(char, 'unnamed')})" for char in different[:_SHOWN]]
    more = len(different) - _SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
