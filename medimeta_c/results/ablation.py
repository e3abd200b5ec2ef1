"""``ablation.json``: every run of a few-shot ablation, and its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Document, Record, Since
from medimeta_c.results.result import Result

__all__ = ["ABLATION_NAME", "Ablation", "AblationRun", "Scored", "read_ablation"]

ABLATION_NAME = "ablation.json"


class Scored(Record):
    """A model's numbers over the benchmark's datasets, as fractions; None where undefined or meaningless."""

    clean_accuracy: float | None
    average_accuracy: float | None
    clean_error: float | None
    mce: float | None
    why_no_mce: str | None

    @classmethod
    def of(cls, result: Result, dataset: str | None = None) -> Scored:
        """Return the numbers of a result over all its datasets, or over one."""
        summary = result.scores.overall if dataset is None else result.scores.datasets[dataset]
        names = ("clean_accuracy", "average_accuracy", "clean_error", "mce")
        found = cls(**{name: getattr(summary, name).value for name in names}, why_no_mce=summary.mce.reason)
        flaw = None if result.baseline is None else result.baseline.flaw(phantoms=bool(result.phantoms))
        return found if flaw is None else found.undivided(flaw)

    def undivided(self, why: str | None) -> Scored:
        """Return the same without what was divided by a baseline."""
        return self.model_copy(update={"clean_error": None, "mce": None, "why_no_mce": why})


class AblationRun(Record):
    """One run: a fraction and a seed."""

    folder: str
    fraction: float
    seed: int
    images: Annotated[int, Field(ge=1)]
    trainable_parameters: int
    total_parameters: Annotated[int, Field(ge=1)]
    hours: float
    val_accuracy: float
    scored: Scored | None


class Ablation(Document):
    """``ablation.json``.

    Attributes
    ----------
    benchmark, baseline : str or None
        What was scored on, and what CE divides by; None if nothing was scored.
    base : Scored or None
        The model before training.
    draw_from : str
        The split whose images were trained on.
    """

    model: str
    datasets: tuple[str, ...]
    benchmark: str | None
    baseline: str | None
    base: Scored | None
    runs: Annotated[tuple[AblationRun, ...], Field(min_length=1)]
    draw_from: Annotated[str, Since(2)] = "train"


def read_ablation(path: Path) -> Ablation:
    """Read an ablation's file, or that of its folder.

    Raises
    ------
    ResultError
        If it is missing or not such a file.
    """
    remedy = "give the folder that `medimeta-c finetune` wrote with several shares or seeds"
    return read_record(path / ABLATION_NAME if path.is_dir() else path, Ablation, remedy)
