"""MedImageInsight: a DaViT and a bidirectional CLIP text tower, in the layout of its mirror on the Hub.

References
----------
Codella et al., "MedImageInsight: An Open-Source Embedding Model for General Domain Medical Imaging",
arXiv 2410.06542.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import torch
from open_clip.transform import PreprocessCfg
from pydantic import ConfigDict, Field, PositiveInt, model_validator
from timm.models.davit import DaVit
from torch import nn

from medimeta_c.errors import ModelError
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.models import hub_files
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import HfTokens, read_tokenizer, refuse_larger_vocabulary
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import StateDict, read_checkpoint, refuse_misfit

__all__ = ["Config", "MedImageInsight", "load_medimageinsight"]

_RELEASE = "2024.09.27"
_CONFIG = "config.yaml"
_WEIGHTS = "vision_model/medimageinsigt-v1.0.0.pt"  # so it is spelt
_TOKENIZER = "language_model/clip_tokenizer_4.16.2"
_FETCHED = tuple(f"{_RELEASE}/{name}" for name in (_CONFIG, _WEIGHTS, f"{_TOKENIZER}/*"))
_READER = Reader(remedy="copy the files of lion-ai/MedImageInsights again", error=ModelError)
_HINT = f"check that {_CONFIG} and the weights belong together"
_LANG_NORM_EPS = 1e-12
_QUICK = 1.702


_Four: TypeAlias = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
_Depth: TypeAlias = Annotated[int, Field(ge=1, le=100)]
"""Of modules that are built before their weights are compared."""


class _Part(Record):
    """A part of ``config.yaml``, whose names are in capitals; what only training reads is ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=str.upper)


class _Spec(_Part):
    """Sizes of the image tower; what timm's tower has no setting for must be as published."""

    patch_size: tuple[Literal[7], Literal[3], Literal[3], Literal[3]]
    patch_stride: tuple[Literal[4], Literal[2], Literal[2], Literal[2]]
    patch_padding: tuple[Literal[3], Literal[1], Literal[1], Literal[1]]
    patch_prenorm: tuple[Literal[False], Literal[True], Literal[True], Literal[True]]
    dim_embed: _Four
    num_heads: _Four
    num_groups: _Four
    depths: tuple[_Depth, _Depth, _Depth, _Depth]
    window_size: PositiveInt
    dynamic_scale: Literal[True] = True
    standparam: Literal[True] = True

    @model_validator(mode="after")
    def _groups_are_heads(self) -> _Spec:
        if self.num_groups != self.num_heads:
            raise ValueError("NUM_GROUPS must be NUM_HEADS")
        if any(width % heads for width, heads in zip(self.dim_embed, self.num_heads, strict=True)):
            raise ValueError("each of DIM_EMBED must be a multiple of its NUM_HEADS")
        return self


class _ImageEncoder(_Part):
    name: Literal["davit_v1"]
    num_classes: Literal[0]
    image_size: tuple[PositiveInt, PositiveInt]
    image_mean: tuple[float, float, float]
    image_std: tuple[float, float, float]
    spec: _Spec


class _LangEncoder(_Part):
    name: Literal["transformer"]
    tokenizer: Literal["clip"]
    context_length: PositiveInt
    width: PositiveInt
    heads: PositiveInt
    layers: _Depth
    autogressive: Literal[False]


class _Unicl(_Part):
    dim_projection: PositiveInt


class _Aug(_Part):
    interpolation: Literal["bicubic"]


class _Test(_Part):
    center_crop: Literal[False]


class Config(_Part):
    """What is needed of ``config.yaml``."""

    image_encoder: _ImageEncoder
    lang_encoder: _LangEncoder
    unicl_model: _Unicl
    aug: _Aug
    test: _Test


def load_medimageinsight(spec: str, target: str) -> TorchModel:
    """Load ``medimageinsight:PATH_OR_REPO[@REVISION]``.

    The folder or repository is laid out as lion-ai/MedImageInsights: ``config.yaml``, ``vision_model/`` and
    ``language_model/``, in a folder ``2024.09.27`` or not. None of its code is run.

    Raises
    ------
    ModelError
        If files are missing or do not fit, or the configuration asks for another architecture.
    """
    folder, revision = hub_files.model_folder(target, _FETCHED)
    folder = folder / _RELEASE if (folder / _RELEASE).is_dir() else folder
    config = _READER.read(folder / _CONFIG, Config)
    tokenizer = read_tokenizer(folder / _TOKENIZER)
    refuse_larger_vocabulary(len(tokenizer), tokenizer.vocab_size, f"in {folder / _TOKENIZER}")
    weights = folder / _WEIGHTS
    state = _renamed(read_checkpoint(weights), weights)
    with quiet(), explained(f"{folder} does not hold MedImageInsight", "copy its files again"):
        with torch.device("meta"):  # sizes are compared before memory is taken
            module = MedImageInsight(config, tokenizer.vocab_size)
        refuse_misfit(module.state_dict(), state, weights, _HINT)
        module.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    lang, image = config.lang_encoder, config.image_encoder
    transform = open_clip_transform(
        PreprocessCfg(
            size=image.image_size[::-1],
            mean=image.image_mean,
            std=image.image_std,
            interpolation=config.aug.interpolation,
            resize_mode="squash",
        )
    )
    tokens = HfTokens(tokenizer, lang.context_length, padding="max_length")
    return assembled(
        module,
        spec=spec,
        family="medimageinsight",
        revision=revision,
        what="MedImageInsight: DaViT and CLIP's text transformer",
        state=state,
        settings=config.model_dump(mode="json"),
        tokenizer=tokens,
        transform=transform,
    )


class MedImageInsight(nn.Module):
    """Both towers and their projections.

    Parameters
    ----------
    config : Config
        Their sizes.
    vocabulary : int
        Number of tokens.
    """

    def __init__(self, config: Config, vocabulary: int) -> None:
        super().__init__()
        spec, lang, width = config.image_encoder.spec, config.lang_encoder, config.unicl_model.dim_projection
        self.image_encoder = DaVit(
            depths=spec.depths,
            embed_dims=spec.dim_embed,
            num_heads=spec.num_heads,
            window_size=spec.window_size,
            down_kernel_size=3,
            channel_attn_v2=True,
            named_blocks=True,
            num_classes=0,
        )
        self.image_projection = nn.Parameter(torch.zeros(spec.dim_embed[-1], width))
        self.lang_encoder = _TextTower(lang, vocabulary)
        self.lang_projection = nn.Parameter(torch.zeros(lang.width, width))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D)."""
        vectors: torch.Tensor = self.image_encoder(pixels) @ self.image_projection
        return vectors

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, D): the state of the token that ends the text, projected."""
        ids = tokens["input_ids"]
        states = self.lang_encoder(ids, tokens["attention_mask"])
        vectors: torch.Tensor = states[torch.arange(len(ids)), ids.argmax(-1)] @ self.lang_projection
        return vectors


class _TextTower(nn.Module):
    """CLIP's text transformer without its causal mask: (M, T) → (M, T, D)."""

    def __init__(self, lang: _LangEncoder, vocabulary: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, lang.width)
        self.positional_embedding = nn.Parameter(torch.zeros(lang.context_length, lang.width))
        self.resblocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                lang.width,
                lang.heads,
                4 * lang.width,
                dropout=0.0,
                activation=_quick_gelu,
                layer_norm_eps=_LANG_NORM_EPS,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(lang.layers)
        )
        self.ln_final = nn.LayerNorm(lang.width, eps=_LANG_NORM_EPS)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        for block in self.resblocks:
            states = block(states, src_key_padding_mask=mask == 0)
        normed: torch.Tensor = self.ln_final(states)
        return normed


def _quick_gelu(values: torch.Tensor) -> torch.Tensor:
    return values * torch.sigmoid(_QUICK * values)


_NAMES: tuple[tuple[str, str], ...] = (
    (r"^visual\.", "image_encoder."),
    (r"^text\.", "lang_encoder."),
    (r"^vision_projection$", "image_projection"),
    (r"^text_projection$", "lang_projection"),
    # DaViT's first release has other names than MedImageInsight's code
    (r"\.conv_embeds\.", ".convs."),
    (r"\.main_blocks\.", ".blocks."),
    (r"(\.blocks\.\d+\.\d+)\.0\.", r"\1.spatial_block."),
    (r"(\.blocks\.\d+\.\d+)\.1\.", r"\1.channel_block."),
    (r"\.cpe\.0\.proj\.", ".conv1.fn.dw."),
    (r"\.cpe\.1\.proj\.", ".conv2.fn.dw."),
    # and timm has names of its own
    (r"\.convs\.0\.proj\.", ".stem.conv."),
    (r"\.convs\.0\.norm\.", ".stem.norm."),
    (r"\.convs\.(\d+)\.proj\.", r".stages.\1.downsample.conv."),
    (r"\.convs\.(\d+)\.norm\.", r".stages.\1.downsample.norm."),
    (r"\.blocks\.(\d+)\.", r".stages.\1.blocks."),
    (r"\.conv([12])\.fn\.dw\.", r".cpe\1.proj."),
    (r"\.(?:window|channel)_attn\.norm\.", ".norm1."),
    (r"\.(?:window|channel)_attn\.fn\.", ".attn."),
    (r"\.ffn\.norm\.", ".norm2."),
    (r"\.ffn\.fn\.net\.", ".mlp."),
    (r"^image_encoder\.norms\.", "image_encoder.head.norm."),
    # as has torch for the text tower
    (r"(\.resblocks\.\d+)\.attn\.", r"\1.self_attn."),
    (r"(\.resblocks\.\d+)\.ln_([12])\.", r"\1.norm\2."),
    (r"(\.resblocks\.\d+)\.mlp\.c_fc\.", r"\1.linear1."),
    (r"(\.resblocks\.\d+)\.mlp\.c_proj\.", r"\1.linear2."),
)
"""Patterns of a published tensor's name and what takes their place, one after the other."""


def _renamed(state: StateDict, where: Path) -> StateDict:
    """Return the tensors under the names that the module has for them.

    Raises
    ------
    ModelError
        If two of them get the same name.
    """
    renamed: dict[str, Any] = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in _NAMES:
            new = re.sub(pattern, replacement, new)
        if new in renamed:
            raise ModelError(f"{where} holds the tensor {name} twice, under two names: download it again")
        renamed[new] = tensor
    return renamed
