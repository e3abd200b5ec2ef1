"""CXR-CLIP: a ResNet-50 or Swin-T and Bio_ClinicalBERT for chest X-rays, as its authors' training saves them.

References
----------
You et al., "CXR-CLIP: Toward Large Scale Chest X-ray Language-Image Pre-training", MICCAI 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD, INCEPTION_MEAN, INCEPTION_STD
from open_clip.transform import PreprocessCfg
from torch import nn
from torch.serialization import safe_globals
from torchvision.models import resnet50
from transformers import BertConfig, BertModel

from medimeta_c.errors import ModelError, short
from medimeta_c.models.bert import bert_config_of
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.families.published.medclip import swin_tiny
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import bert_tokens
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import (
    StateDict,
    key_error,
    load_strictly,
    named_tensors,
    read_saved,
    strip_prefix,
)

__all__ = ["CxrClip", "load_cxr_clip"]

_TEXT_TOWER = "emilyalsentzer/Bio_ClinicalBERT"
_CONTEXT_LENGTH = 256
_SIZE = 224
_RESNET, _SWIN, _BERT = (
    "image_encoder.resnet.",
    "image_encoder.image_encoder.",
    "text_encoder.text_encoder.",
)
_HEADS = ("image_projection.projection.weight", "text_projection.projection.weight")
_PUBLISHED: dict[tuple[str, ...], tuple[object, ...]] = {
    ("base", "image_size"): (_SIZE,),
    ("base", "text_max_length"): (_CONTEXT_LENGTH,),
    ("model", "image_encoder", "name"): ("resnet", "microsoft/swin-tiny-patch4-window7-224"),
    ("model", "text_encoder", "name"): (_TEXT_TOWER,),
    ("model", "text_encoder", "pooling"): ("eos",),
    ("model", "projection_head", "name"): ("linear",),
}
"""The settings of a checkpoint that change what is computed, and their values in the published ones."""


class _Inert:
    """Stands for an object of a pickled configuration: it has the object's attributes, and no code."""

    def __init__(self, *_: object) -> None:
        """Take any arguments."""


def _empty(*_: object) -> dict[object, object]:
    """Stand for a ``defaultdict``."""
    return {}


_OF_A_CONFIGURATION = [
    (_empty, "collections.defaultdict"),
    *((_Inert, f"omegaconf.base.{name}") for name in ("ContainerMetadata", "Metadata")),
    *((_Inert, f"omegaconf.{name}") for name in ("dictconfig.DictConfig", "listconfig.ListConfig")),
    *((_Inert, f"omegaconf.nodes.{kind}Node") for kind in ("Any", "Boolean", "Float", "Integer", "String")),
    *((_Inert, name) for name in ("builtins.dict", "builtins.int", "builtins.list", "typing.Any")),
]
"""What a pickled configuration of omegaconf names, and what stands for it here."""


def load_cxr_clip(spec: str, target: str) -> TorchModel:
    """Load ``cxr-clip:PATH``.

    PATH is a published checkpoint (``r50_mcc.tar``, ``swint_mcc.tar``, …), the folder of the only one, or
    its state dict alone, for example as safetensors. The tokenizer is taken from that folder when its files
    are there, else Bio_ClinicalBERT's from the Hub.

    Raises
    ------
    ModelError
        If files are missing or do not fit, or the checkpoint's settings are not the published ones.
    """
    file = _find(Path(target).expanduser())
    state = _read(file)
    with quiet(), explained(f"{file} is not a CXR-CLIP checkpoint", "name CXR-CLIP's own checkpoint"):
        module = CxrClip.from_state(state, file)
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if module.is_resnet else (INCEPTION_MEAN, INCEPTION_STD)
    cfg = PreprocessCfg(size=_SIZE, mean=mean, std=std, interpolation="bilinear")
    transform = open_clip_transform(cfg)
    bert = module.text_encoder["text_encoder"].config
    tokens = bert_tokens(_TEXT_TOWER, file.parent, bert, _CONTEXT_LENGTH)
    return assembled(
        module,
        spec=spec,
        family="cxr-clip",
        what=f"CXR-CLIP: {'ResNet-50' if module.is_resnet else 'Swin-T'} and BERT",
        state=state,
        tokenizer=tokens,
        transform=transform,
    )


class CxrClip(nn.Module):
    """Both towers, with the projections to one space, under upstream's names.

    Parameters
    ----------
    vision : torch.nn.Module
        ``SwinModel``, or a ResNet-50 without its last layer.
    bert : dict
        Arguments of ``BertConfig``.
    heads : tuple of torch.nn.Linear
        The projections of images and of texts.
    """

    def __init__(
        self, vision: nn.Module, bert: dict[str, Any], heads: tuple[nn.Linear, nn.Linear], *, is_resnet: bool
    ) -> None:
        super().__init__()
        self.is_resnet = is_resnet
        self.image_encoder = nn.ModuleDict({"resnet" if is_resnet else "image_encoder": vision})
        self.text_encoder = nn.ModuleDict({"text_encoder": BertModel(BertConfig(**bert))})
        self.image_projection = nn.ModuleDict({"projection": heads[0]})
        self.text_projection = nn.ModuleDict({"projection": heads[1]})
        self.logit_scale = nn.Parameter(torch.zeros([]))

    @classmethod
    def from_state(cls, state: StateDict, where: Path) -> CxrClip:
        """Build the model that a checkpoint is of, using every tensor of it.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        named = f"{where}, read as CXR-CLIP,"
        is_resnet = any(name.startswith(_RESNET) for name in state)
        missing = [name for name in _HEADS if name not in state or state[name].ndim != 2]
        if missing:
            raise key_error(named, missing, ())
        bert = bert_config_of(strip_prefix(state, _BERT), where)
        if is_resnet:
            vision: nn.Module = resnet50(weights=None)
            vision.fc = nn.Identity()
        else:  # its tensors have other names in every version of transformers
            vision = swin_tiny(strip_prefix(state, _SWIN), f"{named} image_encoder,")
            others = {name: tensor for name, tensor in state.items() if not name.startswith(_SWIN)}
            state = others | {_SWIN + name: tensor for name, tensor in vision.state_dict().items()}
        image_head, text_head = (nn.Linear(state[name].shape[1], state[name].shape[0]) for name in _HEADS)
        module = cls(vision, bert, (image_head, text_head), is_resnet=is_resnet)
        load_strictly(module, state, named)
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, 224, 224) → (N, D), of norm 1; of Swin's last states, upstream takes the first."""
        if self.is_resnet:
            vectors = self.image_encoder["resnet"](pixels)
        else:
            vectors = self.image_encoder["image_encoder"](pixel_values=pixels).last_hidden_state[:, 0]
        return nn.functional.normalize(self.image_projection["projection"](vectors), dim=-1)

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, D), of norm 1, from the state of each text's last token."""
        mask = tokens["attention_mask"]
        states = self.text_encoder["text_encoder"](
            input_ids=tokens["input_ids"], attention_mask=mask
        ).last_hidden_state
        vectors = states[torch.arange(len(states), device=states.device), mask.sum(-1) - 1]
        return nn.functional.normalize(self.text_projection["projection"](vectors), dim=-1)


def _find(path: Path) -> Path:
    """Return the checkpoint's file."""
    if path.is_file():
        return path.resolve()
    found = sorted(path.glob("*.tar"))
    if len(found) == 1:
        return found[0].resolve()
    if found:
        raise ModelError(f"{path} holds {', '.join(one.name for one in found)}: name one of them")
    raise ModelError(
        f"there is no CXR-CLIP checkpoint at {path} (a file, or a folder with one .tar): fetch one from "
        "https://github.com/Soombit-ai/cxr-clip and name its file"
    )


def _read(file: Path) -> StateDict:
    """Return the tensors of a checkpoint, after a look at the configuration that it holds, if it does."""
    with safe_globals(list(_OF_A_CONFIGURATION)):
        content = read_saved(file)
    if not isinstance(content, Mapping) or "model" not in content:
        return named_tensors(content, file)
    for path, accepted in _PUBLISHED.items():
        value = _setting(content.get("config"), path)
        if value is not None and not (isinstance(value, str | int) and value in accepted):
            raise ModelError(
                f"{file} was trained with {'.'.join(path)} {short(value)}, and only models with "
                f"{' or '.join(map(repr, accepted))} can be loaded: name a published checkpoint"
            )
    return named_tensors(content["model"], file)


def _setting(config: object, path: tuple[str, ...]) -> object:
    """Return a value of a configuration, which may have omegaconf's objects in it; None if it has none."""
    for name in path:
        values = _plain(config)
        if not isinstance(values, Mapping):
            return None
        config = values.get(name)
    return _plain(config)


def _plain(value: object) -> object:
    """Return what one of omegaconf's objects holds."""
    if not isinstance(value, _Inert):
        return value
    return vars(value).get("_content", vars(value).get("_val"))
