"""MUSK: BEiT-3, one stack of blocks in which images and texts have weights of their own.

References
----------
Xiang et al., "A vision-language foundation model for precision oncology", Nature 2025.
Wang et al., "Image as a Foreign Language: BEiT Pretraining for Vision and Vision-Language Tasks", CVPR 2023.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from open_clip.transform import PreprocessCfg
from timm.data.constants import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
from torch import nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

from medimeta_c.errors import MissingExtraError, ModelError
from medimeta_c.models import hub_files
from medimeta_c.models.bert import head_count, layer_count
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained
from medimeta_c.models.tokenizers import refuse_larger_vocabulary
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint

__all__ = ["Musk", "load_musk"]

_WEIGHTS = ("model.safetensors",)
_TOKENIZER = "tokenizer.spm"
_REMEDY = "name MUSK's own model.safetensors"
_UNUSED = "beit3.vision_embed.mask_token"
"""What stood for hidden patches in pretraining."""

_CONTEXT_LENGTH = 100
_FIRST_POSITION = 2  # as in fairseq: the first two rows of a table of positions are never read
_START, _PAD, _END, _UNKNOWN = range(4)

_Way: TypeAlias = Literal["A", "B"]
"""Whose weights: ``A`` for images, ``B`` for texts."""


def load_musk(spec: str, target: str) -> TorchModel:
    """Load ``musk:PATH_OR_REPO[@REVISION]``: ``model.safetensors`` and ``tokenizer.spm``.

    Vectors are those that the authors use for zero-shot tasks: one scale, through the heads, normalised. The
    logit scale is the stored number itself, as in the authors' demonstration: no exponential is taken.

    Raises
    ------
    ModelError
        If files are missing or do not fit.
    MissingExtraError
        If sentencepiece is not installed.
    """
    folder, revision = hub_files.model_folder(target, [_TOKENIZER], checkpoint=True)
    pieces = _read_pieces(folder / _TOKENIZER)
    weights = hub_files.weights_file(target, folder, _WEIGHTS)
    state = read_checkpoint(weights)
    module = Musk.from_state({key: one for key, one in state.items() if key != _UNUSED}, weights)
    sizes = module.sizes
    tokens = MuskTokens(pieces, min(_CONTEXT_LENGTH, sizes["text_positions"] - _FIRST_POSITION))
    refuse_larger_vocabulary(pieces.get_piece_size() + 1, sizes["vocab_size"], folder / _TOKENIZER)
    transform = open_clip_transform(
        PreprocessCfg(size=sizes["image_size"], mean=IMAGENET_INCEPTION_MEAN, std=IMAGENET_INCEPTION_STD)
    )
    return assembled(
        module,
        spec=spec,
        family="musk",
        revision=revision,
        what="MUSK: BEiT-3",
        state=state,
        settings=sizes,
        tokenizer=tokens,
        transform=transform,
        logit_scale=float(module.logit_scale.detach()),
    )


@dataclass(slots=True)
class MuskTokens:
    """XLM-RoBERTa's tokenizer: sentencepiece's pieces, numbered from 4, between a start and an end.

    Parameters
    ----------
    pieces : sentencepiece.SentencePieceProcessor
        The model in ``tokenizer.spm``.
    context_length : int
        The most tokens of a text.
    """

    pieces: Any
    context_length: int

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, start and end included."""
        return [len(row) for row in self._rows(texts)]

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return token ids, padded to the longest text, and which of them are a text's own."""
        rows = [torch.tensor(row) for row in self._rows(texts)]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=_PAD)
        return {"input_ids": ids, "attention_mask": ids != _PAD}

    def vocabulary(self) -> Any:
        """Return the pieces and their scores, in the order of their numbers."""
        numbers = range(self.pieces.get_piece_size())
        return [(self.pieces.id_to_piece(one), self.pieces.get_score(one)) for one in numbers]

    def _rows(self, texts: Sequence[str]) -> list[list[int]]:
        # sentencepiece's 0 is an unknown piece; its other numbers move by one
        encoded: list[list[int]] = self.pieces.encode(list(texts))
        return [[_START, *(one + 1 if one else _UNKNOWN for one in row), _END] for row in encoded]


class Musk(nn.Module):
    """BEiT-3 and a linear head for either kind of input.

    Parameters
    ----------
    sizes : mapping of str to int
        ``image_size``, ``patch_size``, ``width``, ``layers``, ``hidden`` (of the blocks' perceptrons),
        ``vocab_size`` and ``text_positions``.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        width, patch = sizes["width"], sizes["patch_size"]
        patches = (sizes["image_size"] // patch) ** 2
        self.beit3 = nn.Module()
        self.beit3.text_embed = nn.Embedding(sizes["vocab_size"], width)
        self.beit3.vision_embed = nn.Module()
        self.beit3.vision_embed.proj = nn.Conv2d(3, width, kernel_size=patch, stride=patch)
        self.beit3.vision_embed.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.beit3.encoder = nn.Module()
        self.beit3.encoder.embed_positions = nn.ModuleDict(
            {
                "A": nn.Embedding(patches + 1 + _FIRST_POSITION, width),
                "B": nn.Embedding(sizes["text_positions"], width),
            }
        )
        self.beit3.encoder.layers = nn.ModuleList(
            _Block(width, sizes["hidden"]) for _ in range(sizes["layers"])
        )
        self.beit3.encoder.layer_norm = _ways(lambda: nn.LayerNorm(width))
        self.vision_head = nn.Linear(width, width, bias=False)
        self.language_head = nn.Linear(width, width, bias=False)
        self.logit_scale = nn.Parameter(torch.empty(()))

    @classmethod
    def from_state(cls, state: StateDict, where: object) -> Musk:
        """Build the model as large as a checkpoint's tensors, and load every one of them.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        with explained(f"{where} is not a MUSK checkpoint", _REMEDY):
            module = cls(_sizes(state))
        load_strictly(module, state, where, _REMEDY)
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D), of norm 1."""
        embed: Any = self.beit3.vision_embed
        patches = embed.proj(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([embed.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        return normalize(self.vision_head(self._first(tokens, "A", None)), dim=-1)

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, D), of norm 1."""
        embed: Any = self.beit3.text_embed
        mask = tokens["attention_mask"][:, None, None]
        return normalize(self.language_head(self._first(embed(tokens["input_ids"]), "B", mask)), dim=-1)

    def _first(self, x: torch.Tensor, way: _Way, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the first token's vector, (N, D), after all blocks."""
        encoder: Any = self.beit3.encoder
        x = x + encoder.embed_positions[way].weight[_FIRST_POSITION : _FIRST_POSITION + x.shape[1]]
        for block in encoder.layers:
            x = block(x, way, mask)
        first: torch.Tensor = encoder.layer_norm[way](x[:, 0])
        return first


class _Block(nn.Module):
    """Attention and a perceptron, each normalised before and within, and added."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width)
        self.self_attn_layer_norm = _ways(lambda: nn.LayerNorm(width))
        self.ffn = _ways(lambda: _Perceptron(width, hidden))
        self.final_layer_norm = _ways(lambda: nn.LayerNorm(width))

    def forward(self, x: torch.Tensor, way: _Way, mask: torch.Tensor | None) -> torch.Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm[way](x), way, mask)
        added: torch.Tensor = x + self.ffn[way](self.final_layer_norm[way](x))
        return added


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = head_count(width)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            _ways(lambda: nn.Linear(width, width)) for _ in range(4)
        )
        self.inner_attn_ln = _ways(lambda: nn.LayerNorm(width))

    def forward(self, x: torch.Tensor, way: _Way, mask: torch.Tensor | None) -> torch.Tensor:
        q, k, v = (
            each[way](x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        out: torch.Tensor = self.out_proj[way](self.inner_attn_ln[way](mixed))
        return out


class _Perceptron(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.ffn_layernorm = nn.LayerNorm(hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc2(self.ffn_layernorm(gelu(self.fc1(x))))
        return out


def _ways(make: Callable[[], nn.Module]) -> nn.ModuleDict:
    """Return one module for images and one for texts."""
    return nn.ModuleDict({"A": make(), "B": make()})


def _sizes(state: StateDict) -> dict[str, int]:
    """Read the arguments of `Musk` off the shapes of its tensors."""
    width, _, patch, _ = state["beit3.vision_embed.proj.weight"].shape
    positions = state["beit3.encoder.embed_positions.A.weight"].shape[0]
    return {
        "image_size": math.isqrt(positions - _FIRST_POSITION - 1) * patch,
        "patch_size": patch,
        "width": width,
        "layers": layer_count(state, "beit3.encoder.layers."),
        "hidden": state["beit3.encoder.layers.0.ffn.A.fc1.weight"].shape[0],
        "vocab_size": state["beit3.text_embed.weight"].shape[0],
        "text_positions": state["beit3.encoder.embed_positions.B.weight"].shape[0],
    }


def _read_pieces(file: Path) -> Any:
    """Open a sentencepiece model."""
    try:
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415  (only this family needs it)
    except ImportError as error:
        raise MissingExtraError("reading MUSK's tokenizer", "evaluate") from error
    if not file.is_file():
        raise ModelError(f"there is no tokenizer at {file}: copy {_TOKENIZER} there from MUSK's repository")
    with explained(f"{file} is not MUSK's tokenizer", "copy it again"):
        pieces = SentencePieceProcessor(model_proto=file.read_bytes())
        ids = [pieces.unk_id(), pieces.bos_id(), pieces.eos_id()]
        if ids != [0, 1, 2]:
            raise ValueError(f"<unk>, <s> and </s> are pieces {ids}, not 0, 1, 2")
        return pieces
