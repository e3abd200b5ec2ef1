"""Score several models on several benchmarks: one failure does not end the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from medimeta_c.errors import ConfigError, MediMetaError, ResultError, printable
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.io.files import write_atomic
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record, Text
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.tables.csv import data_csv
from medimeta_c.io.tables.table import Scalar
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.models import Activation, Precision
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.paraphrases.seeds import SeedSplit, seed_splits, write_seeds
from medimeta_c.results.result import RESULT_NAME, Result, read_result
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate
from medimeta_c.scoring.jobs.progress import JobProgress

__all__ = ["CSV_NAME", "Failure", "Scored", "SweepReport", "SweptModel", "configs_of", "sweep"]

CSV_NAME = "sweep.csv"

_logger = logging.getLogger(__name__)

_NUMBERS = ("mce", "clean_accuracy", "average_accuracy")
_COLUMNS = (
    *("model", "benchmark", "fingerprint", "dataset", "cells", "cells_wanted", "marks"),
    *(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high")),
    *("result", "failure"),
)


class SweptModel(Record):
    """A model of a sweep's file, with what only it needs; see `EvaluateConfig`."""

    model: Text
    prompts: Text | None = None
    activation: Activation | None = None
    preprocessing: Text | None = None
    precision: Precision | None = None


class _SweepFile(Record):
    models: Annotated[tuple[Text | SweptModel, ...], Field(min_length=1)]
    benchmarks: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An evaluation that ended with an error: of which model, on which benchmark, and why."""

    model: str
    benchmark: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """A result of a sweep, without its predictions, which would fill the memory, and its folder.

    Of evaluations in parts, one whose other parts are missing is incomplete and has no file.
    """

    path: Path
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepReport:
    """Results and failures of a sweep, in its order.

    Parameters
    ----------
    scored : tuple of Scored
        What was scored.
    failures : tuple of Failure
        What was not.
    path : Path
        The CSV of all numbers.
    seeds : tuple of SeedSplit
        Of sweeps over prompts: each recipe of adapters that was scored with several seeds.
    """

    scored: tuple[Scored, ...]
    failures: tuple[Failure, ...]
    path: Path
    seeds: tuple[SeedSplit, ...] = ()


def configs_of(file: StrPath, common: Callable[..., EvaluateConfig]) -> list[EvaluateConfig]:
    """Return the evaluations that a YAML file lists: each of its models on each of its benchmarks.

    Parameters
    ----------
    file : str or path
        A mapping with ``models`` (specs, or mappings with ``model`` and ``prompts``, ``activation``,
        ``preprocessing`` or ``precision``) and ``benchmarks``. Relative paths are of the current folder.
    common : callable
        Makes a configuration of what the file says, by keyword; the rest is the caller's. It must not need a
        benchmark if the file lists none.

    Raises
    ------
    ConfigError
        If the file is missing or not valid.
    """
    path = as_path(file, "sweep")
    read = Reader(remedy="see docs/evaluation.md for an example", error=ConfigError)
    listed = read.record(read.values(path, yaml=True), _SweepFile, path)
    models = [SweptModel(model=each) if isinstance(each, str) else each for each in listed.models]
    places = [{"benchmark": each} for each in listed.benchmarks] or [{}]
    return [common(**one.model_dump(exclude_none=True), **place) for one in models for place in places]


def sweep(
    configs: Iterable[EvaluateConfig],
    *,
    on_progress: Callable[[EvaluateConfig, JobProgress], None] | None = None,
) -> SweepReport:
    """Evaluate one after the other, and write a CSV of all numbers into the root of the results.

    Finished cells are kept, as `evaluate` keeps them: run the same sweep again to resume, or to try again
    what failed. Several processes may run it at the same time, or a part each; the CSV has the results that
    are whole.

    Parameters
    ----------
    configs : iterable of EvaluateConfig
        What to score; all with the same `out`.
    on_progress : callable, optional
        Called with the evaluation in work and its progress.

    Returns
    -------
    SweepReport

    Raises
    ------
    ConfigError
        If there is nothing to score, an evaluation is there twice, or not all have one `out`.
    WriteError
        If the CSV cannot be written.
    """
    wanted = list(configs)
    _check(wanted)
    out = as_path(str(wanted[0].out), "out")  # tables over all results are written to a folder
    scored: list[Scored] = []
    failures: list[Failure] = []
    swept: list[tuple[Scored, EvaluateConfig]] = []
    for config in wanted:
        found = _evaluated(config, on_progress)
        if isinstance(found, SavedResult):
            scored.append(Scored(path=found.path, result=found.result))
            swept += [(scored[-1], config)] if config.prompts_sweep is not None else []
        else:
            failures.append(found)
    scored = [_now(one) for one in scored]
    whole = {one.path for one in scored if (one.path / RESULT_NAME).is_file()}
    path = out / CSV_NAME
    rows = _rows([one for one in scored if one.path in whole], failures)
    write_atomic(path, data_csv(_COLUMNS, rows).encode())
    seeds = _seeds([pair for pair in swept if pair[0].path in whole])
    if seeds:
        write_seeds(out, seeds)
    return SweepReport(scored=tuple(scored), failures=tuple(failures), path=path, seeds=seeds)


def _now(one: Scored) -> Scored:
    """Return a result that was not whole, of a part, as another part may have finished it since."""
    is_newer = not one.result.complete and (one.path / RESULT_NAME).is_file()
    return Scored(path=one.path, result=read_result(one.path)) if is_newer else one


def _seeds(swept: Sequence[tuple[Scored, EvaluateConfig]]) -> tuple[SeedSplit, ...]:
    """Split the variance of adapters of several seeds; what does not fit together is named in the log."""
    groups = {}
    for one, config in swept:
        if one.result.run.benchmark.fingerprint not in groups:
            opened = open_benchmark(config.benchmark)
            groups[opened.fingerprint] = opened.groups(config.split)
    try:
        return seed_splits([one.path for one, _ in swept], groups)
    except ResultError as error:
        _logger.warning("the variance over seeds is left out: %s", error)
        return ()


def _check(configs: Sequence[EvaluateConfig]) -> None:
    if not configs:
        raise ConfigError("a sweep needs at least one model and one benchmark")
    seen: set[tuple[str, str]] = set()
    for config in configs:
        pair = _names(config)
        if pair in seen:
            raise ConfigError(f"{pair[0]} on {pair[1]} is there twice: list it once")
        seen.add(pair)
    if len({config.out for config in configs}) > 1:
        raise ConfigError("the evaluations of a sweep write into different roots: give all the same one")


def _names(config: EvaluateConfig) -> tuple[str, str]:
    model = config.model if isinstance(config.model, str) else config.model.identity.spec
    return model, str(config.benchmark)


def _evaluated(
    config: EvaluateConfig, on_progress: Callable[[EvaluateConfig, JobProgress], None] | None
) -> SavedResult | Failure:
    """Return a result, or why there is none; only an interruption ends the sweep."""
    tell = None if on_progress is None else (lambda now: on_progress(config, now))
    try:
        return evaluate(config, on_progress=tell)
    except MediMetaError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _logger.debug("evaluating %s failed", config.model, exc_info=True)
    model, benchmark = _names(config)
    return Failure(model=model, benchmark=benchmark, reason=printable(reason))


def _rows(scored: Iterable[Scored], failures: Iterable[Failure]) -> Iterator[tuple[Scalar, ...]]:
    """Yield a row for each dataset of each result, one for all datasets, and one for each failure."""
    for one in scored:
        result = one.result
        done = [cell.dataset for cell in result.scores.cells]
        wanted = [key.dataset for key in result.scope.cells()]
        run = result.run
        for dataset, summary in {"": result.scores.overall, **result.scores.datasets}.items():
            yield (
                run.model.spec,
                run.benchmark.name,
                run.benchmark.fingerprint,
                dataset or "all",
                len(done) if not dataset else done.count(dataset),
                len(wanted) if not dataset else wanted.count(dataset),
                " ".join(result.marks),
                *_numbers(summary),
                str(one.path),
                "",
            )
    for failure in failures:
        blank = [None] * (len(_COLUMNS) - 3)
        yield (failure.model, failure.benchmark, *blank, failure.reason)


def _numbers(summary: Summary[Estimate]) -> Iterator[float | None]:
    for name in _NUMBERS:
        number: Estimate = getattr(summary, name)
        yield from (number.value, number.low, number.high)
