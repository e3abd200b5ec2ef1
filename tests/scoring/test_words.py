"""Models that answer in words, from image to result: scores, parsing, blind controls, resuming."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from PIL import Image  # noqa: E402
from tiny_vlm import WRITERS  # noqa: E402

from medimeta_c.errors import ConfigError, ModelError, ResultError, ShardError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.models import Answerer, AnswerScorer, ModelIdentity, load_model  # noqa: E402
from medimeta_c.models.answering.contract import AnswerTokens, Talk  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult, answers_of, read_saved  # noqa: E402
from medimeta_c.results.predictions import NO_ANSWER, NO_PREDICTION  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402
from medimeta_c.scoring.words.parsing import class_of, confidence_of  # noqa: E402

CLEAN = SetKey("rays", "test", "clean", 0)


class Reader:
    """Answers by the image's brightness; says nothing that counts about dark ones, or without an image."""

    settings: Mapping[str, Any] = {"made": "up"}

    def __init__(self, name: str = "reader") -> None:
        self.identity = ModelIdentity(
            spec=f"python:{name}", family="own", weights_sha256="named", architecture="rules", parameters=0
        )
        self.asked: list[tuple[Image.Image | None, Talk]] = []
        self.dies_after = math.inf

    def to(self, device: Any, dtype: Any) -> Reader:
        return self

    def generate(self, images: Sequence[Image.Image | None], talks: Sequence[Talk], tokens: int) -> list[str]:
        self.asked += zip(images, talks, strict=True)
        if len(self.asked) > self.dies_after:
            raise ModelError("the model went away: start it again")
        return [self.answer(image, talk) for image, talk in zip(images, talks, strict=True)]

    def answer(self, image: Image.Image | None, talk: Talk) -> str:
        options = [line[2:] for line in talk[0].splitlines() if line.startswith("- ")]
        if len(talk) == 3:
            return "80" if image is not None and mean_of(image) > 85 else "rather sure"
        if image is None:
            return f"{options[0]}."  # the first offered
        if mean_of(image) == 128:
            return options[-1].upper()
        return "class1" if mean_of(image) > 90 else "no idea"


class Scorer(Reader):
    """Scores "class1" by brightness, and the first option offered by a nat more."""

    def log_probabilities(
        self, images: Sequence[Image.Image | None], questions: Sequence[str], answers: Sequence[str]
    ) -> Any:
        self.asked += [(image, (text,)) for image, text in zip(images, questions, strict=True)]
        rows = []
        for image, text in zip(images, questions, strict=True):
            first = next(line[2:] for line in text.splitlines() if line.startswith("- "))
            light = 0.0 if image is None else mean_of(image) / 100
            rows.append([-2.0 + (one == first) + light * (one == "class1") for one in answers])
        return torch.tensor(rows)

    def answer_tokens(self, question: str, answers: Sequence[str]) -> list[AnswerTokens]:
        return [AnswerTokens(2 + index, index == 1) for index, _ in enumerate(answers)]


def mean_of(image: Image.Image) -> float:
    return float(np.asarray(image).mean())


def asked(model: Any, small: Path, out: Path, **options: Any) -> SavedResult:
    values = {"benchmark": str(small), "baseline": "none", "device": "cpu", "out": out, **options}
    return evaluate(EvaluateConfig(model=model, **values))


def test_generated_answers_become_classes_or_none(small: Path, tmp_path: Path) -> None:
    """Null probabilities; no answer is wrong and counted; metrics of probabilities say why they are none."""
    saved = asked(Reader(), small, tmp_path)
    result = saved.result
    assert result.complete
    assert result.schema_version == 2
    assert not result.invalid
    cell = result.cell(CLEAN)
    assert cell is not None
    predictions = saved.predictions[CLEAN]
    assert predictions.probabilities is None
    assert set(predictions.predictions.tolist()) <= {1, NO_ANSWER}
    assert cell.unanswered == (predictions.predictions == NO_ANSWER).sum() > 0
    for name in ("macro_auroc", "ece"):
        assert cell.scores[name].reason == "the model answered in words, without probabilities"
    shares = [each.unanswered / each.n for each in result.scores.cells]
    assert result.unanswered("rays").value == pytest.approx(np.mean(shares))
    texts = answers_of(saved.path, result)[CLEAN].texts
    assert texts is not None
    assert [class_of(one, ("class0", "class1")) for one in texts] == predictions.predictions.tolist()
    assert read_saved(saved.path).result == result


def test_the_blind_control_keeps_each_images_own_order(small: Path, tmp_path: Path) -> None:
    """It answers what is offered first: only the image's own order tells what that is."""
    saved = asked(Reader(), small, tmp_path)
    answers = answers_of(saved.path, saved.result)[CLEAN]
    labels = saved.predictions[CLEAN].labels
    orders = saved.result.run.option_orders["rays"]
    assert orders == ((0, 1), (1, 0))
    first = [orders[each[0]][0] for each in answers.orders]
    last = [orders[each[0]][-1] for each in answers.orders]
    assert len(set(first)) == 2
    assert answers.without_image.tolist() == first
    assert answers.with_grey_image.tolist() == last
    assert saved.result.blind["rays"].value == np.mean(np.array(first) == labels)
    assert saved.result.blind_grey["rays"].value == np.mean(np.array(last) == labels)
    contrast = answers_of(saved.path, saved.result)[SetKey("rays", "test", "contrast", 3)]
    assert contrast.orders == answers.orders


def test_scores_are_means_over_the_orders(small: Path, tmp_path: Path) -> None:
    """Over all rotations the first place favours none; the length-normalised score is stored beside."""
    saved = asked(Scorer(), small, tmp_path)
    run = saved.result.run
    assert run.decoding == {"mode": "likelihood", "orders": 8, "seed": 0, "score": "log_probabilities"}
    assert run.questions["rays"].joined == ("class1",)
    assert "{options}" in run.questions["rays"].text
    answers = answers_of(saved.path, saved.result)[CLEAN]
    assert {tuple(sorted(each)) for each in answers.orders} == {(0, 1)}
    scores, per_token = answers.log_probabilities, answers.per_token
    assert scores is not None
    assert per_token is not None
    np.testing.assert_allclose(scores[:, 0], -1.5, atol=1e-6)
    assert (scores[:, 1] > -1.5).all()
    np.testing.assert_allclose(per_token, scores / [2, 3], rtol=1e-6)
    exact = np.exp(scores.astype(float))
    found: Any = saved.predictions[CLEAN].probabilities
    np.testing.assert_allclose(found, exact / exact.sum(1, keepdims=True), rtol=1e-5)
    assert (answers.without_image == 0).all()  # equal scores: the first class


@pytest.mark.parametrize(("light", "invalid"), [(-math.inf, False), (math.nan, True)])
def test_an_answer_may_be_impossible_but_not_unknown(
    small: Path, tmp_path: Path, light: float, invalid: bool
) -> None:
    """Probability 0 of one class leaves the others; NaN leaves no prediction."""

    class Odd(Scorer):
        def log_probabilities(self, images: Any, questions: Any, answers: Any) -> Any:
            found = super().log_probabilities(images, questions, answers)
            found[:, 1] += light
            return found

    saved = asked(Odd(), small, tmp_path)
    assert bool(saved.result.invalid) == invalid
    predictions = saved.predictions[CLEAN]
    assert (predictions.predictions == (NO_PREDICTION if invalid else 0)).all()
    assert read_saved(saved.path).result == saved.result


def test_fewer_orders_are_drawn_by_image(small: Path, tmp_path: Path) -> None:
    """One order of two: each image has its own, which the score shows."""
    saved = asked(Scorer(), small, tmp_path, orders=1)
    answers = answers_of(saved.path, saved.result)[CLEAN]
    scores = answers.log_probabilities
    assert scores is not None
    assert [len(each) for each in answers.orders] == [1] * len(answers.orders)
    np.testing.assert_allclose(scores[:, 0], [-1 if each == [0] else -2 for each in answers.orders])


def test_stated_confidence_has_its_calibration_and_its_shift(small: Path, tmp_path: Path) -> None:
    """Unread numbers take no part and are counted; the shift is under corruption minus clean."""
    saved = asked(Reader(), small, tmp_path, confidence=True)
    stated = saved.result.stated["rays"]
    cells = {}
    for key, answers in answers_of(saved.path, saved.result).items():
        sure = answers.confidences
        assert sure is not None
        read = np.isfinite(sure)
        right = saved.predictions[key].correct[read]
        cells[key] = abs(right.mean() - 0.8)
        assert [confidence_of(one) for one in answers.confidence_texts or ()] == [
            None if np.isnan(one) else pytest.approx(one) for one in sure
        ]
    clean = cells.pop(CLEAN)
    assert stated.clean.value == pytest.approx(clean, abs=1e-6)
    assert stated.corrupted.value == pytest.approx(np.mean(list(cells.values())), abs=1e-6)
    assert stated.shift.value == pytest.approx(np.mean(list(cells.values())) - clean, abs=1e-6)
    assert stated.read.value is not None
    assert 0 < stated.read.value < 1
    assert "How sure" in str(saved.result.run.decoding["confidence"])


def test_a_model_is_asked_about_the_answer_that_it_gave(small: Path, tmp_path: Path) -> None:
    """An empty text is asked about as such, not as a class that the model never named."""
    model: Any = Reader()
    given: Callable[..., str] = model.answer
    model.answer = lambda image, talk: given(image, talk).replace("no idea", "")
    saved = asked(model, small, tmp_path, confidence=True)
    texts = [
        text for answers in answers_of(saved.path, saved.result).values() for text in answers.texts or ()
    ]
    assert "" in texts
    assert sorted(talk[1] for _, talk in model.asked if len(talk) == 3) == sorted(texts)


@pytest.mark.parametrize("name", WRITERS)
def test_killed_and_resumed_is_the_same(small: Path, tmp_path: Path, name: str) -> None:
    """After the first cell, by an error: the second run asks about the other cells only."""
    folder = WRITERS[name](tmp_path / name)
    whole = asked(f"vlm:{folder}", small, tmp_path / "whole")
    loaded: Any = load_model(f"vlm:{folder}")
    left = [3]
    inner = loaded.log_probabilities

    def dying(images: Any, questions: Any, answers: Any) -> Any:
        left[0] -= any(image is not None and np.ptp(np.asarray(image)) for image in images)
        if left[0] < 0:
            raise KeyboardInterrupt
        return inner(images, questions, answers)

    loaded.log_probabilities = dying
    values = {"benchmark": str(small), "baseline": "none", "device": "cpu", "out": tmp_path / "cut"}
    config = EvaluateConfig(model=f"vlm:{folder}", batch_size=8, **values)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, model=loaded)
    cells = list((tmp_path / "cut").rglob("*.parquet"))
    assert len(cells) == 1
    resumed = evaluate(config)
    assert not list((tmp_path / "cut").rglob(".cells/*"))
    assert resumed.result.scores == whole.result.scores
    assert resumed.result.blind == whole.result.blind
    one, two = (answers_of(each.path, each.result) for each in (whole, resumed))
    for key, answers in one.items():
        assert answers.orders == two[key].orders
        first: Any = answers.log_probabilities
        second: Any = two[key].log_probabilities
        np.testing.assert_allclose(first, second, atol=1e-4)


def test_a_model_that_dies_keeps_finished_cells(small: Path, tmp_path: Path) -> None:
    model = Reader()
    model.dies_after = 2 + 8 + 4 + 3  # the trial, the first cell, its controls, and a part of the second
    with pytest.raises(ModelError, match="went away"):
        asked(model, small, tmp_path, batch_size=2)
    assert len(list(tmp_path.rglob("*.answers"))) == len(list(tmp_path.rglob("*.parquet"))) == 1
    model.dies_after = math.inf
    before = len(model.asked)
    assert asked(model, small, tmp_path, batch_size=2).result.complete
    assert len(model.asked) - before < 2 + 3 * 8


def test_batches_shrink_where_memory_ends(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost, and the answers are the same."""

    class Large(Scorer):
        most = 3

        def log_probabilities(self, images: Any, questions: Any, answers: Any) -> Any:
            if len(images) > self.most:
                raise torch.OutOfMemoryError("out of memory")
            return super().log_probabilities(images, questions, answers)

    wanted = asked(Scorer(), small, tmp_path / "a")
    found = asked(Large(), small, tmp_path / "b")
    assert "continuing with batches of" in caplog.text
    assert found.result.scores == wanted.result.scores
    assert found.result.answers_sha256 == wanted.result.answers_sha256


def test_another_question_is_another_run(small: Path, tmp_path: Path) -> None:
    asked(Reader(), small, tmp_path)
    with pytest.raises(ResultError, match="holds a run with questions"):
        asked(Reader(), small, tmp_path, question="Name it:\n{options}")
    with pytest.raises(ResultError, match="holds a run with decoding"):
        asked(Reader(), small, tmp_path, confidence=True)


def test_answers_that_were_changed_are_made_again(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = asked(Reader(), small, tmp_path)
    good = (saved.path / "answers.parquet").read_bytes()
    (saved.path / "answers.parquet").write_bytes(good[:-20])
    with pytest.raises(ResultError, match="damaged"):
        answers_of(saved.path, saved.result)
    again = asked(Reader(), small, tmp_path)
    assert "evaluating all cells again" in caplog.text
    assert again.result.answers_sha256 == saved.result.answers_sha256
    assert answers_of(again.path, again.result)


def test_only_a_scorer_gives_likelihoods(small: Path, tmp_path: Path) -> None:
    assert isinstance(Reader(), Answerer)
    assert not isinstance(Reader(), AnswerScorer)
    assert isinstance(Scorer(), AnswerScorer)
    with pytest.raises(ConfigError, match="texts without probabilities: use `decode='generate'`"):
        asked(Reader(), small, tmp_path, decode="likelihood")
    with pytest.raises(ConfigError, match="to one order of the options"):
        asked(Reader(), small, tmp_path, orders=3)
    assert asked(Scorer(), small, tmp_path, decode="generate").predictions[CLEAN].probabilities is None


def test_ones_own_model_is_named_by_its_module() -> None:
    """A class is called; the object is tried on an image and on none."""
    model = load_model("python:test_words:Scorer")
    assert isinstance(model, AnswerScorer)
    assert model.identity.spec == "python:reader"


def test_a_model_that_is_not_one_is_named_with_what_it_lacks() -> None:
    class Half:
        def generate(self) -> None: ...

    with pytest.raises(ModelError, match=r"to\(\) is missing; identity is not .*; settings is not a mapping"):
        load_model(Half())  # type: ignore[arg-type]
    silent: Any = Reader()
    silent.answer = lambda image, talk: None
    with pytest.raises(ModelError, match="one text for each of two questions"):
        load_model(silent)
    flat: Any = Scorer()
    flat.log_probabilities = lambda images, questions, answers: torch.zeros(2)
    with pytest.raises(ModelError, match=r"must give a tensor of shape \(2, 2\)"):
        load_model(flat)


def test_the_rows_are_those_of_the_manifest(small: Path, tmp_path: Path) -> None:
    """What was asked about is what the fingerprint says, as with every other model."""
    import shutil

    import pyarrow.parquet as pq

    copy = tmp_path / "copy"
    shutil.copytree(small, copy)
    shard = next((copy / "data/rays/test/clean").glob("*.parquet"))
    table = pq.read_table(shard)
    pq.write_table(table.slice(1), shard)
    with pytest.raises(ShardError):
        asked(Reader(), copy, tmp_path / "out")


def test_controls_and_no_answers_stand_in_every_table(small: Path, tmp_path: Path) -> None:
    """On the terminal, in the report, in a notebook and in a comparison, of such a model only."""
    from medimeta_c.io.tables.markdown import markdown
    from medimeta_c.reports.headlines import headlines
    from medimeta_c.reports.tables import further_tables, main_tables
    from medimeta_c.results.assessment.loss import assess
    from medimeta_c.results.comparison import compare
    from medimeta_c.results.comparison.views import comparison_tables
    from medimeta_c.results.views import result_table

    one = asked(Reader(), small, tmp_path, confidence=True)
    two = asked(Scorer("scorer"), small, tmp_path)
    share = f"{100 * (one.result.unanswered('rays').value or 0):.1f}"
    blind = f"{100 * (one.result.blind['rays'].value or 0):.1f}"
    assert share not in {"0.0", "100.0"}
    tables = [*main_tables(one.result), *further_tables(one.result)[:1], result_table(one.result)]
    texts = [markdown(table) for table in tables]
    comparison = compare([one, two])
    texts.append(markdown(comparison_tables(comparison)[1]))
    for text in texts:
        assert all(word in text for word in ("Without image", "Grey image", "No answer", share, blind)), text
    assert f"no answer {share} %" in headlines(assess(one))[2].note
    assert "Stated confidence" in (one.path / "report.md").read_text()
    report = (one.path / "report.html").read_text()
    assert "Without image" in report
    assert "How sure are you" in report
    words = comparison.to_dict()["models"][0]["words"]
    assert set(words) == {"without image", "grey image", "no answer"}


def test_the_command_line_asks(small: Path, tmp_path: Path) -> None:
    """A tiny model from its folder: likelihoods, then generated texts, each with the controls."""
    from typer.testing import CliRunner

    from medimeta_c.cli import app

    folder = WRITERS["qwen2_vl"](tmp_path / "tiny")
    options = ["evaluate", "--model", f"vlm:{folder}", "--benchmark", str(small), "--baseline", "none"]
    options += ["--device", "cpu", "--workers", "0"]

    def run(*more: str, code: int = 0) -> str:
        found = CliRunner().invoke(app, [*options, *more])
        assert found.exit_code == code, found.output
        return found.output

    text = run("--out", str(tmp_path / "a"), "--orders", "1")
    assert "Without image" in text
    said = run("--out", str(tmp_path / "b"), "--decode", "generate", "--confidence")
    assert "No answer" in said
    assert "use --orders" not in run("--decode", "generate", "--orders", "3", code=2)
    (saved,) = [read_saved(path.parent) for path in (tmp_path / "b").rglob("result.json")]
    assert saved.result.run.decoding["mode"] == "generate"
    assert saved.result.run.model.family == "vlm"
    assert saved.result.stated["rays"].read.value is not None
