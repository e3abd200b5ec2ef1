"""A canvas looks alike painted by Pillow and drawn by matplotlib, which only rare letters need."""

from __future__ import annotations

import io
import itertools
import math
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from medimeta_c.figures.drawing import letters, style
from medimeta_c.figures.drawing.canvas import Box, Canvas, Line, Mark, Tile, Words
from medimeta_c.figures.drawing.painting import _pieces

DRAW = np.random.default_rng(5)
MARKS: dict[str, Mark] = {
    "left": Words(x=20, y=40, text="Left", points=9),
    "centre": Words(x=100, y=50, text="Two\nlines", points=9, across="center", up="center"),
    "right": Words(x=180, y=40, text="Right", points=9, across="right", bold=True, colour="#0072B2"),
    "turned": Words(x=20, y=50, text="Upwards\nx²", points=9, turned=True),
    "solid": Line(points=((20, 20), (90, 80), (180, 30)), colour="#D55E00", width=1.8),
    "dashed": Line(points=((20, 20), (180, 80)), colour="#0072B2", width=2, dash=(3.7, 1.6)),
    "upright": Line(points=((50, 10), (50, 90)), colour="#444444", width=0.9),
    "box": Box(left=30, top=20, wide=50, high=40, colour="#C8C8C8"),
    "grey": Tile(left=11, top=13, image=DRAW.integers(0, 256, (31, 47), np.uint8)),
    "colour": Tile(left=100, top=40, image=DRAW.integers(0, 256, (47, 31, 3), np.uint8)),
}


def pixels(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def ink(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How dark each pixel is, 0 to 1."""
    return np.asarray(1 - picture.mean(axis=2) / 255)


@pytest.mark.parametrize("name", MARKS)
def test_both_renderers_put_the_same_ink_at_the_same_place(name: str) -> None:
    """Centre, extent and amount of the ink agree within two pixels; boxes and images are equal."""
    canvas = Canvas(width=200, height=100, dpi=100, marks=[MARKS[name]])
    painted, drawn = pixels(canvas.png()), pixels(style.png(canvas.drawn()))
    assert painted.shape == drawn.shape == (100, 200, 3)
    if isinstance(MARKS[name], Box | Tile):
        assert np.array_equal(painted, drawn)
        return
    for axis in (0, 1):
        first, second = (np.flatnonzero(ink(one).max(axis=axis) > 0.3) for one in (painted, drawn))
        assert np.average(first) == pytest.approx(np.average(second), abs=2)
        assert np.ptp(first) == pytest.approx(np.ptp(second), abs=3.5)
    assert ink(painted).sum() == pytest.approx(ink(drawn).sum(), rel=0.3)


def test_a_drawing_gives_the_same_bytes_again_and_grey_where_it_is_grey() -> None:
    """No time, no name of a program; a drawing without colour is a grey PNG."""
    black = Canvas(width=200, height=100, dpi=100, marks=[MARKS["left"], MARKS["upright"], MARKS["grey"]])
    assert black.png() == black.png()
    image = Image.open(io.BytesIO(black.png()))
    assert (image.mode, set(image.info)) == ("L", {"dpi"})
    colour = Canvas(width=200, height=100, dpi=100, marks=[*black.marks, MARKS["solid"]])
    assert Image.open(io.BytesIO(colour.png())).mode == "RGB"


@pytest.mark.parametrize("text", ["Clean", "Größe, naïve œuvre… 10⁻⁵", "甲", "Ψ"])
def test_widths_are_those_that_matplotlib_draws(text: str) -> None:
    """Of every script: letters that the type lacks are measured in the font that has them."""
    for weight in ("normal", "bold"):
        found = letters.text_inches(text, 7, weight)
        assert found == pytest.approx(style.wide_text_inches(text, 7, weight), rel=0.04)


def test_letters_that_are_plain_are_in_the_type() -> None:
    """No letter that is painted by Pillow becomes a box."""
    plain = [chr(code) for code in range(sys.maxunicode) if letters.is_plain(chr(code))]
    assert 600 < len(plain) < 700
    for bold in (False, True):
        font = letters.face(9, 100, bold)
        missing = font.getmask("\U0010ffff").getbbox(), bytes(font.getmask("\U0010ffff"))
        shown = [one for one in plain if one.isprintable() and not one.isspace()]
        assert all((font.getmask(one).getbbox(), bytes(font.getmask(one))) != missing for one in shown)


def test_a_plain_drawing_is_painted_without_matplotlib() -> None:
    """Its letters decide; the rest of a page is the same."""
    script = (
        "import sys\n"
        "from medimeta_c.figures.drawing.canvas import Canvas, Words\n"
        "def png(text):\n"
        "    words = Words(x=9, y=40, text=text, points=9)\n"
        "    return Canvas(width=90, height=50, dpi=100, marks=[words]).png()\n"
        "assert png('Größe').startswith(b'\\x89PNG') and 'matplotlib' not in sys.modules\n"
        "assert png('Ψ').startswith(b'\\x89PNG') and 'matplotlib' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def length_of(points: Sequence[tuple[float, float]]) -> float:
    return sum(itertools.starmap(math.dist, itertools.pairwise(points)))


@given(
    st.lists(st.tuples(st.floats(0, 99), st.floats(0, 99)), min_size=2, max_size=6, unique=True),
    st.lists(st.floats(0.5, 9), min_size=1, max_size=3).map(lambda half: half * 2),
)
def test_dashes_and_gaps_have_their_lengths(points: list[tuple[float, float]], dash: list[float]) -> None:
    """The first dash starts with the line; together they are the line's share of dashes."""
    lengths, whole = [length_of(piece) for piece in _pieces(points, dash)], length_of(points)
    for index, length in enumerate(lengths[:-1]):
        assert length == pytest.approx(dash[2 * index % len(dash)], abs=1e-6)
    assert sum(lengths) <= whole + 1e-6
    if lengths:
        assert lengths[0] == pytest.approx(min(dash[0], whole), abs=1e-6)
