"""What a prompt may be, and the exact texts a model was asked."""

from __future__ import annotations

import hashlib
import json
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medimeta_c.errors import ConfigError

__all__ = ["ClassPrompts", "check_template", "check_text", "digest", "kind_of", "prompts_record"]

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
        _refuse_repeated(self.class_names, f"{where}: two classes are named")
        same = _repeated([words.casefold() for words in self.class_words])
        if same is not None:
            pairs = zip(self.class_names, self.class_words, strict=True)
            labels = [repr(label) for label, words in pairs if words.casefold() == same]
            raise ConfigError(
                f"{where}: labels {' and '.join(labels)} have the same words {same!r}, so no model can tell "
                "them apart: give them different words with --prompts FILE"
            )

    def as_record(self) -> list[dict[str, Any]]:
        """Return label, words and texts of each class in label order, ready for JSON."""
        rows = zip(self.class_names, self.class_words, self.prompts, strict=True)
        return [{"label": label, "words": words, "prompts": list(texts)} for label, words, texts in rows]

    @classmethod
    def from_record(cls, dataset: str, record: Sequence[Mapping[str, Any]]) -> ClassPrompts:
        """Return what `as_record` wrote.

        Raises
        ------
        ConfigError
            If the record is not of that form.
        """
        fields = {"label": str, "words": str, "prompts": list}
        if not all(
            isinstance(row, Mapping)
            and all(isinstance(row.get(name), kind) for name, kind in fields.items())
            and all(isinstance(text, str) for text in row["prompts"])
            for row in record
        ):
            raise ConfigError(
                f"the record of the prompts of {dataset!r} is damaged: restore the file it was read from"
            )
        return cls(
            dataset=dataset,
            class_names=tuple(row["label"] for row in record),
            class_words=tuple(row["words"] for row in record),
            prompts=tuple(tuple(row["prompts"]) for row in record),
        )


def prompts_record(asked: Iterable[ClassPrompts]) -> dict[str, list[dict[str, Any]]]:
    """Return the exact texts by dataset, ready for JSON: what a result holds and `digest` digests.

    Raises
    ------
    ConfigError
        If a dataset comes twice.
    """
    several = tuple(asked)
    _refuse_repeated([one.dataset for one in several], "prompts are given twice for dataset")
    return {one.dataset: one.as_record() for one in sorted(several, key=lambda one: one.dataset)}


def digest(asked: Iterable[ClassPrompts]) -> str:
    """Return the SHA-256 of all texts, in hexadecimal, whatever the order of datasets.

    It is taken over `prompts_record` as ASCII JSON with sorted keys and no spaces.
    """
    text = json.dumps(prompts_record(asked), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_text(text: object, what: str) -> str:
    """Return a text if it can be part of a prompt: one line of printable characters, single spaces.

    Parameters
    ----------
    text : object
        The value found.
    what : str
        What it is and where, as the start of a sentence.

    Raises
    ------
    ConfigError
        If it is not text, empty, too long, or has other white space or control characters.
    """
    if not isinstance(text, str):
        raise ConfigError(
            f"{what} must be text, not {kind_of(text)}: put it in quotes if it is meant as text"
        )
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


def check_template(template: object, where: str) -> str:
    """Return a text if it is a template: it has ``{class}`` and no unknown placeholder.

    Raises
    ------
    ConfigError
        Naming the template, `where` it is, and what is wrong.
    """
    text = check_text(template, f"{where}: a template")
    known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
    try:
        parts = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ConfigError(
            f"{where}: template {text!r} has a brace that opens or closes nothing ({error})"
        ) from error
    for name, specification, conversion in parts:
        if name not in _PLACEHOLDERS or specification or conversion:
            raise ConfigError(
                f"{where}: template {text!r} has a placeholder other than {known}: correct its spelling"
            )
    if not any(name == "class" for name, *_ in parts):
        raise ConfigError(
            f"{where}: template {text!r} has no {{class}}, so all classes would have the same prompt"
        )
    return text


def kind_of(value: object) -> str:
    """Name the kind of a value from YAML; never print it, since aliases can make it huge."""
    kinds = {bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else kinds.get(type(value), f"a {type(value).__name__}")


def _repeated(texts: Iterable[str]) -> str | None:
    return next((text for text, count in Counter(texts).items() if count > 1), None)


def _refuse_repeated(texts: Iterable[str], what: str) -> None:
    twice = _repeated(texts)
    if twice is not None:
        raise ConfigError(f"{what} {twice!r}")
