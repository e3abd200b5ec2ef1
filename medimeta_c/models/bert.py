"""BERT text towers: configuration read from a checkpoint's shapes or known by name, and a way to pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from medimeta_c.errors import ModelError

__all__ = ["KNOWN_CONFIGS", "bert_config_of", "head_count", "layer_count", "mean_of_three_layers"]

_BASE: dict[str, Any] = {"model_type": "bert", "architectures": ["BertModel"]}
_LARGE = {
    **_BASE,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}

KNOWN_CONFIGS: dict[str, dict[str, Any]] = {
    "bert-base-uncased": _BASE,
    "google-bert/bert-base-uncased": _BASE,
    **{
        f"microsoft/BiomedNLP-{name}-{variant}": _LARGE if variant.startswith("large") else _BASE
        for name in ("PubMedBERT", "BiomedBERT")
        for variant in ("base-uncased-abstract", "base-uncased-abstract-fulltext", "large-uncased-abstract")
    },
}
"""``config.json`` of text towers that medical CLIP models name on the Hub, BERT's defaults left out.

Only shapes come from here; the weights come from the checkpoint, and load strictly.
"""

_HEAD_WIDTH = 64  # of every published BERT of 256 dimensions or more, and of ViT-B and ViT-L


def head_count(width: int) -> int:
    """Return how many attention heads a tower of this width has, each 64 wide.

    Raises
    ------
    ValueError
        If they do not make up the width.
    """
    if width <= 0 or width % _HEAD_WIDTH:
        raise ValueError(f"a width of {width} is not a multiple of {_HEAD_WIDTH}")
    return width // _HEAD_WIDTH


def layer_count(state: Mapping[str, torch.Tensor], prefix: str) -> int:
    """Return how many different N there are in the names ``<prefix>N.…``."""
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.")
    found = (pattern.match(key) for key in state)
    return len({match[1] for match in found if match})


def bert_config_of(state: Mapping[str, torch.Tensor], where: object) -> dict[str, Any]:
    """Read a BERT's configuration off the shapes of its tensors.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        A ``BertModel``'s tensors by their own names (``embeddings.word_embeddings.weight``, …).
    where : object
        The checkpoint, for messages.

    Returns
    -------
    dict
        Arguments of ``transformers.BertConfig``. Attention heads are taken to be 64 wide, as in every
        published BERT.

    Raises
    ------
    ModelError
        If these are not a BERT's tensors.
    """
    try:
        vocabulary, hidden = state["embeddings.word_embeddings.weight"].shape
        intermediate = state["encoder.layer.0.intermediate.dense.weight"].shape[0]
        positions = state["embeddings.position_embeddings.weight"].shape[0]
        types = state["embeddings.token_type_embeddings.weight"].shape[0]
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(
            f"{where} holds no BERT text tower (looked for {error}): it is another model's checkpoint"
        ) from error
    if hidden % _HEAD_WIDTH:
        raise ModelError(
            f"the text tower of {where} is {hidden} wide, which is not a multiple of {_HEAD_WIDTH}"
        )
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layer_count(state, "encoder.layer."),
        "num_attention_heads": hidden // _HEAD_WIDTH,
        "intermediate_size": intermediate,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
    }


def mean_of_three_layers(tower: nn.Module, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Pool token ids and mask (M, T) to (M, width) as MedCLIP and FLAIR do.

    The mean of hidden states 1, 2 and last, over a text's own tokens. Upstream also averages over the
    padding that other texts of a batch bring; for a text encoded alone the two are the same.
    """
    mask = tokens["attention_mask"]
    states = tower(
        input_ids=tokens["input_ids"], attention_mask=mask, output_hidden_states=True
    ).hidden_states
    chosen = torch.stack([states[1], states[2], states[-1]]).mean(0)
    weights = mask.to(chosen.dtype).unsqueeze(-1)
    vectors: torch.Tensor = (chosen * weights).sum(1) / weights.sum(1)
    return vectors
