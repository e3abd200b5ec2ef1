"""The manifest: strict to read, sealed against edits, and the fingerprint it carries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medimeta_c.errors import ConfigError, ManifestError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import RowDigest, dataset_fingerprint, fingerprint, seal, self_digest
from medimeta_c.format.manifest.file import read_manifest, write_manifest
from medimeta_c.format.manifest.records import Manifest


@pytest.fixture(scope="module")
def manifest(built: Path) -> Manifest:
    return read_manifest(built / "manifest.json")


def test_round_trip(manifest: Manifest, tmp_path: Path) -> None:
    """What is written reads back equal, byte for byte the second time."""
    write_manifest(tmp_path, manifest)
    first = (tmp_path / "manifest.json").read_bytes()
    again = read_manifest(tmp_path / "manifest.json")
    assert again == manifest
    write_manifest(tmp_path, again)
    assert (tmp_path / "manifest.json").read_bytes() == first


def test_a_missing_manifest_means_an_unfinished_build(tmp_path: Path) -> None:
    """The message says so and what to do."""
    with pytest.raises(ManifestError, match="not a finished build; run the same"):
        read_manifest(tmp_path / "manifest.json")


def edit(root: Path, source: Path, change) -> Path:
    values = json.loads(source.read_text())
    change(values)
    path = root / "manifest.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values["protocol"].update(seed=1),
        lambda values: values["datasets"][0].update(license="public domain"),
        lambda values: values["sets"][3].update(rows_sha256="0" * 64),
        lambda values: values["sets"].pop(),
        lambda values: values.update(fingerprint="f" * 64),
        lambda values: values.update(note="hello"),
    ],
)
def test_an_edited_manifest_is_refused(built: Path, tmp_path: Path, change) -> None:
    """Any edit breaks the manifest's own digest."""
    with pytest.raises(ManifestError, match="was edited"):
        read_manifest(edit(tmp_path, built / "manifest.json", change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["datasets"][0].pop("fingerprint"), "a dataset has no fingerprint"),
        (lambda v: v["datasets"][0].update(fingerprint=""), "fingerprint: String should match"),
        (lambda v: v["sets"][0]["shards"][0].update(path="../../etc/passwd"), "path: String should match"),
        (lambda v: v["sets"][0]["shards"][0].update(path="/etc/passwd"), "path: String should match"),
        (lambda v: v["sets"][0]["shards"][0].update(path="README.md"), "lists the shard"),
        (lambda v: v["sets"][0].update(severity=9), "severity must be 1 to 5"),
        (lambda v: v["sets"][0].update(dataset="../x"), "not usable"),
        (lambda v: v["sets"].append(v["sets"][0]), "listed twice"),
        (lambda v: v["datasets"].pop(), "do not match"),
        (lambda v: v["sets"][0].update(rows=-1), "greater than or equal"),
        (lambda v: v["sets"][0].update(rows=5), "another number"),
        (lambda v: v["files"][0].update(path="stats/../README.md"), "path: String should match"),
    ],
)
def test_a_hostile_manifest_is_refused(built: Path, tmp_path: Path, change, message: str) -> None:
    """Even with a correct digest of its own: path escapes, bad names, duplicates and wrong sums raise."""
    values = json.loads((built / "manifest.json").read_text())
    change(values)
    values["manifest_sha256"] = self_digest(values)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ManifestError, match=message):
        read_manifest(path)


HALF = r'{"schema_version": 1, "benchmark": "\ud800"}'
"""Half a character, which JSON can escape and UTF-8 cannot write."""


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense", '{"a": 1, "a": 2}', "[" * 100_000, HALF])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    """Broken JSON, duplicate keys, absurd nesting and other documents raise one sentence."""
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        read_manifest(path)


def test_another_schema_is_refused(built: Path, tmp_path: Path) -> None:
    """A future schema version is named, with what this package reads."""
    path = edit(tmp_path, built / "manifest.json", lambda values: values.update(schema_version=3))
    with pytest.raises(
        ManifestError,
        match=r"schema version 3, this package \(0\.1\.0\) reads 1 to 2: use medimeta-c 0\.1\.0",
    ):
        read_manifest(path)


def test_fingerprint_follows_rows_labels_and_class_names(manifest: Manifest) -> None:
    """It changes with any row's digest, any set's absence and the class names, and with nothing else."""
    record = manifest.datasets[0]
    own = [one for one in manifest.sets if one.dataset == record.dataset]
    expected = dataset_fingerprint(record.class_names, own)
    assert expected == record.fingerprint
    assert dataset_fingerprint(record.class_names, reversed(own)) == expected
    other_row = own[0].model_copy(update={"rows_sha256": "0" * 64})
    others = {
        dataset_fingerprint(record.class_names, [other_row, *own[1:]]),
        dataset_fingerprint(record.class_names, own[1:]),
        dataset_fingerprint(record.class_names[::-1], own),
        expected,
    }
    assert len(others) == 4
    assert fingerprint(reversed(manifest.datasets)) == manifest.fingerprint
    assert seal(manifest).manifest_sha256 == manifest.manifest_sha256


def test_row_digest_cannot_be_confused_by_separators() -> None:
    """Ids that hold separators do not run into neighbouring rows."""
    digests = set()
    for rows in ([("a\t1", 2, "x")], [("a", 1, "2\tx")], [('a","b', 1, "x")], [("a", 1, "x"), ("b", 1, "x")]):
        digest = RowDigest()
        for one in rows:
            digest.add(*one)
        digests.add(digest.hexdigest())
    assert len(digests) == 4


@pytest.mark.parametrize(
    "parts",
    [
        ("pbc", "test", "clean", 1),
        ("pbc", "test", "motion_blur", 0),
        ("pbc", "test", "motion_blur", 6),
        ("../pbc", "test", "clean", 0),
        ("pbc", "te st", "clean", 0),
        ("", "test", "clean", 0),
    ],
)
def test_impossible_sets_cannot_be_named(parts: tuple[str, str, str, int]) -> None:
    """Severity 0 is clean and only clean; names are safe as paths."""
    with pytest.raises(ConfigError):
        SetKey(*parts)
