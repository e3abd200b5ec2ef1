"""Paraphrases of a dataset's prompts: the templates of a set, each a prompt of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from medimeta_c.errors import ConfigError
from medimeta_c.io.settings import StrPath
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.templates import PromptBook, load_prompts
from medimeta_c.prompts.texts import ClassPrompts

__all__ = ["PARAPHRASES", "load_paraphrases", "normalised", "paraphrases_of"]

PARAPHRASES = "paraphrases"
"""Name of the shipped set: at least twenty templates for every dataset."""


def load_paraphrases(name_or_path: StrPath, run: PromptBook) -> PromptBook:
    """Return the template set of a sweep.

    Parameters
    ----------
    name_or_path : str or pathlib.Path
        As `load_prompts` takes it.
    run : PromptBook
        The run's own prompts. Where they are a user's file and the paraphrases are a shipped set, the file's
        words for classes and modalities also stand in the paraphrases, because only they fit the labels.

    Raises
    ------
    ConfigError
        As `load_prompts` raises it.
    """
    book = load_prompts(name_or_path)
    if book.name not in PROMPTS or run.name in PROMPTS:
        return book
    own = run.layers[0]
    words = {name: each.model_copy(update={"templates": ()}) for name, each in own.datasets.items()}
    first = book.layers[0].model_copy(update={"templates": (), "datasets": words})
    return replace(book, layers=(first, *book.layers))


def paraphrases_of(
    book: PromptBook, dataset: str, class_names: Sequence[str], *, modality: str
) -> tuple[ClassPrompts, ...]:
    """Return the paraphrases of a dataset: for each template of a set, one text for each class.

    Parameters
    ----------
    book, dataset, class_names, modality
        As `PromptBook.prompts` takes them.

    Raises
    ------
    ConfigError
        If there is one template only, or two give the same texts but for case and punctuation; and as
        `PromptBook.prompts` raises it.
    """
    asked = book.prompts(dataset, class_names, modality=modality)
    found = tuple(
        replace(asked, prompts=tuple((text,) for text in texts)) for texts in zip(*asked.prompts, strict=True)
    )
    seen: dict[tuple[str, ...], str] = {}
    for one in found:
        texts = tuple(normalised(text) for (text,) in one.prompts)
        first = one.prompts[0][0]
        if texts in seen:
            raise ConfigError(
                f"{book.origin}: two paraphrases of {dataset} are the same but for case and punctuation "
                f"({seen[texts]!r} and {first!r}): remove one"
            )
        seen[texts] = first
    if len(found) < 2:
        raise ConfigError(
            f"{book.origin}: a sweep needs two paraphrases or more, and {dataset} has one: add templates"
        )
    return found


def normalised(text: str) -> str:
    """Return a text in lower case, its words joined by single spaces, without punctuation.

    Examples
    --------
    >>> normalised("A fundus photograph: normal/abnormal.")
    'a fundus photograph normal abnormal'
    """
    return " ".join(re.findall(r"\w+", text.casefold()))
