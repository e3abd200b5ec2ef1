"""Small models as transformers' save_pretrained leaves them."""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Callable
from pathlib import Path

from model_factories import SENTENCES, TOWER, seeded, write_siglip
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizerFast,
)

TEXTS = list(SENTENCES)


def write_clip(folder: Path) -> Path:
    """A tiny CLIPModel with its own kind of tokenizer and image processor, as save_pretrained leaves it."""
    letters = [*string.ascii_lowercase, *string.digits, *",.-"]
    tokens = [
        *letters,
        *(f"{one}</w>" for one in letters),
        "th",
        "the</w>",
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocab = {token: index for index, token in enumerate(tokens)}
    CLIPTokenizerFast(vocab=vocab, merges=[("t", "h"), ("th", "e</w>")], model_max_length=40).save_pretrained(
        folder
    )
    special = {"bos_token_id": vocab["<|startoftext|>"], "eos_token_id": vocab["<|endoftext|>"]}
    config = CLIPConfig(
        text_config={**TOWER, **special, "vocab_size": len(vocab), "max_position_embeddings": 40},
        vision_config={**TOWER, "image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    seeded(CLIPModel(config), 3).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    return folder


WRITERS: dict[str, Callable[[Path], Path]] = {"clip": write_clip, "siglip": write_siglip}


def copied(folder: Path, target: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(folder, target)
    return target


def is_siglip(folder: Path) -> bool:
    """Which of the two a folder holds."""
    return bool(json.loads((folder / "config.json").read_text())["model_type"] == "siglip")
