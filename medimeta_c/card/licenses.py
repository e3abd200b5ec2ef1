"""Map a dataset's own licence text to the licence identifiers of the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["OTHER", "combined_license", "hub_license"]

OTHER = "other"
"""The Hub's identifier for licences that have no identifier of their own."""

# Creative Commons identifiers of the Hub (huggingface.co/docs/hub/repositories-licenses).
_CREATIVE_COMMONS = frozenset(
    {
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
    }
)
_SOFTWARE = {"apache-2.0": "apache-2.0", "apache license 2.0": "apache-2.0", "mit": "mit"}

# Each spelling of an element of a Creative Commons licence, longest first.
_ELEMENTS: tuple[tuple[str, str], ...] = (
    (r"https?://creativecommons\.org/(?:licenses|publicdomain)/", " "),
    (r"creative ?commons|\bcc\b", " "),
    (r"\bcc ?0\b|\bzero\b|\bpublic domain dedication\b", " zero "),
    (r"\bnon ?commercial\b", " nc "),
    (r"\bshare ?alike\b", " sa "),
    (r"\bno ?deriv(?:ative)?s\b", " nd "),
    (r"\battribution\b", " by "),
    (r"\b(?:international|universal|public|licen[cs]ed?|unported|under|the|version|deed)\b", " "),
)
_VERSION = re.compile(r"v?(\d\.\d)")


def hub_license(text: str) -> str:
    """Return the Hub's identifier for a licence text, or ``"other"``.

    Only a text that says nothing but one known licence is mapped: any further word may be a condition.

    Parameters
    ----------
    text : str
        As the dataset states it.

    Returns
    -------
    str
        An identifier that the Hub accepts.

    Examples
    --------
    >>> hub_license("Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)")
    'cc-by-sa-4.0'
    >>> hub_license("CC0 1.0 Universal")
    'cc0-1.0'
    >>> hub_license("CC BY 4.0, academic use only")
    'other'
    """
    plain = " ".join(text.lower().split())
    if plain in _SOFTWARE:
        return _SOFTWARE[plain]
    plain = re.sub(r"(?<!\d)-|-(?!\d)|(?<=\d)-(?=\d)", " ", plain)
    for pattern, element in _ELEMENTS:
        plain = re.sub(pattern, element, plain)
    words = [word for word in re.split(r"[\s()/,:]+", plain) if word]
    versions = {match.group(1) for word in words if (match := _VERSION.fullmatch(word))}
    elements = {word for word in words if not _VERSION.fullmatch(word)}
    if len(versions) != 1 or not elements <= {"zero", "by", "nc", "nd", "sa"}:
        return OTHER
    if elements == {"zero"}:
        identifier = f"cc0-{versions.pop()}"
    elif "by" in elements and "zero" not in elements:
        parts = [part for part in ("by", "nc", "nd", "sa") if part in elements]
        identifier = "-".join(["cc", *parts, versions.pop()])
    else:
        return OTHER
    return identifier if identifier in _CREATIVE_COMMONS else OTHER


def combined_license(texts: Iterable[str]) -> str | list[str]:
    """Return what a repository holding data under all of these licences states.

    One identifier if all agree, the sorted list if all have one, and ``"other"`` as soon as one has none.
    """
    identifiers = sorted({hub_license(text) for text in texts})
    if OTHER in identifiers or not identifiers:
        return OTHER
    return identifiers[0] if len(identifiers) == 1 else identifiers
