"""Rank intervals as one SVG element, a row per name, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from medimeta_c.io.templating import environment, templates_folder, visible

__all__ = ["RankRow", "rank_plot"]

_LONGEST_NAME = 34
_NAME_PX = 240
_WIDTH_PX = 720
_ROW_PX = 30
_TOP_PX = 44
_MOST_TICKS = 12
_WIDTHS_PX = (6, 4, 2)  # of the bars: the most certain statement is the thickest
_BELOW_PX = 8  # each bar lies below the one before, or equal ones would hide each other


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRow:
    """A name and its rank intervals.

    Parameters
    ----------
    name : str
        Untrusted text; long ones are cut, and shown whole by a tooltip.
    intervals : tuple of (int, int) or None
        Best and worst rank, the most certain statement first; at most three.
    """

    name: str
    intervals: tuple[tuple[int, int] | None, ...]


def rank_plot(rows: Sequence[RankRow], *, levels: Sequence[str], count: int) -> Markup:
    """Draw rank intervals: names on the left, ranks from 1 on the right.

    Parameters
    ----------
    rows : sequence of RankRow
        In the order drawn.
    levels : sequence of str
        What the intervals are over, in the order of `RankRow.intervals`.
    count : int
        The last rank.

    Returns
    -------
    Markup
        An ``<svg>`` with a title, no script, no style sheet and no ids, so that several fit in one page. It
        scales to the page.
    """
    present = [place for place in range(len(levels)) if any(row.intervals[place] is not None for row in rows)]
    middle = (len(present) - 1) / 2
    step = max(1, -(-count // _MOST_TICKS))
    ticks = [rank for rank in range(1, count + 1) if rank == 1 or rank % step == 0]
    drawn = [
        {
            "name": row.name,
            "short": row.name if len(row.name) <= _LONGEST_NAME else f"{row.name[: _LONGEST_NAME - 1]}…",
            "y": _TOP_PX + _ROW_PX * (index + 0.5),
            "bars": [
                {
                    "x": _x(ranks[0], count),
                    "end": _x(ranks[1], count),
                    "y": _TOP_PX + _ROW_PX * (index + 0.5) + _BELOW_PX * (order - middle),
                    "width": _WIDTHS_PX[place],
                    "said": f"{levels[place]}: rank {_said(ranks)}",
                }
                for order, place in enumerate(present)
                if (ranks := row.intervals[place]) is not None
            ],
        }
        for index, row in enumerate(rows)
    ]
    return Markup(
        _template().render(
            width=_WIDTH_PX,
            height=_TOP_PX + _ROW_PX * len(rows) + 8,
            top=_TOP_PX,
            name_px=_NAME_PX,
            rows=drawn,
            ticks=[{"rank": rank, "x": _x(rank, count)} for rank in ticks],
            legend=[
                {
                    "text": levels[place],
                    "width": _WIDTHS_PX[place],
                    "x": _NAME_PX + 160 * index,
                }
                for index, place in enumerate(present)
            ],
        )
    )


def _x(rank: int, count: int) -> float:
    """Return where a rank stands, in pixels."""
    left, right = _NAME_PX + 16, _WIDTH_PX - 16
    return round(left if count < 2 else left + (rank - 1) * (right - left) / (count - 1), 1)


def _said(ranks: tuple[int, int]) -> str:
    return "\N{EN DASH}".join(map(str, dict.fromkeys(ranks)))


@cache
def _template() -> Template:
    return environment(templates_folder(), visible).get_template("rankplot.svg.jinja")
