"""``.eval_results/*.yaml`` for a model's repository, where the Hub looks for its scores.

References
----------
.. [1] https://huggingface.co/docs/hub/eval-results
"""

from __future__ import annotations

import yaml

from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.result import Result

__all__ = ["MODEL_EVAL_PATH", "model_eval_yaml"]

MODEL_EVAL_PATH = ".eval_results/medimeta-c.yaml"
"""In the model's repository."""


def model_eval_yaml(result: Result, benchmark_repo: str, source_url: str) -> str:
    """Return a model's ``.eval_results`` file: average accuracy by dataset, linked to the full result.

    Parameters
    ----------
    result : Result
        The numbers.
    benchmark_repo : str
        ORG/NAME of the benchmark's dataset repository, whose ``eval.yaml`` has a task of each dataset.
    source_url : str
        Where the full result is.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml  # noqa: PLC0415  (slow)

    entries = [
        EvalResultEntry(
            dataset_id=benchmark_repo,
            task_id=dataset,
            value=round(100 * summary.average_accuracy.value, 2),
            source_url=source_url,
            source_name="MediMeta-C result and predictions",
            notes=_notes(result, dataset, summary),
        )
        for dataset, summary in result.scores.datasets.items()
        if summary.average_accuracy.value is not None
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, width=100)


def _notes(result: Result, dataset: str, summary: Summary[Estimate]) -> str:
    images = "; phantoms, not medical images" if dataset in result.phantoms else ""
    base = result.meaningful_baseline
    prompts = f"; prompts {result.run.prompts.name}" if result.run.prompts else ""
    mce = "" if base is None else f", mCE {_percent(summary.mce)} over {base.name} ({base.model})"
    return (
        f"top-1 accuracy in %, mean over {len(summary.ce)} corruptions and {len(result.scope.severities)} "
        f"severities{images}; clean {_percent(summary.clean_accuracy)}{mce}{prompts}"
    )


def _percent(one: Estimate) -> str:
    return "undefined" if one.value is None else f"{100 * one.value:.1f}"
