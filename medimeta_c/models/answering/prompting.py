"""Conversations to the tensors of an image-text-to-text model, by its processor and chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from PIL.Image import Image
from pydantic import JsonValue

from medimeta_c.errors import ModelError
from medimeta_c.models.answering.contract import Talk
from medimeta_c.models.libraries import explained

__all__ = ["Prompter"]

_DATE = "01 Jan 2026"
_QUESTION, _ANSWER = "QUESTION", "ANSWER"


class Prompter:
    """A processor of transformers, for conversations about one image.

    Parameters
    ----------
    processor : transformers.ProcessorMixin
        With a chat template.
    where : object
        The model's folder, for messages.

    Attributes
    ----------
    end : int
        The token that ends the model's turn: the first special token that the template writes after an
        answer, or else the tokenizer's end of text.
    settings : dict
        The processor, the prompt that the template makes of a question, the end of the turn.

    Raises
    ------
    ModelError
        If there is no chat template, it depends on the date, or there is no end of the turn.
    """

    def __init__(self, processor: Any, where: object) -> None:
        self._processor, self._tokenizer, self._where = processor, processor.tokenizer, where
        self.template = _template(processor, where)
        self._values: dict[str, str] = {}
        if "strftime_now" in self.template:
            if "date_string" not in self.template:
                raise ModelError(
                    f"the chat template in {where} writes today's date, so its prompts change from day to "
                    "day: write a date in its place"
                )
            self._values["date_string"] = _DATE
        self.end = self._end()
        self.settings: Mapping[str, JsonValue] = {
            "implementation": f"transformers.{type(processor).__name__}",
            "prompt": self._text((_QUESTION,), has_image=True),
            "end": cast("str", self._tokenizer.convert_ids_to_tokens(self.end)),
            **({"date": _DATE} if self._values else {}),
        }

    def inputs(self, image: Image | None, talk: Talk) -> dict[str, torch.Tensor]:
        """Return the tensors of one conversation, a batch of one.

        Raises
        ------
        ModelError
            If the processor refuses it.
        """
        with explained(
            f"the processor in {self._where} cannot read a prompt", "copy the model's files again"
        ):
            found = self._processor.apply_chat_template(
                _messages(talk, image),
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                add_generation_prompt=True,
                **self._values,
            )
        return {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}

    def answer_ids(self, answer: str) -> list[int]:
        """Return the tokens of an answer by itself, then the end of the turn."""
        return [*self._ids(answer), self.end]

    def is_joined(self, question: str, answer: str) -> bool:
        """Return whether prompt and answer as one text give other tokens than one after the other."""
        prompt = self._text((question,), has_image=False)
        return self._ids(prompt + answer) != [*self._ids(prompt), *self._ids(answer)]

    def texts(self, ids: torch.Tensor) -> list[str]:
        """Return generated tokens (N, T) as texts, without special tokens."""
        found: list[str] = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return found

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _text(self, talk: Talk, *, has_image: bool, is_whole: bool = False) -> str:
        with explained(f"the chat template in {self._where} cannot be used", "copy it from the model's page"):
            text: str = self._processor.apply_chat_template(
                _messages(talk, True if has_image else None),
                tokenize=False,
                add_generation_prompt=not is_whole,
                **self._values,
            )
        return text

    def _end(self) -> int:
        """Return the special token after an answer, as the template writes one."""
        whole = self._text((_QUESTION, _ANSWER), has_image=False, is_whole=True)
        special = set(self._tokenizer.all_special_ids) | set(self._tokenizer.added_tokens_decoder)
        after = self._ids(whole.rpartition(_ANSWER)[2].lstrip())[:1]
        found = [one for one in after if one in special] or [self._tokenizer.eos_token_id]
        if found[0] is None:
            raise ModelError(
                f"neither the chat template nor the tokenizer in {self._where} says how an answer ends: add "
                "eos_token to tokenizer_config.json"
            )
        return int(found[0])


def _template(processor: Any, where: object) -> str:
    """Return the chat template of a processor, or of its tokenizer."""
    found = processor.chat_template or getattr(processor.tokenizer, "chat_template", None)
    if isinstance(found, dict):
        found = found.get("default")
    if not found:
        raise ModelError(
            f"{where} has no chat template, so it is unknown how the model is asked: add its "
            "chat_template.jinja, or choose the version of the model that is trained to answer"
        )
    processor.chat_template = found
    return str(found)


def _messages(talk: Talk, image: object) -> list[dict[str, Any]]:
    """Return a conversation as chat templates read it, an image before the first text."""
    parts: list[list[dict[str, Any]]] = [[{"type": "text", "text": text}] for text in talk]
    if image is not None:
        picture = {"image": image.convert("RGB")} if isinstance(image, Image) else {}
        parts[0].insert(0, {"type": "image", **picture})
    return [
        {"role": "assistant" if index % 2 else "user", "content": each} for index, each in enumerate(parts)
    ]
