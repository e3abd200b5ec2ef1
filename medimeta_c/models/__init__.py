"""Models: one module per family, one registry line each.

``load_model(spec)`` gives a `Model` (two encoders), a `Classifier` or an `ImageEncoder`, each with its own
transform and identity. Nothing here imports torch before a model is loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from medimeta_c.errors import ConfigError, MissingExtraError, ModelError, unknown_name
from medimeta_c.models.aliases import ALIAS_FORM, ALIASES, Alias, resolved
from medimeta_c.models.contract import (
    Activation,
    Answerer,
    AnswerScorer,
    AnswerTokens,
    AnyModel,
    Classifier,
    ImageEncoder,
    Model,
    ModelIdentity,
    Precision,
    Preprocess,
    Preprocessing,
)
from medimeta_corruptions.registry import Registry

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
    "two_towers",
]

Loader: TypeAlias = "Callable[[str, str], AnyModel]"
"""Takes the whole spec and what follows its prefix; returns a model in float32 on the CPU."""

_REQUIRED = ("torch", "torchvision", "open_clip", "transformers")
_NAMED = "ARCH/PRETRAINED"
_SPEC_SHOWN = 200
_DTYPES: dict[str, str] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFamily:
    """A kind of checkpoint and the function that loads it.

    Parameters
    ----------
    name : str
        What stands before the colon of a spec; ``ARCH/PRETRAINED`` for specs without one.
    forms : tuple of str
        The specs accepted, as help and errors show them.
    summary : str
        One line for people.
    loader : str or Loader
        The function, or ``"module:function"``, which is imported when first used.
    preprocessings : tuple of str, optional
        Names of transforms that models of this family may have beside their own, where upstream publishes
        two; the loader takes the name as ``preprocessing``.
    image_tower : str, optional
        What encodes images in every checkpoint published of this family, where the architecture that its
        results record does not name it.
    """

    name: str
    forms: tuple[str, ...]
    summary: str
    loader: str | Loader
    preprocessings: tuple[str, ...] = ()
    image_tower: str = ""

    def load(self, spec: str, target: str, **options: Any) -> AnyModel:
        """Load a model of this family, with options of its own."""
        loader: Any = resolve_name(self.loader) if isinstance(self.loader, str) else self.loader
        model: AnyModel = loader(spec, target, **options)
        return model


def _family(
    name: str, forms: str, summary: str, loader: str, *preprocessings: str, image_tower: str = ""
) -> ModelFamily:
    return ModelFamily(
        name=name,
        forms=tuple(forms.split()),
        summary=summary,
        loader=f"medimeta_c.{loader}",
        preprocessings=preprocessings,
        image_tower=image_tower,
    )


MODELS = Registry(
    "medimeta_c.models",
    ModelFamily,
    (
        _family(
            "hf-hub",
            "hf-hub:org/name[@revision]",
            "an open_clip model on the Hugging Face Hub",
            "models.families.open_clip:load_hub",
        ),
        _family(
            "local-dir",
            "local-dir:PATH",
            "an open_clip model in a local folder, no network needed",
            "models.families.open_clip:load_folder",
        ),
        _family(
            _NAMED,
            f"{_NAMED} ARCH/PATH ARCH/hf-hub:org/name/FILE[@revision]",
            "an open_clip architecture with a pretrained tag, or with a checkpoint here or on the Hub",
            "models.families.open_clip:load_named",
        ),
        _family(
            "transformers",
            "transformers:NAME_OR_PATH",
            "CLIP, SigLIP and similar models of the transformers library",
            "models.families.transformers_clip:load_transformers",
            "big-vision",
        ),
        _family(
            "medclip",
            "medclip:vit[@PATH] medclip:resnet[@PATH]",
            "MedCLIP's published checkpoints",
            "models.families.published.medclip:load_medclip",
        ),
        _family(
            "unimedclip",
            "unimedclip:vit-b-16[@PATH] unimedclip:vit-l-14[@PATH]",
            "UniMedCLIP's published checkpoints",
            "models.families.published.unimedclip:load_unimedclip",
        ),
        _family(
            "conch",
            "conch:PATH_OR_REPO[@REVISION][+tokenizer=FILE]",
            "CONCH's published checkpoint",
            "models.families.published.conch:load_conch",
        ),
        _family(
            "keep",
            "keep:PATH_OR_REPO[@REVISION]",
            "KEEP's published checkpoint",
            "models.families.published.keep:load_keep",
        ),
        _family(
            "musk",
            "musk:PATH_OR_REPO[@REVISION]",
            "MUSK's published checkpoint",
            "models.families.published.musk:load_musk",
        ),
        _family(
            "flair",
            "flair:PATH_OR_REPO[@REVISION]",
            "FLAIR, for fundus photographs: a local folder or file, or jusiro2/FLAIR on the Hub",
            "models.families.published.flair:load_flair",
        ),
        _family(
            "pmc-clip",
            "pmc-clip:PATH_OR_REPO[@REVISION]",
            "PMC-CLIP: a local folder or file, or axiong/pmc_oa_beta on the Hub",
            "models.families.published.pmc_clip:load_pmc_clip",
            image_tower="ResNet-50",
        ),
        _family(
            "cxr-clip",
            "cxr-clip:PATH",
            "CXR-CLIP, for chest X-rays: one of its published checkpoints",
            "models.families.published.cxr_clip:load_cxr_clip",
        ),
        _family(
            "biovil-t",
            "biovil-t:PATH_OR_REPO[@revision]",
            "BioViL-T for chest X-rays, from its repository's files, without its code",
            "models.families.published.biovil_t:load_biovil_t",
        ),
        _family(
            "medimageinsight",
            "medimageinsight:PATH_OR_REPO[@revision]",
            "MedImageInsight, from the files of its mirror on the Hub, without their code",
            "models.families.published.medimageinsight:load_medimageinsight",
        ),
        _family(
            "robustmedclip",
            "robustmedclip:PATH_OR_REPO[+base=SPEC]",
            "a base model with adapters: of `medimeta-c finetune`, or RobustMedCLIP's published ones",
            "lora.robustmedclip:load_robustmedclip",
        ),
        _family(
            "torchvision",
            "torchvision:NAME@PATH+classes=FILE",
            "a classifier of torchvision with weights of yours",
            "models.classifiers.torchvision:load_torchvision",
        ),
        _family(
            "timm",
            "timm:NAME@PATH[+classes=FILE]",
            "a classifier or an image encoder of timm with weights of yours",
            "models.classifiers.timm:load_timm",
        ),
        _family(
            "transformers-classifier",
            "transformers-classifier:NAME_OR_PATH[+classes=FILE]",
            "an image classifier of the transformers library",
            "models.classifiers.transformers:load_classifier",
        ),
        _family(
            "vlm",
            "vlm:PATH_OR_REPO[@revision]",
            "an image-text-to-text model of the transformers library, which answers in words",
            "models.answering.image_text:load_image_text",
        ),
        _family(
            "openai",
            "openai:MODEL@URL",
            "a model that answers in words behind a server with OpenAI's chat completions",
            "models.answering.server:load_server",
        ),
        _family(
            "python",
            "python:module:attribute",
            "your own model: an object, or a function that returns one",
            "models.families.own:load_own",
        ),
    ),
    noun="model family",
    error=ConfigError,
)
"""Every family of models by its prefix: our own, then those that other distributions add."""


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
        if family is None or family.name != _NAMED:
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


def two_towers(model: AnyModel) -> Model:
    """Return a model that reads texts too.

    Raises
    ------
    ModelError
        If this one does not; the message says what can be done with it.
    """
    if isinstance(model, Model):
        return model
    kinds = {Classifier: "scores only its own classes", Answerer: "answers in words"}
    reason = next((each for kind, each in kinds.items() if isinstance(model, kind)), "has no text encoder")
    raise ModelError(
        f"{model.identity.spec} {reason}, and classes are prompts here: use a model with two encoders"
    )


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
        return MODELS[_NAMED], spec
    forms = [form for family in MODELS.values() for form in family.forms] + [ALIAS_FORM]
    meant = {form.partition(":")[0]: form for form in reversed(forms) if not form.startswith("ARCH/")}
    if not colon:
        meant |= {name: f"model:{name}" for name in ALIASES}
    near = difflib.get_close_matches(prefix, meant, n=1)
    hint = f": did you mean {meant[near[0]]}?" if near else ""
    raise ConfigError(f"unknown model {spec!r}{hint} (accepted forms: {', '.join(forms)})")
