"""``adapter.json``: what adapters were made for, how, and from which images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, model_validator

from medimeta_c._version import __version__
from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text
from medimeta_c.lora.config import LoraRecord
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord

__all__ = [
    "AdapterRecord",
    "FewshotRecord",
    "SelectionRecord",
    "TrainingRecord",
]

Share = Annotated[float, Field(gt=0, le=1)]


class FewshotRecord(Record):
    """The images trained on; `ids_sha256` digests their list, which lies beside the adapters."""

    split: Name = "train"
    fraction: Share
    seed: Count
    images: dict[Name, Annotated[int, Field(ge=1)]]
    ids_sha256: Sha256


class SelectionRecord(Record):
    """Which epoch these weights are of (counted from 1), and why."""

    rule: Text
    split: Name | None
    metric: Text | None
    value: float | None
    epoch: Count


class TrainingRecord(Record):
    """How the adapters were trained.

    Attributes
    ----------
    fewshot : FewshotRecord
        Images of the training split.
    datasets : tuple of str
        Whose classes made the label space, in its order.
    prompts : PromptsRecord
        The texts whose embeddings stood for the classes.
    augmented : bool
        Whether training images were corrupted; False is the paper's clean few-shot protocol.
    selection : SelectionRecord
        Which epoch was kept.
    settings : dict
        Learning rate, epochs, batch size and the like, by name.
    """

    fewshot: FewshotRecord
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    prompts: PromptsRecord
    augmented: bool
    selection: SelectionRecord
    settings: dict[Text, JsonValue]

    @model_validator(mode="after")
    def _is_of_the_datasets(self) -> TrainingRecord:
        if len(set(self.datasets)) != len(self.datasets):
            raise ValueError("a dataset is listed twice")
        for what, named in (("prompts", self.prompts.texts), ("few-shot images", self.fewshot.images)):
            if set(named) != set(self.datasets):
                raise ValueError(f"the {what} are not those of the datasets")
        return self


class AdapterRecord(Document):
    """``adapter.json``.

    Attributes
    ----------
    base : ModelIdentity
        The model they belong to. Its weights digest must be that of the model they are loaded onto.
    lora : LoraRecord
        The adaptation.
    adapters_sha256 : str
        Digest of the tensors in ``adapter.safetensors``; see `medimeta_c.models.weights.weights_sha256`.
    training : TrainingRecord or None
        None for adapters that this package did not train.
    """

    package_version: Text = __version__
    base: ModelIdentity
    lora: LoraRecord
    adapters_sha256: Sha256
    training: TrainingRecord | None = None
