"""CLIP-style models: one module per family, one registry line each.

``load_model(spec)`` gives a `Model`: two encoders, the model's own transform, and its identity. Nothing here
imports torch before a model is loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast, get_args

from medimeta_c.errors import ConfigError, MissingExtraError, ModelError
from medimeta_c.models.contract import Model, ModelIdentity, Precision, Preprocess, Preprocessing

if TYPE_CHECKING:
    import torch

__all__ = [
    "MODELS",
    "Model",
    "ModelFamily",
    "ModelIdentity",
    "Precision",
    "Preprocess",
    "Preprocessing",
    "load_model",
]

_REQUIRED = ("torch", "torchvision", "open_clip", "transformers")
_NAMED = "ARCH/PRETRAINED"
_SPEC_SHOWN = 200
_DTYPES: dict[str, str] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFamily:
    """A kind of checkpoint and the function that loads it.

    Parameters
    ----------
    prefix : str
        What stands before the colon of a spec; ``ARCH/PRETRAINED`` for specs without one.
    forms : tuple of str
        The specs accepted, as help and errors show them.
    summary : str
        One line for people.
    loader : str
        ``"module:function"``, imported when first used. The function takes ``(spec, target)``, the whole spec
        and what follows the prefix, and returns a `Model` in float32 on the CPU.
    """

    prefix: str
    forms: tuple[str, ...]
    summary: str
    loader: str

    def load(self, spec: str, target: str) -> Model:
        """Load a model of this family."""
        module, function = self.loader.split(":")
        loader = cast("Callable[[str, str], Model]", getattr(import_module(module), function))
        return loader(spec, target)


MODELS: dict[str, ModelFamily] = {
    family.prefix: family
    for family in (
        ModelFamily(
            prefix="hf-hub",
            forms=("hf-hub:org/name[@revision]",),
            summary="an open_clip model on the Hugging Face Hub",
            loader="medimeta_c.models.families.open_clip:load_hub",
        ),
        ModelFamily(
            prefix="local-dir",
            forms=("local-dir:PATH",),
            summary="an open_clip model in a local folder, no network needed",
            loader="medimeta_c.models.families.open_clip:load_folder",
        ),
        ModelFamily(
            prefix=_NAMED,
            forms=(_NAMED,),
            summary="an open_clip architecture with a pretrained tag or a checkpoint's path",
            loader="medimeta_c.models.families.open_clip:load_named",
        ),
        ModelFamily(
            prefix="transformers",
            forms=("transformers:NAME_OR_PATH",),
            summary="CLIP, SigLIP and kin of the transformers library",
            loader="medimeta_c.models.families.transformers_clip:load_transformers",
        ),
        ModelFamily(
            prefix="medclip",
            forms=("medclip:vit[@PATH]", "medclip:resnet[@PATH]"),
            summary="MedCLIP's published checkpoints",
            loader="medimeta_c.models.families.medclip:load_medclip",
        ),
        ModelFamily(
            prefix="unimedclip",
            forms=("unimedclip:vit-b-16[@PATH]", "unimedclip:vit-l-14[@PATH]"),
            summary="UniMedCLIP's published checkpoints",
            loader="medimeta_c.models.families.unimedclip:load_unimedclip",
        ),
        ModelFamily(
            prefix="robustmedclip",
            forms=("robustmedclip:PATH_OR_REPO[+base=SPEC]",),
            summary="a base model with adapters: of `medimeta-c finetune`, or RobustMedCLIP's published ones",
            loader="medimeta_c.lora.robustmedclip:load_robustmedclip",
        ),
        ModelFamily(
            prefix="python",
            forms=("python:module:attribute",),
            summary="your own model: an object, or a function that returns one",
            loader="medimeta_c.models.families.own:load_own",
        ),
    )
}


def load_model(spec: str, *, device: torch.device | str = "cpu", precision: Precision = "fp32") -> Model:
    """Load a model by its spec.

    Parameters
    ----------
    spec : str
        One of the forms of `MODELS`, e.g. ``"hf-hub:org/name"`` or ``"ViT-B-16/openai"``.
    device : torch.device or str
        Where the weights go.
    precision : {"fp32", "bf16", "fp16"}
        Number format of weights and activations.

    Returns
    -------
    Model
        In evaluation mode.

    Raises
    ------
    ConfigError
        If the spec is of no known form, or names a variant that does not exist.
    MissingExtraError
        If torch, torchvision, open_clip or transformers is not installed.
    ModelError
        If the weights are not to be had, would run code, or do not fit.
    """
    if precision not in get_args(Precision):
        raise ConfigError(f"unknown precision {precision!r}: use {', '.join(get_args(Precision))}")
    family, target = _parse(spec)
    if any(find_spec(name) is None for name in _REQUIRED):
        raise MissingExtraError("evaluating a model", "evaluate")
    try:
        model = family.load(spec, target)
    except OSError as error:
        raise ModelError(f"model {spec[:_SPEC_SHOWN]!r} cannot be read: {error.strerror or error}") from error
    import torch  # noqa: PLC0415  (everything above works without)

    return model.to(device, getattr(torch, _DTYPES[precision]))


def _parse(spec: str) -> tuple[ModelFamily, str]:
    """Return the family of a spec and what follows its prefix."""
    if "\0" in spec:
        raise ConfigError(f"the model spec {spec[:_SPEC_SHOWN]!r} has a null character: no path has one")
    prefix, colon, target = spec.partition(":")
    if colon and target and prefix in MODELS:
        return MODELS[prefix], target
    arch, _, tag = spec.partition("/")
    if arch and tag and ":" not in arch:
        return MODELS[_NAMED], spec
    near = difflib.get_close_matches(prefix, [name for name in MODELS if name != _NAMED], n=1)
    hint = f": did you mean {MODELS[near[0]].forms[0]}?" if near else ""
    forms = ", ".join(form for family in MODELS.values() for form in family.forms)
    raise ConfigError(f"unknown model {spec!r}{hint} (accepted forms: {forms})")
