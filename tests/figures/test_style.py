"""One look for all figures, on every machine and for every reader."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medimeta_c.figures import FIGURES
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.looks import corruption_looks
from medimeta_corruptions import CORRUPTIONS
from medimeta_corruptions.core import CORE

# Viénot, Brettel and Mollon (1999), on linear RGB: what a dichromat without red or green cones sees.
PROTANOPIA = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
DEUTERANOPIA = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])


def seen(colour: str, vision: NDArray[np.float64]) -> NDArray[np.float64]:
    """An sRGB colour as somebody with this vision sees it, as sRGB values 0-1."""
    value = np.array([int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)])
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    changed = np.clip(vision @ linear, 0, 1)
    return np.where(changed <= 0.0031308, changed * 12.92, 1.055 * changed ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("vision", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all", "no red", "no green"])
def test_lines_are_told_apart_without_red_or_green(vision: NDArray[np.float64]) -> None:
    """Any two of core's differ in line style or clearly in the colour that is left, clean included."""
    names = (record.name for record in CORE)
    looks = [(one.colour, one.dash) for one in corruption_looks(names).values()]
    for (first, first_line), (second, second_line) in itertools.combinations(looks, 2):
        apart = float(np.linalg.norm(seen(first, vision) - seen(second, vision)))
        assert first_line != second_line or apart > 0.2, (first, second, apart)


def drawn() -> bytes:
    with style.context():
        figure = Figure(figsize=(1, 1), dpi=50)
        figure.subplots().plot([0, 1], [0, 1], color=CORRUPTIONS["pixelate"].colour)
    return style.png(figure)


def test_a_users_settings_change_nothing_and_are_left_alone() -> None:
    """The style neither reads nor changes matplotlib's own settings."""
    plain = drawn()
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "figure.facecolor": "red"}):
        assert drawn() == plain
        assert mpl.rcParams["lines.linewidth"] == 9
    assert b"Software" not in plain


def test_figures_are_registered_by_module_and_function() -> None:
    """Every entry of the registry names a function of a module of this package."""
    from importlib import import_module

    for figure in FIGURES.values():
        for target in filter(None, (figure.target, figure.card)):
            module, function = target.split(":")
            assert module.startswith("medimeta_c.figures.")
            assert callable(getattr(import_module(module), function))
