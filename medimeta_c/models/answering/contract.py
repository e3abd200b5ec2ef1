"""What a model that answers in words is: protocols, and how its tokenizer splits an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

from pydantic import JsonValue

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from typing_extensions import Self

    from medimeta_c.models.contract import ModelIdentity

__all__ = ["AnswerScorer", "AnswerTokens", "Answerer", "Talk"]

Talk: TypeAlias = tuple[str, ...]
"""Texts of a conversation, the user's and the model's in turn, the user's last. The image is in the first."""


class AnswerTokens(NamedTuple):
    """How a tokenizer splits an answer.

    Parameters
    ----------
    length : int
        Tokens of the answer, the end of the turn included.
    is_joined : bool
        Whether prompt and answer, tokenised as one text, give other tokens than one after the other.
    """

    length: int
    is_joined: bool


@runtime_checkable
class Answerer(Protocol):
    """A model that answers questions about an image in words. Always in evaluation mode."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""
        ...

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """What is done with image and question before the model reads them; part of every result."""
        ...

    def generate(self, images: Sequence[Image.Image | None], talks: Sequence[Talk], tokens: int) -> list[str]:
        """Continue conversations with the most probable next token each time.

        Parameters
        ----------
        images : sequence of PIL image or None
            N images, grey or RGB; None asks without an image.
        talks : sequence of tuple of str
            N conversations.
        tokens : int
            The most tokens an answer may have.

        Returns
        -------
        list of str
            N answers; none depends on the other conversations of the call.
        """
        ...

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Self:
        """Move the weights, in place; returns the model."""
        ...


@runtime_checkable
class AnswerScorer(Answerer, Protocol):
    """A model that answers in words and gives the probability of any answer."""

    def log_probabilities(
        self, images: Sequence[Image.Image | None], questions: Sequence[str], answers: Sequence[str]
    ) -> torch.Tensor:
        """Score the same answers to N questions.

        Returns
        -------
        torch.Tensor of shape (N, len(answers)), float32
            Natural logarithm of the probability of each answer and of the end of the turn after it; on the
            CPU, without gradient.
        """
        ...

    def answer_tokens(self, question: str, answers: Sequence[str]) -> list[AnswerTokens]:
        """Return how the tokenizer splits each answer after a question."""
        ...
