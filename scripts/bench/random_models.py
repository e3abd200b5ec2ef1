"""Models of published shapes with random weights, as folders that ``local-dir:`` names."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from medimeta_c.models.families.open_clip_build import build_module

__all__ = ["SHAPES", "write_model"]

BERT = {"model_type": "bert", "architectures": ["BertModel"]}
TINY_VIT = {"image_size": 224, "layers": 1, "width": 32, "head_width": 16, "patch_size": 56}
TINY_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 1}
TINY_BERT = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 64}

SHAPES = ("ViT-B-16", "ViT-L-14", "BiomedCLIP")


def write_model(shape: str, folder: Path, *, tiny: bool = False) -> Path:
    """Write a model of one of `SHAPES`, or one of the same structure with a single narrow layer."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    if shape == "BiomedCLIP":
        model_cfg = biomedclip(folder / "text", tiny=tiny)
    elif tiny:
        model_cfg = {"embed_dim": 32, "vision_cfg": TINY_VIT, "text_cfg": TINY_TEXT}
    else:
        model_cfg = open_clip.get_model_config(shape)
    preprocess = {
        "mean": list(open_clip.OPENAI_DATASET_MEAN),
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    state = build_module(model_cfg, folder, folder).state_dict()
    save_file(
        {name: value.contiguous() for name, value in state.items()}, folder / "open_clip_model.safetensors"
    )
    return folder


def biomedclip(text: Path, *, tiny: bool) -> dict[str, Any]:
    """Return the configuration: timm's ViT-B/16, BERT-base with 256 tokens; write the text tower's files."""
    text.mkdir()
    (text / "config.json").write_text(json.dumps({**BERT, **(TINY_BERT if tiny else {})}))
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (text / "vocab.txt").write_text("\n".join(words) + "\n")
    return {
        "embed_dim": 512,
        "vision_cfg": {
            "timm_model_name": "vit_tiny_patch16_224" if tiny else "vit_base_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": "text",
            "hf_tokenizer_name": "text",
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 256,
        },
    }
