"""Preview a submission: check it as the board will, then show the board with its row, on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from medimeta_c.errors import ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table
from medimeta_c.io.text import counted
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import Finding
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.leaderboard.site.measured import entry_place
from medimeta_c.leaderboard.site.writing import SiteReport, refuse_others, write_site
from medimeta_c.leaderboard.submission import read_submission
from medimeta_c.leaderboard.tree import board_entries
from medimeta_c.leaderboard.validation import validate
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.assessment.standing import unranked_because
from medimeta_c.results.baseline_choice import PUBLISHED
from medimeta_c.results.cells import number_cell, rank_text
from medimeta_c.results.result import read_result

__all__ = ["PreviewReport", "SubmissionPreview", "preview"]

_NUMBERS = {
    "mCE": "mce",
    "clean error": "clean_error",
    "average accuracy": "average_accuracy",
    "clean accuracy": "clean_accuracy",
}
_PART = "it was not scored on all datasets of the board"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPreview:
    """What to preview.

    Parameters
    ----------
    folder : Path
        A result's folder with its ``submission.yaml``.
    out : Path
        Where the pages go; an earlier site there is replaced.
    among : Path, optional
        A clone of the board's repository, or its ``results`` folder; without it the entry stands alone.
    accepted : Accepted, optional
        What the board accepts.
    baseline : str
        What CE divides by.
    benchmark : Benchmark, optional
        A copy of the benchmark, for sample images, and to know which images belong together.
    """

    folder: Path
    out: Path
    among: Path | None = None
    accepted: Accepted | None = None
    baseline: str = PUBLISHED
    benchmark: Benchmark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewReport:
    """What a preview shows.

    Parameters
    ----------
    finding : Finding
        What the checks found: no problems, perhaps notes and warnings.
    site : SiteReport
        The pages.
    rows : tuple of (Board, Entry)
        The entry on each board where it stands.
    unranked : str or None
        Why its result has no rank, whatever its numbers are.
    """

    finding: Finding
    site: SiteReport
    rows: tuple[tuple[Board, Entry], ...]
    unranked: str | None

    @property
    def pages(self) -> tuple[Path, ...]:
        """The entry's own pages."""
        return tuple(self.site.index.parent / "models" / f"{entry.key}.html" for _, entry in self.rows)

    @property
    def table(self) -> Table:
        """Its rows, as the board shows them."""
        heads = (Column("board", "label"), Column("rank"), *(Column(name) for name in _NUMBERS))
        rows = [(Cell(board.title), *_cells(entry)) for board, entry in self.rows]
        return Table(name=f"{self.rows[0][1].name}, in percent", columns=heads, rows=tuple(rows))


def preview(
    config: SubmissionPreview, *, on_progress: Callable[[int, int], None] | None = None
) -> PreviewReport:
    """Check a submission and write the board's pages with its row among the others.

    Nothing is sent.

    Parameters
    ----------
    config : SubmissionPreview
        What to preview.
    on_progress : callable, optional
        Called with the number of submissions done and of all.

    Raises
    ------
    ResultError
        If the checks find a problem, the same as those of the board.
    ConfigError
        If the folder to write holds something that is not an earlier site.
    WriteError
        If a page cannot be written.
    """
    refuse_others(config.out)
    (finding,) = validate([config.folder], config.accepted, among=config.among)
    if finding.problems:
        others = len(finding.problems) - 1
        more = f" (and {counted(others, 'more problem')})" if others else ""
        raise ResultError(f"{finding.problems[0]}{more}; there is nothing to preview")
    with tempfile.TemporaryDirectory() as empty:
        boards = read_boards(
            config.among or Path(empty),
            baseline=config.baseline,
            benchmark=config.benchmark,
            also=_others(config),
            on_progress=on_progress,
        )
    name = read_submission(config.folder).name
    site = write_site(tuple(replace(board, preview=name) for board in boards), config.out)
    return PreviewReport(
        finding=finding,
        site=site,
        rows=tuple(_rows(boards, str(finding.place))),
        unranked=unranked_because(read_result(config.folder).standing),
    )


def _others(config: SubmissionPreview) -> tuple[Path, ...]:
    """Return the submission, unless it lies in the board's own tree, where it is found anyway."""
    entries = () if config.among is None else board_entries(config.among)
    there = config.folder.resolve() in {entry.resolve() for entry in entries}
    return () if there else (config.folder,)


def _rows(boards: tuple[Board, ...], place: str) -> Iterator[tuple[Board, Entry]]:
    """Yield the entry of a place on each board that shows it."""
    _, organisation, name, fingerprint = place.split("/")
    for board in boards:
        own = f"--{entry_place(organisation, name, fingerprint)}"
        yield from ((board, entry) for entry in board.entries if entry.key.endswith(own))


def _cells(entry: Entry) -> Iterator[Cell]:
    yield Cell(rank_text(entry.ranks))
    for name in _NUMBERS.values():
        number: Estimate | None = None if entry.overall is None else getattr(entry.overall, name)
        yield Cell(UNDEFINED, note=_PART) if number is None else number_cell(number, show=True)
