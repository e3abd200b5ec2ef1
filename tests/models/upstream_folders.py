"""Small models of published families on disk, under their published file names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from upstream_inputs import GOLDEN, read_numbers, small_state

__all__ = ["CONCH_TOKENIZER", "KEEP_CONFIG", "write_conch", "write_keep", "write_musk"]

CONCH_TOKENIZER = "conch_byte_level_bpe_uncased.json"

KEEP_CONFIG: dict[str, Any] = {
    "model_type": "keep",
    "architectures": ["KEEPModel"],
    "auto_map": {"AutoConfig": "modeling_keep.KEEPConfig", "AutoModel": "modeling_keep.KEEPModel"},
    "projection_dim": 128,
    "text_config": {
        **read_numbers("keep")["text_config"],
        "_name_or_path": "elsewhere",
        "classifier_dropout": None,
    },
}


def _state(family: str, changes: dict[str, torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """The small model's weights, some of them changed; one given as None is left out."""
    state = {**small_state(read_numbers(family)["small_shapes"]), **changes}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


def write_conch(folder: Path, **changes: torch.Tensor | None) -> Path:
    """The weights, and the tokenizer of the authors' code beside them."""
    torch.save(_state("conch", changes), folder / "pytorch_model.bin")
    shutil.copy(GOLDEN / "conch_tokenizer.json", folder / CONCH_TOKENIZER)
    return folder


def write_keep(folder: Path, config: Any = KEEP_CONFIG, **changes: torch.Tensor | None) -> Path:
    """The weights, their configuration, and BERT's kind of tokenizer."""
    torch.save(_state("keep", changes), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 1000000}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    vocabulary = read_numbers("keep")["vocabulary"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return folder


def write_musk(folder: Path, **changes: torch.Tensor | None) -> Path:
    """The weights, and sentencepiece's model beside them."""
    save_file(_state("musk", changes), folder / "model.safetensors")
    shutil.copy(GOLDEN / "musk_tokenizer.spm", folder / "tokenizer.spm")
    return folder
