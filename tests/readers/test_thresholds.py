"""Thresholds of simulated readers: recovered, covered by their intervals, or undefined with the reason."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.optimize import minimize
from simulated import answers, study

from medimeta_c.metrics.resampling import Resampling
from medimeta_c.readers import scoring
from medimeta_c.readers.agreement import agreement
from medimeta_c.readers.psychometric import Curve, probability
from medimeta_c.readers.scoring import score_answers

PLAN = Resampling(resamples=300)
TRUE = {"compare": 2.3, "read": 3.6}


def test_intervals_cover_the_known_thresholds() -> None:
    """Of twenty studies with six readers, nearly all intervals contain what the readers were made with."""
    inside, widths, errors = [], [], []
    for seed in range(20):
        asked = study(20, seed=seed)
        scores = score_answers(asked, [answers(asked, TRUE, n) for n in range(6)], resampling=PLAN)
        (one,) = scores.corruptions
        for question, found in (("compare", one.noticeable), ("read", one.readable)):
            assert found.value is not None and found.low is not None and found.high is not None
            inside.append(found.contains(TRUE[question]))
            widths.append(found.high - found.low)
            errors.append(found.value - TRUE[question])
    assert np.mean(inside) >= 0.95  # the bootstrap over both errs on the wide side
    assert np.mean(widths) < 1.2
    assert abs(np.mean(errors)) < 0.05


def test_intervals_cover_where_readers_differ() -> None:
    """Readers of different eyes: the intervals contain the threshold of the middle one."""
    draw = np.random.Generator(np.random.Philox(key=9))
    inside = []
    for seed in range(20):
        asked = study(20, seed=100 + seed)
        eyes = np.exp(draw.normal(0, 0.15, 6))
        own = [
            answers(asked, {name: one * eye for name, one in TRUE.items()}, n) for n, eye in enumerate(eyes)
        ]
        (one,) = score_answers(asked, own, resampling=PLAN).corruptions
        inside += [one.noticeable.contains(TRUE["compare"]), one.readable.contains(TRUE["read"])]
    known = [one for one in inside if one is not None]
    assert len(known) > 30
    assert np.mean(known) >= 0.9


def test_unlike_readers_widen_the_interval() -> None:
    """As many answers say less of other readers where the readers differ."""
    asked = study(20)
    widths = []
    for spread in (0.0, 0.4):
        eyes = np.exp(spread * np.linspace(-1, 1, 6))
        own = [answers(asked, dict.fromkeys(TRUE, 2.6 * eye), n) for n, eye in enumerate(eyes)]
        found = score_answers(asked, own, resampling=PLAN).corruptions[0].readable
        assert found.low is not None and found.high is not None
        widths.append(found.high - found.low)
    assert widths[1] > 1.3 * widths[0]


def test_more_answers_make_narrower_intervals() -> None:
    """The interval is of the data's size."""
    widths = []
    for per_cell in (20, 80):
        asked = study(per_cell)
        scores = score_answers(asked, [answers(asked, TRUE, n) for n in range(5)], resampling=PLAN)
        low, high = scores.corruptions[0].noticeable.low, scores.corruptions[0].noticeable.high
        assert low is not None and high is not None
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("question", ["compare", "read"])
def test_the_grid_finds_what_an_optimiser_finds(question: str) -> None:
    """Over random answers, the likelihood at the optimiser's best is no better than at the grid's."""
    draw = np.random.Generator(np.random.Philox(key=5))
    severities = np.arange(1.0, 6.0)
    curve = Curve.of(question, tuple(range(1, 6)))  # type: ignore[arg-type]
    most = 0.06 if question == "compare" else 0.2
    for _ in range(12):
        truth = draw.uniform(1.5, 4.5)
        p = probability(question, severities, truth, 2.5, most / 3)  # type: ignore[arg-type]
        n = np.full(5, 60.0)
        k = draw.binomial(60, p).astype(float)

        def cost(values: np.ndarray, k: np.ndarray = k, n: np.ndarray = n) -> float:
            p = probability(question, severities, np.exp(values[0]), np.exp(values[1]), values[2])  # type: ignore[arg-type]
            p = np.clip(p, 1e-9, 1 - 1e-9)
            return float(-(k @ np.log(p) + (n - k) @ np.log1p(-p)))

        bounds = [(np.log(0.25), np.log(20)), (np.log(0.5), np.log(8)), (0.0, most)]
        best = min(
            (minimize(cost, [np.log(truth), start, most / 2], bounds=bounds) for start in (0.3, 1.0, 1.8)),
            key=lambda one: one.fun,
        )
        found = float(curve.fit(k[None], n[None])[0])
        assert abs(np.log(found) - best.x[0]) < 0.04  # a step and a half of the grid


def test_what_lies_outside_is_undefined() -> None:
    """Noticed at the lowest severity, or readable at the highest: no number, and which."""
    asked = study(6)
    scores = score_answers(asked, [answers(asked, {"compare": 0.3, "read": 30}, n) for n in range(3)])
    (one,) = scores.corruptions
    assert one.noticeable.reason == (
        "more than 75 % are recognised at severity 1, the lowest shown: it is below"
    )
    assert one.readable.reason == "more than 50 % are read at severity 5, the highest shown: it is above"
    scores = score_answers(asked, [answers(asked, {"compare": 30, "read": 0.3}, n) for n in range(3)])
    (one,) = scores.corruptions
    assert one.noticeable.reason == (
        "less than 75 % are recognised at severity 5, the highest shown: it is above"
    )
    assert one.readable.reason == "less than 50 % are read at severity 1, the lowest shown: it is below"


def test_an_end_outside_is_said() -> None:
    """A threshold near the highest severity has a number, and no interval, with the reason."""
    asked = study(10)
    scores = score_answers(asked, [answers(asked, {"compare": 4.6, "read": 3}, n) for n in range(6)])
    found = scores.corruptions[0].noticeable
    assert found.value is not None and found.low is None
    assert re.fullmatch(
        r"its upper end is above severity 5, the highest shown \(its lower end is [34]\.\d\d\)",
        str(found.interval_reason),
    )


def test_too_little_is_undefined() -> None:
    """Answers that stop early, one severity, and readers who cannot read anything."""
    asked = study(6)
    first = score_answers(asked, [answers(asked, TRUE, 0, count=6)]).corruptions[0]
    assert first.readable.reason == "only severity 1 was answered: a curve needs two"
    assert first.noticeable.reason == "it was not asked, or not answered"
    few = score_answers(asked, [answers(asked, TRUE, 0, count=8)]).corruptions[0]
    assert few.readable.reason == "only 8 answers: a curve needs 10"
    blind = answers(asked, TRUE, 0)
    said = tuple(
        one.model_copy(update={"answer": "no"}) if one.answer == "yes" else one for one in blind.answers
    )
    found = score_answers(asked, [blind.model_copy(update={"answers": said})])
    reason = found.corruptions[0].readable.reason
    assert reason == "readers cannot read half of the images without corruption either"
    assert (found.false_alarms.value, found.false_alarms.low) == (1.0, None)


@pytest.mark.parametrize(("clear", "is_refused"), [(10, True), (11, False)])
def test_more_than_half_of_the_clean_images_must_be_read(clear: int, is_refused: bool) -> None:
    """Of twenty: ten are exactly half, and too few."""
    asked = study(20, catch=20)
    own = answers(asked, TRUE, 0)
    clean = [trial.trial for trial in asked.trials if (trial.question, trial.corruption) == ("read", "clean")]
    words = {trial: "yes" if index < clear else "no" for index, trial in enumerate(clean)}
    said = tuple(one.model_copy(update={"answer": words.get(one.trial, one.answer)}) for one in own.answers)
    found = score_answers(asked, [own.model_copy(update={"answers": said})], resampling=PLAN)
    refused = found.corruptions[0].readable.reason
    assert (refused == "readers cannot read half of the images without corruption either") == is_refused


def test_each_resampling_has_numbers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of readers, and of the trials of each question, corruption, share and agreement."""
    drawn: list[float] = []
    draw = scoring._Table._draw

    def recorded(table: scoring._Table, what: str) -> np.random.Generator:
        drawn.append(draw(table, what).random())
        return draw(table, what)

    monkeypatch.setattr(scoring._Table, "_draw", recorded)
    asked = study(20, corruptions=("contrast", "motion_blur"))
    score_answers(asked, [answers(asked, TRUE, n) for n in range(3)], resampling=PLAN)
    thresholds, shares, agreements = 2 * (1 + 2), 2, 2  # reading resamples its clean images too
    assert len(drawn) == 1 + thresholds + shares + agreements
    assert len(set(drawn)) == len(drawn)


def test_false_alarms_and_habits() -> None:
    """Without corruption: how often readers say that they cannot read, and a liking for the left."""
    asked = study(2, catch=50)
    scores = score_answers(asked, [answers(asked, TRUE, n) for n in range(4)], resampling=PLAN)
    assert scores.false_alarms.contains(0.02)
    assert scores.left.contains(0.5)
    assert [row.reader for row in scores.readers] == [f"simulated {n}" for n in range(4)]
    assert all(row.answers == 120 and row.shrunk == 0 and row.seconds == 1.5 for row in scores.readers)


def test_the_same_answers_give_the_same_numbers() -> None:
    """The seed decides; another gives other ends of the same number."""
    asked = study(20)
    own = [answers(asked, TRUE, n) for n in range(5)]
    first, again = (score_answers(asked, own, resampling=PLAN) for _ in range(2))
    other = score_answers(asked, own, resampling=Resampling(resamples=300, seed=1))
    assert first == again
    one, two = first.corruptions[0].noticeable, other.corruptions[0].noticeable
    assert one.value == two.value
    assert one.low != two.low


def test_alpha_by_hand() -> None:
    """Krippendorff's own example of two observers and ten units, binary: alpha 0.095, agreement 60 %."""
    a = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 0])
    b = np.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    share, alpha = agreement((a + b).astype(float), np.full(10, 2.0), np.ones((1, 10)))
    assert (round(float(share[0]), 3), round(float(alpha[0]), 3)) == (0.6, 0.095)


def test_agreement_of_many() -> None:
    """Readers alike agree; one who says the opposite does not; gaps are left out; one reader has none."""
    asked = study(6)
    own = answers(asked, TRUE, 0)
    flipped = {"yes": "no", "no": "yes", "left": "right", "right": "left"}
    opposite = tuple(one.model_copy(update={"answer": flipped[one.answer]}) for one in own.answers)
    same = score_answers(asked, [own, own]).agreement
    assert [(one.equal.value, one.alpha.value) for one in same] == [(1.0, 1.0)] * 2
    assert all("agree alike" in str(one.equal.interval_reason) for one in same)
    apart = score_answers(asked, [own, own.model_copy(update={"answers": opposite})]).agreement
    assert all(one.equal.value == 0 and (one.alpha.value or 0) < -0.8 for one in apart)
    part = score_answers(asked, [own, answers(asked, TRUE, 1, count=20)]).agreement
    assert [one.trials for one in part] == [0, 20]
    alone = score_answers(asked, [own]).agreement
    assert {one.alpha.reason for one in alone} == {"no trial was answered by two readers"}
