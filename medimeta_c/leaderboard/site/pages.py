"""Render the pages: ranking, models, datasets and scoring. Untrusted text is escaped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment

from medimeta_c._version import __version__
from medimeta_c.format.display import display_name
from medimeta_c.io.tables.html import html
from medimeta_c.io.templating import environment, visible
from medimeta_c.leaderboard.site.chartdata import boards_data, data_digest
from medimeta_c.leaderboard.site.drawing.curves import FIRST, by_corruption, by_model
from medimeta_c.leaderboard.site.drawing.scatter import GROUPS, group_of, scatters
from medimeta_c.leaderboard.site.entries import VIEWS, Board, DatasetShown, Entry, Picture
from medimeta_c.leaderboard.site.paper import PAPER
from medimeta_c.leaderboard.site.parts.columns import columns_of, parameters_text
from medimeta_c.leaderboard.site.parts.filters import filters, views
from medimeta_c.leaderboard.site.parts.heat import heat
from medimeta_c.leaderboard.site.parts.sentences import lead, lead_board, standing
from medimeta_c.leaderboard.submission import OVERLAPS
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import interval_text, percent, rank_text

__all__ = ["Stamp", "dataset_page", "index_page", "model_page", "scoring_page", "stamp_of"]

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The versions at the foot of every page.

    Parameters
    ----------
    board : str
        The start of the digest of every number the board shows; empty where it was not taken.
    entries : int
        How many it has.
    benchmarks : tuple of (str, str)
        Title and the start of the fingerprint of each benchmark scored.
    """

    board: str = ""
    entries: int = 0
    benchmarks: tuple[tuple[str, str], ...] = ()


def stamp_of(boards: tuple[Board, ...]) -> Stamp:
    """Return the versions of some boards."""
    return Stamp(
        board=data_digest(boards)[:12],
        entries=sum(len(board.entries) for board in boards),
        benchmarks=tuple((board.title, board.fingerprint[:12]) for board in boards if board.fingerprint),
    )


def index_page(boards: tuple[Board, ...], stamp: Stamp | None = None) -> str:
    """Return ``index.html``: the rankings, that of the first sentence first, and their charts."""
    first = lead_board(boards)
    ordered = tuple(sorted(boards, key=lambda board: board is not first))
    return _render(
        "index.html.jinja",
        here="index",
        root="",
        stamp=stamp or Stamp(),
        boards=boards,
        first=ordered[0].key,
        lead=lead(boards),
        views=views(boards),
        filters=filters(boards),
        tables=[(board, columns_of(board), *_parts(board)) for board in ordered],
        scatters={board.key: scatters(board) for board in boards},
        curves_of={board.key: by_model(_drawn(board), board) for board in boards},
        data=boards_data(boards),
    )


def model_page(entry: Entry, board: Board, stamp: Stamp | None = None) -> str:
    """Return the page of one model on one board."""
    shown = [one for one in board.datasets if one.dataset in entry.datasets]
    links = {"Model": entry.model, "Code": entry.code, "Paper": entry.paper}
    return _render(
        "model.html.jinja",
        here="model",
        root="../",
        stamp=stamp or Stamp(),
        entry=entry,
        board=board,
        # Checked when read; checked again here, where a script in an address would run.
        links=[(label, url) for label, url in links.items() if url and url.startswith("https://")],
        standing=standing(entry, board),
        headlines=_headlines(entry, board),
        columns=[one for one in columns_of(board) if one.name not in ("parameters", "date")],
        shown=shown,
        measured=entry.source != "paper",
        heats=[
            (
                one,
                entry.datasets[one.dataset].clean_accuracy,
                heat(entry, board, one.dataset),
                by_corruption(entry, board, one.dataset),
            )
            for one in shown
            if entry.cells.get(one.dataset) or entry.datasets[one.dataset].accuracy
        ],
        pictures=list(_pictures(entry.pictures)),
    )


def dataset_page(one: DatasetShown, board: Board, stamp: Stamp | None = None) -> str:
    """Return the page of one dataset: every entry's numbers on it, and examples of its images."""
    columns = [column for column in columns_of(board) if column.name not in ("parameters", "date")]
    best = next((column for column in columns if column.name == "loss"), columns[0])

    def place(entry: Entry) -> tuple[bool, bool, float, str]:
        value = best.of(entry, one.dataset).value
        known = isinstance(value, (int, float))
        return entry.source == "paper", not known, float(value) if known else 0.0, entry.name.lower()  # type: ignore[arg-type]

    entries = sorted((entry for entry in board.entries if one.dataset in entry.datasets), key=place)
    return _render(
        "dataset.html.jinja",
        here="dataset",
        root="../",
        stamp=stamp or Stamp(),
        one=one,
        board=board,
        columns=columns,
        entries=entries,
    )


def scoring_page(
    boards: tuple[Board, ...], example: str, repository: str | None, stamp: Stamp | None = None
) -> str:
    """Return ``scoring.html``: what the numbers mean, and how to submit."""
    return _render(
        "scoring.html.jinja",
        here="scoring",
        root="",
        stamp=stamp or Stamp(),
        boards=boards,
        paper=PAPER,
        example=example,
        repository=repository,
    )


def _render(template: str, **values: object) -> str:
    return _templates().get_template(template).render(version=__version__, **values)


@cache
def _templates() -> Environment:
    templates = environment(_TEMPLATES, visible)
    templates.filters.update(
        percent=percent,
        interval=interval_text,
        rank=rank_text,
        table=html,
        words=lambda kind: kind.replace("-and-", " and "),
        parameters=parameters_text,
        display_name=display_name,
        overlap=lambda kind: OVERLAPS[kind],
        view=lambda name: VIEWS[name],
        quoted=shlex.quote,
    )
    templates.globals.update(groups=GROUPS)
    templates.policies["json.dumps_kwargs"] = {  # not sorted: datasets in the paper's order
        "separators": (",", ":")
    }
    return templates


def _parts(board: Board) -> tuple[list[Entry], list[Entry]]:
    """Return the entries computed here, and those reported in the paper, which are folded."""
    measured = [entry for entry in board.entries if entry.source != "paper"]
    return measured, [entry for entry in board.entries if entry.source == "paper"]


def _drawn(board: Board) -> list[Entry]:
    """Return the entries whose curves are drawn before a reader chooses; the script knows the same rule."""
    return [entry for entry in board.entries if entry.cells and group_of(entry) == "measured"][:FIRST]


def _headlines(entry: Entry, board: Board) -> list[tuple[str, Estimate, str, str]]:
    """Return the four numbers at the top of a model's page: label, number, unit and what it is."""
    if entry.overall is None:
        return []
    share = "\N{NO-BREAK SPACE}%"
    over = f"top-1, mean of {len(board.datasets)} datasets"
    found = [
        ("Average accuracy", entry.overall.average_accuracy, share, f"{over}, under corruption"),
        ("Clean accuracy", entry.overall.clean_accuracy, share, over),
    ]
    if board.baseline is not None:
        found.insert(0, ("mCE", entry.overall.mce, share, f"of the errors of {board.baseline}"))
    if "" in entry.assessed:
        lost = entry.assessed[""].points_lost
        found.insert(0, ("Points lost", lost, "", "clean accuracy minus average accuracy"))
    return found


def _pictures(pictures: Sequence[Picture]) -> Iterator[tuple[str, str, list[Picture]]]:
    by_dataset: Mapping[str, list[Picture]] = {one.dataset: [] for one in pictures}
    for one in pictures:
        by_dataset[one.dataset].append(one)
    for dataset, own in by_dataset.items():
        yield dataset, own[0].credit, own
