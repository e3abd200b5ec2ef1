"""FLAIR: a ResNet-50 and Bio_ClinicalBERT for fundus photographs, in the layout of its authors' checkpoint.

References
----------
Silva-Rodríguez et al., "A Foundation Language-Image Model of the Retina (FLAIR): encoding expert knowledge in
text supervision", Medical Image Analysis 99, 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet50
from torchvision.transforms.functional import resize
from transformers import BertConfig, BertModel

from medimeta_c.errors import ModelError
from medimeta_c.io.reading import Reader
from medimeta_c.models import hub_files
from medimeta_c.models.bert import bert_config_of, mean_of_three_layers
from medimeta_c.models.contract import Preprocessing
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import TOKENIZER_FILES, bert_tokens
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import StateDict, key_error, load_strictly, read_checkpoint, strip_prefix

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Flair", "FlairTransform", "load_flair"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "flair_resnet.pth")
_TEXT_TOWER = "emilyalsentzer/Bio_ClinicalBERT"
_CONTEXT_LENGTH = 77
_SIZE = 512
_IMAGE_WIDTH = 2048
_MAX_LOG_SCALE = 4.6052  # the upstream model clamps to it, and to 0, at every use
_HEADS = ("vision_model.projection_head_vision.projection", "text_model.projection_head_text.projection")
_BERT = "text_model.model."
_READER = Reader(remedy="copy it again", error=ModelError)
_PUBLISHED: dict[str, tuple[object, ...]] = {
    "vision_type": ("resnet_v1", "resnet_v2"),
    "image_size": (_SIZE,),
    "projection": (True,),
    "norm_features": (True,),
}
"""The settings of a ``config.json`` that change what is computed, and their values in the published model."""


def load_flair(spec: str, target: str) -> TorchModel:
    """Load ``flair:PATH_OR_REPO[@REVISION]``.

    PATH is a folder with ``model.safetensors`` or ``flair_resnet.pth``, or such a file. The tokenizer is
    taken from that folder when its files are there, else Bio_ClinicalBERT's from the Hub.

    Raises
    ------
    ModelError
        If files are missing or do not fit.
    """
    folder, revision = hub_files.model_folder(target, TOKENIZER_FILES, checkpoint=True)
    _check_settings(folder / "config.json")
    file = hub_files.weights_file(target, folder, _WEIGHTS)
    state = read_checkpoint(file)
    with quiet(), explained(f"{file} is not a FLAIR checkpoint", "name FLAIR's own checkpoint"):
        module = Flair.from_state(state, file)
        logit_scale = float(module.logit_scale.detach().clamp(0, _MAX_LOG_SCALE).exp())
    bert = module.text_model["model"].config
    tokens = bert_tokens(_TEXT_TOWER, folder, bert, _CONTEXT_LENGTH)
    return assembled(
        module,
        spec=spec,
        family="flair",
        revision=revision,
        what="FLAIR: ResNet-50 and BERT",
        state=state,
        tokenizer=tokens,
        transform=(FlairTransform(), _PREPROCESSING),
        logit_scale=logit_scale,
    )


class Flair(nn.Module):
    """Both towers, with the projections to one space, under upstream's names.

    Parameters
    ----------
    bert : dict
        Arguments of ``BertConfig``.
    width : int
        Dimensions of the common space.
    """

    def __init__(self, bert: dict[str, Any], width: int) -> None:
        super().__init__()
        vision = resnet50(weights=None)
        vision.fc = nn.Identity()
        self.vision_model = nn.ModuleDict(
            {"model": vision, "projection_head_vision": _Head(_IMAGE_WIDTH, width)}
        )
        self.text_model = nn.ModuleDict(
            {
                "model": BertModel(BertConfig(**bert)),
                "projection_head_text": _Head(int(bert["hidden_size"]), width),
            }
        )
        self.logit_scale = nn.Parameter(torch.zeros([]))

    @classmethod
    def from_state(cls, state: StateDict, where: Path) -> Flair:
        """Build the model from a checkpoint, using every tensor of it.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        head = state.get(f"{_HEADS[0]}.weight")
        if head is None or head.ndim != 2:
            raise key_error(f"{where}, read as FLAIR,", [f"{_HEADS[0]}.weight"], ())
        module = cls(bert_config_of(strip_prefix(state, _BERT), where), head.shape[0])
        load_strictly(module, state, f"{where}, read as FLAIR,")
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D), of norm 1."""
        vectors: torch.Tensor = self.vision_model["projection_head_vision"](
            self.vision_model["model"](pixels)
        )
        return vectors

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, D), of norm 1."""
        vectors: torch.Tensor = self.text_model["projection_head_text"](
            mean_of_three_layers(self.text_model["model"], tokens)
        )
        return vectors


class _Head(nn.Module):
    """Normalise, project, normalise again."""

    def __init__(self, width: int, projected: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, projected, bias=False)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(N, width) → (N, projected)."""
        projected = self.projection(vectors / vectors.norm(dim=-1, keepdim=True))
        normalised: torch.Tensor = projected / projected.norm(dim=-1, keepdim=True)
        return normalised


@dataclass(frozen=True, slots=True)
class FlairTransform:
    """FLAIR's own preprocessing.

    The longest edge is resized to 512, fractions of the other are cut off, and black is added on the right
    and below. Pixels lie between 0 and 1; there is no other normalisation.
    """

    def __call__(self, image: Image) -> torch.Tensor:
        """Return float32 of shape (3, 512, 512)."""
        pixels = torch.from_numpy(np.array(image.convert("RGB"), dtype=np.float32) / np.float32(255))
        ratio = max(pixels.shape[:2]) / _SIZE
        height, width = (max(1, int(edge / ratio)) for edge in pixels.shape[:2])
        resized = resize(pixels.permute(2, 0, 1), [height, width], antialias=True)
        return functional.pad(resized, (0, _SIZE - width, 0, _SIZE - height))


_PREPROCESSING = Preprocessing(
    size=(_SIZE, _SIZE),
    resize="longest",
    resize_size=(_SIZE, _SIZE),
    interpolation="bilinear",
    center_crop=False,
    mean=(0.0,) * 3,
    std=(1.0,) * 3,
    channels="rgb",
    implementation="medimeta_c.models.families.published.flair.FlairTransform",
    plain=True,
)


def _check_settings(file: Path) -> None:
    """Refuse a configuration, if there is one, of a model that computes something else."""
    values = _READER.values(file) if file.is_file() else {}
    for name, accepted in _PUBLISHED.items():
        value = values.get(name, accepted[0]) if isinstance(values, dict) else None
        if value not in accepted:
            raise ModelError(
                f"{file} says {name} {value!r}, and only FLAIR models with {accepted[0]!r} can be loaded: "
                "name the published model, or the folder of one with its settings"
            )
