"""The figures of a report: right counts, the page's colours, and any name a class may have."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from medimeta_c.figures.svg.confusion import confusion, confusion_counts
from medimeta_c.figures.svg.elements import svg
from medimeta_c.figures.svg.severity_curves import severity_curves
from medimeta_c.format.suites import CORE
from medimeta_c.results.folder import SavedResult


def test_confusion_counts_by_hand() -> None:
    """Rows are true classes, columns predictions; an image without prediction is in no square."""
    labels, predictions = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, -1, 2])
    assert confusion_counts(labels, predictions, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_confusion_shows_shares_of_each_class() -> None:
    """Percent of the row's images, on the diagonal and off it; an empty class has none."""
    figure = confusion({"Clean": np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])}, ["a", "b", "c"])
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.texts] == ["75", "25", "100"]
    assert panel.get_title(loc="left") == "Clean"


def test_many_classes_have_no_numbers() -> None:
    """Thirty classes still make a figure, by shade alone."""
    figure = confusion({"Clean": np.eye(30, dtype=np.int64)}, [str(i) for i in range(30)])
    assert list(figure.axes[0].texts) == []
    assert figure.get_figwidth() < 7


@pytest.mark.parametrize("name", ["$\\frac{a}$", "细胞", "a" * 400, "<b>&amp;\u202e\x07", "%s {0}"])
def test_any_class_name_is_drawn_as_it_is(name: str) -> None:
    """No mathematics, no warning for letters the font lacks, well-formed XML."""
    text = svg(confusion({"Clean": np.eye(2, dtype=np.int64)}, [name, "b"]), "c", name)
    ET.fromstring(text.replace("\x07", "").replace("\u202e", ""))


def test_colours_are_the_pages(saved: SavedResult) -> None:
    """The text is the page's own colour and type; no fixed black that would vanish in the dark."""
    text = svg(severity_curves(saved.result, "cells"), "curves", "Curves")
    assert "currentColor" in text
    assert "var(--accent" in text
    assert "#000000" not in text
    assert "DejaVu" not in text
    assert "<style" not in text
    assert 'viewBox="0 0 748.8' in text


def test_one_panel_a_corruption_from_clean_to_five(saved: SavedResult) -> None:
    """Seven panels; the model's line starts at the clean accuracy and has six points."""
    figure = severity_curves(saved.result, "cells")
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        name.replace("_", " ").capitalize() for name in CORE.corruptions
    ]
    clean = saved.result.scores.datasets["cells"].clean_accuracy.value
    for panel in figure.axes:
        line = next(one for one in panel.get_lines() if one.get_linewidth() == 1.6)
        assert np.asarray(line.get_xdata()).tolist() == [0, 1, 2, 3, 4, 5]
        assert np.asarray(line.get_ydata())[0] == clean
