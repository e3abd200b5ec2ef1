"""Suites by name, and the order in which the paper lists collections and datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.suite import BENCHMARK_VERSION, CLINICAL, CORE, DIGITAL, IMAGENET_C, Suite
from medimeta_corruptions import Registry

__all__ = [
    "BENCHMARK_VERSION",
    "CLINICAL",
    "COLLECTIONS",
    "CORE",
    "DATASETS",
    "DIGITAL",
    "IMAGENET_C",
    "SUITES",
    "Suite",
    "in_order",
    "paper_order",
    "require_of_suite",
    "suite_of",
]

SUITES = Registry("medimeta_c.suites", Suite, (CORE, CLINICAL, IMAGENET_C), error=ConfigError)
"""Every suite by name."""

DATASETS = CORE.datasets
"""The paper's datasets, in its order."""

_FORMERLY = "medmnist"
"""What the core suite was called on the datasets of MedMNIST+."""

COLLECTIONS = {
    "medimeta": "MediMeta-C",
    "medmnist": "MedMNIST-C",
    "medimetac": "MediMeta-C as published",
    "phantoms": "Phantoms",
}
"""What the datasets of a kind that files name are called together, in the paper's order."""


class Named(Protocol):
    """What a file says of the suite it was made with."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def digest(self) -> str: ...


def suite_of(record: Named | None, of: str) -> Suite:
    """Return the suite that a manifest or result names; None, as files of the core suite have it, is core.

    Parameters
    ----------
    record : Named or None
        What the file says.
    of : str
        What says so, for the message.

    Raises
    ------
    ConfigError
        If there is none of this name, or it is another version or has another definition here.
    """
    if record is None or record.name in (CORE.name, _FORMERLY):
        return CORE
    if record.name not in SUITES:
        raise ConfigError(
            f"{of} is of the suite {record.name}, which is not installed (installed: {', '.join(SUITES)}): "
            "install the package that has it"
        )
    suite = SUITES[record.name]
    if (record.version, record.digest) != (suite.version, suite.digest):
        raise ConfigError(
            f"{of} is of the suite {record.name} {record.version}, digest {record.digest[:12]}; installed is "
            f"{suite.version}, digest {suite.digest[:12]}: install the version of the package that made it"
        )
    return suite


def require_of_suite(asked: Iterable[str], suite: Suite) -> None:
    """Refuse corruptions that other suites have and this one has not: they may draw by another scheme.

    Raises
    ------
    ConfigError
        If there is one; it names the suites that have it.
    """
    for name in asked:
        holders = [other.name for other in SUITES.values() if name in other.corruptions]
        if holders and name not in suite.corruptions:
            raise ConfigError(
                f"{name} is not of the suite {suite.name}",
                value=name,
                remedy=[Remedy("choose {suite}", suite=holder) for holder in holders],
            )


def in_order(names: Iterable[str], preferred: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that results and reports have: the preferred as they come, others by name.

    Examples
    --------
    >>> in_order(["aml", "oct", "pbc"], CORE.datasets)
    ('pbc', 'oct', 'aml')
    """
    rest, known = sorted(names), []
    for name in preferred:
        if not rest:
            break  # a registry may import what comes next
        known += [name] * rest.count(name)
        rest = [other for other in rest if other != name]
    return (*known, *rest)


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
