"""The contract of a sweep over prompts: ``prompts-sweep.json``, numbers of one model under many wordings."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from medimeta_c._version import __version__
from medimeta_c.errors import Remedy, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import (
    Count,
    Document,
    Name,
    Record,
    Sha256,
    Text,
    canonical_json,
    dump,
    write_record,
)
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.values import Number, mean_number, undefined_parts
from medimeta_c.metrics.variance import VarianceSplit
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.paraphrases.cells import CELLS_NAME, SweptCell, cells_sha256, read_swept_cells
from medimeta_c.results.result import Result

__all__ = [
    "LOWER_IS_BETTER",
    "SWEEP_NAME",
    "AdapterSeed",
    "DatasetSweep",
    "OverallSweep",
    "Paraphrase",
    "PromptsSweep",
    "Spread",
    "baseline_sha256",
    "origin_of",
    "overall_spreads",
    "overall_variance",
    "read_prompts_sweep",
    "read_swept",
    "spreads_of",
    "write_prompts_sweep",
]

SWEEP_NAME = "prompts-sweep.json"
_REMEDY = "run the sweep over prompts again, or restore the file"

LOWER_IS_BETTER = ("points_lost", "mce")
"""Names of the numbers of which the largest is the worst."""


class AdapterSeed(Record):
    """The seed of fine-tuned adapters, and what they share with those of other seeds.

    Attributes
    ----------
    seed : int
        Of the few-shot images, the initial values and the order of training.
    recipe_sha256 : str
        Of everything else that the adapters' record says of base, adaptation and training.
    """

    seed: int
    recipe_sha256: Sha256


class Paraphrase(Record):
    """One wording of a dataset's prompts, and the numbers with it.

    Attributes
    ----------
    digest : str
        Of the texts; that of a result which is scored with these texts alone.
    texts : dict of str to str
        By class name.
    numbers : dict of str to Number
        ``clean_accuracy``, ``average_accuracy``, ``points_lost`` and, with a baseline, ``mce``.
    """

    digest: Sha256
    texts: Annotated[dict[Text, Text], Field(min_length=2)]
    numbers: dict[Name, Number]

    @classmethod
    def of(cls, dataset: str, texts: Mapping[str, str], numbers: Mapping[str, Number]) -> Paraphrase:
        """Return the record of one wording."""
        return cls(digest=_digest(dataset, texts), texts=dict(texts), numbers=dict(numbers))


class Spread(Record):
    """A number over wordings.

    Attributes
    ----------
    median, low, high : Number
        Over the paraphrases.
    worst : Number
        The lowest or highest, whichever speaks less well of the model.
    worst_paraphrase : int or None
        Its place, from 0; None over datasets, each of which has its own.
    """

    median: Number
    low: Number
    high: Number
    worst: Number
    worst_paraphrase: Count | None = None


class DatasetSweep(Record):
    """A sweep on one dataset.

    Attributes
    ----------
    origin : str
        Digest of what its predictions depend on; see `origin_of`.
    paraphrases : tuple of Paraphrase
        The wordings, in order.
    spreads : dict of str to Spread
        By number.
    variance : dict of str to VarianceSplit
        By number, but mCE, which is no mean over images; empty where a number is undefined.
    """

    origin: Sha256
    paraphrases: Annotated[tuple[Paraphrase, ...], Field(min_length=2, max_length=10_000)]
    spreads: dict[Name, Spread]
    variance: dict[Name, VarianceSplit]

    @model_validator(mode="after")
    def _spreads_follow(self) -> DatasetSweep:
        if len({frozenset(one.numbers) for one in self.paraphrases}) > 1:
            raise ValueError("the paraphrases do not have the same numbers")
        if self.spreads != spreads_of([one.numbers for one in self.paraphrases]):
            raise ValueError("the spreads are not those of the paraphrases' numbers")
        return self


class OverallSweep(Record):
    """A sweep over datasets; wordings are chosen for each dataset by itself.

    Attributes
    ----------
    spreads : dict of str to Spread
        Means over datasets of the datasets' medians, lows, highs and worsts.
    variance : dict of str to VarianceSplit
        Of the mean over datasets.
    """

    spreads: dict[Name, Spread]
    variance: dict[Name, VarianceSplit]


class PromptsSweep(Document):
    """One model on one benchmark fingerprint under many wordings of its prompts.

    Attributes
    ----------
    prompts, revision : str, int
        The template set of the paraphrases.
    scope : Scope
        The cells requested of the datasets that were swept.
    baseline, baseline_sha256 : str or None
        Name and digest of what CE was divided by.
    adapter : AdapterSeed or None
        Of a model with adapters that this package trained.
    predictions_sha256 : str
        Of the contents of ``prompts-sweep.parquet``.
    """

    package_version: Text = __version__
    model: ModelIdentity
    fingerprint: Sha256
    prompts: Text
    revision: Annotated[int, Field(ge=1)]
    scope: Scope
    baseline: Text | None
    baseline_sha256: Sha256 | None
    adapter: AdapterSeed | None
    datasets: dict[Name, DatasetSweep]
    overall: OverallSweep
    predictions_sha256: Sha256

    @model_validator(mode="after")
    def _parts_fit_together(self) -> PromptsSweep:
        if tuple(self.datasets) != self.scope.datasets:
            raise ValueError("the datasets of scope and sweep are not the same")
        if len({frozenset(one.spreads) for one in self.datasets.values()}) > 1:
            raise ValueError("the datasets do not have the same numbers")
        for dataset, one in self.datasets.items():
            if any(each.digest != _digest(dataset, each.texts) for each in one.paraphrases):
                raise ValueError(f"a digest is not that of the texts of a paraphrase of {dataset}")
        if self.overall.spreads != overall_spreads(self.datasets):
            raise ValueError("the spreads over datasets are not the means of the datasets'")
        if self.overall.variance != overall_variance(self.datasets):
            raise ValueError("the variance over datasets does not follow from the datasets'")
        return self


def origin_of(run: RunIdentity, dataset: str, digests: Sequence[str]) -> str:
    """Return the digest of all that predictions of a sweep on one dataset depend on.

    Parameters
    ----------
    run : RunIdentity
        Who answers; its own prompts make no difference.
    dataset : str
        A dataset of the run.
    digests : sequence of str
        Of the paraphrases' texts, in order.
    """
    settings = {name: each for name, each in run.settings(()).items() if not name.startswith("prompts")}
    entry = run.benchmark.dataset(dataset)
    parts = [settings, entry.fingerprint, entry.images, list(entry.class_names), list(digests)]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def baseline_sha256(baseline: Baseline | None) -> str | None:
    """Return the digest of a result's baseline."""
    if baseline is None:
        return None
    return hashlib.sha256(canonical_json(dump(baseline)).encode()).hexdigest()


def spreads_of(numbers: Sequence[Mapping[str, Number]]) -> dict[str, Spread]:
    """Return median, range and worst of each number over paraphrases; undefined where one of them is."""
    return {name: _spread(name, [each[name] for each in numbers]) for name in numbers[0]}


def _spread(name: str, numbers: Sequence[Number]) -> Spread:
    values = [each.value for each in numbers if each.value is not None]
    if len(values) < len(numbers):
        named = {f"paraphrase {place}": each for place, each in enumerate(numbers, start=1)}
        nothing = Number.undefined(undefined_parts(named)[:500])
        return Spread(median=nothing, low=nothing, high=nothing, worst=nothing)
    low, high = min(values), max(values)
    worst = high if name in LOWER_IS_BETTER else low
    return Spread(
        median=Number(value=statistics.median(values)),
        low=Number(value=low),
        high=Number(value=high),
        worst=Number(value=worst),
        worst_paraphrase=values.index(worst),
    )


def overall_spreads(datasets: Mapping[str, DatasetSweep]) -> dict[str, Spread]:
    """Return the means over datasets of their medians, lows, highs and worsts."""
    first = next(iter(datasets.values()))
    found = {}
    for name in first.spreads:
        parts: dict[str, Any] = {
            end: mean_number({dataset: getattr(one.spreads[name], end) for dataset, one in datasets.items()})
            for end in ("median", "low", "high", "worst")
        }
        found[name] = Spread(**parts)
    return found


def overall_variance(datasets: Mapping[str, DatasetSweep]) -> dict[str, VarianceSplit]:
    """Return the variance of the mean over datasets, of numbers that every dataset has the variance of."""
    parts = [one.variance for one in datasets.values()]
    square = len(parts) ** 2
    return {
        name: VarianceSplit(
            images=sum(part[name].images for part in parts) / square,
            prompts=sum(part[name].prompts for part in parts) / square,
            n_prompts=min(part[name].n_prompts for part in parts),
        )
        for name in parts[0]
        if all(name in part for part in parts)
    }


def write_prompts_sweep(folder: Path, sweep: PromptsSweep) -> None:
    """Write ``prompts-sweep.json`` atomically."""
    write_record(folder / SWEEP_NAME, sweep)


def read_prompts_sweep(folder: Path, result: Result) -> PromptsSweep | None:
    """Read the sweep over prompts beside a result; None if there is none.

    Raises
    ------
    ResultError
        If it is damaged, does not belong to its predictions or to the result, or divides by another baseline.
    """
    if not (folder / SWEEP_NAME).is_file():
        return None
    found, _ = read_swept(folder)
    run = result.run
    for dataset, one in found.datasets.items():
        digests = [each.digest for each in one.paraphrases]
        if dataset not in run.scored or one.origin != origin_of(run, dataset, digests):
            raise ResultError(
                f"{folder / SWEEP_NAME} does not belong to the result beside it (on {dataset}): {_REMEDY}"
            )
    if found.baseline_sha256 != baseline_sha256(result.baseline):
        raise ResultError(
            f"{folder / SWEEP_NAME} was divided by another baseline than the result beside it",
            remedy=Remedy("evaluate again with {prompts_sweep}"),
        )
    return found


def read_swept(folder: Path) -> tuple[PromptsSweep, dict[SetKey, SweptCell]]:
    """Read a sweep over prompts with its predictions.

    Raises
    ------
    ResultError
        If a file is missing or damaged, or the two do not belong together.
    """
    found = read_record(folder / SWEEP_NAME, PromptsSweep, _REMEDY)
    cells = read_swept_cells(folder / CELLS_NAME)
    if cells_sha256(cells) != found.predictions_sha256:
        raise ResultError(f"{SWEEP_NAME} and {CELLS_NAME} in {folder} do not belong together: {_REMEDY}")
    return found, cells


def _digest(dataset: str, texts: Mapping[str, str]) -> str:
    return PromptsRecord.of("paraphrase", {dataset: {label: (text,) for label, text in texts.items()}}).digest
