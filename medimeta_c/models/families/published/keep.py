"""KEEP: timm's ViT and transformers' BERT, in the layout of its authors' checkpoint; their code is not run.

References
----------
Zhou et al., "Knowledge-enhanced pretraining for vision-language pathology foundation model on cancer
diagnosis", Cancer Cell 2026.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from open_clip.transform import PreprocessCfg
from pydantic import ConfigDict
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizerFast

from medimeta_c.errors import ModelError
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.models import hub_files
from medimeta_c.models.bert import head_count, layer_count
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import (
    TOKENIZER_FILES,
    HfTokens,
    read_tokenizer,
    refuse_larger_vocabulary,
)
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint

__all__ = ["Keep", "TextSettings", "load_keep"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_CONFIG = "config.json"
_READER = Reader(remedy="copy it again from KEEP's repository", error=ModelError)
_REMEDY = "name KEEP's own folder or repository"
_CONTEXT_LENGTH = 256


class TextSettings(Record):
    """What decides a BERT's output, of a ``text_config``; the defaults are BERT's."""

    model_config = ConfigDict(extra="ignore")

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    pad_token_id: int = 0
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    position_embedding_type: Literal["absolute"] = "absolute"
    is_decoder: Literal[False] = False


class _Config(Record):
    """What is needed of ``config.json``: the image tower and the projection are read off the weights."""

    model_config = ConfigDict(extra="ignore")

    model_type: Literal["keep"]
    text_config: TextSettings


def load_keep(spec: str, target: str) -> TorchModel:
    """Load ``keep:PATH_OR_REPO[@REVISION]``: weights, ``config.json`` and the tokenizer's files.

    Raises
    ------
    ModelError
        If files are missing or do not fit.
    """
    folder, revision = hub_files.model_folder(target, TOKENIZER_FILES, checkpoint=True)
    settings = _READER.read(folder / _CONFIG, _Config).text_config
    tokenizer = read_tokenizer(folder, BertTokenizerFast)
    refuse_larger_vocabulary(len(tokenizer), settings.vocab_size, f"in {folder}")
    weights = hub_files.weights_file(target, folder, _WEIGHTS)
    state = read_checkpoint(weights)
    module = Keep.from_state(state, settings, weights)
    tokens = HfTokens(tokenizer, min(_CONTEXT_LENGTH, settings.max_position_embeddings))
    transform = open_clip_transform(
        PreprocessCfg(size=module.image_size, mean=IMAGENET_DEFAULT_MEAN, std=IMAGENET_DEFAULT_STD)
    )
    return assembled(
        module,
        spec=spec,
        family="keep",
        revision=revision,
        what="KEEP: ViT and BERT",
        state=state,
        settings=settings.model_dump(mode="json"),
        tokenizer=tokens,
        transform=transform,
    )


class Keep(nn.Module):
    """Both towers; the image tower's vectors are projected to the width of the text tower.

    Parameters
    ----------
    image_size, patch_size : int
        Sides of the image and of a patch, in pixels.
    width, layers : int
        Of the image tower.
    text : TextSettings
        Of the text tower.
    """

    def __init__(
        self, *, image_size: int, patch_size: int, width: int, layers: int, text: TextSettings
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.visual = VisionTransformer(
            img_size=image_size,
            patch_size=patch_size,
            embed_dim=width,
            depth=layers,
            num_heads=head_count(width),
            num_classes=0,
            init_values=1e-5,
        )
        dim = text.hidden_size
        self.visual_head = nn.Sequential(nn.Linear(width, dim), nn.GELU(), nn.Linear(dim, dim))
        self.text = BertModel(BertConfig(**text.model_dump()))
        self.logit_scale = nn.Parameter(torch.empty(()))

    @classmethod
    def from_state(cls, state: StateDict, text: TextSettings, where: object) -> Keep:
        """Build the image tower as large as a checkpoint's tensors, and load every one of them.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        with quiet(), explained(f"{where} is not a KEEP checkpoint", _REMEDY):
            width, _, patch, _ = state["visual.patch_embed.proj.weight"].shape
            module = cls(
                image_size=math.isqrt(state["visual.pos_embed"].shape[1] - 1) * patch,
                patch_size=patch,
                width=width,
                layers=layer_count(state, "visual.blocks."),
                text=text,
            )
        load_strictly(module, state, where, _REMEDY)
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D), of norm 1."""
        return nn.functional.normalize(self.visual_head(self.visual(pixels)), dim=-1)

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, D), of norm 1."""
        return nn.functional.normalize(self.text(**tokens).pooler_output, dim=-1)
