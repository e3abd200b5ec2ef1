"""MediMeta-C: a corruption-robustness benchmark for medical vision-language models."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError, MediMetaError, importing_models

if TYPE_CHECKING:
    from medimeta_c.building.build import BuildConfig, BuildReport, build
    from medimeta_c.building.checks.report import VerificationReport
    from medimeta_c.building.corrupt_files import corrupt_files
    from medimeta_c.building.medimetac.importing import MedimetacConfig, import_medimetac
    from medimeta_c.building.medmnistc.importing import ImportConfig, import_medmnistc
    from medimeta_c.building.merge import merge
    from medimeta_c.building.verification import verify
    from medimeta_c.finetuning import FinetuneConfig, FinetuneReport, finetune
    from medimeta_c.format.benchmark import Benchmark, open_benchmark
    from medimeta_c.format.keys import SetKey
    from medimeta_c.format.views.image_set import ImageSet, Sample
    from medimeta_c.hub.push import push
    from medimeta_c.hub.request import PushConfig, PushReport
    from medimeta_c.models import load_model
    from medimeta_c.models.wrapping import wrap
    from medimeta_c.probing import ProbeConfig, Probes, probe
    from medimeta_c.results.comparison import Comparison, compare
    from medimeta_c.results.folder.saved import SavedResult
    from medimeta_c.results.folder.saved import read_saved as read_result
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.evaluation import evaluate
    from medimeta_c.scoring.given import PredictionsConfig, score_predictions
    from medimeta_c.scoring.jobs.merging import merge_results
    from medimeta_c.scoring.sweep import sweep
    from medimeta_c.scoring.torch_dataset import TorchDataset
    from medimeta_c.sources.pictures import read_image
    from medimeta_corruptions import CORRUPTIONS, corrupt

# Names are resolved on first use, so that importing the package (and `medimeta-c --help`) stays fast.
_PLACES = {
    "medimeta_c.building.build": ("build", "BuildConfig", "BuildReport"),
    "medimeta_c.building.checks.report": ("VerificationReport",),
    "medimeta_c.building.corrupt_files": ("corrupt_files",),
    "medimeta_c.building.medmnistc.importing": ("import_medmnistc", "ImportConfig"),
    "medimeta_c.building.medimetac.importing": ("import_medimetac", "MedimetacConfig"),
    "medimeta_c.building.merge": ("merge",),
    "medimeta_c.building.verification": ("verify",),
    "medimeta_c.finetuning": ("finetune", "FinetuneConfig", "FinetuneReport"),
    "medimeta_c.format.benchmark": ("open_benchmark", "Benchmark"),
    "medimeta_c.format.keys": ("SetKey",),
    "medimeta_c.format.views.image_set": ("ImageSet", "Sample"),
    "medimeta_c.hub.push": ("push",),
    "medimeta_c.hub.request": ("PushConfig", "PushReport"),
    "medimeta_c.models": ("load_model",),
    "medimeta_c.models.wrapping": ("wrap",),
    "medimeta_c.probing": ("probe", "ProbeConfig", "Probes"),
    "medimeta_c.results.comparison": ("compare", "Comparison"),
    "medimeta_c.results.folder.saved": ("read_saved", "SavedResult"),
    "medimeta_c.scoring.config": ("EvaluateConfig",),
    "medimeta_c.scoring.evaluation": ("evaluate",),
    "medimeta_c.scoring.jobs.merging": ("merge_results",),
    "medimeta_c.scoring.given": ("score_predictions", "PredictionsConfig"),
    "medimeta_c.scoring.sweep": ("sweep",),
    "medimeta_c.scoring.torch_dataset": ("TorchDataset",),
    "medimeta_c.sources.pictures": ("read_image",),
    "medimeta_corruptions": ("corrupt", "CORRUPTIONS"),
}
_RENAMED = {"read_saved": "read_result"}  # inside, `read_result` is of the numbers alone
_EXPORTS = {
    _RENAMED.get(name, name): f"{module}:{name}" for module, names in _PLACES.items() for name in names
}

__all__ = [
    "CORRUPTIONS",
    "Benchmark",
    "BuildConfig",
    "BuildReport",
    "Comparison",
    "ConfigError",
    "EvaluateConfig",
    "FinetuneConfig",
    "FinetuneReport",
    "ImageSet",
    "ImportConfig",
    "MediMetaError",
    "MedimetacConfig",
    "PredictionsConfig",
    "ProbeConfig",
    "Probes",
    "PushConfig",
    "PushReport",
    "Sample",
    "SavedResult",
    "SetKey",
    "TorchDataset",
    "VerificationReport",
    "__version__",
    "build",
    "compare",
    "corrupt",
    "corrupt_files",
    "evaluate",
    "finetune",
    "import_medimetac",
    "import_medmnistc",
    "load_model",
    "merge",
    "merge_results",
    "open_benchmark",
    "probe",
    "push",
    "read_image",
    "read_result",
    "score_predictions",
    "sweep",
    "verify",
    "wrap",
]


if not TYPE_CHECKING:  # to a type checker, a name that is not imported above is a mistake

    def __getattr__(name):
        if name in _EXPORTS:
            with importing_models(f"medimeta_c.{name}"):
                return resolve_name(_EXPORTS[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
