"""Check the text of prompts, and hold the prompts of one dataset."""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from medimeta_c.errors import ConfigError, Remedy

__all__ = ["ClassPrompts", "check_template", "check_text"]

_PLACEHOLDERS = ("class", "modality", "dataset")
_MAX_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrompts:
    """The texts that stand for the classes of one dataset.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    class_names : tuple of str
        The data's label names, in label order.
    class_words : tuple of str
        The words each label became.
    prompts : tuple of tuple of str
        The texts of each class, one a template. With several, a class's embedding is the normalised mean
        of their normalised embeddings.

    Raises
    ------
    ConfigError
        If labels are missing or repeated, two have the same words, or the lengths disagree.
    """

    dataset: str
    class_names: tuple[str, ...]
    class_words: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        where = f"the prompts of dataset {self.dataset!r}"
        lengths = {len(self.class_names), len(self.class_words), len(self.prompts)}
        if len(lengths) != 1 or lengths == {0}:
            raise ConfigError(f"{where}: there must be classes, and for each a name, words and prompts")
        if len({len(texts) for texts in self.prompts}) != 1 or not self.prompts[0]:
            raise ConfigError(f"{where}: every class needs one text for each template")
        if (twice := _repeated(self.class_names)) is not None:
            raise ConfigError(f"{where}: two classes are named {twice!r}")
        same = _repeated([words.casefold() for words in self.class_words])
        if same is not None:
            pairs = zip(self.class_names, self.class_words, strict=True)
            labels = [repr(label) for label, words in pairs if words.casefold() == same]
            raise ConfigError(
                f"{where}: labels {' and '.join(labels)} have the same words {same!r}, so no model can tell "
                "them apart",
                remedy=Remedy("give them different words in a file, with {prompts}"),
            )


def check_text(text: str, what: str = "the text") -> str:
    """Return a text if it can be part of a prompt: one line of printable characters, single spaces.

    Parameters
    ----------
    text : str
        The text.
    what : str, optional
        What it is and where, as the start of a sentence.

    Raises
    ------
    ConfigError
        If it is empty, too long, or has other white space or control characters.
    """
    if not text:
        raise ConfigError(f"{what} is empty: write its words, or leave it out")
    if len(text) > _MAX_CHARS:
        raise ConfigError(
            f"{what} has {len(text)} characters, and a prompt's parts have at most {_MAX_CHARS}"
        )
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise ConfigError(f"{what} has a control character or line break ({text!a}): prompts are plain text")
    if " ".join(text.split()) != text:
        raise ConfigError(f"{what} has white space other than single spaces between words ({text!a})")
    return text


def check_template(text: str) -> str:
    """Return a text if it is a template: it has ``{class}`` and no unknown placeholder.

    Raises
    ------
    ConfigError
        Naming the template, and what is wrong.
    """
    where = f"template {check_text(text)!r}"
    try:
        parts = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ConfigError(f"{where} has an unmatched brace ({error})") from error
    for name, specification, conversion in parts:
        if name not in _PLACEHOLDERS or specification or conversion:
            known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
            raise ConfigError(f"{where} has a placeholder other than {known}: correct its spelling")
    if not any(name == "class" for name, *_ in parts):
        raise ConfigError(f"{where} has no {{class}}, so all classes would have the same prompt")
    return text


def _repeated(texts: Iterable[str]) -> str | None:
    return next((text for text, count in Counter(texts).items() if count > 1), None)
