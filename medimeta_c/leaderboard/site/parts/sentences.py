"""Sentences of the pages: who leads, where an entry stands, and why it has no rank."""

from __future__ import annotations

from collections.abc import Sequence

from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.assessment.standing import unranked_because
from medimeta_c.results.cells import percent

__all__ = ["lead", "lead_board", "reason_unranked", "standing"]

_SHOWN_TIES = 3


def lead_board(boards: Sequence[Board]) -> Board | None:
    """Return the board the first sentence is about: the first with a rank, else with a measured entry."""
    measured = [board for board in boards if any(entry.source != "paper" for entry in board.entries)]
    ranked = [board for board in measured if any(entry.ranks is not None for entry in board.entries)]
    return next(iter((*ranked, *measured)), None)


def lead(boards: Sequence[Board]) -> str:
    """Return the answer in a sentence: who leads, whether alone, and what it loses."""
    board = lead_board(boards)
    if board is None:
        return (
            "No model has been submitted yet. The tables show what the paper reported, on other renderings "
            "and with other code."
        )
    ranked = [entry for entry in board.entries if entry.ranks is not None]
    if not ranked:
        measured = [entry for one in boards for entry in one.entries if entry.source != "paper"]
        count = "One entry is" if len(measured) == 1 else f"{len(measured)} entries are"
        reason = (
            "the images are generated, not medical"
            if board.phantoms
            else "it takes all datasets, a whole run, and weights that have not seen the test images"
        )
        return f"{count} on {board.title}, without a rank: {reason}."
    leader = min(ranked, key=lambda entry: entry.ranks or (0, 0))
    assert leader.overall is not None
    number: Estimate = getattr(leader.overall, board.ranked_by)
    says = (
        f"makes {percent(number.value)} % of the errors of {board.baseline} under corruption"
        if board.ranked_by == "mce"
        else f"is right on {percent(number.value)} % of the corrupted images"
    )
    ties = listed([entry.name for entry in ranked if entry.key in leader.tied])
    tail = f"; the images cannot tell it from {ties}" if ties else ""
    return f"On {board.title}, {leader.name} {says}{_and_loses(leader)}{tail}."


def _and_loses(entry: Entry) -> str:
    lost = entry.assessed[""].points_lost.value if "" in entry.assessed else None
    return "" if lost is None else f" and loses {percent(lost)} points of its clean accuracy to it"


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them, the fourth and later ones as a number."""
    shown = list(names[:_SHOWN_TIES])
    if len(names) > _SHOWN_TIES:
        shown.append(f"{len(names) - _SHOWN_TIES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def standing(entry: Entry, board: Board) -> str:
    """Return in a sentence where an entry stands, or why it has no rank."""
    if entry.ranks is None:
        return f"Not ranked: {reason_unranked(entry, board)}."
    ranked = [one for one in board.entries if one.ranks is not None]
    best, worst = entry.ranks
    if best == worst:
        return f"Rank {best} of {len(ranked)} on {board.title}."
    ties = listed([one.name for one in ranked if one.key in entry.tied])
    return f"Rank {best} to {worst} of {len(ranked)} on {board.title}: the images cannot tell it from {ties}."


def reason_unranked(entry: Entry, board: Board) -> str:
    """Return why an entry has no rank."""
    if entry.source == "paper":
        return "measured by the paper on other renderings, with other code"
    if board.phantoms:
        return "the images are generated, not medical"
    if entry.source == "unverified":
        return "its predictions were made elsewhere, and no model was run to verify them"
    if because := unranked_because(entry.marks):
        return f"it is {because}"
    if not entry.comparable:
        return "its weights were trained on images of the benchmark's test splits"
    return f"scored on {len(entry.datasets)} of the {len(board.datasets)} datasets of {board.title}"
