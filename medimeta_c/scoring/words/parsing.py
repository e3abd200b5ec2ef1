"""Read classes and confidences from generated texts, strictly: what is not exactly one is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medimeta_c.results.predictions import NO_ANSWER

__all__ = ["class_of", "confidence_of"]

_AROUND = " \t\r\n\"'`*\u201c\u201d\u2018\u2019"
_NUMBER = re.compile(r"([0-9]{1,3}) ?%?")


def class_of(text: str, options: Sequence[str]) -> int:
    """Return the class whose option a text is, or `NO_ANSWER`.

    Capitals, the amount of white space, quotation marks or asterisks around the text, and one full stop at
    its end make no difference. A sentence, several options or a part of one is no answer.

    Examples
    --------
    >>> [class_of(text, ["normal", "drusen"]) for text in ("Drusen.", "**normal**", "It is normal.")]
    [1, 0, -2]
    """
    said = _bare(text)
    found = [index for index, option in enumerate(options) if _bare(option) == said]
    return found[0] if len(found) == 1 else NO_ANSWER


def confidence_of(text: str) -> float | None:
    """Return the number that a text is, from 0 to 100, as a fraction; None if it is anything else.

    Examples
    --------
    >>> [confidence_of(text) for text in ("85", "70 %.", "about 80", "120")]
    [0.85, 0.7, None, None]
    """
    found = _NUMBER.fullmatch(_bare(text))
    value = int(found[1]) if found else -1
    return value / 100 if 0 <= value <= 100 else None


def _bare(text: str) -> str:
    return " ".join(text.strip(_AROUND).removesuffix(".").strip(_AROUND).casefold().split())
