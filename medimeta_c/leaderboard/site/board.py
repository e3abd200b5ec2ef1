"""Read a tree of submissions into boards, and add the paper's own models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.manifest.digests import fingerprint
from medimeta_c.format.suites import COLLECTIONS, CORE
from medimeta_c.leaderboard.checks import load_submission
from medimeta_c.leaderboard.inspection import check_files
from medimeta_c.leaderboard.site.content.datasets import dataset_shown
from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.leaderboard.site.grouping import Group, Submitted, group
from medimeta_c.leaderboard.site.measured import Measured, measure
from medimeta_c.leaderboard.site.paper import AS_PUBLISHED, PAPER_COLLECTIONS, paper_entries
from medimeta_c.leaderboard.submission import read_submission
from medimeta_c.leaderboard.tree import board_entries
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.metrics.ranks.pairwise import ranks
from medimeta_c.results.baseline_choice import PUBLISHED, ChosenBaseline
from medimeta_c.results.result import read_result

__all__ = ["read_boards"]

_ORDER = tuple(COLLECTIONS.values())


def read_boards(
    results: Path,
    *,
    baseline: str = PUBLISHED,
    benchmark: Benchmark | None = None,
    also: Sequence[Path] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Board, ...]:
    """Compute every number of every submission below a folder.

    Parameters
    ----------
    results : Path
        The folder; it may hold no submission yet.
    baseline : str
        What CE divides by on every board: ``"published"``, ``"none"`` or the folder of a result.
    benchmark : Benchmark, optional
        Where sample images are taken from, and which images belong together.
    also : sequence of Path
        Submissions elsewhere, which are shown among the others.
    on_progress : callable, optional
        Called with the number of submissions done and of all.

    Returns
    -------
    tuple of Board
        The paper's two collections first; they are there even without submissions.

    Raises
    ------
    ResultError
        If the folder does not exist, or a submission cannot be read; the message names it.
    """
    submitted = [_light(folder) for folder in (*board_entries(results), *also)]
    groups = group(submitted)
    if benchmark is not None:
        for each in groups:
            each.take_groups(benchmark)
    measured: dict[int, list[Measured]] = {index: [] for index in range(len(groups))}
    chosen = [each.baseline(baseline) for each in groups]
    for done, one in enumerate(submitted):
        if on_progress is not None:
            on_progress(done, len(submitted))
        _, saved = load_submission(one.folder)  # one at a time: predictions are large
        for index, each in enumerate(groups):
            if one in each.members:
                flaw = each.flaw(baseline)
                measured[index].append(measure(one, saved, each, chosen[index], benchmark, flaw=flaw))
    if on_progress is not None:
        on_progress(len(submitted), len(submitted))
    boards = [
        _board(each, measured[index], base, benchmark)
        for index, (each, base) in enumerate(zip(groups, chosen, strict=True))
    ]
    return _with_paper(_own_pages(sorted(boards, key=_place)))


def _own_pages(boards: Sequence[Board]) -> list[Board]:
    """Return the boards with a page of its own for each dataset, also where two boards share one."""
    taken: set[str] = set()
    found = []
    for board in boards:
        shown = [
            replace(one, key=f"{board.key}--{one.key}") if one.key in taken else one for one in board.datasets
        ]
        taken |= {one.key for one in shown}
        found.append(replace(board, datasets=tuple(shown)))
    return found


def _light(folder: Path) -> Submitted:
    check_files(folder)
    return Submitted(folder=folder, submission=read_submission(folder), result=read_result(folder))


def _board(
    each: Group, measured: Sequence[Measured], base: ChosenBaseline | None, benchmark: Benchmark | None
) -> Board:
    ranked_by: Literal["mce", "average_accuracy"] = "average_accuracy" if base is None else "mce"
    samples = {
        one.entry.key: one.samples[ranked_by] for one in measured if one.samples and one.entry.comparable
    }
    phantoms = any(entry.is_phantom for entry in each.entries.values())
    placed = {} if phantoms else ranks(samples, lower_is_better=ranked_by == "mce")
    entries = []
    for one in measured:
        rank = placed.get(one.entry.key)
        entries.append(
            one.entry if rank is None else replace(one.entry, ranks=(rank.best, rank.worst), tied=rank.tied)
        )
    scope = each.scope(tuple(each.entries))
    corruptions = tuple(dict.fromkeys(name for row in scope.corruptions.values() for name in row))
    return Board(
        key=each.key,
        title=each.title,
        datasets=tuple(dataset_shown(name, each.name, each.entries, benchmark) for name in each.datasets),
        corruptions=corruptions,
        severities=scope.severities,
        baseline=None if base is None else base.baseline.model,
        ranked_by=ranked_by,
        entries=_sorted(entries, ranked_by),
        phantoms=phantoms,
        divisor=base,
        fingerprint=fingerprint(each.entries.values()),
    )


def _sorted(entries: Iterable[Entry], ranked_by: str) -> tuple[Entry, ...]:
    """Return entries best first; those without a mean over all datasets last."""

    def place(entry: Entry) -> tuple[bool, float, list[str | int]]:
        overall = entry.overall
        value = None if overall is None else getattr(overall, ranked_by).value
        if value is None:
            return True, 0.0, _natural(entry.name)
        return False, value if ranked_by == "mce" else -value, _natural(entry.name)

    return tuple(sorted(entries, key=place))


def _natural(name: str) -> list[str | int]:
    """Sort key of a name in which 3 % comes before 10 %."""
    return [int(part) if part.isdecimal() else part.casefold() for part in re.split(r"([0-9]+)", name)]


def _place(board: Board) -> tuple[int, str]:
    known = [index for index, name in enumerate(_ORDER) if board.title.startswith(name)]
    return (known[-1] if known else len(_ORDER)), board.title


def _with_paper(boards: Sequence[Board]) -> tuple[Board, ...]:
    """Return the boards with the paper's models on the newest board of each of its collections.

    They stand on that of its published files too, where there is one.
    """
    found = list(boards)
    for position, (collection, names) in enumerate(
        (*PAPER_COLLECTIONS.items(), (AS_PUBLISHED, PAPER_COLLECTIONS["MediMeta-C"]))
    ):
        own = [
            index
            for index, one in enumerate(found)
            if _is_of(one, collection) and tuple(each.dataset for each in one.datasets) == names
        ]
        if own:
            index = own[-1]
            entries = _sorted((*found[index].entries, *paper_entries(collection)), found[index].ranked_by)
            found[index] = replace(found[index], entries=entries)
        elif collection != AS_PUBLISHED:
            found.insert(
                position,
                Board(
                    key=collection.lower(),
                    title=collection,
                    datasets=tuple(dataset_shown(name, collection, {}, None) for name in names),
                    corruptions=CORE.corruptions,
                    severities=CORE.severities,
                    baseline="OpenAI CLIP ViT-B/16",
                    ranked_by="mce",
                    entries=_sorted(paper_entries(collection), "mce"),
                    divisor=ChosenBaseline(published_baseline()),
                ),
            )
    return tuple(found)


def _is_of(board: Board, collection: str) -> bool:
    """Return whether a board is a version of a whole collection, by its title."""
    title = board.title.split(",")[0]
    if AS_PUBLISHED in (title, collection):
        return title == collection
    return (
        re.fullmatch(rf"{re.escape(collection)} [0-9.]+", title) is not None
    )  # a suite's name is no version
