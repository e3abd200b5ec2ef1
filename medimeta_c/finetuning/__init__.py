"""Few-shot fine-tuning of a model's image encoder with low-rank adapters, as in RobustMedCLIP."""

from medimeta_c.finetuning.ablation import AblationConfig, ablate
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.run import FinetuneReport, finetune
from medimeta_c.finetuning.training import FinetuneProgress
from medimeta_c.results.ablation import Ablation

__all__ = [
    "Ablation",
    "AblationConfig",
    "FinetuneConfig",
    "FinetuneProgress",
    "FinetuneReport",
    "ablate",
    "finetune",
]
