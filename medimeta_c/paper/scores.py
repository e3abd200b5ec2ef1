"""Rows of the paper's tables: a model on a dataset, a fine-tuned variant at a share of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FewShotScore", "ModelScores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScores:
    """One model on one dataset: a row of the paper's Tables 2 and 3. Numbers are in percent.

    Parameters
    ----------
    collection, dataset, model : str
        What was scored on, and which model.
    clean_accuracy, average_accuracy : float or None
        Top-1 accuracy on clean images, and its mean over severities and corruptions.
    accuracy : mapping of str to float or None
        Top-1 accuracy by corruption, the mean over severities.
    clean_error, mce : float or None
        Errors in percent of the baseline's; None without one.
    ce : mapping of str to float or None
        By corruption.
    backbone : str
        The image encoder, where known.
    baseline : str
        What errors are divided by, as captions name it; empty without one.
    """

    collection: str
    dataset: str
    model: str
    clean_accuracy: float | None
    accuracy: Mapping[str, float | None]
    average_accuracy: float | None
    clean_error: float | None
    ce: Mapping[str, float | None]
    mce: float | None
    backbone: str = ""
    baseline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShotScore:
    """One fine-tuned variant at one share of its training images: a row of the paper's Table 6.

    Parameters
    ----------
    variant : str
        The model that was tuned.
    percent : float
        Share of a split, in percent; 0 is the model before tuning.
    clean_accuracy, clean_error, corruption_accuracy, mce : float or None
        In percent; means over seeds.
    spread : mapping of str to float
        Sample standard deviations over seeds by the names above, where there are several.
    train_hours, total_params_m, trainable_percent : float or None
        Cost.
    split : str, optional
        The split that the share is of.
    """

    variant: str
    percent: float
    clean_accuracy: float | None
    clean_error: float | None
    corruption_accuracy: float | None
    mce: float | None
    spread: Mapping[str, float]
    train_hours: float | None
    total_params_m: float | None
    trainable_percent: float | None
    split: str = "train"
