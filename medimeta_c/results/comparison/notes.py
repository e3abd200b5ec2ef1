"""What a reader of a comparison must know: marks, settings that differ, patients not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medimeta_c.io.text import counted
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.assessment.standing import unranked_because
from medimeta_c.results.folder.saved import SavedResult

__all__ = ["forgotten_groups", "settings_that_differ", "unranked"]


def unranked(results: Mapping[str, SavedResult]) -> list[str]:
    """Return a sentence for each reason why results by these names have no rank."""
    found: dict[str, list[str]] = {}
    for name, saved in results.items():
        if (because := unranked_because(saved.result.standing)) is not None:
            found.setdefault(because, []).append(name)
    return [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are each'} {because}; no rank"
        for because, names in found.items()
    ]


def forgotten_groups(results: Sequence[SavedResult], plan: Resampling, scope: Scope) -> tuple[str, ...]:
    """Return a note where results were made with groups of images that the comparison does not know."""
    grouped = {name for saved in results for name in saved.result.resampling.grouped}
    if not (forgotten := sorted((grouped & {*scope.datasets}) - {*plan.grouped})):
        return ()
    return (
        f"{', '.join(forgotten)}: some images are of one patient, but intervals, ties and ranks take all as "
        "independent and so claim too much; give the benchmark, which says whose they are",
    )


def settings_that_differ(
    names: Sequence[str], results: Sequence[SavedResult], datasets: Sequence[str]
) -> list[str]:
    """Return a sentence for each setting in which the runs differ, and each result to be careful with."""
    asked = [saved.result.run.prompts for saved in results]
    parts = [prompts and prompts.restricted(datasets) for prompts in asked]
    settings: dict[str, list[str]] = {
        # By digest: two files of one name may ask other things.
        "prompts": [f"{part.name} ({part.digest[:12]})" if part else "none" for part in parts],
        "precision": [saved.result.run.precision for saved in results],
        "package version": [saved.result.run.package_version for saved in results],
    }
    notes = [
        f"{setting} differ: "
        + ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
        for setting, values in settings.items()
        if len(set(values)) > 1
    ]
    for name, saved in zip(names, results, strict=True):
        lacking = len(saved.result.missing) + len(saved.result.invalid)
        if lacking:
            notes.append(f"{name} lacks {counted(lacking, 'cell')}, missing or invalid")
    notes += [caution for saved in results if (caution := saved.result.run.model.caution)]
    return notes
