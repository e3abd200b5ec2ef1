#!/usr/bin/env python
"""Add the fingerprints of a verified benchmark to the published ones.

Usage: scripts/publish_fingerprints.py DIR

What is there already and differs is an error: published pixels never change within a version of a suite.
"""

from __future__ import annotations

import sys
from pathlib import Path

from medimeta_c.building.checks.published import FILE, Published, PublishedSuite, fingerprints, read_published
from medimeta_c.building.verification import verify
from medimeta_c.format.suites import suite_of
from medimeta_c.io.records import write_record


def main(root: Path) -> None:
    report = verify(root)
    if not report.ok:
        sys.exit(f"{root} is damaged: {report.problems[0]}")
    manifest = report.manifest
    suite, known = suite_of(manifest.suite, str(root)), list(read_published().suites)
    for record in manifest.datasets:
        new = PublishedSuite(
            suite=suite.name, version=suite.version, kind=record.kind, protocol=manifest.protocol, datasets={}
        )
        same = [each for each in known if each.model_copy(update={"datasets": {}}) == new]
        held = same[0] if same else new
        splits = {split: dict(found) for split, found in held.datasets.get(record.dataset, {}).items()}
        for (split, severity), digest in fingerprints(manifest, record).items():
            if digest is None:
                sys.exit(f"{root} lacks sets of {record.dataset}/{split} at severity {severity}")
            if splits.setdefault(split, {}).setdefault(severity, digest) != digest:
                sys.exit(f"{record.dataset}/{split} at severity {severity} is published, with other pixels")
        grown = held.model_copy(
            update={"datasets": dict(sorted({**held.datasets, record.dataset: splits}.items()))}
        )
        known = [*(each for each in known if each is not held), grown]
    write_record(FILE, Published(suites=tuple(known)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
