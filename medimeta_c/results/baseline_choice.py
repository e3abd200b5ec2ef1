"""Choose what corruption errors are divided by: published figures, another result, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import MEDIMETAC
from medimeta_c.metrics.baselines import PUBLISHED, Baseline, measured_baseline, published_baseline
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import ErrorGrid
from medimeta_c.results.folder.places import matching
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.identity import BenchmarkRecord
from medimeta_c.results.predictions import correctness_of

__all__ = ["NO_BASELINE", "PUBLISHED", "ChosenBaseline", "baseline_of", "choose_baseline"]

NO_BASELINE = "none"
"""Name of the choice to divide by nothing, e.g. when the baseline itself is scored."""

_REPORTED = "as printed in the paper's Table 3, reported on these files; not measured here"


@dataclass(frozen=True, slots=True, eq=False)
class ChosenBaseline:
    """A baseline, and its correctness image by image where its predictions are there.

    Parameters
    ----------
    baseline : Baseline
        Error rates by dataset.
    tables : mapping of str to CorrectnessTable
        By dataset; these are resampled along with the model's.
    saved : SavedResult, optional
        The result that it is.
    """

    baseline: Baseline
    tables: Mapping[str, CorrectnessTable] = field(default_factory=dict)
    saved: SavedResult | None = None

    @property
    def divisor(self) -> dict[str, CorrectnessTable | ErrorGrid]:
        """What each dataset is divided by: images where they are known, else rates."""
        return {**self.baseline.grids, **self.tables}


def choose_baseline(text: str, benchmark: BenchmarkRecord, split: str = "test") -> ChosenBaseline | None:
    """Return the baseline an option means, checked against the benchmark to be scored.

    Parameters
    ----------
    text : str
        ``"published"``, ``"none"``, or a result as `result_folder` takes it.
    benchmark : BenchmarkRecord
        The datasets scored.
    split : str
        The split scored.

    Returns
    -------
    ChosenBaseline or None
        None for ``"none"``.

    Raises
    ------
    ConfigError
        If it lacks a dataset, or was measured on other images of one.
    ResultError
        If it is no result, or damaged.
    """
    if text == NO_BASELINE:
        return None
    if text == PUBLISHED:
        if benchmark.suite is not None:
            raise ConfigError(
                f"the paper published no baseline for the suite {benchmark.suite.name}",
                value=text,
                remedy=[
                    Remedy("name the folder of a result on this benchmark with {baseline}"),
                    Remedy("score without one by {baseline}", baseline=NO_BASELINE),
                ],
            )
        chosen = ChosenBaseline(published_baseline())
        if all(entry.kind == MEDIMETAC for entry in benchmark.datasets):
            chosen = ChosenBaseline(chosen.baseline.model_copy(update={"note": _REPORTED}))
    else:
        if not matching(text):
            raise ConfigError(
                f"unknown baseline {text!r}: use {PUBLISHED}, {NO_BASELINE}, or the folder of a result"
            )
        chosen = baseline_of(read_saved(text), benchmark, split)
    try:
        chosen.baseline.require(entry.dataset for entry in benchmark.datasets)
    except ConfigError as error:
        without = Remedy("score without one by {baseline}", baseline=NO_BASELINE)
        raise ConfigError(error.cause, remedy=[*error.remedies, without]) from error
    return chosen


def baseline_of(saved: SavedResult, benchmark: BenchmarkRecord, split: str = "test") -> ChosenBaseline:
    """Return a result as a baseline for the datasets it shares with a benchmark.

    Raises
    ------
    ConfigError
        If a shared dataset has another fingerprint, or another split was scored.
    """
    run = saved.result.run
    if run.benchmark.suite_name != benchmark.suite_name:
        raise ConfigError(
            f"baseline {saved.name} is of the suite {run.benchmark.suite_name}, this benchmark of "
            f"{benchmark.suite_name}: score it on this benchmark first"
        )
    if run.split != split:
        raise ConfigError(
            f"baseline {saved.name} is of the {run.split} split, this run of {split}: use one split"
        )
    theirs = {entry.dataset: entry.fingerprint for entry in run.benchmark.datasets}
    for entry in benchmark.datasets:
        held = theirs.get(entry.dataset, entry.fingerprint)
        if held != entry.fingerprint:
            raise ConfigError(
                f"baseline {saved.name} was measured on other images of {entry.dataset} (fingerprint "
                f"{held[:12]}, this benchmark has {entry.fingerprint[:12]}): score it on this benchmark first"
            )
    wanted = {entry.dataset for entry in benchmark.datasets}
    tables = {name: table for name, table in correctness_of(saved.predictions).items() if name in wanted}
    errors = {key: error for table in tables.values() for key, error in table.errors().items()}
    return ChosenBaseline(measured_baseline(saved.name, run.who, saved.name, errors), tables, saved)
