"""Identity of a loaded model: digests of its weights, configuration and tokenizer.

The same tensors compute something else under another configuration or tokenizer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from medimeta_c.models.contract import ModelIdentity
from medimeta_c.models.torch_model import Tokenizer
from medimeta_c.models.weights import StateDict, weights_sha256

__all__ = ["identity_of"]

_NOT_OF_THE_MODEL = {"_name_or_path", "hf_model_name", "hf_tokenizer_name", "transformers_version"}
"""Where files lay and who wrote them."""

_PROBES = (
    "A photo of a Retinal OCT drusen",
    "choroidal neovascularization (CNV), grade 0-4: normal/benign",
    "café-au-lait, naïve 視網膜",
)
"""Texts with capitals, digits, punctuation, words that any vocabulary splits, accents and Chinese characters.

No vocabulary shows what a tokenizer does to the last two.
"""

_SHOWN = 12


def identity_of(  # noqa: PLR0913  (the parts of an identity; every one has a name at the call)
    *,
    spec: str,
    family: str,
    revision: str | None = None,
    what: str,
    module: nn.Module,
    state: StateDict,
    settings: Mapping[str, Any],
    tokenizer: Tokenizer | None = None,
) -> ModelIdentity:
    """Return the identity of a model.

    Parameters
    ----------
    spec, family, revision : str
        As `ModelIdentity` has them.
    what : str
        The architecture, for people.
    module : torch.nn.Module
        All of the model.
    state : dict of str to torch.Tensor
        The checkpoint.
    settings : mapping
        What the model was built from, ready for JSON; a digest of it, of the tokenizer's vocabulary and of
        what it makes of some texts, is part of the architecture.
    tokenizer : Tokenizer, optional
        The model's own, if it reads texts.
    """
    parts: list[Any] = [_bare(settings)]
    if tokenizer is not None:
        parts += [{name: ids.tolist() for name, ids in tokenizer(_PROBES).items()}, tokenizer.vocabulary()]
    text = json.dumps(parts, sort_keys=True, default=str)
    return ModelIdentity(
        spec=spec,
        family=family,
        revision=revision,
        weights_sha256=weights_sha256(state),
        architecture=f"{what}, configuration {hashlib.sha256(text.encode()).hexdigest()[:_SHOWN]}",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _bare(one) for name, one in value.items() if name not in _NOT_OF_THE_MODEL}
    return [_bare(one) for one in value] if isinstance(value, list | tuple) else value
