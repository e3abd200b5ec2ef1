"""The Hub's own evaluation files: a benchmark's ``eval.yaml``, and ``.eval_results/*.yaml`` of a model.

References
----------
.. [1] https://huggingface.co/docs/hub/eval-results
"""

from __future__ import annotations

import yaml

from medimeta_c.errors import PublishError
from medimeta_c.manifest import Manifest
from medimeta_c.results.result import Result
from medimeta_c.results.score_records import Estimate

__all__ = ["EVAL_NAME", "MODEL_EVAL_PATH", "benchmark_eval_yaml", "model_eval_yaml"]

EVAL_NAME = "eval.yaml"
"""At the root of the benchmark's repository."""
MODEL_EVAL_PATH = ".eval_results/medimeta-c.yaml"
"""In the model's repository."""

_FRAMEWORK = "medimeta-c"


def benchmark_eval_yaml(manifest: Manifest, split: str = "test") -> str:
    """Return ``eval.yaml``: one task a dataset, which is also the configuration that loads it.

    Parameters
    ----------
    manifest : Manifest
        What was built.
    split : str
        The split scored.
    """
    datasets = [
        record.dataset
        for record in manifest.datasets
        if any((one.dataset, one.split) == (record.dataset, split) for one in manifest.sets)
    ]
    return yaml.safe_dump(
        {
            "name": f"MediMeta-C {manifest.protocol.benchmark_version}",
            "description": "Robustness of medical vision-language models to image corruptions. The value of "
            "a task is top-1 accuracy in percent, the mean over corruptions of the mean over severities.",
            "evaluation_framework": _FRAMEWORK,
            "tasks": [{"id": name, "config": name, "split": split} for name in datasets],
        },
        sort_keys=False,
        width=100,
    )


def model_eval_yaml(result: Result, benchmark_repo: str, source_url: str, revision: str | None = None) -> str:
    """Return a model's ``.eval_results`` file: average accuracy by dataset, linked to the full result.

    Parameters
    ----------
    result : Result
        The numbers.
    benchmark_repo : str
        ORG/NAME of the benchmark's dataset repository.
    source_url : str
        Where the full result is.
    revision : str, optional
        Commit of the benchmark.

    Raises
    ------
    PublishError
        If the installed huggingface_hub does not know the format.
    """
    try:
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml  # noqa: PLC0415  (slow)
    except ImportError as error:
        raise PublishError(
            "the installed huggingface_hub does not know .eval_results files: pip install --upgrade "
            "huggingface_hub"
        ) from error
    entries = [
        EvalResultEntry(
            dataset_id=benchmark_repo,
            task_id=dataset,
            value=round(100 * summary.average_accuracy.value, 2),
            dataset_revision=revision,
            source_url=source_url,
            source_name="MediMeta-C result and predictions",
            notes=f"top-1 accuracy in %, mean over {len(summary.ce)} corruptions and "
            f"{len(result.scope.severities)} severities; clean {_percent(summary.clean_accuracy)}, "
            f"mCE {_percent(summary.mce)}; prompts {result.run.prompts.name}",
        )
        for dataset, summary in result.scores.datasets.items()
        if summary.average_accuracy.value is not None
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, width=100)


def _percent(one: Estimate) -> str:
    return "undefined" if one.value is None else f"{100 * one.value:.1f}"
