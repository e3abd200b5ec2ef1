"""MediMeta-C: a corruption-robustness benchmark for medical vision-language models."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from medimeta_c.errors import importing_models

if TYPE_CHECKING:
    from medimeta_c.benchmark import Benchmark, open_benchmark
    from medimeta_c.building.build import BuildConfig, build
    from medimeta_c.evaluation import EvaluateConfig, evaluate
    from medimeta_c.finetuning import FinetuneConfig, finetune
    from medimeta_c.records import SetKey
    from medimeta_c.verification import verify

__version__ = "0.1.0"

# Names are resolved on first use, so that importing the package (and `medimeta-c --help`) stays fast.
_EXPORTS = {
    "build": "medimeta_c.building.build",
    "BuildConfig": "medimeta_c.building.build",
    "open_benchmark": "medimeta_c.benchmark",
    "Benchmark": "medimeta_c.benchmark",
    "verify": "medimeta_c.verification",
    "evaluate": "medimeta_c.evaluation",
    "EvaluateConfig": "medimeta_c.evaluation",
    "finetune": "medimeta_c.finetuning",
    "FinetuneConfig": "medimeta_c.finetuning",
    "SetKey": "medimeta_c.records",
}

__all__ = [
    "Benchmark",
    "BuildConfig",
    "EvaluateConfig",
    "FinetuneConfig",
    "SetKey",
    "__version__",
    "build",
    "evaluate",
    "finetune",
    "open_benchmark",
    "verify",
]


if not TYPE_CHECKING:  # to a type checker, a name that is not imported above is a mistake

    def __getattr__(name):
        if name in _EXPORTS:
            with importing_models(f"medimeta_c.{name}"):
                return getattr(import_module(_EXPORTS[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
