"""The one implementation of each protocol of models, which every family fills with its own modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.models.contract import ModelIdentity, Preprocess, Preprocessing
from medimeta_c.models.heads import matched

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Tokenizer", "TorchClassifier", "TorchEncoder", "TorchModel"]

_TEXTS_PER_PASS = 64
_PROMPT_SHOWN_CHARS = 120


class Tokenizer(Protocol):
    """Texts to the tensors a text tower takes."""

    context_length: int

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens included, nothing truncated."""
        ...

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return tensors of shape (len(texts), tokens), by the names the text tower knows."""
        ...

    def vocabulary(self) -> Any:
        """Return, ready for JSON, which tokens there are and how texts are cut into them."""
        ...


class TorchEncoder:
    """An image encoder around a torch module; satisfies `medimeta_c.models.ImageEncoder`.

    Parameters
    ----------
    module : torch.nn.Module
        All of the model. Put in evaluation mode and frozen here: whether a weight requires a gradient can
        decide which kernel PyTorch uses, hence the last digit.
    embed_images : callable
        Pixels (N, 3, H, W) in the module's dtype and device → (N, D).
    preprocess : Preprocess
        The transform of one PIL image.
    preprocessing : Preprocessing
        What the transform does.
    identity : ModelIdentity
        Which weights these are.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        embed_images: Callable[[torch.Tensor], torch.Tensor],
        preprocess: Preprocess,
        preprocessing: Preprocessing,
        identity: ModelIdentity,
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.preprocess = preprocess
        self.preprocessing = preprocessing
        self.identity = identity
        self._embed_images = embed_images
        self._device = torch.device("cpu")
        self._dtype = torch.float32

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Self:
        """Move the weights to `device` as `dtype`, in place."""
        self._device, self._dtype = torch.device(device), dtype
        self.module.to(device=self._device, dtype=dtype)
        return self

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed images as `encode_images` does, keeping the gradient: what fine-tuning differentiates."""
        return self._embed_images(self._moved(pixels)).float()

    @torch.no_grad()
    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed images: (N, 3, H, W) floating point → (N, D) float32."""
        return self.features(pixels)

    def _moved(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.to(self._device, self._dtype, non_blocking=True)


class TorchClassifier(TorchEncoder):
    """An image encoder with a trained head; satisfies `medimeta_c.models.Classifier` too.

    Parameters
    ----------
    module, embed_images, preprocess, preprocessing, identity
        As `TorchEncoder` has them; the features are what the head reads.
    score_outputs : callable
        Pixels (N, 3, H, W) in the module's dtype and device → the head's logits (N, C).
    outputs : sequence of str
        Names of the C outputs, in their order.
    """

    def __init__(  # noqa: PLR0913  (the parts of a classifier; every one has a name at the call)
        self,
        module: torch.nn.Module,
        *,
        embed_images: Callable[[torch.Tensor], torch.Tensor],
        score_outputs: Callable[[torch.Tensor], torch.Tensor],
        outputs: Sequence[str],
        preprocess: Preprocess,
        preprocessing: Preprocessing,
        identity: ModelIdentity,
    ) -> None:
        super().__init__(
            module,
            embed_images=embed_images,
            preprocess=preprocess,
            preprocessing=preprocessing,
            identity=identity,
        )
        self.outputs = tuple(outputs)
        self._score_outputs = score_outputs

    @torch.no_grad()
    def classify(self, pixels: torch.Tensor) -> torch.Tensor:
        """Score the outputs: (N, 3, H, W) floating point → (N, C) float32 logits."""
        return self._score_outputs(self._moved(pixels)).float()

    def columns(self, dataset: str, class_names: Sequence[str]) -> tuple[int, ...]:
        """Return which outputs stand for a dataset's classes; raises ModelError if one has none."""
        return matched(self.identity.spec, self.outputs, len(self.outputs), dataset, class_names)


class TorchModel(TorchEncoder):
    """A CLIP-style model around a torch module; satisfies `medimeta_c.models.Model`.

    Parameters
    ----------
    module, embed_images, preprocess, preprocessing, identity
        As `TorchEncoder` has them; the module is both towers.
    embed_texts : callable
        What `tokenizer` returns, on the module's device → (M, D).
    tokenizer : Tokenizer
        Texts to tensors.
    logit_scale : float
        Factor on the cosine similarity.
    logit_bias : float or None
        SigLIP's bias.

    Raises
    ------
    ModelError
        If the logit scale is no number above 0.
    """

    def __init__(  # noqa: PLR0913  (the parts of a model; every one has a name at the call)
        self,
        module: torch.nn.Module,
        *,
        embed_images: Callable[[torch.Tensor], torch.Tensor],
        embed_texts: Callable[[Mapping[str, torch.Tensor]], torch.Tensor],
        tokenizer: Tokenizer,
        preprocess: Preprocess,
        preprocessing: Preprocessing,
        identity: ModelIdentity,
        logit_scale: float,
        logit_bias: float | None = None,
    ) -> None:
        if not 0 < logit_scale < math.inf:
            raise ModelError(f"the logit scale of {identity.spec} is {logit_scale:g}: check the weights")
        super().__init__(
            module,
            embed_images=embed_images,
            preprocess=preprocess,
            preprocessing=preprocessing,
            identity=identity,
        )
        self.tokenizer = tokenizer
        self.logit_scale = logit_scale
        self.logit_bias = logit_bias
        self._embed_texts = embed_texts

    @property
    def context_length(self) -> int:
        """The most tokens a prompt may have, special tokens included."""
        return self.tokenizer.context_length

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Tokenise and embed texts: M strings → (M, D) float32; raises ModelError for one too long."""
        self._check_lengths(texts)
        parts = []
        for start in range(0, len(texts), _TEXTS_PER_PASS):
            tokens = self.tokenizer(list(texts[start : start + _TEXTS_PER_PASS]))
            moved = {name: value.to(self._device) for name, value in tokens.items()}
            parts.append(self._embed_texts(moved).float())
        return torch.cat(parts)

    def _check_lengths(self, texts: Sequence[str]) -> None:
        """Refuse an empty call and texts that the tower would have to cut."""
        if not texts:
            raise ModelError("there is no text to encode: give at least one prompt")
        for text, length in zip(texts, self.tokenizer.lengths(texts), strict=True):
            if length > self.context_length:
                shown = text[:_PROMPT_SHOWN_CHARS] + ("…" if len(text) > _PROMPT_SHOWN_CHARS else "")
                raise ModelError(
                    f"prompt {shown!r} is {length} tokens, and {self.identity.spec} reads at most "
                    f"{self.context_length}",
                    remedy=Remedy("shorten its template or class name, in a file of {prompts}"),
                )
