"""Families of models, one registry line each; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, TypeAlias

from medimeta_c.errors import ConfigError
from medimeta_c.models.contract import AnyModel
from medimeta_corruptions.registry import Registry

__all__ = ["MODELS", "NAMED", "Loader", "ModelFamily"]

Loader: TypeAlias = "Callable[[str, str], AnyModel]"
"""Takes the whole spec and what follows its prefix; returns a model in float32 on the CPU."""

NAMED = "ARCH/PRETRAINED"
"""The family of specs without a prefix."""


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
            NAMED,
            f"{NAMED} ARCH/PATH ARCH/hf-hub:org/name/FILE[@revision]",
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
