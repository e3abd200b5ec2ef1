"""The drawings of a report: right places and counts, the page's colours, and any name a class may have."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from medimeta_c.figures.svg.panel import Panel
from medimeta_c.figures.svg.reliability import reliability_diagram
from medimeta_c.figures.svg.severity_curves import severity_curves
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.io.tables.html import html
from medimeta_c.metrics.confidence.calibration import Reliability
from medimeta_c.metrics.scores import NO_ANSWER
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.reports.confusion import confusion_counts, confusion_table
from medimeta_c.reports.ranges import ranges
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions

NAN = math.nan
KEY = SetKey("cells", "test", "clean", 0)


def marks(drawing: Markup, tag: str, css: str) -> list[dict[str, str]]:
    """The attributes of a drawing's elements of one class."""
    return [
        dict(one.attrib) for one in ET.fromstring(drawing).iter(tag) if css in one.get("class", "").split()
    ]


def one_cell(labels: list[int], probabilities: list[list[float]]) -> CellPredictions:
    return CellPredictions.of(KEY, map(str, range(len(labels))), labels, probabilities)


def test_confusion_counts_by_hand() -> None:
    """Rows are true classes, columns predictions; an image without prediction is in no square."""
    labels, predictions = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, -1, 2])
    assert confusion_counts(labels, predictions, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_confusion_shows_shares_of_each_class() -> None:
    """Percent of the row's images, with their number on demand; zeros and an empty class are left blank."""
    sure, other = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    cell = one_cell([0, 0, 0, 0, 1, 1], [sure, sure, sure, other, other, other])
    table = confusion_table(cell, ["a", "b", "c"], "Clean")
    assert table.headers == ("", "1", "2", "3")
    assert [[one.text for one in row] for row in table.rows] == [
        ["a", "75", "25", ""],
        ["b", "", "100", ""],
        ["c", "", "", ""],
    ]
    assert table.rows[0][1].note == "3 of 4 images of a taken for a"
    assert table.rows[0][1].shade == 0.75


def test_images_without_an_answer_count_among_those_of_their_class() -> None:
    """Half of a class unanswered: the shares of its row are of all its images."""
    cell = CellPredictions.of(KEY, "0123", [0, 0, 0, 0], None, predictions=[0, 1, NO_ANSWER, NO_ANSWER])
    (row, _) = confusion_table(cell, ["a", "b"], "Clean").rows
    assert [one.text for one in row] == ["a", "25", "25"]
    assert row[2].note == "1 of 4 images of a taken for b"


@pytest.mark.parametrize("name", ["$\\frac{a}$", "细胞", "a" * 400, "<b>&amp;\u202e\x07", "%s {0}"])
def test_any_class_name_is_shown_as_it_is(name: str) -> None:
    """No mathematics and no tag of its own; what has no letter is left out."""
    table = html(confusion_table(one_cell([0, 1], [[0.9, 0.1], [0.2, 0.8]]), [name, "b"], "Clean"))
    panel = Panel((0, 1), (0, 1), width=100, height=100)
    panel.dot((0.5, 0.5), 2, "model", name)
    drawing = panel.svg(name)
    for text in (f"<div>{table}</div>", drawing):
        ET.fromstring(text)
        assert "\u202e" not in text
    shown = name.replace("\u202e", "").replace("\x07", "")
    assert ET.fromstring(drawing).get("aria-label") == shown
    assert shown in "".join(ET.fromstring(f"<div>{table}</div>").itertext())


def test_colours_are_the_pages(saved: SavedResult) -> None:
    """Marks have classes, and no colour or letter of their own that would vanish in the dark."""
    for drawing in severity_curves(saved.result, "cells", 0.5).values():
        assert not re.search(r"#[0-9a-f]{3}|style=|fill=|stroke=|font", drawing)


def test_one_chart_a_corruption_from_clean_to_five(saved: SavedResult) -> None:
    """The model's line starts at the clean accuracy and has six dots, which tell their numbers."""
    drawn = severity_curves(saved.result, "cells", 0.25)
    assert tuple(drawn) == CORE.corruptions
    clean = saved.result.scores.datasets["cells"].clean_accuracy
    for corruption, drawing in drawn.items():
        cells = [one for one in saved.result.scores.cells if one.dataset == "cells"]
        known = [one for one in cells if one.corruption in ("clean", corruption) and one.top1.low is not None]
        dots = marks(drawing, "circle", "model")
        assert len(dots) == 6
        (line,) = marks(drawing, "path", "model")
        bands = marks(drawing, "path", "band")
        assert len(re.findall("[ML]", line["d"])) == 6
        assert sum(len(re.findall("[ML]", band["d"])) for band in bands) == 2 * len(known) > 0
        assert len(marks(drawing, "path", "base")) == len(marks(drawing, "path", "chance")) == 1
        titles = [one.text for one in ET.fromstring(drawing).iter("title")]
        assert titles[0] == (
            f"clean: {100 * (clean.value or 0):.1f} % "
            f"({100 * (clean.low or 0):.1f} to {100 * (clean.high or 0):.1f})"
        )


def test_missing_cells_are_gaps(saved: SavedResult) -> None:
    """No line across a cell that was not scored, and no dot for it."""
    cells = tuple(
        cell
        for cell in saved.result.scores.cells
        if (cell.dataset, cell.corruption, cell.severity) != ("cells", "contrast", 2)
    )
    result = saved.result.model_copy(
        update={"scores": saved.result.scores.model_copy(update={"cells": cells})}
    )
    drawing = severity_curves(result, "cells", 0.25)["contrast"]
    assert len(marks(drawing, "circle", "model")) == 5
    assert marks(drawing, "path", "model")[0]["d"].count("M") == 2


@given(st.floats(0, 1), st.floats(0, 1))
def test_points_lie_within_the_scales(x: float, y: float) -> None:
    """The left end is on the left, the top is at the top; equal steps are equal lengths."""
    panel = Panel((0, 1), (0, 1), width=200, height=100, margins=(20, 10, 10, 15))
    across, down = panel.place(x, y)
    assert across == pytest.approx(20 + 170 * x)
    assert down == pytest.approx(85 - 75 * y)


def test_gaps_break_lines_and_bands() -> None:
    """A part that is NaN is left out, at either end too."""
    panel = Panel((0, 4), (0, 1), width=100, height=100)
    panel.line([(0, NAN), (1, 0.5), (2, 0.5), (3, NAN), (4, 0.5)], "model")
    panel.band([0, 1, 2, 3], [0.1, 0.1, NAN, 0.1], [0.2, 0.2, 0.2, 0.2], "band")
    panel.line([(0, NAN)], "empty")
    panel.dot((0, NAN), 1, "model")
    drawing = panel.svg("gaps")
    assert re.sub("[^MLZ]", "", marks(drawing, "path", "model")[0]["d"]) == "MLM"
    assert [re.sub("[^MLZ]", "", one["d"]) for one in marks(drawing, "path", "band")] == ["MLLLZ", "MLZ"]
    assert marks(drawing, "path", "empty") == marks(drawing, "circle", "model") == []


def test_the_area_of_a_dot_is_its_share() -> None:
    """A bin of few images is pale and apart from the line; an empty one has no dot."""
    bins = Reliability(
        counts=np.array([400, 100, 5, 0]),
        confidences=np.array([0.3, 0.5, 0.6, NAN]),
        accuracies=np.array([0.2, 0.4, 0.9, NAN]),
    )
    drawing = reliability_diagram({"clean": bins}, "Reliability")
    first, second, few = marks(drawing, "circle", "clean")
    assert float(first["r"]) == pytest.approx(2 * float(second["r"]), abs=0.1)
    assert few["class"] == "clean few"
    (line,) = marks(drawing, "path", "clean")
    assert re.sub("[^MLZ]", "", line["d"]) == "ML"


def test_one_scale_holds_every_interval() -> None:
    """Numbers, ends, the line and the other model's numbers lie within the width, in their order."""
    numbers = {
        "all": Estimate(value=0.1, low=-0.05, high=0.3),
        "one": Estimate.undefined("not scored"),
    }
    made = ranges("Lost", "", numbers, line=(0.0, "nothing"), others={"all": Number(value=0.4)})
    first, second = made.rows
    assert None not in (first.start, first.at, first.end, first.other)
    assert (
        0 <= (first.start or 0) < made.line < (first.at or 0) < (first.end or 0) < (first.other or 0) <= 100
    )
    assert (first.value, first.interval, first.strong) == ("10.0", "-5.0 to 30.0", True)
    assert (second.at, second.start, second.other, second.strong) == (None, None, None, False)
