"""The page in a browser: driven by the keyboard, reloaded in the middle, exported, scored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.readers import StudyConfig, StudyReport, make_study, score_readers
from medimeta_c.readers.answers import WORDS, read_answers

Open = Callable[..., Any]
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "yes": "y", "no": "n"}


@pytest.fixture(scope="module")
def report(built: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyReport:
    """A page of 24 trials, of which four are without corruption."""
    config = StudyConfig(
        out=tmp_path_factory.mktemp("readers") / "page.html",
        corruptions=("contrast", "zoom_blur"), trials=20, catch=4,
    )  # fmt: skip
    return make_study(open_benchmark(built), config)


def ready(page: Any) -> None:
    page.locator("#choices button:not([disabled])").first.wait_for()


def press(page: Any, report: StudyReport, start: int, stop: int) -> None:
    """Answer trials by the keyboard as somebody would who sees everything."""
    for index, trial in enumerate(report.study.trials[start:stop], start):
        ready(page)
        assert page.inner_text("#count") == f"{index + 1} of 24"
        word = trial.worse or ("no" if trial.severity > 2 else WORDS[trial.question][0])
        page.keyboard.press(KEYS[word])


def test_a_reader_with_a_keyboard(report: StudyReport, visit: Open, tmp_path: Path) -> None:
    """Start, answer, take back, reload, go on, stop, go on, export; the scores are those of the answers."""
    page = visit(report.page)
    page.keyboard.type("  q.r ")
    page.keyboard.press("Enter")
    press(page, report, 0, 9)
    ready(page)
    page.keyboard.press("Backspace")
    press(page, report, 8, 9)
    ready(page)
    page.reload()
    assert page.input_value("#reader") == "q.r"
    assert page.inner_text("#saved") == "9 of 24 questions are answered in this browser."
    page.keyboard.press("Enter")
    press(page, report, 9, 17)
    ready(page)
    page.keyboard.press("Escape")
    assert page.inner_text("#done-title") == "Stopped for now"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Go on
    press(page, report, 17, 24)
    assert page.inner_text("#done-title") == "Thank you"
    assert page.evaluate("document.activeElement.id") == "done-title"
    page.keyboard.press("Tab")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    name = waiting.value.suggested_filename
    assert re.fullmatch(r"answers-q-r-[0-9a-f]{8}\.json", name)
    file = tmp_path / name
    waiting.value.save_as(file)
    assert page.input_value("#text") == file.read_text(encoding="utf-8")
    (found,) = read_answers([file], report.study)
    assert (found.reader, len(found.answers)) == ("q.r", 24)
    assert all(0 <= one.seconds < 60 and one.scale >= 1 for one in found.answers)
    scores = score_readers(report.file, [file])
    assert scores.readers[0].right.value == 1.0
    assert scores.readers[0].false_alarms.value == 0.0
    for one in scores.corruptions:
        assert [point.positive for point in one.read] == [1, 1, 0, 0, 0]
        assert [point.positive for point in one.compared] == [1] * 5


def test_two_readers_of_one_browser(report: StudyReport, visit: Open) -> None:
    """Each finds the own answers again; deleting them leaves the other's."""
    page = visit(report.page)
    for name, count in (("a", 3), ("b", 5)):
        page.fill("#reader", name)
        page.keyboard.press("Enter")
        press(page, report, 0, count)
        ready(page)
        page.reload()
    page.fill("#reader", "A")
    assert page.inner_text("#saved").startswith("3 of 24")
    page.keyboard.press("Enter")
    ready(page)
    page.keyboard.press("Escape")
    page.get_by_text("Delete the answers from this browser").click()
    page.click("#forget")
    page.fill("#reader", "a")
    assert page.inner_text("#saved") == ""
    page.fill("#reader", "b")
    assert page.inner_text("#saved").startswith("5 of 24")


def test_buttons_do_the_same(report: StudyReport, visit: Open) -> None:
    """A pointer, or a finger, answers as the keys do; keys with a modifier and held keys do not."""
    page = visit(report.page)
    page.fill("#reader", "p")
    page.click("#go")
    ready(page)
    page.keyboard.press("Control+y")
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'y', repeat: true}))")
    assert page.inner_text("#count") == "1 of 24"
    page.click("#choose-no")
    ready(page)
    assert page.inner_text("#count") == "2 of 24"
    page.click("#undo")
    ready(page)
    assert page.inner_text("#count") == "1 of 24"
    page.click("#stop")
    assert page.locator("#export").is_disabled()


def test_a_browser_that_keeps_nothing(report: StudyReport, visit: Open) -> None:
    """Without storage the page works, and says that a closed page loses the answers."""
    page = visit(report.page)
    page.evaluate("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})")
    page.fill("#reader", "p")
    page.keyboard.press("Enter")
    press(page, report, 0, 2)
    ready(page)
    page.keyboard.press("Escape")
    assert "This browser does not keep them" in page.inner_text("#done-text")
    assert len(json.loads(page.input_value("#text"))["answers"]) == 2


def test_damaged_storage_is_passed_over(report: StudyReport, visit: Open) -> None:
    """What something else wrote into the storage does not become an answer."""
    page = visit(report.page)
    for value in ("{", '{"answers": 3}', '{"answers": [{"trial": "t0009", "answer": "yes"}]}', "null"):
        page.evaluate(
            "([study, value]) => localStorage.setItem(`medimeta-c-readers/${study}/x`, value)",
            [report.study.digest, value],
        )
        page.fill("#reader", "x")
        assert page.inner_text("#go") == "Start"


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(report: StudyReport, visit: Open, width: int, scheme: str) -> None:
    """No sideways scrolling, whole pixels, two images side by side on one stage, the same in both schemes."""
    page = visit(report.page, viewport={"width": width, "height": 800}, color_scheme=scheme)
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) == width
    page.fill("#reader", "w")
    page.keyboard.press("Enter")
    first = next(i for i, one in enumerate(report.study.trials) if one.question == "compare")
    press(page, report, 0, first)
    ready(page)
    assert page.evaluate(wide) == width
    boxes = [page.locator("#stage img").nth(side).bounding_box() for side in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    natural = page.evaluate("document.querySelector('#stage img').naturalWidth")
    assert boxes[0]["width"] % natural == 0
    assert page.locator("#choose-left").bounding_box()["y"] < 800
    stage = page.evaluate("getComputedStyle(document.getElementById('stage')).backgroundColor")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert stage == "rgb(20, 23, 26)"
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 28)"}[scheme]


def test_nothing_foreign_runs_or_leaves(report: StudyReport, browser: Any) -> None:
    """The page's policy stops scripts of others, and every kind of request."""
    page = browser.new_context().new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(report.page.as_uri())
    assert page.evaluate(
        """async () => {
          const script = document.createElement('script');
          script.textContent = 'window.pwned = 1';
          document.body.append(script);
          document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}));
          const sent = await fetch('https://example.org/').then(() => 'sent', () => 'stopped');
          return [window.pwned === undefined, sent, navigator.sendBeacon('https://example.org/')];
        }"""
    )[:2] == [True, "stopped"]
    assert len([one for one in refused if "Content Security Policy" in one]) >= 3
    page.context.close()
