"""Rows of the paper's tables of datasets, for what was built."""

from __future__ import annotations

from collections.abc import Iterable

from medimeta_c.format.keys import PHANTOMS
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.suites import paper_order
from medimeta_c.paper.scores import DatasetRow
from medimeta_c.sources import collection_of

__all__ = ["built_datasets"]


def built_datasets(manifests: Iterable[Manifest]) -> tuple[DatasetRow, ...]:
    """Return the datasets of built benchmarks, each once, in the paper's order.

    Splits are those that the data has, also where fewer images were built. A build of phantoms says so in
    its note.
    """
    rows = {
        (collection_of(one.kind), one.dataset): DatasetRow(
            collection=collection_of(one.kind),
            dataset=one.dataset,
            modality=one.modality,
            splits=one.splits,
            class_names=one.class_names,
            note=f"{one.dataset} are {PHANTOMS}: generated images, not medical ones."
            if one.is_phantom
            else "",
        )
        for manifest in manifests
        for one in manifest.datasets
    }
    return tuple(rows[key] for key in sorted(rows, key=lambda key: paper_order(*key)))
