"""Render the pages: ranking, models, datasets and scoring. Untrusted text is escaped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment

from medimeta_c.format.display import display_name
from medimeta_c.io.tables.html import html
from medimeta_c.io.templating import environment, visible
from medimeta_c.leaderboard.releases.changes import History
from medimeta_c.leaderboard.site.chartdata import boards_data
from medimeta_c.leaderboard.site.downloads.bibtex import board_reference
from medimeta_c.leaderboard.site.downloads.files import table_names
from medimeta_c.leaderboard.site.drawing.curves import FIRST, by_corruption, by_model
from medimeta_c.leaderboard.site.drawing.scatter import GROUPS, group_of, scatters
from medimeta_c.leaderboard.site.entries import VIEWS, Board, DatasetShown, Entry, Picture
from medimeta_c.leaderboard.site.pairs.files import pair_data
from medimeta_c.leaderboard.site.paper import PAPER
from medimeta_c.leaderboard.site.parts.columns import columns_of, parameters_text
from medimeta_c.leaderboard.site.parts.filters import filters, views
from medimeta_c.leaderboard.site.parts.heat import heat
from medimeta_c.leaderboard.site.parts.sentences import lead, lead_board, standing
from medimeta_c.leaderboard.site.versions import package_version, versions_of
from medimeta_c.leaderboard.submission import OVERLAPS
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import interval_text, percent, rank_text

__all__ = [
    "changelog_page",
    "compare_page",
    "dataset_page",
    "downloads_page",
    "index_page",
    "model_page",
    "scoring_page",
]

_TEMPLATES = Path(__file__).parent / "templates"


def index_page(boards: tuple[Board, ...]) -> str:
    """Return ``index.html``: the rankings, that of the first sentence first, and their charts."""
    first = lead_board(boards)
    ordered = tuple(sorted(boards, key=lambda board: board is not first))
    return _render(
        "index.html.jinja",
        here="index",
        root="",
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


def model_page(entry: Entry, board: Board) -> str:
    """Return the page of one model on one board."""
    shown = [one for one in board.datasets if one.dataset in entry.datasets]
    links = {"Model": entry.model, "Code": entry.code, "Paper": entry.paper}
    return _render(
        "model.html.jinja",
        here="model",
        root="../",
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


def dataset_page(one: DatasetShown, board: Board) -> str:
    """Return the page of one dataset: every entry's numbers on it, and examples of its images.

    Entries are in the order of the number that ranks the board: by points lost, a model at chance, which
    has nothing to lose, would come first.
    """
    columns = [column for column in columns_of(board) if column.name not in ("parameters", "date")]
    ranking = "mce" if board.ranked_by == "mce" else "average"
    best = next((column for column in columns if column.name == ranking), columns[0])
    sign = 1.0 if best.better == "low" else -1.0

    def place(entry: Entry) -> tuple[bool, bool, float, str]:
        value = best.of(entry, one.dataset).value
        known = isinstance(value, (int, float))
        number = sign * float(value) if known else 0.0  # type: ignore[arg-type]
        return entry.source == "paper", not known, number, entry.name.lower()

    entries = sorted((entry for entry in board.entries if one.dataset in entry.datasets), key=place)
    return _render(
        "dataset.html.jinja",
        here="dataset",
        root="../",
        one=one,
        board=board,
        columns=columns,
        entries=entries,
    )


def compare_page(boards: tuple[Board, ...]) -> str:
    """Return ``compare.html``: two models side by side, computed in the browser."""
    reported = sum(entry.source == "paper" for board in boards for entry in board.entries)
    return _render(
        "compare.html.jinja",
        here="compare",
        root="",
        boards=boards,
        reported=reported,
        data=pair_data(boards),
    )


def scoring_page(boards: tuple[Board, ...], example: str, repository: str | None) -> str:
    """Return ``scoring.html``: what the numbers mean, and how to submit."""
    return _render(
        "scoring.html.jinja",
        here="scoring",
        root="",
        boards=boards,
        paper=PAPER,
        example=example,
        repository=repository,
    )


def downloads_page(boards: tuple[Board, ...]) -> str:
    """Return ``downloads.html``: the site's numbers and references as files."""
    return _render(
        "downloads.html.jinja",
        here="downloads",
        root="",
        boards=boards,
        tables=[(board, table_names(board)) for board in boards],
        reference=board_reference(boards[0].release if boards else None, package_version(boards)),
    )


def changelog_page(boards: tuple[Board, ...], history: History) -> str:
    """Return ``changelog.html``: the releases, and what changed between them."""
    return _render(
        "changelog.html.jinja", here="changelog", root="", boards=boards, chapters=history.chapters
    )


def _render(
    template: str, *, boards: tuple[Board, ...] = (), board: Board | None = None, **values: object
) -> str:
    shown = boards or ((board,) if board else ())
    return (
        _templates()
        .get_template(template)
        .render(
            version=package_version(shown),
            versions=versions_of(shown),
            release=shown[0].release if shown else None,
            preview=shown[0].preview if shown else "",
            boards=boards,
            board=board,
            **values,
        )
    )


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
