"""Output files of a run beside its checkpoint: adapters, log and model card."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from medimeta_c.finetuning.fewshot import FewShot, write_few_shot
from medimeta_c.finetuning.state import EpochRecord, Progress, RunRecord, TrainingState
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.io.files import write_atomic
from medimeta_c.io.markdown import environment
from medimeta_c.io.templating import templates_folder
from medimeta_c.lora.adapterfile import write_adapter
from medimeta_c.lora.adapters import Adapters, AdapterState
from medimeta_c.lora.record import FewshotRecord, SelectionRecord, TrainingRecord
from medimeta_c.models import ModelIdentity
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.sources import family

__all__ = ["CARD_NAME", "CSV_NAME", "LAST", "LOG_NAME", "Outputs"]

LOG_NAME = "training.jsonl"
CSV_NAME = "training.csv"
LAST = "last"
"""Folder of the last epoch's adapter, in the run's folder."""
CARD_NAME = "README.md"

_TEMPLATE = "model_card.md.jinja"
_HUB_PREFIXES = ("hf-hub:", "transformers:", "flair:")
_BEST_RULE = "highest validation accuracy, the first where several are equal"
_LAST_RULE = "the last whole epoch"
_METRIC = "mean over datasets of top-1 accuracy"
_SETTINGS = {
    *("temperature", "epochs", "lr", "schedule", "batch_size", "patience", "precision", "package_version")
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """A run, and the files that describe it.

    Parameters
    ----------
    out : Path
        The run's folder.
    run : RunRecord
        What the weights depend on, nothing left to defaults.
    adapters : Adapters
        On their model.
    few_shot : FewShot
        The images trained on.
    prompts : PromptsRecord
        The texts of every class.
    infos : mapping of str to DatasetInfo
        The datasets.
    """

    out: Path
    run: RunRecord
    adapters: Adapters
    few_shot: FewShot
    prompts: PromptsRecord
    infos: Mapping[str, DatasetInfo]

    def write_log(self, progress: Progress) -> None:
        """Write ``training.jsonl`` and ``training.csv``, a line an epoch, all epochs of the run.

        The table has a column for each dataset's validation accuracy; what is None is empty.
        """
        lines = "".join(f"{epoch.model_dump_json()}\n" for epoch in progress.epochs)
        write_atomic(self.out / LOG_NAME, lines.encode())
        rows = []
        for epoch in progress.epochs:
            values = epoch.model_dump(mode="json", exclude={"val_accuracy_of"})
            of_datasets = {f"val_accuracy.{name}": one for name, one in epoch.val_accuracy_of.items()}
            rows.append(values | of_datasets)
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_atomic(self.out / CSV_NAME, text.getvalue().encode())

    def write_last(self, state: TrainingState) -> Path:
        """Write the adapter of the last whole epoch into ``last/``; return that folder."""
        folder = self.out / LAST
        self._write_adapter(folder, state.last, state.progress.last, _LAST_RULE)
        write_few_shot(folder, self.few_shot)
        return folder

    def write(self, state: TrainingState) -> None:
        """Write what a finished run leaves: the best adapter, the last one, and the card."""
        self.write_last(state)
        self.write_log(state.progress)
        write_atomic(self.out / CARD_NAME, self._card(state.progress).encode())
        self._write_adapter(self.out, state.best, state.progress.best, _BEST_RULE)

    def _write_adapter(self, folder: Path, weights: AdapterState, epoch: EpochRecord, rule: str) -> None:
        self.adapters.load_state_dict(weights)
        training = TrainingRecord(
            fewshot=FewshotRecord(
                split=self.few_shot.split,
                fraction=self.few_shot.fraction,
                seed=self.few_shot.seed,
                images={name: len(ids) for name, ids in self.few_shot.ids.items()},
                ids_sha256=self.few_shot.digest,
            ),
            datasets=self.run.datasets,
            prompts=self.prompts,
            augmented=self.run.augment,
            augmented_by=self.run.augment_suite,
            selection=SelectionRecord(
                rule=rule, split="val", metric=_METRIC, value=epoch.val_accuracy, epoch=epoch.epoch
            ),
            settings={"optimiser": "Adam", **self.run.model_dump(mode="json", include=_SETTINGS)},
        )
        write_adapter(folder, self.adapters, training)

    def _card(self, progress: Progress) -> str:
        """Return the model card: YAML header and Markdown body. Text that comes from datasets is escaped."""
        base, prompts = self.adapters.base, self.prompts.name
        phantoms = [name for name, info in self.infos.items() if family(info.kind).synthetic]
        body = (
            environment(templates_folder())
            .get_template(_TEMPLATE)
            .render(
                run=self.run,
                base=base,
                base_name=_base_name(base),
                size=self.adapters.report(),
                few_shot=self.few_shot,
                prompts=prompts,
                prompts_option=prompts if prompts in PROMPTS else "PROMPTS_FILE",
                infos=self.infos,
                progress=progress,
                phantoms=phantoms,
            )
        )
        values: dict[str, Any] = {
            "library_name": "medimeta-c",
            "pipeline_tag": "zero-shot-image-classification",
            "tags": ["lora", "medical", "medimeta-c", "robustness", *(["synthetic"] if phantoms else [])],
        }
        prefix = next((one for one in _HUB_PREFIXES if base.revision and base.spec.startswith(one)), None)
        if prefix is not None:
            values["base_model"] = base.spec.removeprefix(prefix).partition("@")[0]
        return f"---\n{ModelCardData(**values).to_yaml()}\n---\n\n{body}"


def _base_name(base: ModelIdentity) -> str:
    """Return what the base is called, without the folders of whoever trained."""
    if base.revision:
        return base.spec
    place = (base.spec.partition(":")[2] or base.spec).replace("\\", "/").rstrip("/")
    return f"{base.family} {place.rpartition('/')[2]}"
