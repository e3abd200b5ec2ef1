"""Reasons for caution with a result: what takes the meaning from its numbers, and what to read them with."""

from __future__ import annotations

from medimeta_c.format.display import display_name
from medimeta_c.format.suites import Suite, suite_of
from medimeta_c.results.result import Result
from medimeta_c.sources import corruptions_for, profile_for

__all__ = ["notes", "warnings"]

_SHOWN = 3


def warnings(result: Result) -> tuple[str, ...]:
    """Return why the result is ranked nowhere, a sentence or two for each of its marks."""
    found = []
    if result.is_trial:
        found.append(
            "A trial: only a part of each split was scored. No number here compares with any other result."
        )
    if result.is_unverified:
        found.append(
            "Unverified: the predictions come from a file. That a model gave these answers to these images "
            "was not checked, so the result is ranked nowhere."
        )
    if result.phantoms:
        found.append(
            f"Phantoms: the images of {', '.join(result.phantoms)} are generated, not medical. "
            "Nothing here says anything about a medical use."
        )
    total = len(result.scope.cells())
    for keys, what in (
        (result.missing, "missing"),
        (result.invalid, "invalid (NaN or infinite probabilities)"),
    ):
        if keys:
            shown = ", ".join(map(str, keys[:_SHOWN]))
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            found.append(f"{len(keys)} of {total} cells are {what}: {shown}{more}.")
    return tuple(found)


def notes(result: Result) -> tuple[str, ...]:
    """Return what to read the numbers with: training, the grid, and the baseline's figures."""
    found = []
    if seen := result.seen_in_training:
        found.append(
            f"Trained on corrupted images: it saw {', '.join(map(display_name, seen))} in training, so its "
            "errors under these do not say how it copes with a corruption that it has never seen."
        )
    if result.run.model.caution:
        found.append(result.run.model.caution)
    found.extend(_left_out(result))
    found.extend(_unlike_the_suite(result))
    baseline = result.meaningful_baseline
    if baseline is not None and not baseline.measured_on_these_shards:
        found.append(
            f"The baseline's figures are {baseline.note}: the mCE compares across renderings, prompts "
            "and code, and its interval leaves out the baseline's own uncertainty."
        )
    return tuple(found)


def _left_out(result: Result) -> list[str]:
    """Return what mCE does not count, because nothing was published to divide it by."""
    baseline = result.meaningful_baseline
    if baseline is None or not baseline.left_out:
        return []
    left = "; ".join(
        f"{', '.join(map(display_name, names))} on {dataset}" for dataset, names in baseline.left_out.items()
    )
    return [f"The mCE is over the corruptions that the baseline has figures for, without: {left}."]


def _unlike_the_suite(result: Result) -> list[str]:
    """Return what sets the grid apart from the benchmark's, so that its mCE is not taken for it."""
    kinds = {entry.dataset: entry.kind for entry in result.run.benchmark.datasets}
    suite = suite_of(result.run.benchmark.suite, "this result")
    odd = [
        name
        for name, corruptions in result.scope.corruptions.items()
        if set(corruptions) not in _lists(suite, kinds[name], name)
        or result.scope.severities != suite.severities
    ]
    if odd:
        return [f"The grid of {', '.join(odd)} is not the benchmark's: other corruptions or severities."]
    fives = dict.fromkeys(suite.headline.get(kind, ()) for kind in kinds.values())
    absent = [
        name for five in fives for name in five if name not in kinds and any(own in five for own in kinds)
    ]
    if not absent:
        return []
    over = f"{len(kinds)} datasets" if len(kinds) > 1 else f"{next(iter(kinds))} alone"
    return [f"The means are over {over}, without {', '.join(absent)}."]


def _lists(suite: Suite, kind: str, dataset: str) -> list[set[str]]:
    """Return a dataset's corruptions in a suite; of one that it does not know, those of each profile."""
    if not suite.profiles or profile_for(suite, kind, dataset) is not None:
        return [set(corruptions_for(suite, kind, dataset))]
    return [set(names) for names in suite.profiles.values()]
