"""How much of its suite a benchmark holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.card.coverage import coverage, require_complete
from medimeta_c.cli import app
from medimeta_c.errors import Remedy, VerificationError
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest


def test_sets_are_counted(small: Path, built: Path) -> None:
    """Clean and corrupted sets of the test split, against those of the suite."""
    (part,) = coverage(read_manifest(small / MANIFEST_NAME))
    assert (part.dataset, part.suite, part.there, part.wanted, part.complete) == (
        "rays",
        "core",
        3,
        36,
        False,
    )
    assert all(one.complete for one in coverage(read_manifest(built / MANIFEST_NAME)))


def test_a_manifest_cannot_ask_for_less(small: Path) -> None:
    """What a manifest says that its dataset's corruptions are does not decide what is whole."""
    manifest = read_manifest(small / MANIFEST_NAME)
    (record,) = manifest.datasets
    less = record.model_copy(update={"corruptions": ("contrast",)})
    (part,) = coverage(manifest.model_copy(update={"datasets": (less,)}))
    assert part.wanted == 36


def test_what_lacks_sets_is_refused(small: Path, built: Path) -> None:
    """So is a trial of some images; a whole build is not, nor an imported one, which is of no suite."""
    whole, part = read_manifest(built / MANIFEST_NAME), read_manifest(small / MANIFEST_NAME)
    require_complete("a", whole, Remedy("stop"))
    with pytest.raises(
        VerificationError, match=r"a is not complete \(.*rays has 3 of 36 .*\): build the rest, or stop"
    ):
        require_complete("a", part, Remedy("stop"))
    with pytest.raises(VerificationError, match="is a trial of 4 images per split: stop"):
        require_complete("a", whole.model_copy(update={"limited": 4}), Remedy("stop"))
    protocol = part.protocol.model_copy(update={"seed_scheme": "imported/x"})
    require_complete("a", part.model_copy(update={"protocol": protocol}), Remedy("stop"))


def test_commands_ask_for_the_whole(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` when told to; `push` and the board unless told otherwise."""
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    run = CliRunner()
    shown = run.invoke(app, ["verify", str(small), "--jobs", "1"])
    assert shown.exit_code == 0
    assert "3 of 36" in shown.stdout
    found = json.loads(run.invoke(app, ["verify", str(small), "--jobs", "1", "--json"]).stdout)
    assert found["suite"] == {"rays": {"there": 3, "wanted": 36}}
    for command in (
        ["verify", str(small), "--jobs", "1", "--complete"],
        ["push", str(small), "--repo", "org/x"],
        ["leaderboard", "accept", str(small), "--accepted", str(tmp_path / "accepted.yaml")],
        ["leaderboard", "build", str(tmp_path), "--benchmark", str(small)],
    ):
        refused = run.invoke(app, command)
        assert refused.exit_code == 1
        assert "rays has 3 of 36" in refused.stderr
