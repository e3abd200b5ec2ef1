"""Suites by name, and the order in which the paper lists collections and datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from medimeta_c.errors import ConfigError
from medimeta_c.format.suite import BENCHMARK_VERSION, CORE, MEDMNIST, Suite
from medimeta_corruptions import Registry

__all__ = [
    "BENCHMARK_VERSION",
    "COLLECTIONS",
    "CORE",
    "DATASETS",
    "MEDMNIST",
    "SUITES",
    "Suite",
    "in_order",
    "paper_order",
]

SUITES = Registry("medimeta_c.suites", Suite, (CORE, MEDMNIST), error=ConfigError)
"""Every suite by name."""

DATASETS = (*CORE.datasets, *MEDMNIST.datasets)
"""The paper's datasets, in its order."""

COLLECTIONS = {
    "medimeta": "MediMeta-C",
    "medmnist": "MedMNIST-C",
    "medimetac": "MediMeta-C as published",
    "phantoms": "Phantoms",
}
"""What the datasets of a kind that files name are called together, in the paper's order."""


def in_order(names: Iterable[str], preferred: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that results and reports have: the preferred as they come, others by name.

    Examples
    --------
    >>> in_order(["aml", "oct", "pbc"], CORE.datasets)
    ('pbc', 'oct', 'aml')
    """
    known = list(preferred)
    return tuple(sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name)))


def paper_order(collection: str, dataset: str) -> tuple[int, str, int, str]:
    """Sort key of a dataset: the paper's collections and datasets in its order, then others by name.

    A dataset of another image size, ``bloodmnist_64``, sorts with the 224-pixel version.

    Examples
    --------
    >>> sorted(["aml", "oct", "pbc"], key=lambda name: paper_order("MediMeta-C", name))
    ['pbc', 'oct', 'aml']
    """
    collections = tuple(COLLECTIONS.values())
    first = collections.index(collection) if collection in collections else len(collections)
    name = re.sub(r"_\d+$", "", dataset)
    second = DATASETS.index(name) if name in DATASETS else len(DATASETS)
    return first, collection, second, dataset
