"""What is known of a run before it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.fewshot import FewShot
from medimeta_c.finetuning.state import RunRecord
from medimeta_c.models import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.sources.contract import SourceInfo

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """A run before it trains: what the adapter's record and the card say, beside its epochs.

    Parameters
    ----------
    config : FinetuneConfig
        What was asked.
    run : RunRecord
        What the weights depend on, nothing left to defaults.
    base : ModelIdentity
        The model adapted.
    few_shot : FewShot
        The images trained on.
    prompts : PromptsRecord
        The texts of every class.
    infos : mapping of str to SourceInfo
        The datasets.
    """

    config: FinetuneConfig
    run: RunRecord
    base: ModelIdentity
    few_shot: FewShot
    prompts: PromptsRecord
    infos: Mapping[str, SourceInfo]
