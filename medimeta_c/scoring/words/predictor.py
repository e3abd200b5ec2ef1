"""Images to answers, to predictions: the image, no image and a grey image by one code path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import Image, SetKey
from medimeta_c.models import Answerer, AnswerScorer
from medimeta_c.results.predictions import NO_PREDICTION, CellPredictions
from medimeta_c.results.words.answers import CellAnswers
from medimeta_c.scoring.decoding import chunks_of, decode_all
from medimeta_c.scoring.rows import CellRows, batches
from medimeta_c.scoring.words.parsing import class_of, confidence_of
from medimeta_c.scoring.words.questions import Asking, Question, orders_of

__all__ = ["MAX_TOKENS", "WordsPredictor"]

MAX_TOKENS = 64
"""The most tokens of a generated answer."""

_GREY = 128
_logger = logging.getLogger(__name__)

T = TypeVar("T")
Answer: TypeAlias = "str | NDArray[np.float64]"
"""To one question in one order: a generated text, or the log-probability of each class's answer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Row:
    """What was said about one image."""

    orders: Sequence[int]
    prediction: int
    text: str | None
    log_probabilities: NDArray[np.float64] | None
    without_image: int
    with_grey_image: int
    confidence_text: str | None = None


@dataclass(slots=True, eq=False)
class _Cell:
    """A set whose rows and answers are coming in."""

    rows: CellRows
    said: list[_Row] = field(default_factory=list)


class WordsPredictor:
    """A model that answers in words, as what predicts whole sets.

    Parameters
    ----------
    model : Answerer
        On its device.
    asking : Asking
        How it is asked, with nothing left open.
    questions : mapping of str to Question
        By dataset.
    batch_size : int
        Questions a batch; halved, with a warning, when the device has no memory for it.
    workers : int
        Decoding threads; 0 decodes in this one.
    """

    def __init__(
        self,
        model: Answerer,
        asking: Asking,
        questions: Mapping[str, Question],
        *,
        batch_size: int,
        workers: int,
    ) -> None:
        self.batch_size = batch_size
        self._model, self._asking, self._questions, self._workers = model, asking, questions, workers
        classes = max(len(each.options) for each in questions.values())
        self._orders = min(asking.orders or 1, classes)
        self._lengths: dict[str, NDArray[np.float64]] = {}
        # Without the image an answer depends on the dataset, the order, and the size of the grey image alone.
        self._blind: dict[tuple[str, int, object], Answer] = {}

    def predict(
        self,
        benchmark: Benchmark,
        keys: Iterable[SetKey],
        on_images: Callable[[int], None] = lambda count: None,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, each as it is finished, in order.

        Parameters
        ----------
        benchmark, keys, on_images, limit
            As `medimeta_c.scoring.inference.Predictor.predict` has them.

        Raises
        ------
        ShardError
            If a shard is damaged or not what the manifest says.
        ModelError
            If the model stops answering, or not even one question fits the device.
        """
        cells: dict[SetKey, _Cell] = {}
        chunks = chunks_of(benchmark, keys, limit=limit)
        size = max(1, self.batch_size // self._orders)
        with closing(decode_all(chunks, as_they_are, workers=self._workers)) as decoded:
            for batch in batches(decoded, lambda: size, limit):
                for rows, start, stop in batch:
                    cell = cells.setdefault(
                        rows.key, _Cell(CellRows(benchmark.record(rows.key), limit, rows.is_rendered))
                    )
                    images = [Pillow.fromarray(one) for one in rows.images[start:stop]]
                    cell.rows.add(rows, start, stop)
                    cell.said += self._rows(rows.key, rows.image_ids[start:stop], images)
                    if cell.rows.is_whole:
                        yield self._finished(cells.pop(rows.key))
                    on_images(len(images))
        for cell in cells.values():  # short of rows
            yield self._finished(cell)

    def _rows(self, key: SetKey, image_ids: Sequence[str], images: Sequence[Pillow.Image]) -> Iterator[_Row]:
        """Ask about images of one set, and the same without them."""
        question = self._questions[key.dataset]
        orders = [orders_of(key, one, len(question.options), self._orders) for one in image_ids]
        pairs = [(image, order) for image, each in zip(images, orders, strict=True) for order in each]
        answers = iter(self._answers(question, pairs))
        own = [[next(answers) for _ in each] for each in orders]
        chosen = [self._decided(question, each) for each in own]
        sure = self._sure(question, images, orders, own, chosen)
        for index, (image, each) in enumerate(zip(images, orders, strict=True)):
            grey = Pillow.new(image.mode, image.size, _GREY if image.mode == "L" else (_GREY,) * 3)
            yield _Row(
                orders=each,
                prediction=chosen[index],
                text=_text(own[index]),
                log_probabilities=_mean(own[index]),
                without_image=self._blindly(key.dataset, each, None),
                with_grey_image=self._blindly(key.dataset, each, grey),
                confidence_text=sure[index] if sure else None,
            )

    def _answers(self, question: Question, pairs: Sequence[tuple[Pillow.Image | None, int]]) -> list[Answer]:
        """Ask about images, or about none, each in one order of the options."""

        def ask(part: Sequence[tuple[Pillow.Image | None, int]]) -> Iterable[Answer]:
            images = [image for image, _ in part]
            asked = [question.asked(order) for _, order in part]
            if self._asking.decode == "generate":
                return self._model.generate(images, [(each,) for each in asked], MAX_TOKENS)
            assert isinstance(self._model, AnswerScorer)  # `Asking.settled` has seen to it
            found = self._model.log_probabilities(images, asked, question.options)
            return list(found.double().numpy())

        return self._in_memory(ask, pairs)

    def _blindly(self, dataset: str, orders: Sequence[int], image: Pillow.Image | None) -> int:
        """Return the prediction for an image that shows nothing, or for none, in an image's own orders."""
        question = self._questions[dataset]
        kind = None if image is None else (image.mode, image.size)
        for order in orders:
            if (dataset, order, kind) not in self._blind:
                (self._blind[dataset, order, kind],) = self._answers(question, [(image, order)])
        return self._decided(question, [self._blind[dataset, order, kind] for order in orders])

    def _decided(self, question: Question, answers: Sequence[Answer]) -> int:
        """Return the class of an image's answers, one for each order."""
        text, scores = _text(answers), _mean(answers)
        if text is not None:
            return class_of(text, question.options)
        assert scores is not None
        # An answer may have the probability 0; NaN is the maximum of any row that has one.
        return int(scores.argmax()) if np.isfinite(scores.max()) else NO_PREDICTION

    def _sure(
        self,
        question: Question,
        images: Sequence[Pillow.Image],
        orders: Sequence[Sequence[int]],
        answers: Sequence[Sequence[Answer]],
        chosen: Sequence[int],
    ) -> list[str]:
        """Ask how sure the model is of each answer, after the first order; empty if that is not wanted."""
        if not self._asking.confidence:
            return []
        texts = [_text(each) for each in answers]
        said = [  # an empty text is an answer, too
            question.options[max(k, 0)] if text is None else text
            for text, k in zip(texts, chosen, strict=True)
        ]
        talks = [question.sure(each[0], text) for each, text in zip(orders, said, strict=True)]

        def ask(part: Sequence[tuple[Pillow.Image, tuple[str, ...]]]) -> list[str]:
            return self._model.generate([image for image, _ in part], [talk for _, talk in part], MAX_TOKENS)

        return self._in_memory(ask, list(zip(images, talks, strict=True)))

    def _in_memory(self, ask: Callable[[Sequence[Any]], Iterable[T]], items: Sequence[Any]) -> list[T]:
        """Ask in batches, in smaller ones if the device has no memory."""
        found: list[T] = []
        while len(found) < len(items):
            part = items[len(found) : len(found) + self.batch_size]
            try:
                found += ask(part)
                continue
            except torch.OutOfMemoryError as error:
                if len(part) == 1:
                    raise ModelError(
                        "the device has too little memory for a single question",
                        remedy=Remedy(
                            "use a smaller model, {precision} or {device}", precision="bf16", device="cpu"
                        ),
                    ) from error
            torch.cuda.empty_cache()
            self.batch_size = (len(part) + 1) // 2
            _logger.warning("out of memory: continuing with batches of %d questions", self.batch_size)
        return found

    def _finished(self, cell: _Cell) -> CellPredictions:
        """Return the finished cell; raises ShardError if its rows are not those of the manifest."""
        cell.rows.check()
        key, said = cell.rows.record.key, cell.said
        scores = None
        if self._asking.decode == "likelihood":
            scores = np.stack([row.log_probabilities for row in said if row.log_probabilities is not None])
        texts = [row.text for row in said if row.text is not None]
        sure = [row.confidence_text for row in said if row.confidence_text is not None]
        answers = CellAnswers(
            image_ids=tuple(cell.rows.image_ids),
            orders=[row.orders for row in said],
            texts=texts if scores is None else None,
            log_probabilities=None if scores is None else scores.astype(np.float32),
            per_token=None if scores is None else (scores / self._tokens(key.dataset)).astype(np.float32),
            without_image=np.array([row.without_image for row in said]),
            with_grey_image=np.array([row.with_grey_image for row in said]),
            confidence_texts=sure or None,
            confidences=np.array([confidence_of(one) for one in sure], dtype=np.float32) if sure else None,
        )
        return CellPredictions.of(
            key,
            cell.rows.image_ids,
            cell.rows.labels,
            None if scores is None else torch.softmax(torch.from_numpy(scores), dim=-1).float().numpy(),
            predictions=np.array([row.prediction for row in said]),
            answers=answers,
        )

    def _tokens(self, dataset: str) -> NDArray[np.float64]:
        """Return how many tokens each class's answer has."""
        if dataset not in self._lengths:
            assert isinstance(self._model, AnswerScorer)
            question = self._questions[dataset]
            tokens = self._model.answer_tokens(question.asked(0), question.options)
            self._lengths[dataset] = np.array([one.length for one in tokens], dtype=np.float64)
        return self._lengths[dataset]


def as_they_are(images: Iterable[Image]) -> NDArray[Any]:
    """Return decoded images of any sizes as an array of arrays, for a processor that takes pictures."""
    listed = list(images)
    found = np.empty(len(listed), dtype=object)
    for index, image in enumerate(listed):
        found[index] = image
    return found


def _text(answers: Sequence[Answer]) -> str | None:
    """Return the generated text; None of scores."""
    return answers[0] if isinstance(answers[0], str) else None


def _mean(answers: Sequence[Answer]) -> NDArray[np.float64] | None:
    """Return the mean of scores over the orders; None of a text."""
    scores = [each for each in answers if not isinstance(each, str)]
    return np.mean(scores, axis=0) if scores else None
