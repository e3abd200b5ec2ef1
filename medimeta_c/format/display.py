"""What a figure of a built benchmark shows where it cannot show everything."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from medimeta_c.format.keys import CLEAN, PHANTOMS, SetKey
from medimeta_c.format.manifest import Manifest, SetRecord
from medimeta_c.format.suites import COLLECTIONS, in_order, paper_order
from medimeta_corruptions import CORRUPTIONS

__all__ = [
    "built_corruptions",
    "built_severities",
    "dataset_label",
    "display_name",
    "phantom_datasets",
    "shown_datasets",
    "shown_record",
    "shown_severity",
    "shown_split",
    "side_by_side",
]

_PREFERRED_SEVERITY = 3
_PREFERRED_SPLIT = "test"


def shown_datasets(manifest: Manifest) -> tuple[str, ...]:
    """Return the datasets in the order in which figures show them, which is the paper's."""
    records = sorted(
        manifest.datasets, key=lambda one: paper_order(COLLECTIONS.get(one.kind, one.kind), one.dataset)
    )
    return tuple(one.dataset for one in records)


def side_by_side(builds: Mapping[str, Manifest]) -> list[tuple[str, str] | None]:
    """Return (build, dataset) of panels that stand two a row: two builds have a column each.

    None leaves a place free.
    """
    columns = [[(name, dataset) for dataset in shown_datasets(one)] for name, one in builds.items()]
    if len(columns) == 2:
        return [panel for pair in zip_longest(*columns) for panel in pair]
    return [panel for column in columns for panel in column]


def built_corruptions(manifest: Manifest, dataset: str | None = None) -> tuple[str, ...]:
    """Return the corruptions that were built, of one dataset or of any, in the registry's (paper) order."""
    return in_order({key.corruption for key in _keys(manifest, dataset)} - {CLEAN}, CORRUPTIONS)


def built_severities(manifest: Manifest, dataset: str | None = None) -> tuple[int, ...]:
    """Return the severities 1-5 that were built, of one dataset or of any, in order."""
    return tuple(sorted({key.severity for key in _keys(manifest, dataset)} - {0}))


def shown_severity(manifest: Manifest) -> int | None:
    """Return the one severity that overviews show: 3 if it was built, else the highest, else None."""
    severities = built_severities(manifest)
    if not severities:
        return None
    return _PREFERRED_SEVERITY if _PREFERRED_SEVERITY in severities else severities[-1]


def shown_split(manifest: Manifest, dataset: str) -> str:
    """Return the one split of a dataset that figures show: test if it was built, else the first."""
    splits = sorted({key.split for key in _keys(manifest, dataset)})
    return _PREFERRED_SPLIT if _PREFERRED_SPLIT in splits else splits[0]


def shown_record(manifest: Manifest, dataset: str, corruption: str, severity: int) -> SetRecord | None:
    """Return the set a figure shows for a dataset's corruption and severity; None if it was not built."""
    key = SetKey(dataset, shown_split(manifest, dataset), corruption, severity)
    return next((record for record in manifest.sets if record.key == key), None)


def display_name(corruption: str) -> str:
    """Return the name of a corruption, or of clean, as figures and tables for people show it.

    Examples
    --------
    >>> display_name("motion_blur"), display_name("gaussian_noise")
    ('Motion blur', 'Gaussian noise')
    """
    return corruption.replace("_", " ").capitalize()


def phantom_datasets(manifest: Manifest) -> tuple[str, ...]:
    """Return the datasets whose images are generated, not medical."""
    return tuple(record.dataset for record in manifest.datasets if record.is_phantom)


def dataset_label(manifest: Manifest, dataset: str) -> str:
    """Return a dataset's id as figures show it: with the word phantoms where its images are."""
    return f"{dataset} ({PHANTOMS})" if dataset in phantom_datasets(manifest) else dataset


def _keys(manifest: Manifest, dataset: str | None) -> list[SetKey]:
    return [record.key for record in manifest.sets if dataset in (None, record.dataset)]
