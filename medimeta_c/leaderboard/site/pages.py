"""Render the pages: ranking, one page per model, and how scores are computed. Untrusted text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from medimeta_c.format.display import display_name
from medimeta_c.io.tables.html import html
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table
from medimeta_c.io.templating import environment, visible
from medimeta_c.leaderboard.releases.changes import History
from medimeta_c.leaderboard.site.chartdata import boards_data, curves_data
from medimeta_c.leaderboard.site.downloads.bibtex import board_reference
from medimeta_c.leaderboard.site.downloads.files import table_names
from medimeta_c.leaderboard.site.entries import Board, CellShown, Entry, Picture
from medimeta_c.leaderboard.site.pairs.files import pair_data
from medimeta_c.leaderboard.site.paper import PAPER
from medimeta_c.leaderboard.site.versions import package_version, versions_of
from medimeta_c.leaderboard.submission import ADAPTATIONS, OVERLAPS, TRAINING_KINDS
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import interval_text, percent, rank_text

__all__ = ["changelog_page", "compare_page", "downloads_page", "index_page", "model_page", "scoring_page"]

_TEMPLATES = Path(__file__).parent / "templates"
_CORRUPTION = Markup('<span class="out">Corruption</span>')
_SHOWN_TIES = 3


def index_page(boards: tuple[Board, ...]) -> str:
    """Return ``index.html``: the ranking of every board, and the charts."""
    return _render(
        "index.html.jinja",
        here="index",
        root="",
        boards=boards,
        lead=_lead(boards),
        filters=_filters(boards),
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
        standing=_standing(entry, board),
        headlines=_headlines(entry, board),
        shown=shown,
        measured=entry.source != "paper",
        heats=[
            (one, entry.datasets[one.dataset].clean_accuracy, _heat(entry, board, one.dataset))
            for one in shown
            if entry.cells.get(one.dataset) or entry.datasets[one.dataset].accuracy
        ],
        pictures=list(_pictures(entry.pictures)),
        data=curves_data(entry, board),
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
        interval=lambda one: interval_text(one).replace(" to ", "\N{EN DASH}"),
        rank=rank_text,
        table=html,
        words=_words,
        parameters=_parameters,
        display_name=display_name,
        overlap=lambda kind: OVERLAPS[kind],
    )
    templates.policies["json.dumps_kwargs"] = {}  # not sorted: datasets in the paper's order
    return templates


def _words(kind: str) -> str:
    return kind.replace("-and-", " and ")


def _parameters(count: int) -> str:
    if count < 1_000_000:
        return f"{count:,} parameters"
    scale, unit = (1e6, "million") if count < 999_500_000 else (1e9, "billion")
    return f"{count / scale:.3g} {unit} parameters"


def _lead(boards: Sequence[Board]) -> str:
    """Return the answer in a sentence: who leads, and whether alone."""
    measured = [entry for board in boards for entry in board.entries if entry.source != "paper"]
    if not measured:
        return (
            "No model has been submitted yet. The tables show what the paper reported, on other renderings "
            "and with other code."
        )
    board = next(each for each in boards if any(entry.source != "paper" for entry in each.entries))
    ranked = [entry for entry in board.entries if entry.ranks is not None]
    if not ranked:
        count = "One entry is" if len(measured) == 1 else f"{len(measured)} entries are"
        reason = (
            "the images are generated, not medical"
            if board.phantoms
            else "it takes all datasets, and weights that have not seen the test images"
        )
        return f"{count} on {board.title}, without a rank: {reason}."
    leader = ranked[0]
    assert leader.overall is not None
    number: Estimate = getattr(leader.overall, board.ranked_by)
    says = (
        f"makes {percent(number.value)} % of the errors of {board.baseline} under corruption"
        if board.ranked_by == "mce"
        else f"is right on {percent(number.value)} % of the corrupted images"
    )
    ties = _listed([entry.name for entry in ranked if entry.key in leader.tied])
    tail = f", and the images cannot tell it from {ties}" if ties else ""
    return f"On {board.title}, {leader.name} {says}{tail}."


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_SHOWN_TIES])
    if len(names) > _SHOWN_TIES:
        shown.append(f"{len(names) - _SHOWN_TIES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def _filters(boards: Sequence[Board]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the filters: name, label and options (value, text), only values that occur."""
    entries = [entry for board in boards for entry in board.entries]
    backbones = sorted({entry.backbone for entry in entries}, key=str.lower)
    kinds = [kind for kind in TRAINING_KINDS if any(entry.training.kind == kind for entry in entries)]
    types = [kind for kind in ADAPTATIONS if any(entry.adaptation == kind for entry in entries)]
    sources = [("measured", "measured here"), ("paper", "reported in the paper")]
    if any(entry.source == "unverified" for entry in entries):
        sources.append(("unverified", "predictions made elsewhere"))
    return [
        ("backbone", "Backbone", [(each, each) for each in backbones]),
        ("training", "Trained on", [(each, _words(each)) for each in kinds]),
        (
            "type",
            "Type",
            [("base", "base"), ("adapted", "adapted"), *((t, t) for t in types if t != "base")],
        ),
        ("source", "Numbers", sources),
    ]


def _standing(entry: Entry, board: Board) -> str:
    """Return in a sentence where an entry stands, or why it has no rank."""
    if entry.ranks is None:
        return _no_rank(entry, board)
    ranked = [one for one in board.entries if one.ranks is not None]
    best, worst = entry.ranks
    if best == worst:
        return f"Rank {best} of {len(ranked)} on {board.title}."
    ties = _listed([one.name for one in ranked if one.key in entry.tied])
    return f"Rank {best} to {worst} of {len(ranked)} on {board.title}: the images cannot tell it from {ties}."


def _no_rank(entry: Entry, board: Board) -> str:
    if entry.source == "paper":
        return "Not ranked: measured by the paper on other renderings, with other code."
    if board.phantoms:
        return "Not ranked: the images are generated, not medical."
    if entry.source == "unverified":
        return "Not ranked: its predictions were made elsewhere, and no model was run to verify them."
    if not entry.comparable:
        return "Not ranked: its weights were trained on images of the benchmark's test splits."
    return (
        f"Not ranked: scored on {len(entry.datasets)} of the {len(board.datasets)} datasets of {board.title}."
    )


def _headlines(entry: Entry, board: Board) -> list[tuple[str, Estimate, str]]:
    if entry.overall is None:
        return []
    against = f"of the errors of {board.baseline} under corruption" if board.baseline else ""
    over = f"top-1, mean of {len(board.datasets)} datasets"
    clean = f"of the errors of {board.baseline} on clean images" if board.baseline else ""
    return [
        ("mCE", entry.overall.mce, against),
        ("Clean error", entry.overall.clean_error, clean),
        ("Average accuracy", entry.overall.average_accuracy, f"{over}, under corruption"),
        ("Clean accuracy", entry.overall.clean_accuracy, over),
    ]


def _heat(entry: Entry, board: Board, dataset: str) -> Table:
    """Return the heat map of one dataset: accuracy by corruption and severity, its mean, and CE."""
    summary = entry.datasets[dataset]
    cells = entry.cells.get(dataset, {})
    severities = board.severities if cells else ()
    headers = (*map(str, severities), "Mean", "CE")
    return Table(
        columns=(Column(_CORRUPTION + (" Severity" if severities else ""), "label"), *map(Column, headers)),
        rows=tuple(
            (
                Cell(display_name(name)),
                *(_heat_cell(cells.get(name, {}).get(severity)) for severity in severities),
                _mean_cell(summary, name),
                Cell(percent(summary.ce[name].value) if name in summary.ce else UNDEFINED),
            )
            for name in board.corruptions
            if name in cells or name in summary.accuracy
        ),
    )


def _heat_cell(cell: CellShown | None) -> Cell:
    if cell is None:
        return Cell(UNDEFINED)
    notes = []
    if cell.low is not None and cell.high is not None:
        notes.append(f"95 % interval {percent(cell.low)} to {percent(cell.high)}")
    if cell.images:
        notes.append(f"{cell.images} images")
    return Cell(percent(cell.top1), 100 * cell.top1, note=", ".join(notes), shade=cell.top1)


def _mean_cell(summary: Summary[Estimate], name: str) -> Cell:
    value = summary.accuracy[name].value if name in summary.accuracy else None
    return Cell(percent(value), shade=value)


def _pictures(pictures: Sequence[Picture]) -> Iterator[tuple[str, str, list[Picture]]]:
    by_dataset: Mapping[str, list[Picture]] = {one.dataset: [] for one in pictures}
    for one in pictures:
        by_dataset[one.dataset].append(one)
    for dataset, own in by_dataset.items():
        yield dataset, own[0].credit, own
