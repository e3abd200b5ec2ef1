"""Names of models in figures."""

from __future__ import annotations

__all__ = ["short_name"]


def short_name(spec: str) -> str:
    """Return what figures call a model: the last part of its spec, without its revision.

    Examples
    --------
    >>> short_name("hf-hub:microsoft/BiomedCLIP-PubMedBERT@0123abc"), short_name("ViT-B-16/openai")
    ('BiomedCLIP-PubMedBERT', 'ViT-B-16/openai')
    """
    family, colon, rest = spec.partition(":")
    if not colon:
        return spec
    target = rest.split("@")[0].rstrip("/")
    last = target.rpartition("/")[2]
    return f"{family}:{last}" if family in {"medclip", "unimedclip"} else last or spec
