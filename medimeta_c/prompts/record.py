"""Record of the prompts that a model got, word for word, as results and adapters keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.io.records import Name, Record, Sha256, Text, canonical_json
from medimeta_c.prompts.texts import ClassPrompts

__all__ = ["PromptTexts", "PromptsRecord"]

PromptTexts = dict[Name, dict[Text, Annotated[tuple[Text, ...], Field(min_length=1)]]]
"""By dataset and class name: the prompts whose embeddings were averaged."""


class PromptsRecord(Record):
    """The texts that stood for the classes. Made by `of`, or by `asked`.

    Attributes
    ----------
    name : str
        The template set they were made with.
    digest : str
        SHA-256 of the texts as canonical JSON: equal for equal texts, whatever the order of datasets.
    texts : dict
        By dataset and class name.
    """

    name: Text
    digest: Sha256
    texts: PromptTexts

    @model_validator(mode="after")
    def _digest_is_of_the_texts(self) -> PromptsRecord:
        if self.digest != _digest(self.texts):
            raise ValueError("the digest is not that of the texts")
        return self

    @classmethod
    def of(cls, name: str, texts: Mapping[str, Mapping[str, Iterable[str]]]) -> PromptsRecord:
        """Return the record of texts by dataset, in their names' order, and class name."""
        fixed = {
            dataset: {label: tuple(each) for label, each in classes.items()}
            for dataset, classes in sorted(texts.items())
        }
        return cls(name=name, digest=_digest(fixed), texts=fixed)

    @classmethod
    def asked(cls, name: str, prompts: Iterable[ClassPrompts]) -> PromptsRecord:
        """Return the record of the prompts of several datasets."""
        return cls.of(
            name, {one.dataset: dict(zip(one.class_names, one.prompts, strict=True)) for one in prompts}
        )

    def restricted(self, datasets: Container[str]) -> PromptsRecord:
        """Return the record of some datasets alone."""
        return self.of(self.name, {name: each for name, each in self.texts.items() if name in datasets})


def _digest(texts: PromptTexts) -> str:
    return hashlib.sha256(canonical_json(texts).encode()).hexdigest()
