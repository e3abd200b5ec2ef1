"""Adapter configuration, and the record ``adapter.json``: base model, method and training images."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError
from medimeta_c.format.manifest.records import SuiteRecord
from medimeta_c.format.suites import suite_of
from medimeta_c.io.reading import first_problem
from medimeta_c.io.records import (
    Count,
    Document,
    Name,
    Record,
    Sha256,
    Since,
    Text,
    canonical_json,
    dump,
)
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord

__all__ = [
    "ATTENTION",
    "CENTRES",
    "CONVOLUTIONS",
    "AdapterRecord",
    "FewshotRecord",
    "LoraConfig",
    "LoraRecord",
    "SelectionRecord",
    "Target",
    "TrainingRecord",
]

Target: TypeAlias = Literal["q", "k", "v", "conv", "conv-centre"]
"""A projection of an attention layer, or convolutions: their whole kernels, or the kernels' centres."""

ATTENTION: tuple[Target, ...] = ("q", "k", "v")
"""What is adapted in a transformer: query, key and value projections, each with factors of its own."""

CONVOLUTIONS: tuple[Target, ...] = ("conv",)
"""Every kernel of a ResNet, whole: A is of rank x (inputs x height x width)."""

CENTRES: tuple[Target, ...] = ("conv-centre",)
"""What the paper's code adapts in a ResNet: A is of rank x inputs, and B·A is added at the kernel's centre.

That is a 1x1 convolution beside each of the others, at its stride. Those of shortcuts are left alone.
"""

_MAX_RANK = 4096


class LoraConfig(Record):
    """Low-rank adaptation of a weight W: W + (alpha / rank)·B·A.

    Parameters
    ----------
    rank : int
        Rows of A and columns of B, from 1 to 4096.
    alpha : float or None
        Numerator of the scale; None becomes `rank`, a scale of 1, as the paper has it.
    targets : tuple of {"q", "k", "v"}, or ("conv-centre",), or ("conv",)
        Attention projections, in this order and each at most once; or convolutions, alone.

    Raises
    ------
    ConfigError
        If a value is out of range.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
    """

    model_config = ConfigDict(allow_inf_nan=True)  # refused below, in one sentence

    rank: int = 16
    alpha: float | None = None
    # A list is a tuple in JSON, and `__init__` below gets the values of a file as Python's.
    targets: Annotated[tuple[Target, ...], Field(strict=False)] = ATTENTION

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(f"LoRA {first_problem(error).replace(': ', ' ', 1)}") from error

    @field_validator("rank", mode="before")
    @classmethod
    def _rank_is_in_range(cls, rank: object) -> object:
        if type(rank) is not int or not 1 <= rank <= _MAX_RANK:
            raise ValueError(f"{rank!r} is not a whole number from 1 to {_MAX_RANK}")
        return rank

    @field_validator("alpha")
    @classmethod
    def _alpha_is_positive(cls, alpha: float | None) -> float | None:
        if alpha is not None and not 0 < alpha < math.inf:
            raise ValueError(f"{alpha!r} is not a positive number (leave it out for the rank)")
        return alpha

    @field_validator("targets")
    @classmethod
    def _targets_are_in_order(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        in_order = tuple(part for part in ATTENTION if part in targets)
        if not targets or targets not in {in_order, CENTRES, CONVOLUTIONS}:
            raise ValueError(
                f"{targets!r} are not valid: use some of {ATTENTION} in this order, or {CENTRES} or "
                f"{CONVOLUTIONS} alone"
            )
        return targets

    @model_validator(mode="after")
    def _alpha_is_the_rank(self) -> LoraConfig:
        if self.alpha is None:
            self.__dict__["alpha"] = float(self.rank)
        return self

    def needs_schema(self) -> int:
        """Return 2 with kernels' centres, which version 1 did not know."""
        return 2 if self.targets == CENTRES else 1

    @property
    def scale(self) -> float:
        """Factor on B·A: alpha / rank."""
        return (self.alpha or self.rank) / self.rank


class LoraRecord(LoraConfig):
    """An adaptation and its size, as ``adapter.json`` holds it and the paper's Table 6 counts it.

    Parameters
    ----------
    seed : int
        Of the initial values of A.
    layers : int
        Attention layers, or convolutions, that were adapted.
    trainable_parameters : int
        Of the adapters.
    total_parameters : int
        Of the image tower with its adapters.
    """

    rank: int
    alpha: float
    targets: Annotated[tuple[Target, ...], Field(strict=False)]
    seed: int
    layers: Annotated[int, Field(ge=1)]
    trainable_parameters: Annotated[int, Field(ge=1)]
    total_parameters: Annotated[int, Field(ge=1)]

    @property
    def percent(self) -> float:
        """Trainable parameters in per cent of the total."""
        return 100 * self.trainable_parameters / self.total_parameters

    def __str__(self) -> str:
        return (
            f"{self.layers} layers adapted, {self.trainable_parameters:,} of "
            f"{self.total_parameters / 1e6:.1f} M parameters trainable ({self.percent:.2f} %)"
        )


class FewshotRecord(Record):
    """The images trained on; `ids_sha256` digests their list, which lies beside the adapters."""

    split: Name = "train"
    fraction: Annotated[float, Field(gt=0, le=1)]
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
    augmented_by : SuiteRecord or None
        The suite they were corrupted by, where it is not the core suite.
    selection : SelectionRecord
        Which epoch was kept.
    settings : dict
        Learning rate, epochs, batch size and the like, by name.
    """

    fewshot: FewshotRecord
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    prompts: PromptsRecord
    augmented: bool
    augmented_by: Annotated[SuiteRecord | None, Since(2)] = None
    selection: SelectionRecord
    settings: dict[Text, JsonValue]

    @property
    def corruptions(self) -> tuple[str, ...]:
        """What training images may have been corrupted with; none where they were clean.

        Raises
        ------
        ConfigError
            If the suite is not known here.
        """
        return suite_of(self.augmented_by, "the adapter's augmentation").corruptions if self.augmented else ()

    @model_validator(mode="after")
    def _is_of_the_datasets(self) -> TrainingRecord:
        if len(set(self.datasets)) != len(self.datasets):
            raise ValueError("duplicate dataset")
        for what, named in (("prompts", self.prompts.texts), ("few-shot images", self.fewshot.images)):
            if set(named) != set(self.datasets):
                raise ValueError(f"the {what} do not match the datasets")
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

    @property
    def recipe_sha256(self) -> str:
        """Digest of all but the seed and what follows from it: equal for runs that differ in their seed."""
        values = dump(self)
        del values["adapters_sha256"], values["lora"]["seed"]
        if self.training is not None:
            fewshot, selection = values["training"]["fewshot"], values["training"]["selection"]
            del fewshot["seed"], fewshot["ids_sha256"], selection["value"], selection["epoch"]
        del values["base"]["spec"]  # where the files lay
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()
