"""UniMedCLIP: open_clip's ViT and a BiomedBERT text tower, in the layout of its authors' checkpoints.

References
----------
Khattak et al., "UniMed-CLIP: Towards a Unified Image-Text Pretraining Paradigm for Diverse Medical Imaging
Modalities", arXiv 2412.10372.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models.bert import bert_config_of, layer_count
from medimeta_c.models.families.open_clip import assemble
from medimeta_c.models.families.open_clip_build import build_module, build_tokenizer
from medimeta_c.models.tokenizers import refuse_larger_vocabulary
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import StateDict, read_checkpoint, strip_prefix

__all__ = ["load_unimedclip"]

_CONTEXT_LENGTH = 256
_HEAD_WIDTH = 64
_FILES = {
    "vit-b-16": ("unimed_clip_vit_b16.pt",),
    "vit-l-14": ("unimed_clip_vit_l14_base_text_encoder.pt", "unimed_clip_vit_l14_large_text_encoder.pt"),
}
_PATCH = {"vit-b-16": 16, "vit-l-14": 14}
_TEXT_TOWER = "microsoft/BiomedNLP-BiomedBERT-{}-uncased-abstract"
_LARGE_WIDTH = 1024


def load_unimedclip(spec: str, target: str) -> TorchModel:
    """Load ``unimedclip:vit-b-16[@PATH]`` or ``unimedclip:vit-l-14[@PATH]``.

    PATH is a published checkpoint, or a folder with one under its published name; without it the current
    folder is looked in. The text tower's size (base or large) is read off the checkpoint; its tokenizer is
    taken from the checkpoint's folder when its files are there, else BiomedBERT's from the Hub.

    Raises
    ------
    ConfigError
        If the variant is neither of the two.
    ModelError
        If files are missing or do not fit.
    """
    variant, _, given = target.partition("@")
    if variant not in _FILES:
        raise ConfigError(
            f"unknown UniMedCLIP variant {variant!r}: use {' or '.join(f'unimedclip:{v}' for v in _FILES)}"
        )
    file = _find(variant, Path(given or ".").expanduser())
    raw = read_checkpoint(file)
    state = {_renamed(key): tensor for key, tensor in raw.items()}
    bert = bert_config_of(strip_prefix(state, "text.transformer."), file)
    cfg = _model_cfg(state, variant, file)
    name = _TEXT_TOWER.format("large" if bert["hidden_size"] == _LARGE_WIDTH else "base")
    cfg["text_cfg"]["hf_model_name"] = name
    module = build_module(cfg, None, file, tower={"model_type": "bert", **bert})
    length = min(_CONTEXT_LENGTH, bert["max_position_embeddings"])
    settings = {"hf_tokenizer_name": name, "context_length": length}
    tokens = build_tokenizer(settings, file.parent.resolve(), file)
    refuse_larger_vocabulary(len(tokens.tokenizer.tokenizer), bert["vocab_size"], f"that goes with {file}")
    return assemble(
        spec=spec,
        family="unimedclip",
        module=module,
        state=state,
        where=file,
        tokenizer=tokens,
        model_cfg=cfg,
    )  # open_clip's default transform is UniMedCLIP's: OpenAI's mean and std, bicubic, crop


def _find(variant: str, path: Path) -> Path:
    """Return the checkpoint's file."""
    if path.is_file():
        return path
    found = [path / name for name in _FILES[variant] if (path / name).is_file()]
    if len(found) > 1:
        raise ModelError(f"{path} holds {' and '.join(one.name for one in found)}: name one of them as @FILE")
    if not found:
        raise ModelError(
            f"there is no UniMedCLIP checkpoint at {path} (looked for {', '.join(_FILES[variant])}): fetch "
            f"it from https://github.com/mbzuai-oryx/UniMed-CLIP and name it as unimedclip:{variant}@FILE"
        )
    return found[0]


def _renamed(key: str) -> str:
    """Return open_clip's name of a tensor: its text tower is called ``text``."""
    return f"text.{key[len('text_encoder.') :]}" if key.startswith("text_encoder.") else key


def _model_cfg(state: StateDict, variant: str, where: Path) -> dict[str, Any]:
    """Read the image tower's configuration off the shapes of its tensors."""
    try:
        width, _, patch, _ = state["visual.conv1.weight"].shape
        positions = state["visual.positional_embedding"].shape[0]
        embed_dim = state["visual.proj"].shape[1]
        grid = math.isqrt(positions - 1)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(
            f"{where} holds no CLIP image tower (looked for {error}): it is another model's checkpoint"
        ) from error
    if patch != _PATCH[variant]:
        raise ModelError(
            f"{where} has patches of {patch} pixels, and {variant} has {_PATCH[variant]}: name the "
            "other variant"
        )
    return {
        "embed_dim": embed_dim,
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": grid * patch,
            "layers": layer_count(state, "visual.transformer.resblocks."),
            "width": width,
            "head_width": _HEAD_WIDTH,
            "patch_size": patch,
        },
        "text_cfg": {"hf_pooler_type": "cls_last_hidden_state_pooler", "hf_proj_type": "mlp"},
    }
