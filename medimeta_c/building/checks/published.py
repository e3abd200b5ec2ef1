"""Compare a benchmark with the fingerprints that this package publishes.

``published.json`` has them by suite, protocol, kind of source, dataset, split and severity, so that any
choice of whole splits and severities can be compared. Each is the fingerprint of a dataset of these sets
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from medimeta_c.errors import ConfigError, ManifestError
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.manifest.digests import dataset_fingerprint
from medimeta_c.format.manifest.records import Manifest, Protocol
from medimeta_c.format.suites import CORE, suite_of
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Name, Record, Sha256, Text
from medimeta_c.sources import corruptions_for

__all__ = ["FILE", "Comparison", "Published", "PublishedSuite", "compared", "fingerprints", "read_published"]

FILE = Path(__file__).with_name("published.json")
Comparison = Literal["equal", "another", "unpublished"]
_Splits = dict[Name, dict[Annotated[str, Field(pattern="^[0-5]$")], Sha256]]


class PublishedSuite(Record):
    """The fingerprints of one suite of one kind of source, by dataset, split and severity."""

    suite: Name
    version: Text
    kind: Name
    protocol: Protocol
    datasets: dict[Name, _Splits]


class Published(Record):
    """Every fingerprint that is published with this version of the package."""

    suites: tuple[PublishedSuite, ...]


@cache
def read_published() -> Published:
    """Return the published fingerprints."""
    reader = Reader(remedy="install this package again", error=ManifestError)
    return reader.read(FILE, Published)


def compared(manifest: Manifest) -> dict[str, Comparison]:
    """Return for each dataset whether it is equal to what is published.

    Parameters
    ----------
    manifest : Manifest
        Of a verified benchmark: it is compared, not the pixels.

    Returns
    -------
    dict of str to {"equal", "another", "unpublished"}
        Unpublished is a dataset some of whose splits or severities have no published fingerprint, or are not
        whole: a trial, or only some of the suite's corruptions.
    """
    return {record.dataset: _compared(manifest, record) for record in manifest.datasets}


def _compared(manifest: Manifest, record: DatasetRecord) -> Comparison:
    known = _published(manifest, record)
    try:
        own = fingerprints(manifest, record) if known else {}
    except ConfigError:  # a suite that has another definition here
        return "unpublished"
    wanted = {place: known.get(place[0], {}).get(place[1]) for place in own}
    if not own or None in wanted.values() or None in own.values():
        return "unpublished"
    return "equal" if own == wanted else "another"


def fingerprints(manifest: Manifest, record: DatasetRecord) -> dict[tuple[str, str], str | None]:
    """Return a dataset's fingerprint by split and severity; None where sets of the suite are missing."""
    own = [one for one in manifest.sets if one.dataset == record.dataset]
    if manifest.limited is not None or manifest.protocol.imported:
        return {}
    whole = set(corruptions_for(suite_of(manifest.suite, "it"), record.kind, record.dataset, record.profile))
    found: dict[tuple[str, str], str | None] = {}
    for split, severity in sorted({(one.split, one.severity) for one in own}):
        sets = [one for one in own if (one.split, one.severity) == (split, severity)]
        names = {one.corruption for one in sets}
        complete = names == (whole if severity else {CLEAN})
        found[split, str(severity)] = dataset_fingerprint(record.class_names, sets) if complete else None
    return found


def _published(manifest: Manifest, record: DatasetRecord) -> Mapping[str, Mapping[str, str]]:
    suite = manifest.suite or CORE
    made = (suite.name, suite.version, record.kind, manifest.protocol)
    for each in read_published().suites:
        if (each.suite, each.version, each.kind, each.protocol) == made:
            return each.datasets.get(record.dataset, {})
    return {}
