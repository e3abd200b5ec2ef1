"""Zero-shot classification: cosine similarity to the embeddings of prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.models import ImageEncoder, Model
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import ClassPrompts, load_prompts

__all__ = ["UnitFeatures", "ZeroShot", "asked_prompts", "class_embeddings"]


class UnitFeatures:
    """An image encoder whose features have unit norm.

    Parameters
    ----------
    model : ImageEncoder
        On its device.
    """

    def __init__(self, model: ImageEncoder) -> None:
        self.preprocess, self.preprocessing = model.preprocess, model.preprocessing
        self._encoder = model

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed prepared images: (N, D) of unit norm.

        Raises
        ------
        ModelError
            If the encoder does not return a row for each image.
        """
        found = self._encoder.encode_images(pixels)
        if found.ndim != 2 or len(found) != len(pixels):
            raise ModelError(
                f"{self._encoder.identity.spec} returned features of shape {tuple(found.shape)} for "
                f"{len(pixels)} images: it must return one row of numbers for each"
            )
        return torch.nn.functional.normalize(found, dim=-1)


class ZeroShot(UnitFeatures):
    """A model with text: a class's logit is the scaled cosine of image and prompts, plus the bias.

    Parameters
    ----------
    model : Model
        On its device.
    embeddings : mapping of str to torch.Tensor
        By dataset, as `class_embeddings` returns them.
    """

    def __init__(self, model: Model, embeddings: Mapping[str, torch.Tensor]) -> None:
        super().__init__(model)
        self._model, self._embeddings = model, embeddings

    def logits(self, features: torch.Tensor, dataset: str) -> torch.Tensor:
        """Score the classes of a dataset: (N, K)."""
        similarity = features @ self._embeddings[dataset].T
        return similarity * self._model.logit_scale + (self._model.logit_bias or 0.0)


def class_embeddings(model: Model, prompts: ClassPrompts) -> torch.Tensor:
    """Embed the classes of a dataset.

    Each class is the normalised mean of the normalised embeddings of its prompts.

    Returns
    -------
    torch.Tensor of float32, shape (K, D)
        Of unit norm, in label order, on the model's device.

    Raises
    ------
    ModelError
        If a prompt does not fit the text tower, or its embedding is not finite.
    """
    rows = []
    for name, texts in zip(prompts.class_names, prompts.prompts, strict=True):
        embedded = torch.nn.functional.normalize(model.encode_texts(texts), dim=-1)
        mean = torch.nn.functional.normalize(embedded.mean(dim=0), dim=-1)
        if not torch.isfinite(mean).all():
            raise ModelError(
                f"the text tower gives NaN or infinity for class {name!r} of {prompts.dataset} "
                f"(prompt {texts[0]!r})",
                remedy=[Remedy("check the weights"), Remedy("use {precision}", precision="fp32")],
            )
        rows.append(mean)
    return torch.stack(rows)


def asked_prompts(
    name: str, benchmark: Benchmark, datasets: Iterable[str]
) -> tuple[PromptsRecord, list[ClassPrompts]]:
    """Return what stands for the classes of a benchmark's datasets: its record, and the prompts of each.

    Parameters
    ----------
    name : str
        A shipped set of templates, or a file.
    benchmark : Benchmark
        Whose class names they are.
    datasets : iterable of str
        Datasets of it.

    Raises
    ------
    ConfigError
        If there is no such set, or it does not fit the benchmark.
    """
    book = load_prompts(name)
    book.require_known(benchmark.datasets)
    records = [benchmark.dataset(each) for each in datasets]
    prompts = [book.prompts(one.dataset, one.class_names, modality=one.modality) for one in records]
    return PromptsRecord.asked(book.name, prompts), prompts
