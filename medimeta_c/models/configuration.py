"""What the weights alone do not say: the same tensors compute something else under another configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from medimeta_c.models.torch_model import Tokenizer

__all__ = ["configuration_digest"]

_NOT_OF_THE_MODEL = {"_name_or_path", "hf_model_name", "hf_tokenizer_name", "transformers_version"}
"""Where files lay and who wrote them."""

_PROBES = ("A photo of a Retinal OCT drusen", "choroidal neovascularization (CNV), grade 0-4: normal/benign")
"""Texts with capitals, digits, punctuation and words that any vocabulary splits."""

_SHOWN = 12


def configuration_digest(settings: Mapping[str, Any], tokenizer: Tokenizer) -> str:
    """Return the start of a SHA-256 over a model's settings and what its tokenizer makes of some texts.

    Parameters
    ----------
    settings : mapping
        What the model was built from, ready for JSON.
    tokenizer : Tokenizer
        The model's own.
    """
    tokens = {name: ids.tolist() for name, ids in tokenizer(_PROBES).items()}
    text = json.dumps([_bare(settings), tokens], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHOWN]


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _bare(one) for name, one in value.items() if name not in _NOT_OF_THE_MODEL}
    return [_bare(one) for one in value] if isinstance(value, list | tuple) else value
