"""Run the paper's few-shot ablation: several fractions and seeds, with the spread over seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, ResultError
from medimeta_c.finetuning.ablationtable import TABLE_NAME, write_ablation
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.fewshot import check_fraction, draw_few_shot
from medimeta_c.finetuning.run import FinetuneReport, finetune, open_sources
from medimeta_c.finetuning.state import refuse_foreign
from medimeta_c.finetuning.training import FinetuneProgress
from medimeta_c.format.keys import check_distinct
from medimeta_c.io.settings import (
    OptionalTextOrPath,
    Several,
    TextOrPath,
    default,
    require_kind,
    required,
    settle,
)
from medimeta_c.lora.robustmedclip import adapted_spec
from medimeta_c.results.ablation import ABLATION_NAME, Ablation, AblationRun, Scored
from medimeta_c.results.baseline_choice import NO_BASELINE, PUBLISHED
from medimeta_c.results.result import Result
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate
from medimeta_c.scoring.jobs.progress import JobProgress

__all__ = ["AblationConfig", "ablate", "run_folder"]

_RESULTS = "results"
_FRACTION = "fewshot-"


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationConfig:
    """Which runs, and what their adapters are scored on.

    Parameters
    ----------
    run : FinetuneConfig
        What all runs share; its `out` is the folder of the ablation, its fraction and seed are not used.
    fractions : float, or several
        Shares of the splits drawn from.
    seeds : int, or several
        One run for each, at every fraction.
    benchmark : str or path, optional
        A built benchmark, directory or ``ORG/NAME``, on whose test split the base model and every adapter are
        scored; by default nothing is scored.
    baseline : str or path, optional
        What CE divides by; see `medimeta_c.scoring.config.EvaluateConfig`.

    Raises
    ------
    ConfigError
        If a fraction or seed is not valid, missing or given twice.
    """

    run: FinetuneConfig
    fractions: Several[float] = required()
    seeds: Several[int] = required()
    benchmark: OptionalTextOrPath = default(None)
    baseline: TextOrPath = default(PUBLISHED)

    def __post_init__(self) -> None:
        settle(self)
        for name, values in (("fraction", self.fractions), ("seed", self.seeds)):
            check_distinct(name, values)
        for fraction in self.fractions:
            check_fraction(fraction)
        if min(self.seeds) < 0:
            raise ConfigError(f"seed {min(self.seeds)} is negative: use 0 or more")

    def runs(self) -> list[FinetuneConfig]:
        """Return the configuration of every run, fraction by fraction."""
        return [
            replace(self.run, fraction=fraction, seed=seed, out=self.run.out / run_folder(fraction, seed))
            for fraction in self.fractions
            for seed in self.seeds
        ]


def run_folder(fraction: float, seed: int) -> str:
    """Return a run's folder in the ablation's.

    Examples
    --------
    >>> run_folder(0.01, 2)
    'fewshot-0.01/seed-2'
    """
    return f"{_FRACTION}{fraction!r}/seed-{seed}"


def ablate(
    config: AblationConfig,
    *,
    on_progress: Callable[[str, FinetuneProgress | JobProgress], None] | None = None,
) -> Ablation:
    """Fine-tune once for each fraction and seed, and score each adapter if a benchmark is given.

    Finished runs and finished cells are kept: call it again to resume an interrupted ablation.

    Parameters
    ----------
    config : AblationConfig
        Which runs, and what on.
    on_progress : callable, optional
        Called with the name of the run in work and its progress.

    Returns
    -------
    Ablation
        Also written, as ``ablation.json`` and ``ablation.md``, into the ablation's folder.

    Raises
    ------
    ResultError
        If the folder holds something else.
    MediMetaError
        As `finetune` and `evaluate` raise them.
    """
    require_kind(config, AblationConfig, "ablate")
    tell = on_progress or (lambda name, progress: None)
    refuse_foreign(config.run.out, "ablation", _RESULTS, ABLATION_NAME, TABLE_NAME, f"{_FRACTION}*")
    wanted = config.runs()
    sources = open_sources(config.run)
    # What cannot be trained on is refused here, before the base model is scored for hours.
    draw_few_shot(sources, fraction=wanted[0].fraction, seed=wanted[0].seed, split=config.run.draw_from)
    datasets = tuple(sources)
    base = _score(config, datasets, config.run.model, config.run.out, partial(tell, "base model"))
    runs = []
    for one in wanted:
        name = one.out.relative_to(config.run.out).as_posix()
        report = finetune(one, on_progress=partial(tell, name))
        adapted = _score(config, datasets, adapted_spec(one.out, one.model), one.out, partial(tell, name))
        runs.append(_record(name, one, report, adapted))
    ablation = Ablation(
        model=config.run.model,
        datasets=datasets,
        benchmark=None if base is None else base.run.benchmark.name,
        baseline=None if base is None else _divisor(base),
        base=_scored(base),
        runs=tuple(runs),
        draw_from=config.run.draw_from,
    )
    write_ablation(config.run.out, ablation)
    return ablation


def _score(
    config: AblationConfig,
    datasets: tuple[str, ...],
    model: str,
    folder: Path,
    on_progress: Callable[[JobProgress], None],
) -> Result | None:
    """Evaluate a model on the datasets that were trained on; None without a benchmark."""
    if config.benchmark is None:
        return None
    request = EvaluateConfig(
        model=model,
        benchmark=config.benchmark,
        datasets=datasets,
        baseline=config.baseline,
        prompts=config.run.prompts,
        out=folder / _RESULTS,
        device=config.run.device,
        workers=-1,
    )
    saved = evaluate(request, on_progress=on_progress)
    others = [entry.dataset for entry in saved.result.run.benchmark.datasets if entry.dataset not in datasets]
    if others:  # an evaluation keeps what its folder holds, and its means are over all of it
        raise ResultError(
            f"{saved.path} also holds scores on {', '.join(others)}, which are not part of this ablation",
            remedy=Remedy("choose another {out}"),
        )
    return saved.result


def _divisor(result: Result) -> str:
    return NO_BASELINE if result.meaningful_baseline is None else result.meaningful_baseline.name


def _scored(result: Result | None) -> Scored | None:
    return None if result is None else Scored.of(result)


def _record(name: str, config: FinetuneConfig, report: FinetuneReport, result: Result | None) -> AblationRun:
    return AblationRun(
        folder=name,
        fraction=config.fraction,
        seed=config.seed,
        images=len(report.few_shot),
        trainable_parameters=report.size.trainable_parameters,
        total_parameters=report.size.total_parameters,
        hours=report.progress.seconds / 3600,
        val_accuracy=report.progress.best.val_accuracy,
        scored=_scored(result),
    )
