"""``eval.yaml``, which makes the Hub treat a dataset repository as a benchmark, and the names of its tasks.

References
----------
.. [1] https://huggingface.co/docs/hub/eval-results
"""

from __future__ import annotations

import yaml

from medimeta_c.format.display import title_of
from medimeta_c.format.manifest.records import Manifest

__all__ = ["EVAL_NAME", "benchmark_eval_yaml", "benchmark_name"]

EVAL_NAME = "eval.yaml"
"""At the root of the benchmark's repository."""

_FRAMEWORK = "medimeta-c"
_SPLIT = "test"  # what `medimeta-c evaluate` scores


def benchmark_eval_yaml(manifest: Manifest) -> str | None:
    """Return ``eval.yaml``: one task a dataset, which is also the configuration that loads it.

    Parameters
    ----------
    manifest : Manifest
        What was built.

    Returns
    -------
    str or None
        YAML; None if no test split was built, so that there is no task.
    """
    scored = {record.dataset for record in manifest.sets if record.split == _SPLIT}
    tasks = [
        {"id": record.dataset, "config": record.dataset, "split": _SPLIT}
        for record in manifest.datasets
        if record.dataset in scored
    ]
    if not tasks:
        return None
    values = {
        "name": benchmark_name(manifest),
        "description": "Robustness of medical vision-language models to image corruptions. The value of a "
        "task is top-1 accuracy in percent, the mean over corruptions of the mean over severities.",
        "evaluation_framework": _FRAMEWORK,
        "tasks": tasks,
    }
    return yaml.safe_dump(values, sort_keys=False, width=100)


def benchmark_name(manifest: Manifest) -> str:
    """Return the title and version of what was built; what was imported has no version of ours."""
    protocol = manifest.protocol
    return title_of(manifest) + ("" if protocol.imported else f" {protocol.benchmark_version}")
