"""CONCH: a ViT with an attentional pooler and a causal text tower, in the layout of its authors' checkpoint.

References
----------
Lu et al., "A visual-language foundation model for computational pathology", Nature Medicine 2024.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transform import PreprocessCfg
from open_clip.transformer import AttentionalPooler, TextTransformer
from timm.models.vision_transformer import VisionTransformer
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerFast

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import hub_files
from medimeta_c.models.bert import head_count, layer_count
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import HfTokens, refuse_larger_vocabulary
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint

__all__ = ["Conch", "load_conch"]

_WEIGHTS = ("pytorch_model.bin", "model.safetensors")
_TOKENIZERS = ("conch_byte_level_bpe_uncased.json", "tokenizer.json")
_OVERRIDE = "+tokenizer="
_SPECIAL = {"pad_token": "<pad>", "bos_token": "<start_of_text>", "eos_token": "<end_of_text>"}
_UNUSED = ("text_decoder.", "visual.attn_pool_caption.", "visual.ln_caption.")
"""The captioning branch, which no embedding passes through; the published checkpoint may lack parts of it."""

_REMEDY = "name CONCH's own pytorch_model.bin"
_POOLER_HEADS = 8


def load_conch(spec: str, target: str) -> TorchModel:
    """Load ``conch:PATH_OR_REPO[@REVISION][+tokenizer=FILE]``.

    PATH is the folder with ``pytorch_model.bin``, or that file. The tokenizer is
    ``conch_byte_level_bpe_uncased.json`` of the authors' code; it is read from the same folder or repository,
    or is the file named last.

    Raises
    ------
    ConfigError
        If the tokenizer's name is empty.
    ModelError
        If files are missing or do not fit.
    """
    place, override, named = target.partition(_OVERRIDE)
    if not place or (override and not named):
        raise ConfigError(f"{spec!r} is not of the form conch:PATH_OR_REPO[@REVISION][{_OVERRIDE}FILE]")
    folder, revision = hub_files.model_folder(place, _TOKENIZERS, checkpoint=True)
    vocabulary = _find_tokenizer(folder, Path(named).expanduser() if named else None, place)
    tokenizer = _read_tokenizer(vocabulary)
    weights = hub_files.weights_file(place, folder, _WEIGHTS)
    raw = read_checkpoint(weights)
    state = {key: tensor for key, tensor in raw.items() if not key.startswith(_UNUSED)}
    module = Conch.from_state(state, weights)
    sizes = module.sizes
    refuse_larger_vocabulary(len(tokenizer), sizes["vocab_size"], vocabulary)
    tokens = HfTokens(tokenizer, sizes["context_length"], padding="max_length", names=("input_ids",))
    transform = open_clip_transform(
        PreprocessCfg(size=sizes["image_size"], mean=OPENAI_DATASET_MEAN, std=OPENAI_DATASET_STD)
    )
    return assembled(
        module,
        spec=spec,
        family="conch",
        revision=revision,
        what="CONCH: ViT and causal transformer with a class token",
        state=state,
        settings=sizes,
        tokenizer=tokens,
        transform=transform,
    )


class Conch(nn.Module):
    """Both towers, without the captioning branch.

    Parameters
    ----------
    sizes : mapping of str to int
        ``image_size``, ``patch_size``, ``width`` and ``layers`` of the image tower; ``text_width``,
        ``text_layers``, ``vocab_size`` and ``context_length`` of the text tower, the class token after a
        text's last not counted; ``embed_dim`` of the common space.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.visual = nn.Module()
        self.visual.trunk = VisionTransformer(
            img_size=sizes["image_size"],
            patch_size=sizes["patch_size"],
            embed_dim=sizes["width"],
            depth=sizes["layers"],
            num_heads=head_count(sizes["width"]),
            num_classes=0,
        )
        dim = sizes["embed_dim"]
        self.visual.attn_pool_contrast = AttentionalPooler(dim, sizes["width"], _POOLER_HEADS, n_queries=1)
        self.visual.ln_contrast = nn.LayerNorm(dim)
        self.visual.proj_contrast = nn.Parameter(torch.empty(dim, dim))
        self.text = TextTransformer(
            context_length=sizes["context_length"],
            vocab_size=sizes["vocab_size"],
            width=sizes["text_width"],
            heads=head_count(sizes["text_width"]),
            layers=sizes["text_layers"],
            output_dim=dim,
            embed_cls=True,
        )
        self.logit_scale = nn.Parameter(torch.empty(()))

    @classmethod
    def from_state(cls, state: StateDict, where: object) -> Conch:
        """Build the towers as large as a checkpoint's tensors, and load every one of them.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        with explained(f"{where} is not a CONCH checkpoint", _REMEDY):
            module = cls(_sizes(state))
        load_strictly(module, state, where, _REMEDY)
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D), of norm 1."""
        tower: Any = self.visual
        pooled = tower.attn_pool_contrast(tower.trunk.forward_features(pixels))[:, 0]
        return nn.functional.normalize(tower.ln_contrast(pooled) @ tower.proj_contrast, dim=-1)

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids (M, T), padded to the context length → (M, D), of norm 1."""
        return nn.functional.normalize(self.text(tokens["input_ids"]), dim=-1)


def _sizes(state: StateDict) -> dict[str, int]:
    """Read the arguments of `Conch` off the shapes of its tensors."""
    width, _, patch, _ = state["visual.trunk.patch_embed.proj.weight"].shape
    grid = math.isqrt(state["visual.trunk.pos_embed"].shape[1] - 1)
    positions, text_width = state["text.positional_embedding"].shape
    return {
        "image_size": grid * patch,
        "patch_size": patch,
        "width": width,
        "layers": layer_count(state, "visual.trunk.blocks."),
        "text_width": text_width,
        "text_layers": layer_count(state, "text.transformer.resblocks."),
        "vocab_size": state["text.token_embedding.weight"].shape[0],
        "context_length": positions - 1,
        "embed_dim": state["visual.proj_contrast"].shape[1],
    }


def _find_tokenizer(folder: Path, named: Path | None, place: str) -> Path:
    """Return the tokenizer's file: the one named, or the one beside the weights."""
    places = [named] if named else [folder / name for name in _TOKENIZERS]
    found = next((each for each in places if each.is_file()), None)
    if found is None:
        raise ModelError(
            f"there is no tokenizer at {named or folder} (looked for {', '.join(_TOKENIZERS)}): copy "
            f"{_TOKENIZERS[0]} from https://github.com/mahmoodlab/CONCH, and name it as "
            f"conch:{place}{_OVERRIDE}FILE"
        )
    return found


def _read_tokenizer(file: Path) -> PreTrainedTokenizerFast:
    """Open the tokenizer's file, which says neither which tokens are special nor what pads."""
    with quiet(), explained(f"{file} is not CONCH's tokenizer", "copy it again"):
        tokenizer = Tokenizer.from_file(str(file))
        ids = [tokenizer.token_to_id(name) for name in _SPECIAL.values()]
        if ids != [*range(len(_SPECIAL))]:
            raise ValueError(f"{', '.join(_SPECIAL.values())} are tokens {ids}, not 0, 1, 2")
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_SPECIAL)
