"""Files of models: weights, adapters, configurations, tokenizers; their seeds, and what reads them.

Seeds are made with PyTorch, which the table of readers does without: import this module in a function.
"""

from __future__ import annotations

import copy
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

TESTS = Path(__file__).parents[1]
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

WIDTH, CLASSES, BLOCKS, RANK = 192, 48, 12, 2
"""Of the tiny ViT in `model_factories.make_biomedclip_folder`, and of adapters on it."""


def write_models(root: Path) -> None:
    """Write the seeds below a corpus."""
    _checkpoints(root / "checkpoints")
    _adapters(root / "published-adapters")
    _open_clip(root / "open_clip")
    _transformers(root / "transformers")


def _checkpoints(folder: Path) -> None:
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
            progress=Progress(run=_run(), epochs=(epoch,)), last=tensors, best=tensors, optimiser={}
        ),
    )


def _run() -> Any:
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
    from model_factories import make_biomedclip_folder

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


def _transformers(folder: Path) -> None:
    from model_factories import write_bert_tokenizer
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    vocabulary = write_bert_tokenizer(folder)
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


def read_training(root: Path) -> object:
    """Read the checkpoint of a fine-tuning run."""
    from medimeta_c.finetuning.state import read_state

    return read_state(root / "checkpoints/run", _run())


def read_open_clip(root: Path) -> None:
    """Build what an open_clip configuration describes, but for its tokenizer, which takes long."""
    from medimeta_c.models.families.open_clip import _CONFIG, _READER, _Config
    from medimeta_c.models.families.open_clip_build import build_module, build_transform

    folder = root / "open_clip"
    config = _READER.read(folder / _CONFIG, _Config)
    module = build_module(config.model_cfg, folder, folder)
    build_transform(module, config.preprocess_cfg or {}, folder)


def read_transformers(root: Path) -> None:
    """Build what a configuration of transformers describes, and load its weights."""
    from medimeta_c.models.families.transformers_clip import _build, read_state
    from medimeta_c.models.libraries import local_only, quiet

    folder = root / "transformers"
    with quiet(), local_only():
        _build(folder, read_state(folder))


def read_processor(root: Path) -> None:
    """Read an image processor of transformers."""
    from medimeta_c.models.families.transformers_clip import processor_of
    from medimeta_c.models.libraries import local_only, quiet

    with quiet(), local_only():
        processor_of(root / "transformers")


def read_tokens(root: Path) -> None:
    """Read a tokenizer of transformers."""
    from medimeta_c.models.tokenizers import read_tokenizer

    read_tokenizer(root / "transformers")


@cache
def _base(root: Path) -> Any:
    from medimeta_c.models import load_model

    return load_model(f"local-dir:{root / 'published-adapters/base'}")


def read_adapters(root: Path) -> None:
    """Fold published adapters into their base; the base is copied, since folding changes it."""
    from medimeta_c.lora.published import default_base, fold_published
    from medimeta_c.models.weights import read_checkpoint

    path = root / "published-adapters/lora_weights.safetensors"
    state = read_checkpoint(path)
    default_base(state, path)
    model = copy.copy(_base(root))
    model.module = copy.deepcopy(model.module)
    fold_published(model, state, path)
