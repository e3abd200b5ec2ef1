"""Models: `MODELS` lists the families, `load_model` loads one by its spec.

``load_model(spec)`` gives a `Model` (two encoders), a `Classifier` or an `ImageEncoder`, each with its own
transform and identity. Nothing here imports torch before a model is loaded.
"""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from typing import TYPE_CHECKING, get_args

from medimeta_c.errors import ConfigError, MissingExtraError, ModelError, unknown_name
from medimeta_c.models.aliases import ALIAS_FORM, ALIASES, Alias, resolved
from medimeta_c.models.answering.contract import Answerer, AnswerScorer, AnswerTokens
from medimeta_c.models.contract import (
    Activation,
    AnyModel,
    Classifier,
    ImageEncoder,
    Model,
    ModelIdentity,
    Precision,
    Preprocess,
    Preprocessing,
)
from medimeta_c.models.registry import MODELS, NAMED, Loader, ModelFamily

if TYPE_CHECKING:
    import torch

__all__ = [
    "ALIASES",
    "MODELS",
    "Activation",
    "Alias",
    "AnswerScorer",
    "AnswerTokens",
    "Answerer",
    "AnyModel",
    "Classifier",
    "ImageEncoder",
    "Loader",
    "Model",
    "ModelFamily",
    "ModelIdentity",
    "Precision",
    "Preprocess",
    "Preprocessing",
    "image_encoder",
    "load_model",
]

_REQUIRED = ("torch", "torchvision", "open_clip", "transformers")
_SPEC_SHOWN = 200
_DTYPES: dict[str, str] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def load_model(
    spec: str | AnyModel,
    *,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
    activation: Activation | None = None,
    preprocessing: str | None = None,
) -> AnyModel:
    """Load a model by its spec, or check a model object.

    Parameters
    ----------
    spec : str, or a model
        One of the forms of `MODELS`, e.g. ``"hf-hub:org/name"`` or ``"ViT-B-16/openai"``; or ``"model:NAME"``
        for one of `ALIASES`, in whose place the identity has the spec that it stands for; or the model
        itself, which is tried on one image (and one word), as ``python:`` models are.
    device : torch.device or str
        Where the weights go.
    precision : {"fp32", "bf16", "fp16"}
        Number format of weights and activations.
    activation : {"quickgelu", "gelu"}, optional
        What a checkpoint named as ``ARCH/PATH`` was trained with, where neither says it.
    preprocessing : str, optional
        One of the family's `preprocessings` instead of the model's own transform: ``"big-vision"`` of SigLIP
        models in transformers.

    Returns
    -------
    Model, Classifier, ImageEncoder or Answerer
        In evaluation mode.

    Raises
    ------
    ConfigError
        If the spec is of no known form, or names a variant that does not exist, or the activation or
        preprocessing is unknown or is not this model's to choose.
    MissingExtraError
        If torch, torchvision, open_clip or transformers is not installed.
    ModelError
        If the weights cannot be loaded, would run code, or do not fit, or an object is not a model.
    """
    if precision not in get_args(Precision):
        raise ConfigError(f"unknown precision {precision!r}: use {', '.join(get_args(Precision))}")
    if isinstance(spec, str):
        spec = resolved(spec)
    family, target = _parse(spec) if isinstance(spec, str) else (None, "")
    asked = {"activation": activation, "preprocessing": preprocessing}
    options = {name: value for name, value in asked.items() if value is not None}
    if preprocessing is not None:
        _check_preprocessing(preprocessing, family)
    if activation is not None:
        if activation not in get_args(Activation):
            raise ConfigError(f"unknown activation {activation!r}: use {' or '.join(get_args(Activation))}")
        if family is None or family.name != NAMED:
            raise ConfigError("an activation can be chosen only for a checkpoint named as ARCH/PATH")
    if any(find_spec(name) is None for name in _REQUIRED):
        raise MissingExtraError("evaluating a model", "evaluate")
    if isinstance(spec, str) and family is not None:
        try:
            model = family.load(spec, target, **options)
        except OSError as error:
            reason = error.strerror or error
            raise ModelError(f"model {spec[:_SPEC_SHOWN]!r} cannot be read: {reason}") from error
    else:
        from medimeta_c.models.families.own import checked  # noqa: PLC0415

        model = checked(f"the {type(spec).__name__} given", spec)
    import torch  # noqa: PLC0415  (everything above works without)

    return model.to(device, getattr(torch, _DTYPES[precision]))


def image_encoder(model: AnyModel) -> ImageEncoder:
    """Return a model that gives vectors for images.

    Raises
    ------
    ModelError
        If this one gives only the scores of its classes.
    """
    if isinstance(model, ImageEncoder):
        return model
    given = "answers in words" if isinstance(model, Answerer) else "scores of its classes"
    raise ModelError(f"{model.identity.spec} gives {given}, no features: use a model with an image encoder")


def _check_preprocessing(name: str, family: ModelFamily | None) -> None:
    """Refuse a transform that the family does not list."""
    if family is None or not family.preprocessings:
        kind = "a model of your own" if family is None else f"{family.forms[0]}"
        raise ConfigError(f"{kind} has only its own preprocessing, not {name!r}: leave it out")
    if name not in family.preprocessings:
        raise unknown_name(f"preprocessing of {family.forms[0]}", name, family.preprocessings)


def _parse(spec: str) -> tuple[ModelFamily, str]:
    """Return the family of a spec and what follows its prefix."""
    if "\0" in spec:
        raise ConfigError(f"the model spec {spec[:_SPEC_SHOWN]!r} contains a null character")
    prefix, colon, target = spec.partition(":")
    if colon and target and prefix in MODELS:
        return MODELS[prefix], target
    arch, _, tag = spec.partition("/")
    if arch and tag and ":" not in arch:
        return MODELS[NAMED], spec
    forms = [form for family in MODELS.values() for form in family.forms] + [ALIAS_FORM]
    meant = {form.partition(":")[0]: form for form in reversed(forms) if not form.startswith("ARCH/")}
    if not colon:
        meant |= {name: f"model:{name}" for name in ALIASES}
    near = difflib.get_close_matches(prefix, meant, n=1)
    hint = f": did you mean {meant[near[0]]}?" if near else ""
    raise ConfigError(f"unknown model {spec!r}{hint} (accepted forms: {', '.join(forms)})")
