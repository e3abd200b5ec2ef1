"""The scores the paper prints, which ship with the package."""

from __future__ import annotations

import csv
from importlib import resources

from medimeta_c.format.suites import CORE
from medimeta_c.paper.scores import DatasetRow, FewShotScore, ModelScores

__all__ = ["published_datasets", "published_fewshot", "published_scores"]

_BASELINE = "CLIP ViT-B/16"
_FEWSHOT = ("MediMeta-C", "pbc")
"""The collection and dataset of Table 6."""


def published_datasets() -> tuple[DatasetRow, ...]:
    """Return the datasets of the paper's Tables 1, 4 and 5, in their order."""
    return tuple(
        DatasetRow(
            collection=row["collection"],
            dataset=row["dataset"],
            modality=row["modality"],
            splits={name: int(row[name]) for name in ("train", "val", "test")},
            class_names=tuple(row["class_labels_as_printed"].split("; ")),
            note=row["note"],
        )
        for row in _paper("datasets.csv")
    )


def published_scores() -> tuple[ModelScores, ...]:
    """Return the paper's Tables 2 and 3, in their order."""
    modalities = _modalities()
    accuracies = {(row["dataset"], row["model"]): row for row in _paper("table3_accuracy.csv")}
    made = []
    for row in _paper("table2_ce_mce.csv"):
        other = accuracies[row["dataset"], row["model"]]
        made.append(
            ModelScores(
                collection=row["collection"],
                dataset=row["dataset"],
                model=row["model"],
                clean_accuracy=float(other["clean"]),
                accuracy={name: float(other[name]) for name in CORE.corruptions},
                average_accuracy=float(other["average_accuracy"]),
                clean_error=float(row["clean"]),
                ce={name: float(row[name]) for name in CORE.corruptions},
                mce=float(row["mce"]),
                baseline=_BASELINE,
                modality=modalities[row["dataset"]],
            )
        )
    return tuple(made)


def published_fewshot() -> tuple[FewShotScore, ...]:
    """Return the paper's Table 6, in its order; it is on PBC alone."""
    collection, dataset = _FEWSHOT
    return tuple(
        FewShotScore(
            variant=row["variant"],
            percent=float(row["fewshot_percent"]),
            clean_accuracy=float(row["clean_accuracy"]),
            clean_error=float(row["clean_error"]),
            corruption_accuracy=float(row["corruption_accuracy"]),
            mce=float(row["mce"]),
            spread={},
            train_hours=float(row["train_hours"]),
            total_params_m=float(row["total_params_m"]),
            trainable_percent=float(row["trainable_percent"]),
            collection=collection,
            dataset=dataset,
            modality=_modalities()[dataset],
        )
        for row in _paper("table6_fewshot.csv")
    )


def _modalities() -> dict[str, str]:
    return {row["dataset"]: row["modality"] for row in _paper("datasets.csv")}


def _paper(name: str) -> list[dict[str, str]]:
    file = resources.files("medimeta_c.paper").joinpath(name)
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
