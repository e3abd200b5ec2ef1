"""The last step of every loader of a published model: module, tokenizer and transform become a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medimeta_c.models.contract import Preprocess, Preprocessing
from medimeta_c.models.identity import identity_of
from medimeta_c.models.torch_model import Tokenizer, TorchModel
from medimeta_c.models.weights import StateDict

__all__ = ["assembled"]


def assembled(  # noqa: PLR0913  (the parts of a model; every one has a name at the call)
    module: Any,
    *,
    spec: str,
    family: str,
    what: str,
    state: StateDict,
    tokenizer: Tokenizer,
    transform: tuple[Preprocess, Preprocessing],
    revision: str | None = None,
    settings: Mapping[str, Any] | None = None,
    logit_scale: float | None = None,
) -> TorchModel:
    """Return the model of a published checkpoint.

    Parameters
    ----------
    module : torch.nn.Module
        Both towers, loaded, with the methods ``embed_images`` and ``embed_texts``.
    spec, family, what, state, revision, settings
        As `identity_of` takes them; no settings where the weights and the code say all.
    tokenizer : Tokenizer
        Texts to tensors.
    transform : (Preprocess, Preprocessing)
        The transform of one PIL image, and what it does.
    logit_scale : float, optional
        Factor on the cosine similarity; by default the exponential of the module's ``logit_scale``.
    """
    preprocess, preprocessing = transform
    return TorchModel(
        module,
        embed_images=module.embed_images,
        embed_texts=module.embed_texts,
        tokenizer=tokenizer,
        preprocess=preprocess,
        preprocessing=preprocessing,
        identity=identity_of(
            spec=spec,
            family=family,
            revision=revision,
            what=what,
            module=module,
            state=state,
            settings=settings or {},
            tokenizer=tokenizer,
        ),
        logit_scale=float(module.logit_scale.detach().exp()) if logit_scale is None else logit_scale,
    )
