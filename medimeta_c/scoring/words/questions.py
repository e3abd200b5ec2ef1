"""Questions to models that answer in words: their text, and the orders in which options are offered."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pydantic import JsonValue

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.seeding import generator
from medimeta_c.models import Answerer, AnswerScorer
from medimeta_c.prompts.texts import ClassPrompts

__all__ = ["Asking", "Decode", "Order", "Question", "orders_of", "rotations"]

Decode: TypeAlias = Literal["likelihood", "generate"]
"""How a class is found: by the probability of each option, or in a generated text."""

Order: TypeAlias = tuple[int, ...]

_QUESTION = (
    "What does this {modality} image show? Answer with one of these options and nothing else:\n{options}"
)
_SURE = "How sure are you that this answer is right? Answer with a number from 0 to 100 and nothing else."
_MOST_ORDERS = 8
_MAX_CHARS = 2000
_PLACEHOLDERS = ("modality", "dataset", "options")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a model that answers in words is asked.

    Parameters
    ----------
    decode : {"likelihood", "generate"}, optional
        How a class is found; by default by likelihood where the model gives it.
    orders : int, optional
        Orders of the options for each image, with `decode` ``"likelihood"``; by default 8, or all rotations
        where there are fewer classes.
    confidence : bool
        Whether the model is asked afterwards how sure it is.
    question : str, optional
        The question, with ``{options}``, and if wanted ``{modality}`` and ``{dataset}``.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    decode: Decode | None = None
    orders: int | None = None
    confidence: bool = False
    question: str | None = None

    def __post_init__(self) -> None:
        if self.decode is not None and self.decode not in get_args(Decode):
            raise ConfigError(f"unknown way to decode {self.decode!r}: use {' or '.join(get_args(Decode))}")
        if self.orders is not None and self.orders < 1:
            raise ConfigError(f"orders {self.orders} is not valid: use 1 or more")
        self._refuse_orders(self.decode)
        if self.question is not None:
            _check_question(self.question)

    @property
    def is_default(self) -> bool:
        """Whether nothing was chosen."""
        return self == Asking()

    def settled(self, model: Answerer) -> Asking:
        """Return the same with nothing left open.

        Raises
        ------
        ConfigError
            If likelihoods are wanted of a model that gives none.
        """
        decode = self.decode or ("likelihood" if isinstance(model, AnswerScorer) else "generate")
        if decode == "likelihood" and not isinstance(model, AnswerScorer):
            raise ConfigError(
                f"{model.identity.spec} gives texts without probabilities",
                remedy=Remedy("use {decode}", decode="generate"),
            )
        self._refuse_orders(decode)
        orders = 1 if decode == "generate" else self.orders or _MOST_ORDERS
        return Asking(
            decode=decode, orders=orders, confidence=self.confidence, question=self.question or _QUESTION
        )

    def _refuse_orders(self, decode: Decode | None) -> None:
        if decode == "generate" and (self.orders or 1) > 1:
            raise ConfigError(
                "a generated answer is to one order of the options", remedy=Remedy("leave out {orders}")
            )

    def described(self, tokens: int) -> dict[str, JsonValue]:
        """Return what a result holds of it, beside the questions themselves."""
        found: dict[str, JsonValue] = {"mode": self.decode, "orders": self.orders, "seed": 0}
        if self.decode == "likelihood":
            found["score"] = "log_probabilities"
        if self.decode == "generate" or self.confidence:
            found |= {"temperature": 0, "max_tokens": tokens}
        if self.confidence:
            found["confidence"] = _SURE
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about one dataset.

    Parameters
    ----------
    text : str
        The question; ``{options}`` stands where the options go.
    options : tuple of str
        The words of each class, in label order.
    orders : tuple of tuple of int
        The orders in which they may be offered.
    """

    text: str
    options: tuple[str, ...]
    orders: tuple[Order, ...]

    @classmethod
    def of(cls, template: str, prompts: ClassPrompts, modality: str) -> Question:
        """Return the question about a dataset, whose classes have the words of a prompt set."""
        fields = {"modality": modality or "medical", "dataset": prompts.dataset, "options": "{options}"}
        return cls(
            text=template.format(**fields),
            options=prompts.class_words,
            orders=rotations(len(prompts.class_words)),
        )

    def asked(self, order: int) -> str:
        """Return the question with the options in one of the orders, one a line."""
        return self.text.replace("{options}", "\n".join(f"- {self.options[k]}" for k in self.orders[order]))

    def sure(self, order: int, answer: str) -> tuple[str, ...]:
        """Return the conversation that asks how sure the model is of its answer."""
        return self.asked(order), answer, _SURE


def rotations(classes: int) -> tuple[Order, ...]:
    """Return the orders that start with each class in turn: each class has each place once."""
    return tuple(tuple((first + step) % classes for step in range(classes)) for first in range(classes))


def orders_of(key: SetKey, image_id: str, classes: int, wanted: int) -> Sequence[int]:
    """Return which rotations an image is asked in, drawn without repetition; all when there are not more.

    The draw depends on the image, not on the condition: under every corruption it is asked the same.
    """
    draw = generator(0, SetKey(key.dataset, key.split, CLEAN, 0), image_id)
    return tuple(map(int, draw.permutation(classes)[:wanted]))


def _check_question(text: str) -> None:
    """Refuse a question without options, with other placeholders, or of an unreadable form."""
    if len(text) > _MAX_CHARS or any(not one.isprintable() and one != "\n" for one in text):
        raise ConfigError(f"the question is not plain text of at most {_MAX_CHARS} characters")
    try:
        parts = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ConfigError(f"the question {text!r} has an unmatched brace ({error})") from error
    for name, specification, conversion in parts:
        if name not in _PLACEHOLDERS or specification or conversion:
            known = ", ".join(f"{{{each}}}" for each in _PLACEHOLDERS)
            raise ConfigError(f"the question {text!r} has a placeholder other than {known}")
    if "options" not in {name for name, *_ in parts}:
        raise ConfigError(f"the question {text!r} has no {{options}}, so no class would be offered")
