"""Coverage: how many sets of its suite a benchmark has, dataset by dataset."""

from __future__ import annotations

from dataclasses import dataclass

from medimeta_c.errors import Remedy, VerificationError
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.suites import Suite, suite_of
from medimeta_c.sources import corruptions_for, profile_for

__all__ = ["SPLIT", "Coverage", "coverage", "require_complete"]

SPLIT = "test"
"""The split that a suite is scored on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of a suite's sets of a dataset are there, the clean one counted.

    Parameters
    ----------
    dataset : str
        The dataset.
    suite : str
        Name of the suite.
    listed : bool
        Whether the dataset is one of the suite's; another is built with the suite's corruptions.
    there, wanted : int
        Sets that are there, and sets that the suite has.
    """

    dataset: str
    suite: str
    listed: bool
    there: int
    wanted: int

    @property
    def complete(self) -> bool:
        """Whether every one is there."""
        return self.there == self.wanted


def coverage(manifest: Manifest) -> tuple[Coverage, ...]:
    """Return how much of its suite each dataset has; an imported benchmark belongs to no suite."""
    if manifest.protocol.imported:
        return ()
    built = {record.key for record in manifest.sets}
    # As it is defined here: a manifest could state a smaller one.
    suite = suite_of(manifest.suite, "this benchmark")
    return tuple(_covered(record, built, suite) for record in manifest.datasets)


def require_complete(name: str, manifest: Manifest, remedy: Remedy) -> None:
    """Refuse a benchmark that lacks sets of its suite, or was built of some images alone.

    Parameters
    ----------
    name : str
        The benchmark, for the message.
    manifest : Manifest
        What was built.
    remedy : Remedy
        An alternative to building the rest.

    Raises
    ------
    VerificationError
        If anything is missing.
    """
    if manifest.limited is not None:
        raise VerificationError(f"{name} is a trial of {manifest.limited} images per split", remedy=remedy)
    short = [one for one in coverage(manifest) if not one.complete]
    if short:
        lacks = ", ".join(f"{one.dataset} has {one.there} of {one.wanted}" for one in short)
        raise VerificationError(
            f"{name} is not complete (on the {SPLIT} split, {lacks} sets of its suite)",
            remedy=[Remedy("build the rest"), remedy],
        )


def _covered(record: DatasetRecord, built: set[SetKey], suite: Suite) -> Coverage:
    given = record.profile if profile_for(suite, record.kind, record.dataset) is None else None
    wanted = {SetKey(record.dataset, SPLIT, CLEAN, 0)} | {
        SetKey(record.dataset, SPLIT, corruption, severity)
        for corruption in corruptions_for(suite, record.kind, record.dataset, given)
        for severity in suite.severities
    }
    return Coverage(
        dataset=record.dataset,
        suite=suite.name,
        listed=record.dataset in suite.datasets,
        there=len(wanted & built),
        wanted=len(wanted),
    )
