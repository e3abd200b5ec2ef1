"""Models' scores as figures and tables need them: the paper's printed ones, and those of results."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.results.result import RESULT_NAME, Result, read_result
from medimeta_c.results.score_records import SummaryRecord
from medimeta_c.suite import CORE

__all__ = [
    "FewShotScore",
    "ModelScores",
    "find_results",
    "published_fewshot",
    "published_scores",
    "read_fewshot",
    "scores_of",
]

_FEWSHOT_FIELDS = {
    "clean_accuracy": "clean_accuracy",
    "clean_error": "clean_error",
    "corruption_accuracy": "average_accuracy",
    "mce": "mce",
}
"""Table 6's names, and those of ``ablation.json``."""

_COLLECTIONS = {"medimeta": "MediMeta-C", "medmnist": "MedMNIST-C", "phantoms": "Phantoms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScores:
    """One model on one dataset: a row of the paper's Tables 2 and 3. Numbers are in percent.

    Parameters
    ----------
    collection, dataset, model : str
        What was scored on, and which model.
    clean_accuracy, average_accuracy : float or None
        Top-1 accuracy on clean images, and its mean over severities and corruptions.
    accuracy : mapping of str to float or None
        Top-1 accuracy by corruption, the mean over severities.
    clean_error, mce : float or None
        Errors in percent of the baseline's; None without one.
    ce : mapping of str to float or None
        By corruption.
    backbone : str
        The image encoder, where known.
    """

    collection: str
    dataset: str
    model: str
    clean_accuracy: float | None
    accuracy: Mapping[str, float | None]
    average_accuracy: float | None
    clean_error: float | None
    ce: Mapping[str, float | None]
    mce: float | None
    backbone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShotScore:
    """One fine-tuned variant at one share of the train split: a row of the paper's Table 6.

    Parameters
    ----------
    variant : str
        The model that was tuned.
    percent : float
        Share of the train split, in percent; 0 is the model before tuning.
    clean_accuracy, clean_error, corruption_accuracy, mce : float or None
        In percent; means over seeds.
    spread : mapping of str to float
        Sample standard deviations over seeds by the names above, where there are several.
    train_hours, total_params_m, trainable_percent : float or None
        Cost.
    """

    variant: str
    percent: float
    clean_accuracy: float | None
    clean_error: float | None
    corruption_accuracy: float | None
    mce: float | None
    spread: Mapping[str, float]
    train_hours: float | None
    total_params_m: float | None
    trainable_percent: float | None


def published_scores() -> tuple[ModelScores, ...]:
    """Return the paper's Tables 2 and 3, in their order."""
    accuracies = {(row["dataset"], row["model"]): row for row in _paper("table3_accuracy.csv")}
    made = []
    for row in _paper("table2_ce_mce.csv"):
        other = accuracies[row["dataset"], row["model"]]
        made.append(
            ModelScores(
                collection=row["collection"],
                dataset=row["dataset"],
                model=row["model"],
                clean_accuracy=float(other["clean"]),
                accuracy={name: float(other[name]) for name in CORE.corruptions},
                average_accuracy=float(other["average_accuracy"]),
                clean_error=float(row["clean"]),
                ce={name: float(row[name]) for name in CORE.corruptions},
                mce=float(row["mce"]),
            )
        )
    return tuple(made)


def published_fewshot() -> tuple[FewShotScore, ...]:
    """Return the paper's Table 6, in its order."""
    return tuple(
        FewShotScore(
            variant=row["variant"],
            percent=float(row["fewshot_percent"]),
            clean_accuracy=float(row["clean_accuracy"]),
            clean_error=float(row["clean_error"]),
            corruption_accuracy=float(row["corruption_accuracy"]),
            mce=float(row["mce"]),
            spread={},
            train_hours=float(row["train_hours"]),
            total_params_m=float(row["total_params_m"]),
            trainable_percent=float(row["trainable_percent"]),
        )
        for row in _paper("table6_fewshot.csv")
    )


def find_results(paths: Sequence[str]) -> dict[str, Result]:
    """Read results, each under the name that figures show.

    Parameters
    ----------
    paths : sequence of str
        Folders of results, or folders of many; ``NAME=PATH`` names a single one.

    Returns
    -------
    dict of str to Result
        In the order given; a name is the last part of the model's spec, with the folder where two models have
        the same.

    Raises
    ------
    ConfigError
        If a path holds no result, or two have one name.
    ResultError
        If a result is damaged.
    """
    found: dict[str, Result] = {}
    for text in paths:
        name, named, place = text.partition("=")
        path = Path(place if named else text).expanduser()
        files = [path] if path.is_file() else sorted(path.rglob(RESULT_NAME))
        if not files:
            raise ConfigError(f"{path} holds no {RESULT_NAME}: give the folder of a result, or of several")
        if named and len(files) > 1:
            raise ConfigError(f"{path} holds {len(files)} results: give NAME=PATH of a single one")
        for file in files:
            result = read_result(file)
            shown = name if named else _short_name(result.run.model.spec)
            if shown in found:
                shown = f"{shown} ({file.parent.parent.name}/{file.parent.name})"
            if shown in found:
                raise ConfigError(f"two results are called {shown!r}: give them as NAME=PATH")
            found[shown] = result
    return found


def scores_of(name: str, result: Result) -> tuple[ModelScores, ...]:
    """Return a result's numbers, a row a dataset."""
    return tuple(
        _row(name, result, entry.dataset, _COLLECTIONS.get(entry.kind, entry.kind))
        for entry in result.run.benchmark.datasets
    )


def read_fewshot(path: Path) -> tuple[FewShotScore, ...]:
    """Read the ``ablation.json`` that `medimeta-c finetune` writes, means over its seeds.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.

    Raises
    ------
    ResultError
        If it is missing or not such a file.
    """
    file = path / "ablation.json" if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        runs = record["runs"]
        variant = _short_name(record["model"])
        rows = [_untuned(variant, record["base"], runs[0])] if record["base"] else []
        for fraction in dict.fromkeys(run["fraction"] for run in runs):
            rows.append(_tuned(variant, [run for run in runs if run["fraction"] == fraction]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResultError(
            f"{file} is not an ablation ({type(error).__name__}: {error}): give the folder that "
            "`medimeta-c finetune` wrote with several shares or seeds"
        ) from error
    return tuple(rows)


def _paper(name: str) -> list[dict[str, str]]:
    file = resources.files("medimeta_c").joinpath(f"data/paper/{name}")
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def _row(name: str, result: Result, dataset: str, collection: str) -> ModelScores:
    summary: SummaryRecord = result.scores.datasets[dataset]
    divided = result.baseline is not None
    return ModelScores(
        collection=collection,
        dataset=dataset,
        model=name,
        clean_accuracy=_percent(summary.clean_accuracy.value),
        accuracy={key: _percent(one.value) for key, one in summary.accuracy.items()},
        average_accuracy=_percent(summary.average_accuracy.value),
        clean_error=_percent(summary.clean_error.value) if divided else None,
        ce={key: _percent(one.value) for key, one in summary.ce.items()},
        mce=_percent(summary.mce.value),
        backbone=result.run.model.architecture,
    )


def _untuned(variant: str, base: Mapping[str, Any], run: Mapping[str, Any]) -> FewShotScore:
    cost = {"train_hours": None, "total_params_m": run["total_parameters"] / 1e6, "trainable_percent": None}
    return _score(variant, 0.0, [base], cost)


def _tuned(variant: str, runs: Sequence[Mapping[str, Any]]) -> FewShotScore:
    first = runs[0]
    cost = {
        "train_hours": sum(float(run["hours"]) for run in runs) / len(runs),
        "total_params_m": first["total_parameters"] / 1e6,
        "trainable_percent": 100 * first["trainable_parameters"] / first["total_parameters"],
    }
    return _score(variant, 100 * float(first["fraction"]), [run["scored"] or {} for run in runs], cost)


def _score(
    variant: str, percent: float, scored: Sequence[Mapping[str, Any]], cost: Mapping[str, float | None]
) -> FewShotScore:
    """Return means over seeds, and their spread where there are several."""
    means: dict[str, float | None] = {}
    spread: dict[str, float] = {}
    for ours, theirs in _FEWSHOT_FIELDS.items():
        values = [one.get(theirs) for one in scored]
        known = [100 * float(value) for value in values if value is not None]
        whole = bool(known) and len(known) == len(values)
        means[ours] = statistics.fmean(known) if whole else None
        if whole and len(known) > 1:
            spread[ours] = statistics.stdev(known)
    return FewShotScore(variant=variant, percent=percent, **means, spread=spread, **cost)


def _short_name(spec: str) -> str:
    """Return what figures call a model: the last part of its spec, without its revision.

    Examples
    --------
    >>> _short_name("hf-hub:microsoft/BiomedCLIP-PubMedBERT@0123abc"), _short_name("ViT-B-16/openai")
    ('BiomedCLIP-PubMedBERT', 'ViT-B-16/openai')
    """
    family, colon, rest = spec.partition(":")
    if not colon:
        return spec
    target = rest.split("@")[0].rstrip("/")
    last = target.rpartition("/")[2]
    return f"{family}:{last}" if family in {"medclip", "unimedclip"} else last or spec


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
