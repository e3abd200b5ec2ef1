"""Run identity: model, data, prompts, precision."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError
from medimeta_c.format.display import benchmark_title
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.format.manifest import Manifest, SuiteRecord
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.format.suites import COLLECTIONS, CORE
from medimeta_c.io.records import Count, Name, Record, Sha256, Since, Text, canonical_json, dump
from medimeta_c.io.text import Title
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord

__all__ = [
    "GROUPS_PATH",
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


class DatasetEntry(Record):
    """One dataset as it was scored.

    Attributes
    ----------
    kind : str
        The source family; ``"phantoms"`` are generated images.
    images : int
        Images of the split, the same under every condition.
    fingerprint : str
        Of the dataset's sets: scores compare only where it is equal.
    """

    dataset: Name
    kind: Text
    title: Text
    modality: Annotated[str, Field(max_length=4000)]
    class_names: Annotated[tuple[Text, ...], Field(min_length=2, max_length=10_000)]
    images: Annotated[int, Field(ge=1)]
    fingerprint: Sha256

    @property
    def is_phantom(self) -> bool:
        """Whether the images are generated, not medical."""
        return self.kind == PHANTOMS


class BenchmarkRecord(Record):
    """The benchmark that was scored, and the datasets of it that were.

    Attributes
    ----------
    name : str
        Its directory or repository.
    title : str or None
        What its maker calls it; None for the title that follows from its datasets.
    suite : SuiteRecord or None
        What was built, where it is not the core suite.
    groups_sha256 : str or None
        Of the file that says which images belong together, where the benchmark has one.
    """

    name: Text
    version: Text
    fingerprint: Sha256
    title: Annotated[Title | None, Since(2)] = None
    datasets: Annotated[tuple[DatasetEntry, ...], Field(min_length=1)]
    suite: Annotated[SuiteRecord | None, Since(2)] = None
    groups_sha256: Annotated[Sha256 | None, Since(2)] = None

    @model_validator(mode="after")
    def _each_dataset_once(self) -> BenchmarkRecord:
        if len({entry.dataset for entry in self.datasets}) != len(self.datasets):
            raise ValueError("duplicate dataset")
        return self

    @property
    def shown_title(self) -> str:
        """What it is called: as its card has it, or as follows from the datasets scored."""
        imported = self.version if self.version in COLLECTIONS.values() else ""  # others have a number
        suite = self.suite.name if self.suite else CORE.name
        return benchmark_title(self.datasets, given=self.title, imported=imported, suite=suite)

    @property
    def suite_name(self) -> str:
        """Name, version and the start of the digest of the suite that was built; only its name of core."""
        one = self.suite
        return CORE.name if one is None else f"{one.name} {one.version} ({one.digest[:12]})"

    def dataset(self, name: str) -> DatasetEntry:
        """Return the entry of one dataset; KeyError if it was not scored."""
        for entry in self.datasets:
            if entry.dataset == name:
                return entry
        raise KeyError(name)


class FitRecord(Record):
    """A head as it was fitted to one dataset.

    Attributes
    ----------
    images : int
        Training images.
    images_sha256 : str
        Of their ids and labels, and of those that the settings were chosen on.
    settings : dict
        The hyper-parameters chosen.
    """

    images: Annotated[int, Field(ge=1)]
    images_sha256: Sha256
    settings: dict[Text, JsonValue]


class HeadRecord(Record):
    """A classifier trained on a model's features.

    Attributes
    ----------
    shots : int or None
        Training images of each class; None for all.
    seed : int
        Which images those are.
    draw_from : {"train", "val"}
        The split that they are from.
    fits : dict of str to FitRecord
        By dataset.
    """

    name: Name
    shots: Annotated[int, Field(ge=1)] | None
    seed: Count
    draw_from: Annotated[Literal["train", "val"], Since(2)] = "train"
    fits: Annotated[dict[Name, FitRecord], Since(2)] = Field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it is, for people."""
        shots = "all images" if self.shots is None else f"{self.shots} shot{'s' * (self.shots > 1)}"
        return f"{self.name} head, {shots} of {self.draw_from}, seed {self.seed}"

    @property
    def slug(self) -> str:
        """What distinguishes it in the name of a folder."""
        shots = "all" if self.shots is None else self.shots
        split = "" if self.draw_from == "train" else f"-of-{self.draw_from}"
        return f"{self.name}-{shots}-shots{split}-seed-{self.seed}"


class HeadOutput(Record):
    """An output of a classifier's own head.

    Attributes
    ----------
    index : int
        Its place among the head's outputs, from 0.
    name : str or None
        Its name; None if the head has none.
    """

    index: Count
    name: Text | None

    @property
    def shown(self) -> str:
        """The output in words."""
        return f"output {self.index}" + (f" ({self.name})" if self.name is not None else ", by position")


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


def benchmark_record(
    name: str, manifest: Manifest, *, datasets: Iterable[str] | None = None, split: str = "test"
) -> BenchmarkRecord:
    """Return the record of a benchmark, or of some datasets of it.

    Parameters
    ----------
    name : str
        Its directory or repository; of a directory only the last component is kept.
    manifest : Manifest
        What was built.
    datasets : iterable of str, optional
        The datasets scored; all by default.
    split : str
        The split scored.

    Raises
    ------
    ConfigError
        If a dataset was not built, or has no set of the split.
    """
    known = {record.dataset: record for record in manifest.datasets}
    rows = {record.dataset: record.rows for record in manifest.sets if record.split == split}
    entries = []
    for dataset in sorted(known if datasets is None else datasets):
        if dataset not in rows:
            raise ConfigError(
                f"{name} has no {split} split of {dataset}: choose among {', '.join(rows) or 'other splits'}"
            )
        fields = known[dataset].model_dump(include={"dataset", "kind", "title", "modality", "class_names"})
        fields["title"] = fields["title"] or dataset
        entries.append(DatasetEntry(**fields, images=rows[dataset], fingerprint=known[dataset].fingerprint))
    folder = Path(name)
    groups = [file.sha256 for file in manifest.files if file.path == GROUPS_PATH]
    return BenchmarkRecord(
        name=folder.resolve().name if folder.is_dir() else name,
        version=manifest.protocol.benchmark_version,
        fingerprint=manifest.fingerprint,
        title=manifest.title,
        datasets=tuple(entries),
        suite=manifest.suite,
        groups_sha256=groups[0] if groups else None,
    )


def first_images(record: BenchmarkRecord, count: int) -> BenchmarkRecord:
    """Return the record of a benchmark of which only the first images of each set are scored."""
    entries = (each.model_copy(update={"images": min(each.images, count)}) for each in record.datasets)
    return record.model_copy(update={"datasets": tuple(entries)})


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
