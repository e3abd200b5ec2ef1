"""Benchmarks are compared with published fingerprints: equal, another, or nothing is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.checks import published
from medimeta_c.cli import app
from medimeta_c.format.manifest.digests import seal
from medimeta_c.format.manifest.file import read_manifest
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.suites import CORE
from medimeta_c.sources.phantoms.plan import PLANS

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean images of one dataset and its mildest severity."""
    root = tmp_path_factory.mktemp("phantom-build")
    build(
        BuildConfig(
            datasets="pneumonia",
            source="phantoms",
            data_dir=root / "data",
            out=root / "b",
            severities=1,
            jobs=1,
        )
    )
    return root / "b"


@pytest.fixture
def manifest(phantoms: Path) -> Manifest:
    return read_manifest(phantoms / "manifest.json")


def changed(manifest: Manifest, **values: Any) -> Manifest:
    return manifest.model_copy(update=values)


def test_every_severity_of_the_benchmarks_phantoms_is_published() -> None:
    (suite,) = published.read_published().suites
    assert (suite.suite, suite.version, suite.kind) == (CORE.name, CORE.version, "phantoms")
    assert set(suite.datasets) == set(tuple(PLANS)[:5])
    for splits in suite.datasets.values():
        assert {split: [*found] for split, found in splits.items()} == {"test": list("012345")}


def test_phantoms_built_here_are_equal_to_the_published_ones(phantoms: Path) -> None:
    """Drawn and rendered on this machine, with its libraries; the sentence and the JSON."""
    text = RUNNER.invoke(app, ["verify", str(phantoms), "--jobs", "1"])
    assert text.exit_code == 0
    assert "equal to the published one" in text.stdout.splitlines()
    found = json.loads(RUNNER.invoke(app, ["verify", str(phantoms), "--json", "--jobs", "1"]).stdout)
    assert found["published"] == {"pneumonia": "equal"}


def test_one_other_row_digest_is_another_benchmark(manifest: Manifest) -> None:
    first, *rest = manifest.sets
    other = changed(manifest, sets=(first.model_copy(update={"rows_sha256": "0" * 64}), *rest))
    assert published.compared(other) == {"pneumonia": "another"}


def test_other_class_names_are_another_benchmark(manifest: Manifest) -> None:
    (record,) = manifest.datasets
    swapped = record.model_copy(update={"class_names": record.class_names[::-1]})
    assert published.compared(changed(manifest, datasets=(swapped,))) == {"pneumonia": "another"}


def test_what_is_not_published_is_said_to_be_so(manifest: Manifest) -> None:
    """Some corruptions alone, a trial, another seed, real images: never equal, and not another either."""
    (record,) = manifest.datasets
    some = changed(manifest, sets=tuple(one for one in manifest.sets if one.corruption != "contrast"))
    real = changed(manifest, datasets=(record.model_copy(update={"kind": "medimeta"}),))
    seeded = changed(manifest, protocol=manifest.protocol.model_copy(update={"seed": 1}))
    for other in (some, real, seeded, changed(manifest, limited=3)):
        assert published.compared(seal(other)) == {"pneumonia": "unpublished"}
