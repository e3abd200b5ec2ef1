"""Colours, markers and dashes of models: the same in all figures made of the same models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medimeta_c.errors import printable
from medimeta_c.figures.drawing.looks import DASH_DOTTED, DASHED, DOTTED, SOLID, Look

__all__ = ["model_looks", "short_names"]

# Models of the paper, told apart by colour, marker and dashes at once.
_LOOKS = {
    "robustmedclip": Look("#D55E00", SOLID, "*"),
    "unimedclip": Look("#009E73", DASHED, "^"),
    "biomedclip": Look("#0072B2", SOLID, "s"),
    "medclip": Look("#E69F00", DOTTED, "D"),
    "rmcresnet": Look("#882255", DASHED, "X"),
    "rmcvit": Look("#D55E00", SOLID, "*"),
    "clip": Look("#555555", DASH_DOTTED, "o"),
}
# Hues far apart first. Beyond the eighth model they come again, each with the next marker.
_SPARE_LOOKS = (
    Look("#CC79A7", SOLID, "v"),
    Look("#332288", DASHED, "P"),
    Look("#44AA99", DASH_DOTTED, "<"),
    Look("#999933", DOTTED, ">"),
    Look("#AA4499", SOLID, "h"),
    Look("#6699CC", DASHED, "p"),
    Look("#661100", DASH_DOTTED, "d"),
    Look("#117733", DOTTED, "8"),
)


def model_looks(models: Sequence[str]) -> dict[str, Look]:
    """Return how each model is drawn, the same in every figure made of the same models.

    The paper's models have fixed looks, also under the names of their checkpoints; any other gets a
    spare one by its place in the sequence.

    Examples
    --------
    >>> looks = model_looks(["ViT-B-16/openai", "CLIP", "BiomedCLIP-PubMedBERT"])
    >>> looks["ViT-B-16/openai"].marker, looks["BiomedCLIP-PubMedBERT"].marker, looks["CLIP"].marker
    ('o', 's', 'v')
    """
    looks: dict[str, Look] = {}
    taken: set[str] = set()
    spare = 0
    for model in dict.fromkeys(models):
        known = _known_model(model)
        if known is None or known in taken:
            looks[model] = _spare_look(spare)
            spare += 1
        else:
            taken.add(known)
            looks[model] = _LOOKS[known]
    return looks


def short_names(models: Sequence[str], longest: int = 40) -> dict[str, str]:
    """Return what legends call each model: printable, and without its middle where it is long.

    Examples
    --------
    >>> short_names(["CLIP", "BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"], 20)
    {'CLIP': 'CLIP', 'BiomedCLIP-PubMedBERT_256-vit_base_patch16_224': 'BiomedCLI…tch16_224'}
    """
    whole = {model: printable(model) for model in models}
    half = longest // 2 - 1
    short = {
        model: name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"
        for model, name in whole.items()
    }
    return short if len(set(short.values())) == len(whole) else whole


def _spare_look(place: int) -> Look:
    cycle, index = divmod(place, len(_SPARE_LOOKS))
    return replace(_SPARE_LOOKS[index], marker=_SPARE_LOOKS[(index + cycle) % len(_SPARE_LOOKS)].marker)


def _known_model(model: str) -> str | None:
    """Return the paper's model that a name or spec means, if it means one."""
    letters = "".join(char for char in model.lower() if char.isalnum())
    if letters in {"clip", "vitb16openai"}:
        return "clip"
    named = [name for name in _LOOKS if name != "clip" and name in letters]
    return named[0] if named else None
