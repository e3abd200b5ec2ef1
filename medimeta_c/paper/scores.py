"""Rows of the paper's tables: a dataset, a model on a dataset, a variant tuned on a share of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medimeta_c.results.assessment.standing import Mark

__all__ = ["DatasetRow", "FewShotScore", "ModelScores", "by_modality", "with_marks"]


def by_modality(modality: str, dataset: str) -> str:
    """Return what rows and axes call a dataset: its modality, with its id.

    Examples
    --------
    >>> by_modality("Cell Microscopy", "pbc"), by_modality("", "pbc")
    ('Cell Microscopy (pbc)', 'pbc')
    """
    return f"{modality} ({dataset})" if modality else dataset


def with_marks(model: str, marks: tuple[Mark, ...]) -> str:
    """Return a model's name with what sets its result apart from those that may be ranked.

    Examples
    --------
    >>> from medimeta_c.results.assessment.standing import LIMITED, PHANTOMS
    >>> with_marks("CLIP", (LIMITED, PHANTOMS)), with_marks("CLIP", ())
    ('CLIP (trial, phantoms)', 'CLIP')
    """
    return f"{model} ({', '.join(mark.label for mark in marks)})" if marks else model


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """One dataset: a row of the paper's Tables 1, 4 and 5.

    Parameters
    ----------
    collection, dataset, modality : str
        Where it belongs, its id, and what its images are.
    splits : mapping of str to int
        Images of each split.
    class_names : tuple of str
        In the order of the labels, or as printed.
    note : str
        What to know about these numbers.
    """

    collection: str
    dataset: str
    modality: str
    splits: Mapping[str, int]
    class_names: tuple[str, ...]
    note: str = ""


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
    modality : str
        Of the dataset's images.
    is_resnet50 : bool
        Whether the image encoder is a ResNet-50.
    marks : tuple of Mark
        What keeps the result from being ranked.
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
    modality: str = ""
    is_resnet50: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def subject(self) -> str:
        """What rows and axes call the dataset."""
        return by_modality(self.modality, self.dataset)


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
    collection, dataset, modality : str, optional
        What was scored on; the dataset is empty in means over several.
    marks : tuple of Mark, optional
        What keeps the results from being ranked.
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
    collection: str = ""
    dataset: str = ""
    modality: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def subject(self) -> str:
        """What rows and axes call the dataset; of means, that they are means."""
        return by_modality(self.modality, self.dataset) if self.dataset else "Mean over datasets"
