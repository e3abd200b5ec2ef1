"""What a model is: protocols, and the records of its transform and identity."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import ConfigDict, model_validator

from medimeta_c.errors import ModelError
from medimeta_c.io.records import Count, Name, Record, Since, Text
from medimeta_c.models.answering.contract import Answerer

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from typing_extensions import Self

__all__ = [
    "Activation",
    "AnyModel",
    "Classifier",
    "ImageEncoder",
    "Model",
    "ModelIdentity",
    "Precision",
    "Preprocess",
    "Preprocessing",
    "ResizeMode",
    "model_slug",
]

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
"""The number format of the weights and activations; embeddings come back as float32 in any case."""

Activation: TypeAlias = Literal["quickgelu", "gelu"]
"""What a checkpoint that says nothing of it was trained with: OpenAI's CLIP with QuickGELU."""

Preprocess: TypeAlias = "Callable[[Image.Image], torch.Tensor]"
"""One PIL image → float32 of shape (3, H, W). An object of its own: pickling it carries no weights."""

ResizeMode: TypeAlias = Literal["shortest", "longest", "squash", "pad-square", "none", "custom"]
"""Resize the shortest or longest edge, both edges, the square the image is padded to, nothing, or other."""


class Preprocessing(Record):
    """What a model's transform does, in words and numbers that a result can hold.

    Attributes
    ----------
    size : (int, int)
        Height and width of the tensor that comes out.
    resize : ResizeMode
        How the image is brought to `resize_size`.
    resize_size : (int, int)
        Height and width aimed at before cropping.
    interpolation : str
        ``"bicubic"``, ``"bilinear"``, …
    center_crop : bool
        Whether the centre of `size` is cut out after resizing.
    mean, std : tuple of float
        Per channel, on the 0-1 scale.
    channels : {"rgb", "luma"}
        ``"rgb"``: grey is copied to three channels; ``"luma"``: colour becomes grey, then three channels.
    implementation : str
        The library transform that does it.
    plain : bool
        On an image that already has `size`, the transform is ``(pixels / 255 - mean) / std`` and nothing
        else, grey being copied to three channels first. Such images may be normalised on the device.

    Raises
    ------
    ModelError
        If there are not three finite means and three standard deviations above 0.
    """

    # Made by whoever writes a model: a list of means will do, and NaN is refused below, in one sentence.
    model_config = ConfigDict(strict=False, allow_inf_nan=True)

    size: tuple[int, int]
    resize: ResizeMode
    resize_size: tuple[int, int]
    interpolation: str
    center_crop: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: Literal["rgb", "luma"]
    implementation: str
    plain: bool

    @model_validator(mode="after")
    def _has_three_channels(self) -> Preprocessing:
        numbers = (*self.mean, *self.std)
        if (len(self.mean), len(self.std)) != (3, 3) or not (
            all(map(math.isfinite, numbers)) and min(self.std) > 0
        ):
            raise ModelError(
                f"a model's preprocessing has mean {self.mean} and std {self.std}: it must have three "
                "numbers of each, std above 0"
            )
        return self

    def is_normalise_only(self, height: int, width: int) -> bool:
        """Return whether images of this height and width are only normalised."""
        return self.plain and (height, width) == self.size

    def plain_values(self) -> dict[str, Any]:
        """Return what a result holds of it, in the order of the names."""
        return dict(sorted(self.model_dump(mode="json").items()))


class ModelIdentity(Record):
    """Which weights answered.

    Attributes
    ----------
    spec : str
        The model spec as the user gave it.
    family : str
        The adapter that read it: ``"open_clip"``, ``"transformers"``, ``"medclip"``, …
    revision : str or None
        The Hub commit that the files come from; None for local files.
    weights_sha256 : str
        Digest of the checkpoint's named tensors (see `medimeta_c.models.weights.weights_sha256`): the
        same weights in another container (pickle, safetensors, shards) have the same digest.
    architecture : str
        What the weights were loaded into, and a digest of its configuration and tokenizer: the same weights
        in another configuration are another model.
    parameters : int
        Number of parameters of both towers.
    trained_corruptions : tuple of str
        Corruptions that images had in training, as far as the weights' own record says so.
    """

    spec: Text
    family: Text
    revision: Text | None = None
    weights_sha256: Text
    architecture: Text
    parameters: Count
    trained_corruptions: Annotated[tuple[Name, ...], Since(2)] = ()

    @property
    def slug(self) -> str:
        """The model's name as a folder; see `model_slug`."""
        return model_slug(self.spec)

    @property
    def caution(self) -> str | None:
        """What to know where there are no weights to digest; None where there are."""
        if re.fullmatch(r"[0-9a-f]{64}", self.weights_sha256):
            return None
        return (
            f"No weights of {self.spec} were digested: its identity is its user's word, so two results of "
            "this name may be of two models."
        )


def model_slug(spec: str) -> str:
    """Return a model spec as a folder name: lower case and dashes, of a local path the last component.

    Examples
    --------
    >>> model_slug("hf-hub:org/Name"), model_slug("ViT-B-16/openai"), model_slug("local-dir:/home/me/mine")
    ('hf-hub-org-name', 'vit-b-16-openai', 'local-dir-mine')
    """
    text = re.sub(r"(?:^|(?<=[:@/=]))(?:~|\.{1,2}|[A-Za-z]:)?[/\\](?:[^@+]*[/\\])?", "", spec.rstrip("/\\"))
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].strip("-") or "model"


@runtime_checkable
class ImageEncoder(Protocol):
    """Images to vectors: what trained heads need. Always in evaluation mode."""

    @property
    def preprocess(self) -> Preprocess:
        """The model's own transform; can be pickled into worker processes."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """What `preprocess` does."""
        ...

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""
        ...

    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed images.

        Parameters
        ----------
        pixels : torch.Tensor of shape (N, 3, H, W), floating point
            Preprocessed images, on any device.

        Returns
        -------
        torch.Tensor of shape (N, D), float32
            Of any norm; on the model's device, without gradient.
        """
        ...

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Self:
        """Move the weights, in place; returns the model."""
        ...


@runtime_checkable
class Model(ImageEncoder, Protocol):
    """A CLIP-style model: images and texts to vectors of one space."""

    @property
    def logit_scale(self) -> float:
        """Factor on the cosine similarity (the exponential already taken)."""
        ...

    @property
    def logit_bias(self) -> float | None:
        """Added to the scaled similarity by sigmoid-trained models (SigLIP); None otherwise."""
        ...

    @property
    def context_length(self) -> int:
        """The most tokens a prompt may have, special tokens included."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Tokenise and embed texts; a text's embedding does not depend on the others of the call.

        Returns
        -------
        torch.Tensor of shape (M, D), float32
            Of any norm; on the model's device, without gradient.

        Raises
        ------
        ModelError
            If a text has more tokens than `context_length`: nothing is truncated.
        """
        ...


@runtime_checkable
class Classifier(Protocol):
    """A model with a trained head: images to scores of its own classes. Always in evaluation mode."""

    @property
    def preprocess(self) -> Preprocess:
        """The model's own transform; can be pickled into worker processes."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """What `preprocess` does."""
        ...

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""
        ...

    def classify(self, pixels: torch.Tensor) -> torch.Tensor:
        """Score the head's classes.

        Parameters
        ----------
        pixels : torch.Tensor of shape (N, 3, H, W), floating point
            Preprocessed images, on any device.

        Returns
        -------
        torch.Tensor of shape (N, C), float32
            Logits; on the model's device, without gradient.
        """
        ...

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """Names of the head's C outputs, in their order; None if they have none."""
        ...

    def columns(self, dataset: str, class_names: Sequence[str]) -> tuple[int, ...]:
        """Return which of the head's C outputs stands for each of a dataset's K classes.

        Raises
        ------
        ModelError
            If the head has not the dataset's classes.
        """
        ...

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Self:
        """Move the weights, in place; returns the model."""
        ...


AnyModel: TypeAlias = Model | Classifier | ImageEncoder | Answerer
"""What a spec may name. Only a `Model` reads texts; an `ImageEncoder` alone needs a trained head."""
