"""Score the answers of readers: agreement, just-noticeable and limit-of-reading severities.

Intervals are percentiles of a bootstrap over readers and trials: a sample draws readers with replacement and,
apart from that, trials with replacement, and an answer counts as often as its reader times its trial was
drawn. This speaks of other readers and other images of the same kind, and errs on the wide side. One reader
is not resampled: the interval then is of this reader. Agreement resamples trials only, because a reader drawn
twice would agree with himself.

References
----------
.. [1] A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007) 386-411.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format.keys import CLEAN
from medimeta_c.format.suites import in_order
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.readers.agreement import agreement
from medimeta_c.readers.answers import WORDS, Answers, read_answers
from medimeta_c.readers.psychometric import CRITERIA, Curve
from medimeta_c.readers.scores import AgreementScores, CorruptionScores, Point, ReaderRow, ReaderScores
from medimeta_c.readers.study import QUESTIONS, Question, Study, Trial, read_study
from medimeta_corruptions import CORRUPTIONS

__all__ = ["score_answers", "score_readers"]

FloatArray = NDArray[np.float64]

_SCHEME = "medimeta-c/readers/bootstrap/1"
_FEWEST = 10
"""Answers that a curve needs; with fewer the function says more than they."""


def score_readers(
    study: Path, answers: Sequence[Path], *, resampling: Resampling | None = None
) -> ReaderScores:
    """Read a study file and the files that its readers exported, and score them.

    Parameters
    ----------
    study : Path
        The study file, written beside the page.
    answers : sequence of Path
        One a reader.
    resampling : Resampling, optional
        1000 resamples at 95 %, seed 0, by default.

    Raises
    ------
    ResultError
        If a file is damaged, or the answers are not to this study.
    """
    asked = read_study(study)
    return score_answers(asked, read_answers(answers, asked), resampling=resampling)


def score_answers(
    study: Study, answers: Sequence[Answers], *, resampling: Resampling | None = None
) -> ReaderScores:
    """Score answers that were read; see `score_readers`."""
    plan = resampling or Resampling()
    table = _Table(study, answers, plan)
    names = {one.corruption for one in study.trials} - {CLEAN}
    catches = {question: table.trials(question, CLEAN) for question in QUESTIONS}
    return ReaderScores(
        study=study.digest,
        benchmark=study.benchmark,
        fingerprint=study.fingerprint,
        phantoms=study.phantoms,
        resampling=plan,
        readers=tuple(_row(study, one) for one in answers),
        agreement=tuple(
            table.agreement(question)
            for question in QUESTIONS
            if any(t.question == question for t in study.trials)
        ),
        false_alarms=table.share(catches["read"], positive=False, what="images without corruption"),
        left=table.share(catches["compare"], positive=True, what="comparisons of two equal images"),
        corruptions=tuple(
            CorruptionScores(
                corruption=name,
                noticeable=table.threshold("compare", name),
                readable=table.threshold("read", name),
                compared=table.points("compare", name),
                read=table.points("read", name),
            )
            for name in in_order(names, CORRUPTIONS)
        ),
    )


class _Table:
    """All answers to a study, and the resamples of its readers.

    A comparison of a corrupted image is positive where it is right, any other trial where the first of its
    two words was said: left, or yes.
    """

    def __init__(self, study: Study, answers: Sequence[Answers], plan: Resampling) -> None:
        self.study, self.plan = study, plan
        place = {one.trial: index for index, one in enumerate(study.trials)}
        shape = len(answers), len(study.trials)
        self.given, self.positive, self.first = (np.zeros(shape) for _ in range(3))
        for row, own in enumerate(answers):
            for one in own.answers:
                trial = study.trials[place[one.trial]]
                column = place[one.trial]
                self.given[row, column] = 1
                self.first[row, column] = one.answer == WORDS[trial.question][0]
                self.positive[row, column] = one.answer == (trial.worse or WORDS[trial.question][0])
        readers = len(answers)
        drawn = self._draw("readers").multinomial(readers, np.full(readers, 1 / readers), size=plan.resamples)
        self.readers = drawn.astype(np.float64)

    def trials(self, question: Question, corruption: str) -> list[int]:
        """Return the places of the trials that ask a question about a corruption."""
        return [
            place
            for place, one in enumerate(self.study.trials)
            if (one.question, one.corruption) == (question, corruption)
        ]

    def points(self, question: Question, corruption: str) -> tuple[Point, ...]:
        """Return the answers to a question about a corruption by severity."""
        places = self.trials(question, corruption)
        severities = np.array([self.study.trials[place].severity for place in places], int)
        given, positive = (one[:, places].sum(axis=0) for one in (self.given, self.positive))
        return tuple(
            Point(
                severity=severity,
                answers=int(given[severities == severity].sum()),
                positive=int(positive[severities == severity].sum()),
            )
            for severity in sorted(set(severities.tolist()))
        )

    def threshold(self, question: Question, corruption: str) -> Estimate:
        """Return the severity at which the answers cross the question's criterion."""
        points = [one for one in self.points(question, corruption) if one.answers]
        catches = self.points("read", CLEAN) if question == "read" else ()
        if reason := _too_little(question, points, catches):
            return Estimate.undefined(reason)
        clean = [one for one in catches if one.answers]
        severities = tuple(one.severity for one in (*clean, *points))
        curve = Curve.of(question, severities)
        groups = [self.trials(question, corruption), *([self.trials(question, CLEAN)] if clean else [])]
        right, answers = self._resampled(groups, severities, f"{question}|{corruption}")
        counts = np.array([[one.positive, one.answers] for one in (*clean, *points)], np.float64)
        found = float(curve.fit(counts[None, :, 0], counts[None, :, 1])[0])
        low, high = points[0].severity, points[-1].severity
        if reason := _outside(question, found, low, high):
            return Estimate.undefined(reason)
        ends = self._ends(curve.fit(right, answers))
        reason = " and ".join(
            text
            for text in (
                f"its lower end is below severity {low}, the lowest shown" if ends[0] < low else "",
                f"its upper end is above severity {high}, the highest shown" if ends[1] > high else "",
            )
            if text
        )
        if reason:
            known = "".join(
                f" (its {name} end is {end:.2f})"
                for name, end in zip(("lower", "upper"), ends, strict=True)
                if low <= end <= high
            )
            return Estimate(value=found, low=None, high=None, interval_reason=reason + known)
        return Estimate(value=found, low=ends[0], high=ends[1])

    def share(self, places: list[int], *, positive: bool, what: str) -> Estimate:
        """Return the share of positive (or negative) answers to some trials."""
        given, hit = self.given[:, places], self.positive[:, places]
        hit = hit if positive else given - hit
        n, k = given.sum(), hit.sum()
        if not n:
            return Estimate.undefined(f"no {what} were answered")
        value = float(k / n)
        if k in (0, n):
            reason = "all answers are the same: resamples cannot differ"
            return Estimate(value=value, low=None, high=None, interval_reason=reason)
        weights = self._weights(len(places), what)
        hits, all_given = (((self.readers @ one) * weights).sum(axis=1) for one in (hit, given))
        low, high = self._ends(hits[all_given > 0] / all_given[all_given > 0])
        return Estimate(value=value, low=low, high=high)

    def agreement(self, question: Question) -> AgreementScores:
        """Return how far readers agree about a question."""
        places = [
            place
            for place, one in enumerate(self.study.trials)
            if one.question == question and not (question == "compare" and one.is_catch)
        ]
        given, first = self.given[:, places].sum(axis=0), self.first[:, places].sum(axis=0)
        several = int(np.count_nonzero(given >= 2))
        if not several:
            reason = "no trial was answered by two readers"
            none = Estimate.undefined(reason)
            return AgreementScores(question=question, trials=0, equal=none, alpha=none)
        weights = self._weights(len(places), f"agreement|{question}")
        value = [float(one[0]) for one in agreement(first, given, np.ones((1, len(places))))]
        equal, alpha = (
            self._estimate(number, samples)
            for number, samples in zip(value, agreement(first, given, weights), strict=True)
        )
        return AgreementScores(question=question, trials=several, equal=equal, alpha=alpha)

    def _estimate(self, value: float, samples: FloatArray) -> Estimate:
        if not np.isfinite(value):
            return Estimate.undefined("all answers are the same: chance cannot be told from agreement")
        samples = samples[np.isfinite(samples)]
        if not len(samples) or samples.min() == samples.max():
            reason = "readers agree alike on every trial: resamples cannot differ"
            return Estimate(value=value, low=None, high=None, interval_reason=reason)
        low, high = self._ends(samples)
        return Estimate(value=value, low=low, high=high)

    def _resampled(
        self, groups: list[list[int]], severities: tuple[int, ...], what: str
    ) -> tuple[FloatArray, FloatArray]:
        """Return positive answers and answers by severity on each resample; groups are resampled apart."""
        right, answers = (np.zeros((self.plan.resamples, len(severities))) for _ in range(2))
        for number, places in enumerate(groups):
            weights = self._weights(len(places), f"{what}|{number}")
            at = np.array(
                [[self.study.trials[place].severity == one for one in severities] for place in places], float
            )
            right += ((self.readers @ self.positive[:, places]) * weights) @ at
            answers += ((self.readers @ self.given[:, places]) * weights) @ at
        return right, answers

    def _weights(self, trials: int, what: str) -> FloatArray:
        """Return how often each trial of a group is drawn, shape (R, trials)."""
        drawn = self._draw(what).multinomial(trials, np.full(trials, 1 / trials), size=self.plan.resamples)
        return drawn.astype(np.float64)

    def _ends(self, samples: FloatArray) -> tuple[float, float]:
        tail = (1 - self.plan.level) / 2
        low, high = np.round(np.quantile(samples, [tail, 1 - tail]), 12) + 0.0
        return float(low), float(high)

    def _draw(self, what: str) -> np.random.Generator:
        text = f"{_SCHEME}|{self.plan.seed}|{self.study.digest}|{what}"
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def _too_little(question: Question, points: Sequence[Point], catches: Sequence[Point]) -> str | None:
    """Return why no curve can be fitted; None if one can."""
    answers = sum(one.answers for one in points)
    if not answers:
        return "it was not asked, or not answered"
    if len(points) < 2:
        return f"only severity {points[0].severity} was answered: a curve needs two"
    if answers < _FEWEST:
        return f"only {answers} answers: a curve needs {_FEWEST}"
    if any(2 * one.positive <= one.answers for one in catches if one.answers):
        return "readers cannot read half of the images without corruption either"
    return None


def _outside(question: Question, found: float, low: int, high: int) -> str | None:
    """Return why a threshold is not a number: it would lie where nothing was shown."""
    verb = "recognised" if question == "compare" else "read"
    share = f"{100 * CRITERIA[question]:g} %"
    if found < low:
        more = "more" if question == "compare" else "less"
        return f"{more} than {share} are {verb} at severity {low}, the lowest shown: it is below"
    if found > high:
        less = "less" if question == "compare" else "more"
        return f"{less} than {share} are {verb} at severity {high}, the highest shown: it is above"
    return None


def _row(study: Study, answers: Answers) -> ReaderRow:
    trials = {one.trial: one for one in study.trials}
    said: list[tuple[Trial, str]] = [(trials[one.trial], one.answer) for one in answers.answers]
    compared = [word == trial.worse for trial, word in said if trial.worse]
    alarms = [word == "no" for trial, word in said if trial.question == "read" and trial.is_catch]
    return ReaderRow(
        reader=answers.shown_reader,
        answers=len(said),
        right=_mean(compared, "no comparison of a corrupted image was answered"),
        false_alarms=_mean(alarms, "no image without corruption was answered"),
        seconds=float(np.median([one.seconds for one in answers.answers])),
        shrunk=sum(one.scale < 1 for one in answers.answers),
    )


def _mean(parts: list[bool], reason: str) -> Number:
    return Number(value=sum(parts) / len(parts)) if parts else Number.undefined(reason)
