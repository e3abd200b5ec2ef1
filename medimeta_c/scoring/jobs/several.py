"""Evaluate in several processes at the same time: on devices of this machine, or on workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.io.progress import following
from medimeta_c.io.records import is_yaml
from medimeta_c.io.settings import as_path
from medimeta_c.models import AnyModel
from medimeta_c.results.baseline_choice import NO_BASELINE, PUBLISHED
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.devices import require_devices, workers_of_each
from medimeta_c.scoring.jobs.cluster import on_workers
from medimeta_c.scoring.jobs.processes import Evaluate, in_processes
from medimeta_c.scoring.jobs.progress import JobProgress

__all__ = ["evaluate_in_several"]


def evaluate_in_several(
    evaluate: Evaluate[EvaluateConfig],
    config: EvaluateConfig,
    model: AnyModel | None,
    *,
    on_progress: Callable[[JobProgress], None] | None,
    progress: bool,
) -> SavedResult:
    """Evaluate in a process on each of several devices, or on each worker of a cluster, into one result.

    Parameters
    ----------
    evaluate : callable
        What each process calls, with a configuration of its own; of a module, so that it can be imported.
    config : EvaluateConfig
        With devices, or with a scheduler.
    model : a model, or None
        The model itself, which is refused: other processes do not have it.
    on_progress, progress
        As `medimeta_c.scoring.evaluation.evaluate` has them.

    Raises
    ------
    ConfigError
        If the model is an object, a device is not here, or no scheduler answers.
    WorkerError
        If a process died.
    MediMetaError
        Whatever one of the processes raised first.
    """
    if model is not None or not isinstance(config.model, str):
        raise ConfigError(
            "several processes need the name of a model, and the model given is an object of this process",
            remedy=[Remedy("give the spec of the model"), Remedy("leave out {devices} and {engine}")],
        )
    if config.scheduler is None:
        require_devices(config.devices)
    with following(on_progress, progress, "images", lambda now: now.view) as tell:
        if config.scheduler is not None:
            return on_workers(evaluate, _absolute(config), config.scheduler, tell)
        return in_processes(evaluate, _one_each(config), config.devices, tell)


def _one_each(config: EvaluateConfig) -> list[EvaluateConfig]:
    """Return a configuration for each device."""
    count = len(config.devices)
    return [
        replace(config, device=name, devices=(), workers=workers_of_each(name, config.workers, count))
        for name in config.devices
    ]


def _absolute(config: EvaluateConfig) -> EvaluateConfig:
    """Return a configuration for other processes: files and folders by their whole paths."""

    def whole(text: str) -> str:
        return str(Path(text).absolute()) if Path(text).exists() else text

    def whole_file(text: str) -> str:
        return whole(text) if is_yaml(Path(text)) else text

    is_named = config.baseline in (NO_BASELINE, PUBLISHED)
    return replace(
        config,
        engine="local",
        scheduler=None,
        out=as_path(str(config.out), "out").absolute(),
        benchmark=whole(config.benchmark),
        baseline=config.baseline if is_named else whole(config.baseline),
        prompts=whole_file(config.prompts),
        prompts_sweep=None if config.prompts_sweep is None else whole_file(config.prompts_sweep),
    )
