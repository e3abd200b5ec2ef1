"""How models look in figures: the same colour, marker and dashes in all figures made of the same models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medimeta_c.figures.drawing.style import LineStyle
from medimeta_c.figures.svg.elements import label

__all__ = ["ModelLook", "model_looks", "short_names"]

# Models of the paper, told apart by colour, marker and dashes at once.
_MODEL_COLOURS = {
    "robustmedclip": "#D55E00",
    "unimedclip": "#009E73",
    "biomedclip": "#0072B2",
    "medclip": "#E69F00",
    "rmcresnet": "#882255",
    "rmcvit": "#D55E00",
    "clip": "#555555",
}
_MODEL_MARKERS: dict[str, tuple[str, LineStyle]] = {
    "robustmedclip": ("*", "-"),
    "unimedclip": ("^", "--"),
    "biomedclip": ("s", "-"),
    "medclip": ("D", ":"),
    "rmcresnet": ("X", "--"),
    "rmcvit": ("*", "-"),
    "clip": ("o", "-."),
}
_MARKER_SCALE = {"*": 1.45, "D": 0.8, "s": 0.9, "X": 1.1}
# Hues far apart first. Beyond the eighth model they come again, each with the next marker.
_SPARE_LOOKS: tuple[tuple[str, str, LineStyle], ...] = (
    ("#CC79A7", "v", "-"),
    ("#332288", "P", "--"),
    ("#44AA99", "<", "-."),
    ("#999933", ">", ":"),
    ("#AA4499", "h", "-"),
    ("#6699CC", "p", "--"),
    ("#661100", "d", "-."),
    ("#117733", "8", ":"),
)


@dataclass(frozen=True, slots=True)
class ModelLook:
    """How a model is drawn.

    Parameters
    ----------
    colour, marker, line : str
        As matplotlib names them.
    """

    colour: str
    marker: str
    line: LineStyle

    def size(self, points: float) -> float:
        """Return the marker size that looks as large as a disc of so many points across."""
        return points * _MARKER_SCALE.get(self.marker, 1.0)


def model_looks(models: Sequence[str]) -> dict[str, ModelLook]:
    """Return how each model is drawn, the same in every figure made of the same models.

    The paper's models have looks of their own, also under the names of their checkpoints; any other gets a
    spare one by its place in the sequence.

    Examples
    --------
    >>> looks = model_looks(["ViT-B-16/openai", "CLIP", "BiomedCLIP-PubMedBERT"])
    >>> looks["ViT-B-16/openai"].marker, looks["BiomedCLIP-PubMedBERT"].marker, looks["CLIP"].marker
    ('o', 's', 'v')
    """
    looks: dict[str, ModelLook] = {}
    taken: set[str] = set()
    spare = 0
    for model in dict.fromkeys(models):
        known = _known_model(model)
        if known is None or known in taken:
            looks[model] = _spare_look(spare)
            spare += 1
        else:
            taken.add(known)
            looks[model] = ModelLook(_MODEL_COLOURS[known], *_MODEL_MARKERS[known])
    return looks


def short_names(models: Sequence[str], longest: int = 40) -> dict[str, str]:
    """Return what legends call each model: printable, and without its middle where it is long.

    Examples
    --------
    >>> short_names(["CLIP", "BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"], 20)
    {'CLIP': 'CLIP', 'BiomedCLIP-PubMedBERT_256-vit_base_patch16_224': 'BiomedCLI…tch16_224'}
    """
    whole = {model: label(model, len(model)) for model in models}
    half = longest // 2 - 1
    short = {
        model: name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"
        for model, name in whole.items()
    }
    return short if len(set(short.values())) == len(whole) else whole


def _spare_look(place: int) -> ModelLook:
    cycle, index = divmod(place, len(_SPARE_LOOKS))
    colour, _, line = _SPARE_LOOKS[index]
    _, marker, _ = _SPARE_LOOKS[(index + cycle) % len(_SPARE_LOOKS)]
    return ModelLook(colour, marker, line)


def _known_model(model: str) -> str | None:
    """Return the paper's model that a name or spec means, if it means one."""
    letters = "".join(char for char in model.lower() if char.isalnum())
    if letters in {"clip", "vitb16openai"}:
        return "clip"
    named = [name for name in _MODEL_COLOURS if name != "clip" and name in letters]
    return named[0] if named else None
