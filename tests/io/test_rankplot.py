"""Rank intervals as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from medimeta_c.io.tables.rankplot import RankRow, rank_plot

LEVELS = ("images", "and datasets", "and corruptions")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(*rows: RankRow) -> ET.Element:
    """The figure, parsed."""
    return ET.fromstring(rank_plot(rows, levels=LEVELS, count=4))


def bars(figure: ET.Element) -> list[list[ET.Element]]:
    """The bars of each row."""
    return [group.findall(f"{SVG}line") for group in figure.findall(f"{SVG}g")]


def test_bars_reach_from_the_best_rank_to_the_worst() -> None:
    """Ranks stand at equal distances; of a row, no bar covers another."""
    figure = drawn(
        RankRow(name="a", intervals=((1, 2), (1, 3), (1, 4))), RankRow(name="b", intervals=((2, 2),) * 3)
    )
    first, second = bars(figure)
    ends = [float(bar.attrib["x2"]) - float(first[0].attrib["x1"]) for bar in first]
    assert [round(end / ends[0]) for end in ends] == [1, 2, 3]
    assert {bar.attrib["x1"] == bar.attrib["x2"] for bar in second} == {True}
    assert len({bar.attrib["y1"] for bar in second}) == 3
    assert [title.text for title in second[0].iter(f"{SVG}title")] == ["images: rank 2"]


def test_what_was_not_drawn_again_has_no_bar_and_no_legend() -> None:
    """A single dataset: one level less, in the rows and above them."""
    figure = drawn(
        RankRow(name="a", intervals=((1, 1), None, (1, 2))), RankRow(name="b", intervals=(None,) * 3)
    )
    assert [len(row) for row in bars(figure)] == [2, 0]
    text = "".join(figure.itertext())
    assert "and corruptions" in text
    assert "and datasets" not in text


def test_names_do_nothing_and_are_never_lost() -> None:
    """Markup is text, invisible characters are dropped, a long name is cut and whole in its tooltip."""
    evil, long = '<script>"&\u202e', "x" * 60
    figure = drawn(*(RankRow(name=name, intervals=((1, 1),) * 3) for name in (evil, long)))
    names = [group.find(f"{SVG}text") for group in figure.findall(f"{SVG}g")]
    assert [name.text for name in names if name is not None] == ['<script>"&', "x" * 33 + "…"]
    assert [title.text for name in names if name is not None for title in name] == ['<script>"&', long]
    assert not figure.findall(f".//{SVG}script")
    assert not [each for each in figure.iter() if "id" in each.attrib or "style" in each.attrib]
