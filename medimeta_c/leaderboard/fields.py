"""The fields of a submission: what each must say, with an example, and whether it may stay blank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ADAPTATIONS", "FIELDS", "OVERLAPS", "TRAINING_KINDS", "FieldAsked", "blanks", "blanks_sentence"]

ADAPTATIONS = {
    "base": "as released, not trained for the benchmark",
    "few-shot": "adapted with a share of the benchmark's training images",
    "fine-tuned": "trained on the benchmark's training images",
}
TRAINING_KINDS = {
    "general": "images of all kinds",
    "medical": "medical images",
    "general-and-medical": "images of all kinds and medical ones",
}
OVERLAPS = {
    "none": "no image of the benchmark's sources was trained on",
    "train": "images of the benchmark's training splits were trained on",
    "test": "images of the benchmark's test splits were trained on",
    "unknown": "not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAsked:
    """One field of ``submission.yaml``.

    Parameters
    ----------
    name : str
        Its key, after that of its group and a dot.
    asks : str
        What to write, to follow "write".
    example : str
        A value as it stands in YAML.
    options : mapping of str to str
        The values allowed, each with its meaning; empty if it is free text.
    required : bool
        Whether it must be filled in.
    """

    name: str
    asks: str
    example: str
    options: Mapping[str, str] | None = None
    required: bool = True


FIELDS = (
    FieldAsked(name="name", asks="the model's name on the board, in one line", example="BiomedCLIP"),
    FieldAsked(name="organisation", asks="who made the model, in one line", example="Microsoft Research"),
    FieldAsked(
        name="contact",
        asks="a mail or web address for questions; it is not shown on the site",
        example="you@example.org",
    ),
    FieldAsked(
        name="third_party",
        asks="true if others than the model's makers submit it, else false",
        example="false",
    ),
    FieldAsked(
        name="submitted_by",
        asks="who submits it, only if third_party is true",
        example="Example Laboratory",
        required=False,
    ),
    FieldAsked(
        name="date",
        asks="the day of the evaluation, as YYYY-MM-DD in quotes",
        example='"2026-01-31"',
        required=False,
    ),
    FieldAsked(name="backbone", asks="the image encoder", example="ViT-B/16"),
    FieldAsked(
        name="adaptation",
        asks="how the model was adapted to the benchmark",
        example="base",
        options=ADAPTATIONS,
    ),
    FieldAsked(
        name="training_data.kind",
        asks="the kind of images that the weights were trained on",
        example="medical",
        options=TRAINING_KINDS,
    ),
    FieldAsked(
        name="training_data.description",
        asks="the training data, in one line",
        example="PMC-15M, figures and captions of biomedical articles",
    ),
    FieldAsked(
        name="training_data.overlap",
        asks="which images of the benchmark's sources were trained on",
        example="unknown",
        options=OVERLAPS,
    ),
    FieldAsked(
        name="training_data.statement",
        asks="the overlap in words, at least 20 letters: how it was checked, or why it is not known",
        example="The articles' figures were not compared with the benchmark's sources.",
    ),
    FieldAsked(
        name="trained_on",
        asks="the names of the training data, as a list; required of a classifier and of a trained head",
        example="[PMC-15M]",
        required=False,
    ),
    FieldAsked(
        name="code",
        asks="the web address of the code; the code or the paper is required",
        example="https://github.com/microsoft/BiomedCLIP_data_pipeline",
        required=False,
    ),
    FieldAsked(
        name="paper",
        asks="the web address of the paper",
        example="https://arxiv.org/abs/2303.00915",
        required=False,
    ),
    FieldAsked(
        name="model",
        asks="the web address of the weights",
        example="https://huggingface.co/microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
        required=False,
    ),
    FieldAsked(
        name="notes",
        asks="what else readers should know, at least 20 letters",
        example="Prompts are those of the paper, one for each class.",
        required=False,
    ),
    FieldAsked(
        name="statements.not_chosen_on_test",
        asks="true: neither weights nor checkpoints, prompts or settings were chosen by test results",
        example="true",
    ),
    FieldAsked(
        name="statements.may_be_published",
        asks="true: the predictions may be published with the board",
        example="true",
    ),
)
"""Every field, in the order of the file."""


def blanks(values: Any) -> Iterator[FieldAsked]:
    """Yield the required fields that a file has and leaves blank."""
    for field in FIELDS:
        group, _, name = field.name.rpartition(".")
        holder = values.get(group) if group and isinstance(values, dict) else values
        if isinstance(holder, dict) and field.required and holder.get(name, ...) in (None, ""):
            yield field


def blanks_sentence(values: Any) -> str | None:
    """Return which required fields are blank and what to write there; None if none is.

    Examples
    --------
    >>> blanks_sentence({"name": "BiomedCLIP", "organisation": None})
    'organisation is blank: write who made the model, in one line'
    """
    found = list(blanks(values))
    if not found:
        return None
    first, *others = found
    if not others:
        return f"{first.name} is blank: write {first.asks}"
    names = ", ".join(field.name for field in found[:-1])
    return f"{names} and {others[-1].name} are blank: first write {first.asks}"
