"""Score and generate answers with an image-text-to-text model of transformers.

Prompts are never padded: those of equal shape are one batch, the others a batch of their own. Answers are
padded on their right, where no earlier token sees it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from PIL import Image as PILImage
from pydantic import JsonValue
from transformers import GenerationConfig

from medimeta_c.models.answering.contract import AnswerTokens, Talk
from medimeta_c.models.answering.prompting import Prompter
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.models.libraries import explained, quiet

__all__ = ["TorchAnswerer"]

_Inputs: TypeAlias = dict[str, torch.Tensor]
_PER_TOKEN = ("attention_mask", "token_type_ids", "mm_token_type_ids")
"""Inputs with a column for each token: 1 for an answer's in the first, 0 (text) in the others."""

_TOLERANCE = 1e-3
_CHECKED = ("What is this?", "Name it.", ("a", "a cell", "no cells"))


class TorchAnswerer:
    """An image-text-to-text model; satisfies `medimeta_c.models.AnswerScorer`.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        Put in evaluation mode and frozen here; its settings of sampling are replaced by greedy ones.
    prompter : Prompter
        Its processor and chat template.
    identity : ModelIdentity
        Which weights these are.
    stops : sequence of int
        Tokens that end a generated answer.

    Attributes
    ----------
    reuses_prompt : bool
        Whether the keys and values of a prompt are computed once for all its answers. Decided by
        trying: where that changes a log-probability by more than 0.001, every answer has a pass of its own.
    """

    def __init__(
        self, module: Any, prompter: Prompter, *, identity: ModelIdentity, stops: Sequence[int]
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.identity = identity
        self._prompter = prompter
        self._device, self._dtype = torch.device("cpu"), torch.float32
        parameters = inspect.signature(module.forward).parameters
        # transformers renamed it; what comes back has the same name.
        self._cache = "cache" if "cache" in parameters else "past_key_values"
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        # Generation fills gaps from these settings, so none of the checkpoint's own may stay.
        module.generation_config = GenerationConfig(
            do_sample=False, num_beams=1, eos_token_id=list(stops), pad_token_id=prompter.end
        )
        self.reuses_prompt = True
        self.reuses_prompt = self._reuse_is_exact()

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """What is done with image and question."""
        return self._prompter.settings

    def to(self, device: torch.device | str, dtype: torch.dtype) -> TorchAnswerer:
        """Move the weights to `device` as `dtype`, in place."""
        self._device, self._dtype = torch.device(device), dtype
        self.module.to(device=self._device, dtype=dtype)
        return self

    @torch.no_grad()
    def log_probabilities(
        self, images: Sequence[PILImage.Image | None], questions: Sequence[str], answers: Sequence[str]
    ) -> torch.Tensor:
        """Score the same K answers to N questions: (N, K) float32."""
        rows = [self._prompter.inputs(image, (text,)) for image, text in zip(images, questions, strict=True)]
        ids = [self._prompter.answer_ids(answer) for answer in answers]
        score = self._with_shared_prompt if self.reuses_prompt else self._one_by_one
        return self._in_batches(rows, lambda batch: score(batch, ids))

    @torch.no_grad()
    def generate(
        self, images: Sequence[PILImage.Image | None], talks: Sequence[Talk], tokens: int
    ) -> list[str]:
        """Continue N conversations greedily by at most `tokens` tokens each."""
        rows = [self._prompter.inputs(image, talk) for image, talk in zip(images, talks, strict=True)]

        def longest(batch: _Inputs) -> torch.Tensor:
            with quiet():
                whole: torch.Tensor = self.module.generate(**batch, max_new_tokens=tokens)
            found = whole[:, batch["input_ids"].shape[1] :].cpu()
            room = tokens - found.shape[1]
            return torch.nn.functional.pad(found, (0, room), value=self._prompter.end)

        return self._prompter.texts(self._in_batches(rows, longest))

    def answer_tokens(self, question: str, answers: Sequence[str]) -> list[AnswerTokens]:
        """Return how the tokenizer splits each answer after a question."""
        return [
            AnswerTokens(len(self._prompter.answer_ids(one)), self._prompter.is_joined(question, one))
            for one in answers
        ]

    def _in_batches(self, rows: Sequence[_Inputs], run: Callable[[_Inputs], torch.Tensor]) -> torch.Tensor:
        """Run rows of equal shape together; return a row for each, in their order."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for index, row in enumerate(rows):
            groups.setdefault(_shape(row), []).append(index)
        found: dict[int, torch.Tensor] = {}
        for group in groups.values():
            self._forget()
            batch = self._moved({name: torch.cat([rows[i][name] for i in group]) for name in rows[group[0]]})
            found.update(zip(group, run(batch), strict=True))
        return torch.stack([found[index] for index in range(len(rows))])

    def _with_shared_prompt(self, batch: _Inputs, answers: Sequence[list[int]]) -> torch.Tensor:
        """Read each prompt once, then all answers after copies of its keys and values."""
        prompt = self.module(**batch, use_cache=True, **self._last)
        first = prompt.logits[:, -1].float().log_softmax(-1)
        scores = first[:, [ids[0] for ids in answers]]
        width = max(map(len, answers)) - 1
        if width == 0:
            return torch.as_tensor(scores).cpu()
        given, wanted = (
            _padded((ids[part] for ids in answers), width) for part in (slice(-1), slice(1, None))
        )
        cache = prompt[self._cache]
        cache.batch_repeat_interleave(len(answers))
        repeated = given.clamp(min=0).repeat(len(scores), 1).to(self._device)
        logits = self.module(input_ids=repeated, use_cache=True, **{self._cache: cache}).logits
        found = _chosen(logits, wanted.repeat(len(scores), 1).to(self._device))
        whole: torch.Tensor = scores + found.view(len(scores), len(answers))
        return whole.cpu()

    def _one_by_one(self, batch: _Inputs, answers: Sequence[list[int]]) -> torch.Tensor:
        """Read prompt and answer together, each answer in a pass of its own."""
        columns = []
        for ids in answers:
            self._forget()
            wanted = torch.tensor([ids], device=self._device).expand(len(batch["input_ids"]), -1)
            whole = dict(batch)
            for name in ("input_ids", *_PER_TOKEN):
                if name in batch:
                    more = wanted if name == "input_ids" else torch.full_like(wanted, name == _PER_TOKEN[0])
                    whole[name] = torch.cat([batch[name], more.to(batch[name].dtype)], dim=1)
            logits = self.module(**whole, use_cache=False).logits
            columns.append(_chosen(logits[:, -len(ids) - 1 : -1], wanted))
        return torch.stack(columns, dim=1).cpu()

    def _moved(self, inputs: _Inputs) -> _Inputs:
        return {
            name: value.to(self._device, self._dtype if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }

    def _forget(self) -> None:
        """Drop what a module keeps of the last prompt: Qwen's position offsets would shift a text's."""
        for part in self.module.modules():
            if getattr(part, "rope_deltas", None) is not None:
                part.rope_deltas = None

    def _reuse_is_exact(self) -> bool:
        """Return whether shared prompts give what single passes give, with and without image."""
        image = PILImage.linear_gradient("L").resize((64, 48)).convert("RGB")
        *questions, answers = _CHECKED
        with explained(f"{self.identity.spec} cannot answer", "choose an image-text-to-text model"):
            one = self.log_probabilities([image, None], questions, answers)
            self.reuses_prompt = False
            other = self.log_probabilities([image, None], questions, answers)
        return bool(torch.isfinite(other).all() and (one - other).abs().max() <= _TOLERANCE)


def _shape(inputs: _Inputs) -> tuple[Any, ...]:
    return tuple((name, value.dtype, tuple(value.shape)) for name, value in sorted(inputs.items()))


def _padded(rows: Iterable[list[int]], width: int) -> torch.Tensor:
    """Return token ids as (K, width), -1 where a row has ended."""
    return torch.tensor([[*row, *[-1] * (width - len(row))] for row in rows])


def _chosen(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the sum over positions of the log-probability of the token wanted there; -1 is none."""
    found = logits.float().log_softmax(-1).gather(-1, wanted.clamp(min=0)[..., None])[..., 0]
    return found.masked_fill(wanted < 0, 0).sum(-1)
