"""Read the scores of results on disk: one name per model, over all benchmarks it was scored on."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.suites import paper_order
from medimeta_c.io.settings import StrPath, several
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.models import MODELS
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.paper.names import short_name
from medimeta_c.paper.scores import ModelScores
from medimeta_c.results.folder.places import result_files
from medimeta_c.results.result import Result, read_result
from medimeta_c.sources import collection_of

__all__ = ["Results", "find_results", "scores_of"]

Results = Mapping[str, tuple[Result, ...]]
"""By the name figures show: a model's results, each on datasets of its own."""

_RESNET50 = re.compile(r"(?:resnet|rn)[-_ ]?50(?![0-9x])", re.IGNORECASE)
"""In what names an image encoder; RN50x4 is a wider network."""


def find_results(paths: StrPath | Iterable[StrPath]) -> dict[str, tuple[Result, ...]]:
    """Read results, each under the name that figures show.

    Parameters
    ----------
    paths : str or path, or several
        Folders of results, folders of many, or patterns; ``NAME=PATH`` names a single one.

    Returns
    -------
    dict of str to tuple of Result
        In the order given; a name is the last part of the model's spec, with the folder where two models have
        the same. Results of one model on different datasets stand under one name.

    Raises
    ------
    ConfigError
        If a path holds no result, two of the same datasets have one name, or a dataset was scored on two
        builds.
    ResultError
        If a result is damaged.
    """
    found: dict[str, list[Result]] = {}
    for given in several(paths):
        text = os.fspath(given)
        name, named, place = text.partition("=")
        files = result_files(place if named else text)
        if named and len(files) > 1:
            raise ConfigError(f"{place} holds {len(files)} results: give NAME=PATH of a single one")
        for file in files:
            result = read_result(file)
            shown = name if named else f"{short_name(result.run.model.spec)}{result.run.added}"
            if not named and not _joins(result, found.get(shown, [])):
                shown = f"{shown} ({file.parent.parent.name}/{file.parent.name})"
            if _shared(result, found.get(shown, [])):
                raise ConfigError(f"two results are called {shown!r}: give them as NAME=PATH")
            found.setdefault(shown, []).append(result)
    _require_one_build(found)
    return {name: tuple(each) for name, each in found.items()}


def scores_of(results: Results) -> tuple[ModelScores, ...]:
    """Return the results' numbers, a row a model and dataset, in the paper's order of datasets.

    A result that others are divided by has errors of 100 %. Of a dataset whose rows are divided by different
    baselines, errors are left out: they do not compare.
    """
    every = [result for each in results.values() for result in each]
    baselines = [baseline for result in every if (baseline := result.meaningful_baseline) is not None]
    rows = [
        _divided_by_itself(row) if _is_baseline(result, row, baselines) else row
        for name, each in results.items()
        for result in each
        for row in _rows(name, result)
    ]
    divisors: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.baseline:
            divisors.setdefault((row.collection, row.dataset), set()).add(row.baseline)
    mixed = {dataset for dataset, found in divisors.items() if len(found) > 1}
    kept = [_undivided(row) if (row.collection, row.dataset) in mixed else row for row in rows]
    return tuple(sorted(kept, key=lambda row: paper_order(row.collection, row.dataset)))


def _datasets(result: Result) -> set[tuple[str, str]]:
    return {(entry.kind, entry.dataset) for entry in result.run.benchmark.datasets}


def _shared(result: Result, others: Sequence[Result]) -> bool:
    return any(_datasets(result) & _datasets(other) for other in others)


def _joins(result: Result, others: Sequence[Result]) -> bool:
    """Whether a result is of the others' very model, on datasets that they lack."""
    same = all(result.run.model == other.run.model for other in others)
    return same and not _shared(result, others)


def _require_one_build(results: Mapping[str, Sequence[Result]]) -> None:
    """Refuse scores of one dataset on different images: they cannot be compared."""
    seen: dict[tuple[str, str], str] = {}
    for each in results.values():
        for result in each:
            for entry in result.run.benchmark.datasets:
                known = seen.setdefault((entry.kind, entry.dataset), entry.fingerprint)
                if known != entry.fingerprint:
                    raise ConfigError(
                        f"{entry.dataset} was scored on two different builds, {known[:12]} and "
                        f"{entry.fingerprint[:12]}, whose scores cannot be compared",
                        remedy=Remedy("give {results} of one"),
                    )


def _rows(name: str, result: Result) -> Iterator[ModelScores]:
    baseline = result.meaningful_baseline
    divisor = ""
    if baseline is not None:
        by = "" if baseline.measured_on_these_shards else ", as the paper prints it"
        divisor = f"{baseline.model}{by}"
    for entry in result.run.benchmark.datasets:
        summary = result.scores.datasets[entry.dataset]
        row = ModelScores(
            collection=collection_of(entry.kind),
            dataset=entry.dataset,
            model=name,
            clean_accuracy=_percent(summary.clean_accuracy.value),
            accuracy={key: _percent(one.value) for key, one in summary.accuracy.items()},
            average_accuracy=_percent(summary.average_accuracy.value),
            clean_error=_percent(summary.clean_error.value),
            ce={key: _percent(one.value) for key, one in summary.ce.items()},
            mce=_percent(summary.mce.value),
            backbone=result.run.model.architecture,
            baseline=divisor,
            modality=entry.modality,
            is_resnet50=any(map(_RESNET50.search, _encoders(result.run.model))),
            marks=result.standing,
        )
        yield row if divisor else _undivided(row)


def _encoders(model: ModelIdentity) -> Iterator[str]:
    """Yield what names a model's image encoder: its spec, its architecture, what is known of its family."""
    yield from (model.spec, model.architecture)
    if model.family in MODELS:
        yield MODELS[model.family].image_tower


def _is_baseline(result: Result, row: ModelScores, baselines: Sequence[Baseline]) -> bool:
    """Whether other results divide by this one: the same model, with the same clean error."""
    grids = [
        one.grids.get(row.dataset)
        for one in baselines
        if one.measured_on_these_shards and one.model == result.run.who
    ]
    errors = [grid.clean for grid in grids if grid is not None and grid.clean is not None]
    clean = row.clean_accuracy
    return clean is not None and any(math.isclose(100 * (1 - error), clean, abs_tol=1e-9) for error in errors)


def _divided_by_itself(row: ModelScores) -> ModelScores:
    def own(accuracy: float | None) -> float | None:
        return 100.0 if accuracy is not None and accuracy < 100 else None

    ce = {key: own(accuracy) for key, accuracy in row.accuracy.items()}
    return replace(
        row,
        clean_error=own(row.clean_accuracy),
        ce=ce,
        mce=None if None in ce.values() else 100.0,
        baseline="",  # it is the others' that captions name
    )


def _undivided(row: ModelScores) -> ModelScores:
    return replace(row, clean_error=None, ce=dict.fromkeys(row.ce), mce=None, baseline="")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
