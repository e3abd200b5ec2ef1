"""What the paper calls collections of datasets, and the order in which it lists both."""

from __future__ import annotations

import re

from medimeta_c.format.suites import DATASETS

__all__ = ["COLLECTIONS", "collection_name", "paper_order"]

COLLECTIONS = {"medimeta": "MediMeta-C", "medmnist": "MedMNIST-C", "phantoms": "Phantoms"}
"""What the datasets of a source family are called together, in the paper's order."""


def collection_name(kind: str) -> str:
    """Return what a source family's datasets are called together.

    Examples
    --------
    >>> collection_name("medmnist"), collection_name("imagefolder")
    ('MedMNIST-C', 'imagefolder')
    """
    return COLLECTIONS.get(kind, kind)


def paper_order(collection: str, dataset: str) -> tuple[int, str, int, str]:
    """Sort key of a dataset: the paper's collections and datasets in its order, then others by name.

    A dataset of another image size, ``bloodmnist_64``, has the place of its kin.

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
