"""No two corruptions of a figure look alike, whatever they are; registered ones look the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.lines import Line2D

from medimeta_c.figures.drawing.looks import corruption_looks
from medimeta_c.format.keys import CLEAN
from medimeta_corruptions import CORRUPTIONS, Corruption
from medimeta_corruptions.core import CORE

names = st.sets(
    st.sampled_from(list(CORRUPTIONS)) | st.from_regex(r"[a-z_]{1,9}", fullmatch=True), max_size=40
)


@given(names)
def test_no_two_of_a_figure_look_alike(drawn: set[str]) -> None:
    """Told apart as lines, as points, and from clean images; the order of names does not matter."""
    looks = corruption_looks(sorted(drawn))
    assert set(looks) == drawn | {CLEAN}
    assert len({(one.colour, one.dash, one.marker) for one in looks.values()}) == len(looks)
    assert len({(one.colour, one.dash) for one in looks.values()}) == len(looks)
    assert len({(one.colour, one.marker) for one in looks.values()}) == len(looks)
    assert corruption_looks(sorted(drawn, reverse=True)) == looks
    for name in drawn & {record.name for record in CORE}:
        own = CORRUPTIONS[name]
        assert (looks[name].colour, looks[name].dash, looks[name].marker) == (
            own.colour,
            own.dash,
            own.marker,
        )


def test_a_corruption_without_a_look_of_its_own_gets_a_spare() -> None:
    """An eighth corruption is drawn, in a colour no other has."""
    other = corruption_looks(["own_fog"])["own_fog"]
    assert other.colour not in {one.colour for one in CORE}
    registered_looks = corruption_looks(CORRUPTIONS).values()
    assert (other.colour, other.dash) not in {(one.colour, one.dash) for one in registered_looks}


def test_looks_do_not_run_out() -> None:
    """Two hundred corruptions differ too: dashes grow."""
    looks = corruption_looks(f"kind_{index}" for index in range(200))
    assert len({*looks.values()}) == 201


def test_matplotlib_draws_every_look() -> None:
    """Colours, dashes and markers are its own, spare ones included."""
    for look in corruption_looks(f"kind_{index}" for index in range(60)).values():
        Line2D([], [], color=look.colour, linestyle=look.line, marker=look.marker)


def registered(monkeypatch: pytest.MonkeyPatch, **looks: dict[str, object]) -> None:
    """Register corruptions of other packages, with or without a look."""
    for name, look in looks.items():
        bare: dict[str, object] = {"colour": None, "dash": None, "marker": None}
        other: Corruption = replace(CORRUPTIONS["contrast"], name=name, **{**bare, **look})  # type: ignore[arg-type]
        monkeypatch.setitem(CORRUPTIONS._own, name, other)


def test_registered_corruptions_without_a_look_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same in every figure, and nobody's own; a look that two have is the first one's."""
    first = corruption_looks(["imported"])["imported"]
    registered(
        monkeypatch,
        bare={},
        own={"colour": "#123456", "dash": (1.0, 2.0), "marker": "X"},
        whole={"colour": first.colour, "dash": first.dash, "marker": first.marker},
        again={"colour": first.colour, "dash": first.dash, "marker": first.marker},
    )
    alone = {name: corruption_looks([name])[name] for name in ("bare", "own", "whole", "again")}
    together = corruption_looks([*alone, "imported", "another"])
    assert alone.items() <= together.items()
    assert len({*together.values()}) == len(together)
    assert alone["own"].colour == "#123456"
    assert alone["whole"] == first
