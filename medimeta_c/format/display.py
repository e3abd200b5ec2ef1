"""How a built benchmark is shown: its title, and which datasets, severities and splits a figure shows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Protocol

from medimeta_c.format.keys import CLEAN, PHANTOMS, SetKey
from medimeta_c.format.manifest.records import Manifest, SetRecord
from medimeta_c.format.suites import COLLECTIONS, CORE, in_order, paper_order
from medimeta_c.io.text import flaw_of_line
from medimeta_corruptions import CORRUPTIONS

__all__ = [
    "CORE_TITLE",
    "Named",
    "benchmark_title",
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
    "slug",
    "title_flaw",
    "title_of",
]

_WORDS = {
    "ct": "CT",
    "he": "H&E",
    "jpeg": "JPEG",
    "jpeg2000": "JPEG 2000",
    "mr": "MR",
    "oct": "OCT",
    "us": "Ultrasound",
    "xray": "X-ray",
}
"""Words at the start of a corruption's name that are not written like others."""

CORE_TITLE = COLLECTIONS["medimeta"]
"""The title of the core suite on its own datasets, and of nothing else."""

_MEDMNIST_TITLE = "MedMNIST+ corrupted"  # MedMNIST-C is another benchmark, of other corruptions
_PREFERRED_SEVERITY = 3
_PREFERRED_SPLIT = "test"
_OWN_LETTERS = 80  # of a dataset's title
_SLUG_LETTERS = 60  # at most 240 bytes, which any file system takes


class Named(Protocol):
    """What a title is made of: a dataset, as a manifest or a result has it."""

    @property
    def dataset(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """The source family."""

    @property
    def title(self) -> str:
        """Its own title."""

    @property
    def is_phantom(self) -> bool:
        """Whether its images are generated, not medical."""


def title_of(manifest: Manifest) -> str:
    """Return what a built benchmark is called: see `benchmark_title`."""
    protocol = manifest.protocol
    imported = protocol.benchmark_version if protocol.imported else ""
    suite = manifest.suite.name if manifest.suite else CORE.name
    return benchmark_title(manifest.datasets, given=manifest.title, imported=imported, suite=suite)


def benchmark_title(
    datasets: Sequence[Named], *, given: str | None = None, imported: str = "", suite: str = CORE.name
) -> str:
    """Return the title that a benchmark was given, or else the one that follows from its datasets.

    Of the core suite's own datasets that is MediMeta-C; of one other dataset its title, of several their
    titles in short. A title that only says MediMeta-C does not make other images MediMeta-C: it is passed
    over. Phantoms are called phantoms, whatever the title.

    Parameters
    ----------
    datasets : sequence of Named
        What was built, or scored.
    given : str, optional
        The title that its maker chose.
    imported : str, optional
        The name of what was imported, if it was not rendered here.
    suite : str, optional
        The name of the suite that was built; another than core stands in the title.
    """
    title = f"{imported} as published" if imported else _implied(datasets)
    if suite != CORE.name:
        is_list = len(datasets) > 1 and title not in (CORE_TITLE, _MEDMNIST_TITLE)
        title = f"{title} ({suite})" if is_list else f"{title} {suite}"
    if given and title_flaw(datasets, given) is None:
        title = given
    phantoms = sum(one.is_phantom for one in datasets)
    if not phantoms or "phantom" in title.casefold():
        return title
    return f"{title} ({PHANTOMS})" if phantoms == len(datasets) else f"{title} (partly {PHANTOMS})"


def title_flaw(datasets: Sequence[Named], title: str) -> str | None:
    """Return why a benchmark of these datasets may not have a title; None if it may."""
    if re.match(r"medimeta-?c(-|$)", slug(title)) and not _is_core(datasets):
        return f"{CORE_TITLE} is the title of the core suite on its own datasets"
    return flaw_of_line(title)


def slug(title: str) -> str:
    """Return a title as a name of a file or folder; letters of any script stay.

    Examples
    --------
    >>> slug("Our pathology slides (2026)"), slug("MedMNIST+ corrupted")
    ('our-pathology-slides-2026', 'medmnist-corrupted')
    """
    words = unicodedata.normalize("NFKC", title).lower()
    return re.sub(r"[\W_]+", "-", words).strip("-")[:_SLUG_LETTERS].strip("-")


def _is_core(datasets: Sequence[Named]) -> bool:
    """Whether these are datasets of the core suite as MedIMeta has them, or phantoms of them."""
    kinds = {one.kind for one in datasets}
    own = set(CORE.headline["medimeta"])
    return kinds in ({"medimeta"}, {PHANTOMS}) and {one.dataset for one in datasets} <= own


def _implied(datasets: Sequence[Named]) -> str:
    if _is_core(datasets):
        return CORE_TITLE
    if {one.kind for one in datasets} == {"medmnist"}:
        return _MEDMNIST_TITLE
    first, *others = [_own_title(one) for one in datasets]
    if len(others) == 1:
        return f"{first} and {others[0]}"
    return f"{first} and {len(others)} more" if others else first


def _own_title(one: Named) -> str:
    """Return a dataset's short title; its id where it has no title, or the title of another benchmark."""
    words = " ".join(one.title.split())
    shown = words if len(words) <= _OWN_LETTERS else f"{words[:_OWN_LETTERS].rstrip()}…"
    return one.dataset if title_flaw((one,), shown) else shown


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
    >>> display_name("motion_blur"), display_name("xray_scatter"), display_name("jpeg")
    ('Motion blur', 'X-ray scatter', 'JPEG')
    """
    first, *others = corruption.split("_")
    return " ".join([_WORDS.get(first, first.capitalize()), *others])


def phantom_datasets(manifest: Manifest) -> tuple[str, ...]:
    """Return the datasets whose images are generated, not medical."""
    return tuple(record.dataset for record in manifest.datasets if record.is_phantom)


def dataset_label(manifest: Manifest, dataset: str) -> str:
    """Return a dataset's id as figures show it: with the word phantoms where its images are."""
    return f"{dataset} ({PHANTOMS})" if dataset in phantom_datasets(manifest) else dataset


def _keys(manifest: Manifest, dataset: str | None) -> list[SetKey]:
    return [record.key for record in manifest.sets if dataset in (None, record.dataset)]
