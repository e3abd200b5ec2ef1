"""Read the scores of a few-shot ablation from disk."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medimeta_c.paper.names import short_name
from medimeta_c.paper.scores import FewShotScore
from medimeta_c.results.ablation import AblationRun, Scored, read_ablation
from medimeta_c.results.folder.places import result_files
from medimeta_c.results.result import Result, read_result
from medimeta_c.sources import collection_of

__all__ = ["read_fewshot"]

_FIELDS = {
    "clean_accuracy": "clean_accuracy",
    "clean_error": "clean_error",
    "corruption_accuracy": "average_accuracy",
    "mce": "mce",
}
"""Table 6's names, and those of ``ablation.json``."""

_RESULTS = "results"
"""The folder of a run in which its adapter's result lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """The runs of one share, or the model before tuning: what is averaged to a row."""

    percent: float
    size: AblationRun
    hours: float | None
    scored: Sequence[Scored | None]
    results: Sequence[Result | None]


def read_fewshot(path: Path) -> tuple[FewShotScore, ...]:
    """Read the ``ablation.json`` that `medimeta-c finetune` writes, means over its seeds.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.

    Returns
    -------
    tuple of FewShotScore
        A row for each share; of an ablation on several datasets their means, then the rows of each dataset
        as far as the results of the runs lie beside the file.

    Raises
    ------
    ResultError
        If it, or a result beside it, is damaged, or it is missing.
    """
    ablation = read_ablation(path)
    home = path if path.is_dir() else path.parent
    shares = []
    if ablation.base is not None:
        before = [_result_in(home, home / _RESULTS, ablation.base)]
        shares.append(
            _Share(percent=0.0, size=ablation.runs[0], hours=None, scored=[ablation.base], results=before)
        )
    for fraction in dict.fromkeys(run.fraction for run in ablation.runs):
        runs = [run for run in ablation.runs if run.fraction == fraction]
        shares.append(
            _Share(
                percent=100 * fraction,
                size=runs[0],
                hours=statistics.fmean(run.hours for run in runs),
                scored=[run.scored for run in runs],
                results=[_result_in(home, home / run.folder / _RESULTS, run.scored) for run in runs],
            )
        )
    alone = ablation.datasets[0] if len(ablation.datasets) == 1 else ""
    rows = [_named(_score(share, share.scored), share, alone) for share in shares]
    if not alone:
        rows += [row for name in ablation.datasets for share in shares for row in _rows_of(share, name)]
    variant = short_name(ablation.model)
    return tuple(replace(row, variant=variant, split=ablation.draw_from) for row in rows)


def _result_in(home: Path, folder: Path, scored: Scored | None) -> Result | None:
    """Return the result that has a run's numbers; None if it does not lie in the ablation's folder."""
    if scored is None or not folder.is_dir() or not folder.resolve().is_relative_to(home.resolve()):
        return None
    every = (read_result(file) for file in result_files(folder))
    return next((one for one in every if _bears(one, scored)), None)


def _bears(result: Result, scored: Scored) -> bool:
    """Return whether a run's numbers are a result's; older files divide those of phantoms by a baseline."""
    own = Scored.of(result)
    return own == (scored.undivided(own.why_no_mce) if result.phantoms and own.mce is None else scored)


def _rows_of(share: _Share, dataset: str) -> Iterator[FewShotScore]:
    """Yield the row of one dataset, if every run's result is there."""
    found = [one for one in share.results if one is not None and dataset in one.scores.datasets]
    if len(found) == len(share.results):
        scored = [Scored.of(one, dataset) for one in found]
        yield _named(_score(share, scored), share, dataset)


def _named(row: FewShotScore, share: _Share, dataset: str) -> FewShotScore:
    """Return a row with what its results say of the dataset, and their marks."""
    found = [one for one in share.results if one is not None]
    marks = tuple(dict.fromkeys(mark for one in found for mark in one.standing))
    entries = [one.run.benchmark.dataset(dataset) for one in found if dataset in one.scores.datasets]
    if not entries:
        return replace(row, dataset=dataset, marks=marks)
    collection, modality = collection_of(entries[0].kind), entries[0].modality
    return replace(row, dataset=dataset, marks=marks, collection=collection, modality=modality)


def _score(share: _Share, scored: Sequence[Scored | None]) -> FewShotScore:
    """Return means over seeds, and their spread where there are several; without hours nothing was tuned."""
    means: dict[str, float | None] = dict.fromkeys(_FIELDS)
    spread: dict[str, float] = {}
    for ours, theirs in _FIELDS.items():
        values = [getattr(one, theirs, None) for one in scored]
        known = [100 * value for value in values if value is not None]
        if len(known) == len(values):
            means[ours] = statistics.fmean(known)
            if len(known) > 1:
                spread[ours] = statistics.stdev(known)
    size = share.size
    trainable = 100 * size.trainable_parameters / size.total_parameters
    return FewShotScore(
        variant="",
        percent=share.percent,
        clean_accuracy=means["clean_accuracy"],
        clean_error=means["clean_error"],
        corruption_accuracy=means["corruption_accuracy"],
        mce=means["mce"],
        spread=spread,
        train_hours=share.hours,
        total_params_m=size.total_parameters / 1e6,
        trainable_percent=None if share.hours is None else trainable,
    )
