"""MediMeta-C: a corruption-robustness benchmark for medical vision-language models."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from medimeta_c._version import __version__
from medimeta_c.errors import importing_models

if TYPE_CHECKING:
    from medimeta_c.building.build import BuildConfig, build
    from medimeta_c.building.verification import verify
    from medimeta_c.finetuning import FinetuneConfig, finetune
    from medimeta_c.format.benchmark import Benchmark, open_benchmark
    from medimeta_c.format.keys import SetKey
    from medimeta_c.scoring.evaluation import EvaluateConfig, evaluate
    from medimeta_c.sources.pictures import read_image

# Names are resolved on first use, so that importing the package (and `medimeta-c --help`) stays fast.
_EXPORTS = {
    "build": "medimeta_c.building.build",
    "BuildConfig": "medimeta_c.building.build",
    "open_benchmark": "medimeta_c.format.benchmark",
    "Benchmark": "medimeta_c.format.benchmark",
    "verify": "medimeta_c.building.verification",
    "evaluate": "medimeta_c.scoring.evaluation",
    "EvaluateConfig": "medimeta_c.scoring.evaluation",
    "finetune": "medimeta_c.finetuning",
    "FinetuneConfig": "medimeta_c.finetuning",
    "SetKey": "medimeta_c.format.keys",
    "read_image": "medimeta_c.sources.pictures",
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
    "read_image",
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
