"""Which seed the adapters of a model were trained with."""

from __future__ import annotations

from medimeta_c.lora.robustmedclip import adapter_record
from medimeta_c.models import ModelIdentity
from medimeta_c.results.paraphrases.record import AdapterSeed

__all__ = ["adapter_seed"]

_FAMILY = "robustmedclip"


def adapter_seed(model: ModelIdentity) -> AdapterSeed | None:
    """Return the seed of a loaded model's adapters; None for other models, and for published adapters.

    Raises
    ------
    ModelError
        If the adapters' record cannot be read any more.
    """
    record = adapter_record(model.spec) if model.family == _FAMILY else None
    if record is None:
        return None
    return AdapterSeed(seed=record.lora.seed, recipe_sha256=record.recipe_sha256)
