"""``medimeta-c check``: the list of a build's problems, without a build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()


def folder(root: Path) -> Path:
    """Write a folder of two classes."""
    for name in ("ill", "well"):
        (root / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / name / "0.png")
    return root


def test_a_good_folder(tmp_path: Path) -> None:
    """What is there is counted; any folder name will do."""
    result = RUNNER.invoke(app, ["check", str(folder(tmp_path / "My Scans"))])
    assert result.exit_code == 0
    assert result.stdout.strip().endswith("2 classes (ill, well); images: test 2")


def test_the_same_list_as_a_build(tmp_path: Path) -> None:
    """Every problem is a line, the same lines that a build prints."""
    root = folder(tmp_path / "scans")
    (root / "ill/notes.txt").write_text("x")
    (root / "well/fake.png").write_text("<svg/>")
    checked = RUNNER.invoke(app, ["check", str(root)])
    lines = checked.stdout.strip().splitlines()
    assert checked.exit_code == 1
    assert [name in line for name, line in zip(("notes.txt", "fake.png"), lines, strict=True)] == [True, True]
    options = ["--source", "imagefolder", "--dataset", "scans", "--data", str(tmp_path)]
    built = RUNNER.invoke(app, ["build", *options, "--out", str(tmp_path / "out")])
    assert built.exit_code == 1
    assert built.stderr.strip().splitlines() == ["medimeta-c: 2 problems:", *(f"  {line}" for line in lines)]
    assert not (tmp_path / "out").exists()
    found = json.loads(RUNNER.invoke(app, ["check", str(root), "--json"]).stdout)
    assert (found["ok"], found["problems"]) == (False, lines)


def test_options_of_build(tmp_path: Path) -> None:
    """Channels and classes are taken as a build takes them."""
    root = folder(tmp_path / "scans")
    (root / "ill").rename(root / "masks")
    assert RUNNER.invoke(app, ["check", str(root)]).exit_code == 1
    assert RUNNER.invoke(app, ["check", str(root), "--classes-are", "masks"]).exit_code == 0
    assert RUNNER.invoke(app, ["check", str(root), "--channels", "cmyk"]).exit_code == 2
