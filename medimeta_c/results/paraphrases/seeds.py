"""Sweeps over prompts of adapters that differ in their seed alone: ``prompts-seeds.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medimeta_c._version import __version__
from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.records import Document, Name, Record, Sha256, Text, canonical_json, write_record
from medimeta_c.metrics.variance import VarianceSplit, variance_split
from medimeta_c.results.paraphrases.cells import SweptCell
from medimeta_c.results.paraphrases.numbers import MEANS, image_parts, members_of
from medimeta_c.results.paraphrases.record import PromptsSweep, read_swept
from medimeta_c.results.scoring import Groups

__all__ = ["SEEDS_NAME", "SeedSplit", "SeedsRecord", "seed_split", "seed_splits", "write_seeds"]

SEEDS_NAME = "prompts-seeds.json"

_Swept = tuple[PromptsSweep, Mapping[SetKey, SweptCell]]


class SeedSplit(Record):
    """The variance of one recipe of adapters, by images, prompts and seeds.

    Attributes
    ----------
    recipe_sha256, fingerprint : str
        What the sweeps have in common; see `AdapterSeed` and `PromptsSweep`.
    seeds : dict of str to int
        By model spec.
    datasets : dict of str to dict of str to VarianceSplit
        By dataset and number; a number that is undefined with one of the seeds is absent.
    overall : dict of str to VarianceSplit
        Of the mean over datasets.
    """

    recipe_sha256: Sha256
    fingerprint: Sha256
    seeds: Annotated[dict[Text, int], Field(min_length=2)]
    datasets: dict[Name, dict[Name, VarianceSplit]]
    overall: dict[Name, VarianceSplit]


class SeedsRecord(Document):
    """Every recipe of which sweeps of two seeds or more are there."""

    package_version: Text = __version__
    splits: Annotated[tuple[SeedSplit, ...], Field(min_length=1)]


def seed_splits(folders: Iterable[Path], groups: Mapping[str, Groups]) -> tuple[SeedSplit, ...]:
    """Return the split of each recipe of adapters that was swept with two seeds or more.

    Parameters
    ----------
    folders : iterable of Path
        Folders of results with sweeps over prompts.
    groups : mapping of str to mapping
        By fingerprint of a benchmark, which images belong together.

    Raises
    ------
    ResultError
        If a sweep is missing or damaged, or `seed_split` refuses sweeps.
    """
    together: dict[tuple[str, str], list[_Swept]] = {}
    for folder in folders:
        sweep, cells = read_swept(folder)
        if sweep.adapter is not None:
            key = (sweep.adapter.recipe_sha256, sweep.fingerprint)
            together.setdefault(key, []).append((sweep, cells))
    return tuple(
        seed_split(swept, groups.get(fingerprint, {}))
        for (_, fingerprint), swept in together.items()
        if len(swept) > 1
    )


def seed_split(swept: Sequence[_Swept], groups: Groups) -> SeedSplit:
    """Return the variance split of sweeps of one recipe with several seeds.

    Parameters
    ----------
    swept : sequence of (PromptsSweep, mapping of SetKey to SweptCell)
        Two or more.
    groups : mapping
        Which images belong together.

    Raises
    ------
    ResultError
        If they differ in more than the seed, or two have the same seed.
    """
    first = swept[0][0]
    seeds: dict[str, int] = {}
    for sweep, _ in swept:
        if sweep.adapter is None or _common(sweep) != _common(first):
            raise ResultError(
                f"the sweeps over prompts of {first.model.spec} and {sweep.model.spec} differ in more than "
                "the seed: sweep both over the same prompts, datasets and benchmark"
            )
        if sweep.adapter.seed in seeds.values():
            raise ResultError(
                f"two adapters of one recipe have the seed {sweep.adapter.seed}: sweep each of them once"
            )
        seeds[sweep.model.spec] = sweep.adapter.seed
    scope = first.scope
    values: dict[str, dict[str, list[NDArray[np.float64]]]] = {}
    members = {}
    for dataset in scope.datasets:
        parts = []
        for _, cells in swept:
            own = {key: cell for key, cell in cells.items() if key.dataset == dataset}
            parts.append(image_parts(dataset, own, scope))
            members[dataset] = members_of(own, groups.get(dataset))
        values[dataset] = {name: [part[name] for part in parts] for name in MEANS if all(parts)}

    def split(name: str, datasets: Sequence[str]) -> VarianceSplit:
        return variance_split(
            [np.stack(values[dataset][name]) for dataset in datasets],
            [members[dataset] for dataset in datasets],
        )

    return SeedSplit(
        recipe_sha256="" if first.adapter is None else first.adapter.recipe_sha256,
        fingerprint=first.fingerprint,
        seeds=seeds,
        datasets={
            dataset: {name: split(name, [dataset]) for name in parts} for dataset, parts in values.items()
        },
        overall={
            name: split(name, scope.datasets)
            for name in MEANS
            if all(name in parts for parts in values.values())
        },
    )


def write_seeds(out: Path, splits: tuple[SeedSplit, ...]) -> Path:
    """Write ``prompts-seeds.json`` atomically into the root of results; return its path."""
    write_record(out / SEEDS_NAME, SeedsRecord(splits=splits))
    return out / SEEDS_NAME


def _common(sweep: PromptsSweep) -> str:
    """Return what sweeps of one recipe have in common, as text."""
    digests = {name: [each.digest for each in one.paraphrases] for name, one in sweep.datasets.items()}
    recipe = None if sweep.adapter is None else sweep.adapter.recipe_sha256
    return canonical_json(
        [recipe, sweep.fingerprint, sweep.scope.model_dump(mode="json"), digests, sweep.package_version]
    )
