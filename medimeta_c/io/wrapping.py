"""Break long names into lines, where they have little room."""

from __future__ import annotations

import re

__all__ = ["by_letters"]


def by_letters(name: str, most: int) -> list[str]:
    """Break a name after its spaces, underscores, slashes and dashes into lines of so many letters at most.

    Examples
    --------
    >>> by_letters("BiomedCLIP-PubMedBERT_256-vit_base_patch16_224", 24)
    ['BiomedCLIP-PubMedBERT_', '256-vit_base_patch16_224']
    """
    lines = [""]
    for part in re.findall(rf"[^ _/-]{{0,{most}}}[ _/-]*", name):
        if lines[-1] and len((lines[-1] + part).rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]
