"""What a run leaves beside its checkpoint: adapters that can be loaded, the log, the card."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from medimeta_c.finetuning.facts import Facts
from medimeta_c.finetuning.fewshot import write_few_shot
from medimeta_c.finetuning.modelcard import render_model_card
from medimeta_c.finetuning.state import EpochRecord, Progress, TrainingState
from medimeta_c.io.files import write_atomic
from medimeta_c.lora.adapterfile import write_adapter
from medimeta_c.lora.adapters import Adapters, AdapterState
from medimeta_c.lora.record import FewshotRecord, SelectionRecord, TrainingRecord

__all__ = ["CARD_NAME", "CSV_NAME", "LAST", "LOG_NAME", "write_last", "write_log", "write_outputs"]

LOG_NAME = "training.jsonl"
CSV_NAME = "training.csv"
LAST = "last"
"""Folder of the last epoch's adapter, in the run's folder."""
CARD_NAME = "README.md"

_BEST_RULE = "highest validation accuracy, the first where several are equal"
_LAST_RULE = "the last whole epoch"
_METRIC = "mean over datasets of top-1 accuracy"


def write_log(out: Path, progress: Progress) -> None:
    """Write ``training.jsonl`` and ``training.csv``, a line an epoch, those before an interruption too."""
    lines = "".join(f"{one.model_dump_json()}\n" for one in progress.epochs)
    write_atomic(out / LOG_NAME, lines.encode())
    write_atomic(out / CSV_NAME, _csv(progress.epochs).encode())


def _csv(epochs: Sequence[EpochRecord]) -> str:
    """Return the same as a table, a column for each dataset's validation accuracy; what is None is empty."""
    rows = []
    for epoch in epochs:
        values = epoch.model_dump(mode="json", exclude={"val_accuracy_of"})
        rows.append(values | {f"val_accuracy.{name}": one for name, one in epoch.val_accuracy_of.items()})
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def write_last(out: Path, facts: Facts, adapters: Adapters, state: TrainingState) -> Path:
    """Write the adapter of the last whole epoch into ``last/``; return that folder."""
    folder = out / LAST
    _write(folder, facts, adapters, state.last, _selection(state.progress.last, _LAST_RULE))
    write_few_shot(folder, facts.few_shot)
    return folder


def write_outputs(out: Path, facts: Facts, adapters: Adapters, state: TrainingState) -> None:
    """Write what a finished run leaves: the best adapter, the last one, and the card."""
    write_last(out, facts, adapters, state)
    write_log(out, state.progress)
    best = state.progress.best
    card = render_model_card(facts, adapters.report(), state.progress)
    write_atomic(out / CARD_NAME, card.encode())
    _write(out, facts, adapters, state.best, _selection(best, _BEST_RULE))


def _write(
    folder: Path, facts: Facts, adapters: Adapters, weights: AdapterState, selection: SelectionRecord
) -> None:
    adapters.load_state_dict(weights)
    write_adapter(folder, adapters, _training(facts, selection))


def _selection(epoch: EpochRecord, rule: str) -> SelectionRecord:
    return SelectionRecord(
        rule=rule, split="val", metric=_METRIC, value=epoch.val_accuracy, epoch=epoch.epoch
    )


def _training(facts: Facts, selection: SelectionRecord) -> TrainingRecord:
    run, few_shot = facts.run, facts.few_shot
    settings = run.model_dump(
        mode="json",
        include={
            "temperature",
            "epochs",
            "lr",
            "schedule",
            "batch_size",
            "patience",
            "precision",
            "package_version",
        },
    )
    return TrainingRecord(
        fewshot=FewshotRecord(
            fraction=few_shot.fraction,
            seed=few_shot.seed,
            images={name: len(ids) for name, ids in few_shot.ids.items()},
            ids_sha256=few_shot.digest,
        ),
        datasets=run.datasets,
        prompts=facts.prompts,
        augmented=run.augment,
        selection=selection,
        settings={"optimiser": "Adam", **settings},
    )
