"""Evaluate a model that answers in words: its questions, its identity, its job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.models import Answerer, AnswerScorer
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.prompts.texts import ClassPrompts
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import QuestionRecord, RunIdentity
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.running import run_job
from medimeta_c.scoring.words.predictor import MAX_TOKENS, WordsPredictor
from medimeta_c.scoring.words.questions import Question

__all__ = ["evaluate_words"]

_BATCH_SIZE = {"cpu": 8, "cuda": 16}


def evaluate_words(  # noqa: PLR0913  (who answers, what, where; the rest is optional)
    model: Answerer,
    config: EvaluateConfig,
    job: Job,
    prompts: Sequence[ClassPrompts],
    device: torch.device,
    *,
    workers: int,
    plugins: tuple[PluginRecord, ...],
    on_progress: Callable[[JobProgress], None] | None = None,
    progress: bool = False,
) -> SavedResult:
    """Ask a model about every image of a job and write its result, as `evaluate` does.

    Parameters
    ----------
    model : Answerer
        On its device.
    config : EvaluateConfig
        How it is asked.
    job : Job
        What is scored.
    prompts : sequence of ClassPrompts
        The words of the classes, by dataset.
    device, workers, plugins, on_progress, progress
        As `evaluate` has them.

    Raises
    ------
    ConfigError
        If likelihoods are wanted of a model that gives none.
    MediMetaError
        As `evaluate` raises it.
    """
    asking = config.asking.settled(model)
    book = load_prompts(config.prompts)
    modalities = {one.dataset: one.modality for one in job.described.datasets}
    questions = {
        one.dataset: Question.of(
            str(asking.question), one, book.modality(one.dataset) or modalities[one.dataset]
        )
        for one in prompts
    }
    words = {one.dataset: dict(zip(one.class_names, one.class_words, strict=True)) for one in prompts}
    identity = RunIdentity(
        model=model.identity,
        benchmark=job.described,
        split=config.split,
        prompts=PromptsRecord.of(
            book.name,
            {name: {label: (each,) for label, each in classes.items()} for name, classes in words.items()},
        ),
        precision=config.precision,
        preprocessing=dict(model.settings),
        decoding=asking.described(MAX_TOKENS),
        option_orders={name: one.orders for name, one in questions.items()},
        questions={name: _record(model, one, list(words[name])) for name, one in questions.items()},
    )
    predictor = WordsPredictor(
        model,
        asking,
        questions,
        batch_size=config.batch_size or _BATCH_SIZE.get(device.type, 8),
        workers=workers,
    )
    return run_job(
        job, identity, predictor, device, plugins=plugins, on_progress=on_progress, progress=progress
    )


def _record(model: Answerer, question: Question, class_names: Sequence[str]) -> QuestionRecord:
    """Return the record of a question, and of the answers that join their prompt."""
    if not isinstance(model, AnswerScorer):
        return QuestionRecord(text=question.text)
    tokens = model.answer_tokens(question.asked(0), question.options)
    joined = [name for name, one in zip(class_names, tokens, strict=True) if one.is_joined]
    return QuestionRecord(text=question.text, joined=tuple(joined))
