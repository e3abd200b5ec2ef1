"""Files of models: weights, adapters, configurations, tokenizers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import yaml

WIDTH, CLASSES, BLOCKS, RANK = 192, 48, 12, 2
"""Of the tiny ViT in `model_factories.make_biomedclip_folder`, and of adapters on it."""


def write_weights(root: Path) -> None:
    """Write what needs no PyTorch."""
    folder = root / "weights"
    folder.mkdir()
    header = json.dumps(
        {
            "head.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
            "head.bias": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]},
        }
    ).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(32))
    (folder / "classes.yaml").write_text(yaml.safe_dump(["round cell", "long cell"]))


def write_models(root: Path) -> None:
    """Write what is made with PyTorch."""
    _checkpoints(root / "checkpoints")
    _adapters(root / "published-adapters")
    _open_clip(root / "open_clip")
    _transformers(root / "transformers")


def _checkpoints(folder: Path) -> None:
    import torch

    from medimeta_c.finetuning.state import EpochRecord, Progress, TrainingState, write_state

    folder.mkdir()
    state = {"head.weight": torch.ones(2, 3), "head.bias": torch.zeros(2)}
    torch.save(state, folder / "model.pth")
    torch.save({"state_dict": state}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    epoch = EpochRecord(
        **{"epoch": 0, "step": 0, "loss": None, "val_accuracy": 0.5, "val_accuracy_of": {"rays": 0.5}},
        **{"lr": None, "images_per_second": None, "seconds": 1.0, "micro_batch": 8, "peak_memory_mb": None},
    )
    tensors = {"blocks.0.q.lora_a": torch.ones(1, 4), "blocks.0.q.lora_b": torch.zeros(4, 1)}
    write_state(
        folder / "run",
        TrainingState(
            progress=Progress(run=training_run(), epochs=(epoch,)), last=tensors, best=tensors, optimiser={}
        ),
    )


def training_run() -> Any:
    """Return the run whose checkpoint is a seed."""
    from medimeta_c.finetuning.state import RunRecord

    return RunRecord(
        **{"base_weights_sha256": "0" * 64, "base_revision": None, "base_architecture": "ViT"},
        **{"datasets": ("rays",), "fraction": 0.5, "seed": 0, "fewshot_digest": "1" * 64},
        **{"class_names": {"rays": ("a", "b")}, "prompts_digest": "2" * 64, "rank": 1, "alpha": 1.0},
        **{"temperature": 0.07, "epochs": 2, "lr": 1e-3, "schedule": "cosine", "batch_size": 8},
        **{"patience": None, "augment": False, "precision": "fp32", "preprocessing": "x"},
    )


def _adapters(folder: Path) -> None:
    """Write the adapters of q and v as the authors of RobustMedCLIP published them, and their base."""
    import torch
    from model_factories import make_biomedclip_folder
    from safetensors.torch import save_file

    make_biomedclip_folder(folder / "base")
    state = {f"w_a_{index:03d}": torch.ones(RANK, WIDTH) for index in range(2 * BLOCKS)}
    state |= {f"w_b_{index:03d}": torch.zeros(WIDTH, RANK) for index in range(2 * BLOCKS)}
    save_file(
        {**state, f"fc_{WIDTH}in_{CLASSES}out": torch.zeros(CLASSES, WIDTH)},
        folder / "lora_weights.safetensors",
    )


def _open_clip(folder: Path) -> None:
    folder.mkdir()
    model_cfg = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 28, "layers": 1, "width": 16, "head_width": 8, "patch_size": 7},
        "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
    }
    values = {"model_cfg": model_cfg, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(values))
    bert = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    (folder / "tower").mkdir()
    text = json.dumps({"model_type": "bert", "vocab_size": 64, **bert})
    (folder / "tower/config.json").write_text(text)
    model_cfg["text_cfg"] = {
        "hf_model_name": "tower",
        "proj": "mlp",
        "pooler_type": "cls_last_hidden_state_pooler",
    }
    (folder / "open_clip_tower.json").write_text(json.dumps(values))


def _transformers(folder: Path) -> None:
    from model_factories import write_bert_tokenizer
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    vocabulary = write_bert_tokenizer(folder)
    (folder.parent / "wordpiece").mkdir()
    (folder / "vocab.txt").replace(folder.parent / "wordpiece/vocab.txt")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    named = {
        **settings,
        "vocab": ["a", 1],
        "merges_file": "../adapter/adapter.json",
        "vocab_file": "vocab.txt",
    }
    (folder / "other_tokenizer_config.json").write_text(json.dumps(named))
    tower = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": 2, "eos_token_id": 3}
    config = CLIPConfig(
        text_config={**tower, "vocab_size": vocabulary, "max_position_embeddings": 16, **ends},
        vision_config={**tower, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}).save_pretrained(
        folder
    )
