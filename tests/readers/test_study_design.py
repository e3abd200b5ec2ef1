"""The trials of a study: balanced, seeded, blind; and requests that no benchmark can meet."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.io.records import dump
from medimeta_c.io.templating import templates_folder
from medimeta_c.readers import StudyConfig, make_study
from medimeta_c.readers.design import design
from medimeta_c.readers.study import Study, read_study

TEMPLATE = ("readers.html.jinja", "readers.css", "readers.js")


@pytest.fixture(scope="module")
def benchmark(built: Path) -> Benchmark:
    return open_benchmark(built)


def made(benchmark: Benchmark, **changes: object) -> Study:
    return design(benchmark, StudyConfig(out="page.html", **changes))  # type: ignore[arg-type]


def test_a_study_is_balanced(benchmark: Benchmark) -> None:
    """Combinations, datasets, images and sides get the same number, or one more."""
    study = made(benchmark, trials=160, catch=21)
    corrupted = [one for one in study.trials if not one.is_catch]
    cells = Counter((one.question, one.corruption, one.severity) for one in corrupted)
    assert (len(study.trials), len(cells), set(cells.values())) == (181, 70, {2, 3})
    assert sum(one.is_catch and one.question == "read" for one in study.trials) == 11
    by_cell = Counter((one.question, one.corruption, one.severity, one.dataset) for one in corrupted)
    assert set(by_cell.values()) <= {1, 2}
    for dataset, least in (("cells", 12), ("rays", 8)):
        images = Counter(one.image_id for one in study.trials if one.dataset == dataset)
        assert len(images) == least
        assert max(images.values()) - min(images.values()) <= 2
    sides = Counter((one.corruption, one.worse) for one in corrupted if one.question == "compare")
    for corruption in {one.corruption for one in corrupted}:
        assert abs(sides[corruption, "left"] - sides[corruption, "right"]) <= 1
    assert (
        abs(sum(one.worse == "left" for one in corrupted) - sum(one.worse == "right" for one in corrupted))
        <= 1
    )
    order = [one.question for one in study.trials]
    assert order == sorted(order, reverse=True)  # read first


def test_a_round_has_every_combination_once(benchmark: Benchmark) -> None:
    """Practice and fatigue fall on all alike."""
    study = made(benchmark, datasets="rays", questions="compare", trials=105, catch=0)
    for start in (0, 35, 70):
        part = study.trials[start : start + 35]
        assert len({(one.corruption, one.severity) for one in part}) == 35


def test_the_seed_decides(benchmark: Benchmark) -> None:
    """The same seed gives the same study, another seed another."""
    one, same, other = (made(benchmark, seed=seed) for seed in (0, 0, 1))
    assert one.digest == same.digest
    assert one.digest != other.digest
    assert [t.worse for t in one.trials] != [t.worse for t in other.trials]


def test_a_choice_is_kept(benchmark: Benchmark) -> None:
    """Datasets, corruptions, severities and questions that were not asked for do not appear."""
    study = made(
        benchmark,
        datasets="cells", corruptions=("contrast", "zoom_blur"), severities=(1, 4), questions="compare",
        trials=8, catch=3,
    )  # fmt: skip
    assert {one.dataset for one in study.trials} == {"cells"}
    assert {one.corruption for one in study.trials} == {"contrast", "zoom_blur", "clean"}
    assert {one.severity for one in study.trials} == {0, 1, 4}
    assert {one.question for one in study.trials} == {"compare"}


REFUSED = {
    "too few trials": ({"trials": 69}, "69 trials are too few: there are 70 combinations"),
    "too many": ({"trials": 1990, "catch": 20}, "at most 2000 in all"),
    "no trials": ({"trials": 0}, "ask at least one trial"),
    "a dataset": ({"datasets": "pbc"}, "unknown dataset 'pbc'"),
    "a corruption": ({"corruptions": "contrst"}, "did you mean 'contrast'?"),
    "a severity": ({"severities": 6}, "severity 6 is not valid"),
    "clean": ({"severities": 0}, "severity 0 is not valid"),
    "a question": ({"questions": "reed"}, "did you mean 'read'?"),
    "a split": ({"split": "val"}, "has no set cells/val/clean/severity-0"),
    "twice": ({"questions": ("read", "read")}, "duplicate questions: read"),
    "a seed": ({"seed": -1}, "seed -1 is not valid"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_asked(benchmark: Benchmark, case: str) -> None:
    changes, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        made(benchmark, **changes)
    assert words in str(caught.value)


def test_a_severity_that_was_not_built(small: Path) -> None:
    with pytest.raises(ConfigError, match="has no severity 5 of what is asked for"):
        made(open_benchmark(small), severities=(1, 5), trials=10)


def test_nothing_else_is_written_over(benchmark: Benchmark, tmp_path: Path) -> None:
    """The same study may be written again; another one, or a file that is no study's page, stays."""
    out = tmp_path / "page.html"
    report = make_study(benchmark, StudyConfig(out=out))
    text = out.read_bytes()
    assert make_study(benchmark, StudyConfig(out=out)).study == report.study
    assert out.read_bytes() == text
    with pytest.raises(ConfigError, match="is of another study, whose answers could no longer be scored"):
        make_study(benchmark, StudyConfig(out=out, seed=1))
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(ConfigError, match="exists and was not written by this command"):
        make_study(benchmark, StudyConfig(out=tmp_path / "mine.html"))
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert read_study(report.file) == report.study


def test_the_page_is_blind(benchmark: Benchmark, tmp_path: Path) -> None:
    """Neither names nor ids nor severities nor sides are in it; only digests, titles and pixels."""
    out = tmp_path / "page.html"
    study = make_study(benchmark, StudyConfig(out=out)).study
    text = out.read_text(encoding="utf-8")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert data["study"] == study.digest
    assert {frozenset(one) for one in data["trials"]} == {frozenset({"trial", "question", "about", "images"})}
    template = "".join((templates_folder() / name).read_text(encoding="utf-8") for name in TEMPLATE)
    for word in {one.corruption for one in study.trials} | {one.image_id for one in study.trials}:
        assert text.count(word) == template.count(word), word
    assert "severity" not in text
    equal = [one.trial for one in study.trials if one.is_catch and one.question == "compare"]
    same = [
        one["trial"]
        for one in data["trials"]
        if one["question"] == "compare" and len(set(one["images"])) == 1
    ]
    assert set(equal) <= set(same)


def test_the_page_shows_what_the_study_says(benchmark: Benchmark, tmp_path: Path) -> None:
    """Pixel for pixel, and the corrupted image on the side that is right."""
    out = tmp_path / "page.html"
    study = make_study(benchmark, StudyConfig(out=out)).study
    text = out.read_text(encoding="utf-8")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    stored = {
        (key, image_id): image
        for key in benchmark.sets
        for batch in benchmark.batches(key)
        for image_id, image in zip(batch.image_ids, batch.images, strict=True)
    }
    for trial, shown in zip(study.trials, data["trials"], strict=True):
        own = SetKey(trial.dataset, "test", trial.corruption, trial.severity)
        clean = SetKey(trial.dataset, "test", "clean", 0)
        keys = [own] if trial.question == "read" else [own, clean][:: 1 if trial.worse == "left" else -1]
        assert shown["trial"] == trial.trial
        for key, place in zip(keys, shown["images"], strict=True):
            pixels = png.decode(base64.b64decode(data["images"][place].partition(",")[2]))
            assert np.array_equal(pixels, stored[key, trial.image_id])


def test_study_files_of_others(benchmark: Benchmark, tmp_path: Path) -> None:
    """Study files are untrusted input, too: each invalid one is refused in one sentence."""
    shutil.copy(__file__, tmp_path / "a.study.json")
    values = dump(made(benchmark))
    for change, words in (
        (lambda v: v["trials"][0].update(trial="t0002"), "not numbered from t0001 on"),
        (lambda v: v["trials"][0].update(severity=0), "has severity 0 of"),
        (lambda v: v["trials"][0].update(worse="left"), "does not fit its side"),
        (lambda v: v.update(more=1), "at more: Extra inputs"),
        (lambda v: v.update(schema_version=9), "schema version 9"),
        (lambda v: v.update(trials=v["trials"] * 40), "at trials: Tuple should have at most"),
    ):
        changed = json.loads(json.dumps(values))
        change(changed)
        path = tmp_path / "b.study.json"
        path.write_text(json.dumps(changed))
        with pytest.raises(ResultError) as caught:
            read_study(path)
        assert words in str(caught.value)
    with pytest.raises(ResultError, match="not valid JSON"):
        read_study(tmp_path / "a.study.json")
