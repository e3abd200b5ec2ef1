"""Readers of models' files that need PyTorch."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any


def read_training(root: Path) -> object:
    """Read the checkpoint of a fine-tuning run."""
    from fuzz_corpus.models import training_run

    from medimeta_c.finetuning.state import read_state

    return read_state(root / "checkpoints/run", training_run())


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
    from medimeta_c.models.tokenizers import HfTokens, read_tokenizer

    tokens = HfTokens(read_tokenizer(root / "transformers"), 16)
    tokens.lengths(["a photo"])
    tokens.vocabulary()
    tokens(["a photo"])


def read_vocabulary(root: Path) -> None:
    """Read a bare vocabulary of BERT's tokenizer."""
    from medimeta_c.models.tokenizers import read_tokenizer

    read_tokenizer(root / "wordpiece")


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
