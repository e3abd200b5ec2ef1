"""Run identity: model, data, prompts, precision."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from medimeta_c._version import __version__
from medimeta_c.io.records import Count, Name, Record, Since, Text, canonical_json, dump
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.results.runs.benchmark import BenchmarkRecord, DatasetEntry, benchmark_record, first_images
from medimeta_c.results.runs.heads import FitRecord, HeadOutput, HeadRecord

__all__ = [
    "BenchmarkRecord",
    "DatasetEntry",
    "FitRecord",
    "HeadOutput",
    "HeadRecord",
    "QuestionRecord",
    "RunIdentity",
    "benchmark_record",
    "first_difference",
    "first_images",
    "merged",
    "restricted",
]


class QuestionRecord(Record):
    """What a model that answers in words was asked about a dataset.

    Attributes
    ----------
    text : str
        The question; ``{options}`` stands where the classes are offered.
    joined : tuple of str
        Classes whose answer the tokenizer splits otherwise where the prompt stands before it.
    """

    text: Text
    joined: tuple[Text, ...] = ()


class RunIdentity(Record):
    """Everything predictions depend on. Cells of different identities never share a result.

    Attributes
    ----------
    prompts : PromptsRecord or None
        What stood for the classes; None for a model that takes no text.
    preprocessing : dict
        The model's transform, as its adapter records it.
    head : HeadRecord or None
        What was trained on its features.
    decoding : dict
        How a model that answers in words was asked, and its words read.
    outputs : dict
        By dataset, the outputs of a classifier's own head that stand for the classes, in label order.
    option_orders : dict
        By dataset, each order of the classes in which such a model was offered them.
    questions : dict
        By dataset, what it was asked.
    preprocessing_variant : str or None
        The transform chosen, where it is not the model's own.
    activation : str or None
        The activation function chosen, where it is not the model's own.
    """

    model: ModelIdentity
    benchmark: BenchmarkRecord
    split: Name
    prompts: PromptsRecord | None
    precision: Literal["fp32", "bf16", "fp16"]
    preprocessing: dict[str, JsonValue]
    package_version: Text = __version__
    head: Annotated[HeadRecord | None, Since(2)] = None
    decoding: Annotated[dict[str, JsonValue], Since(2)] = Field(default_factory=dict)
    option_orders: Annotated[dict[Name, tuple[tuple[Count, ...], ...]], Since(2)] = Field(
        default_factory=dict
    )
    outputs: Annotated[dict[Name, tuple[HeadOutput, ...]], Since(2)] = Field(default_factory=dict)
    questions: Annotated[dict[Name, QuestionRecord], Since(2)] = Field(default_factory=dict)
    preprocessing_variant: Annotated[Text | None, Since(2)] = None
    activation: Annotated[Text | None, Since(2)] = None

    def needs_schema(self) -> int:
        """Return 2 without prompts, which version 1 always had."""
        return 2 if self.prompts is None else 1

    @model_validator(mode="after")
    def _texts_are_of_the_classes(self) -> RunIdentity:
        if stray := {*_fits(self)} - self.scored:
            raise ValueError(f"the head was fitted to {min(stray)}, which was not scored")
        for entry in self.benchmark.datasets:
            asked = {} if self.prompts is None else self.prompts.texts.get(entry.dataset, {})
            if self.prompts is not None and set(asked) != set(entry.class_names):
                raise ValueError(f"the prompts of {entry.dataset} are not for its classes")
            orders = self.option_orders.get(entry.dataset, ())
            if any(sorted(order) != list(range(len(entry.class_names))) for order in orders):
                raise ValueError(f"the orders of options of {entry.dataset} are not of its classes")
            used = {one.index for one in self.outputs.get(entry.dataset, ())}
            if self.outputs and len(used) != len(entry.class_names):
                raise ValueError(f"the outputs of {entry.dataset} are not one for each of its classes")
        return self

    @property
    def slug(self) -> str:
        """Name of the folder of its results: the model's, and the trained head's where there is one."""
        return self.model.slug if self.head is None else f"{self.model.slug}-{self.head.slug}"

    @property
    def added(self) -> str:
        """What is to be said after the model's name: the trained head, in brackets, where there is one."""
        return "" if self.head is None else f" ({self.head.words})"

    @property
    def who(self) -> str:
        """The model's spec, and the trained head where there is one."""
        return f"{self.model.spec}{self.added}"

    @property
    def scored(self) -> set[str]:
        """Ids of the datasets scored."""
        return {entry.dataset for entry in self.benchmark.datasets}

    def settings(self, datasets: Container[str]) -> dict[str, Any]:
        """Return by readable name what predictions on some datasets depend on, besides the benchmark."""
        part = restricted(self, datasets)
        newer = dump(part)
        return {
            "split": self.split,
            "weights digest": self.model.weights_sha256,
            "architecture": self.model.architecture,
            "revision": self.model.revision,
            "prompts": part.prompts and part.prompts.name,
            "prompts digest": part.prompts and part.prompts.digest,
            "precision": self.precision,
            "preprocessing": canonical_json(self.preprocessing),
            "package version": self.package_version,
            "head": self.head and self.head.words,
            "fits of the head": canonical_json((newer.get("head") or {}).get("fits")),
            **{
                name.replace("_", " "): canonical_json(newer.get(name))
                for name in (
                    "decoding",
                    "option_orders",
                    "outputs",
                    "questions",
                    "preprocessing_variant",
                    "activation",
                )
            },
        }


def first_difference(held: RunIdentity, wanted: RunIdentity) -> tuple[str, Any, Any] | None:
    """Return what first sets two runs apart, with both values; None if their cells may stand together.

    Prompts are compared on the datasets both scored. Where the files lay (the spec, the benchmark's name) and
    the datasets only one of them scored make no difference.
    """
    ours, theirs = (
        {"benchmark fingerprint": run.benchmark.fingerprint, **run.settings(held.scored & wanted.scored)}
        for run in (held, wanted)
    )
    return next(((name, ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]), None)


def merged(held: RunIdentity, wanted: RunIdentity) -> RunIdentity:
    """Return the identity of a run that continues with more datasets; the two must not differ."""
    entries = {entry.dataset: entry for entry in (*held.benchmark.datasets, *wanted.benchmark.datasets)}
    ordered = tuple(entries[dataset] for dataset in sorted(entries))
    prompts = wanted.prompts
    if prompts is not None and held.prompts is not None:
        prompts = PromptsRecord.of(prompts.name, {**held.prompts.texts, **prompts.texts})
    return wanted.model_copy(
        update={
            "benchmark": wanted.benchmark.model_copy(update={"datasets": ordered}),
            "prompts": prompts,
            "head": wanted.head and _with_fits(wanted.head, {**_fits(held), **_fits(wanted)}),
            "option_orders": {**held.option_orders, **wanted.option_orders},
            "outputs": {**held.outputs, **wanted.outputs},
            "questions": {**held.questions, **wanted.questions},
        }
    )


def restricted(run: RunIdentity, datasets: Container[str]) -> RunIdentity:
    """Return the identity of a run's part on some datasets."""
    kept = tuple(entry for entry in run.benchmark.datasets if entry.dataset in datasets)
    return run.model_copy(
        update={
            "benchmark": run.benchmark.model_copy(update={"datasets": kept}),
            "prompts": run.prompts and run.prompts.restricted(datasets),
            "head": run.head
            and _with_fits(run.head, {name: fit for name, fit in _fits(run).items() if name in datasets}),
            "option_orders": {name: each for name, each in run.option_orders.items() if name in datasets},
            "outputs": {name: each for name, each in run.outputs.items() if name in datasets},
            "questions": {name: each for name, each in run.questions.items() if name in datasets},
        }
    )


def _fits(run: RunIdentity) -> dict[str, FitRecord]:
    return {} if run.head is None else run.head.fits


def _with_fits(head: HeadRecord, fits: dict[str, FitRecord]) -> HeadRecord:
    return head.model_copy(update={"fits": dict(sorted(fits.items()))})
