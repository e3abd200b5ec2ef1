"""MedCLIP: a Swin or ResNet-50 image tower and Bio_ClinicalBERT, in the layout of the package medclip 0.0.3.

References
----------
Wang et al., "MedCLIP: Contrastive Learning from Unpaired Medical Images and Text", EMNLP 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image as PILImage
from torch import nn
from torchvision.models import resnet50
from transformers import BertConfig, BertModel, SwinConfig, SwinModel

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models.bert import bert_config_of, mean_of_three_layers
from medimeta_c.models.contract import Preprocessing
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import bert_tokens
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import (
    StateDict,
    drop_position_ids,
    key_error,
    load_pretrained,
    load_strictly,
    read_checkpoint,
    strip_prefix,
)

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MedClip", "MedClipTransform", "load_medclip", "swin_tiny"]

_TEXT_TOWER = "emilyalsentzer/Bio_ClinicalBERT"
_CONTEXT_LENGTH = 77
_SIZE = 224
_MEAN, _STD = 0.5862785803043838, 0.27950088968644304
_MAX_LOG_SCALE = 4.6052  # the upstream model clamps to it at every use
_EMBEDDING = 512
_WEIGHTS = "pytorch_model.bin"
_SWIN_TINY: dict[str, Any] = {
    "image_size": 224,
    "patch_size": 4,
    "window_size": 7,
    "embed_dim": 96,
    "depths": [2, 2, 6, 2],
    "num_heads": [3, 6, 12, 24],
}


def load_medclip(spec: str, target: str) -> TorchModel:
    """Load ``medclip:vit[@PATH]`` or ``medclip:resnet[@PATH]``.

    PATH is the folder with MedCLIP's ``pytorch_model.bin`` (or a checkpoint file); without it, the folder
    the medclip package downloads to is used, ``pretrained/medclip-vit`` or ``-resnet`` below the current one.
    The tokenizer is taken from PATH when its files are there, else Bio_ClinicalBERT's from the Hub.

    Raises
    ------
    ConfigError
        If the variant is neither ``vit`` nor ``resnet``.
    ModelError
        If files are missing or do not fit.
    """
    variant, _, given = target.partition("@")
    if variant not in {"vit", "resnet"}:
        raise ConfigError(
            f"unknown MedCLIP variant {variant!r}: use medclip:vit[@PATH] or medclip:resnet[@PATH]"
        )
    path = Path(given or f"pretrained/medclip-{variant}").expanduser()
    file = path if path.is_file() else path / _WEIGHTS
    if not file.is_file():
        raise ModelError(
            f"there are no MedCLIP weights at {file}: fetch them once with the medclip package "
            f"(MedCLIPModel.from_pretrained) and name their folder as medclip:{variant}@FOLDER"
        )
    state = read_checkpoint(file)
    with quiet(), explained(f"{file} is not a MedCLIP {variant}", "name MedCLIP's own checkpoint"):
        module = MedClip.from_state(state, variant, file)
        logit_scale = float(module.logit_scale.detach().clamp(0, _MAX_LOG_SCALE).exp())
    folder = file.parent.resolve()
    tokens = bert_tokens(_TEXT_TOWER, folder, module.text.config, _CONTEXT_LENGTH)
    return assembled(
        module,
        spec=spec,
        family="medclip",
        what=f"MedCLIP: {'Swin-T' if variant == 'vit' else 'ResNet-50'} and BERT",
        state=state,
        tokenizer=tokens,
        transform=(MedClipTransform(), _PREPROCESSING),
        logit_scale=logit_scale,
    )


class MedClip(nn.Module):
    """Both towers, with the projections to 512 dimensions.

    Parameters
    ----------
    vision : torch.nn.Module
        ``SwinModel``, or a ResNet-50 whose ``fc`` is the projection.
    text : BertModel
        Bio_ClinicalBERT.
    vision_projection : torch.nn.Linear or None
        For Swin; None for ResNet-50.
    text_projection : torch.nn.Linear
        From the text tower's width.
    logit_scale : torch.Tensor
        Logarithm of the factor on the cosine similarity.
    """

    def __init__(
        self,
        vision: nn.Module,
        text: nn.Module,
        vision_projection: nn.Linear | None,
        text_projection: nn.Linear,
        logit_scale: torch.Tensor,
    ) -> None:
        super().__init__()
        self.vision = vision
        self.text = text
        self.vision_projection = vision_projection
        self.text_projection = text_projection
        self.logit_scale = nn.Parameter(logit_scale.clone())

    @classmethod
    def from_state(cls, state: StateDict, variant: str, where: Path) -> MedClip:
        """Build the variant from a checkpoint, using every tensor of it.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        heads = {"text_model.projection_head.weight", "logit_scale"}
        if variant == "vit":
            heads.add("vision_model.projection_head.weight")
        stray = {
            key for key in state if not key.startswith(("vision_model.model.", "text_model.model."))
        } - heads
        if stray or not heads <= state.keys():
            raise key_error(f"{where}, read as MedCLIP {variant},", heads - state.keys(), stray)
        vision_state = strip_prefix(state, "vision_model.model.")
        text_state = drop_position_ids(strip_prefix(state, "text_model.model."))
        where_vision = f"{where} (vision_model)"
        vision = (
            swin_tiny(vision_state, where_vision) if variant == "vit" else _resnet(vision_state, where_vision)
        )
        text = load_pretrained(
            BertModel, BertConfig(**bert_config_of(text_state, where)), text_state, f"{where} (text_model)"
        )
        vision_projection = (
            _projection(state["vision_model.projection_head.weight"], where) if variant == "vit" else None
        )
        return cls(
            vision,
            text,
            vision_projection,
            _projection(state["text_model.projection_head.weight"], where),
            state["logit_scale"],
        )

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, 224, 224) → (N, 512)."""
        if self.vision_projection is None:
            vectors: torch.Tensor = self.vision(pixels)
            return vectors
        projected: torch.Tensor = self.vision_projection(self.vision(pixel_values=pixels).pooler_output)
        return projected

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, 512)."""
        vectors: torch.Tensor = self.text_projection(mean_of_three_layers(self.text, tokens))
        return vectors


@dataclass(frozen=True, slots=True)
class MedClipTransform:
    """MedCLIP's own preprocessing.

    The image is centred on a black square, at least 224 wide, of one luma channel (colour becomes grey),
    resized to 224 with bicubic interpolation, normalised, and copied to three channels.
    """

    def __call__(self, image: Image) -> torch.Tensor:
        """Return float32 of shape (3, 224, 224)."""
        width, height = image.size
        side = max(_SIZE, width, height)
        square = PILImage.new("L", (side, side), 0)
        square.paste(image.convert("L"), (int((side - width) / 2), int((side - height) / 2)))
        if side != _SIZE:
            square = square.resize((_SIZE, _SIZE), PILImage.Resampling.BICUBIC)
        pixels = np.asarray(square, dtype=np.float32) / np.float32(255)
        normalised = (pixels - np.float32(_MEAN)) / np.float32(_STD)
        return torch.from_numpy(normalised).unsqueeze(0).repeat(3, 1, 1)


_PREPROCESSING = Preprocessing(
    size=(_SIZE, _SIZE),
    resize="pad-square",
    resize_size=(_SIZE, _SIZE),
    interpolation="bicubic",
    center_crop=False,
    mean=(_MEAN,) * 3,
    std=(_STD,) * 3,
    channels="luma",
    implementation="medimeta_c.models.families.published.medclip.MedClipTransform",
    plain=False,
)


def swin_tiny(state: StateDict, where: str) -> SwinModel:
    """Build a Swin-T for 224 pixels from its tensors, by the names of any transformers version.

    Raises
    ------
    ModelError
        If tensors are missing, left over or of another shape.
    """
    module: SwinModel = load_pretrained(SwinModel, SwinConfig(**_SWIN_TINY), _with_index(state), where)
    return module


def _with_index(state: StateDict) -> StateDict:
    """Set Swin's constant table of relative positions, which not every version keeps in checkpoints."""
    window = _SWIN_TINY["window_size"]
    row, column = (one.flatten() for one in torch.meshgrid(*(torch.arange(window),) * 2, indexing="ij"))
    down, right = (one[:, None] - one[None, :] + window - 1 for one in (row, column))
    index = down * (2 * window - 1) + right
    kept = {key: value for key, value in state.items() if not key.endswith("relative_position_index")}
    tables = [key for key in kept if key.endswith("relative_position_bias_table")]
    return kept | {key.replace("bias_table", "index"): index.clone() for key in tables}


def _resnet(state: StateDict, where: str) -> nn.Module:
    """Build a ResNet-50 with its projection and load it strictly."""
    module: nn.Module = resnet50(weights=None)
    module.fc = nn.Linear(2048, _EMBEDDING, bias=False)
    load_strictly(module, state, where)
    return module


def _projection(weight: torch.Tensor, where: object) -> nn.Linear:
    """Return a linear map without bias that has the given weight."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    load_strictly(layer, {"weight": weight}, where)
    return layer
