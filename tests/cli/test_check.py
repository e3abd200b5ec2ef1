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


def test_names_in_paths_are_said(tmp_path: Path) -> None:
    """Ids are made of file names, so names of people among them are warned of; nothing is refused."""
    root = folder(tmp_path / "scans")
    for name in ("ill/Jane_Doe_2.png", "well/DOE, JOHN.png", "well/Well_Ill_3.png", "ill/Chest_Left.png"):
        (root / name).write_bytes((root / "ill/0.png").read_bytes())
    result = RUNNER.invoke(app, ["check", str(root)])
    assert result.exit_code == 0
    warning, summary = result.stdout.strip().splitlines()
    assert warning.startswith("warning: 2 of 6 files have names that look like people's (first: ")
    assert "get running numbers as ids" in warning
    assert summary.endswith("images: test 6")
    found = json.loads(RUNNER.invoke(app, ["check", str(root), "--json"]).stdout)
    assert (found["ok"], len(found["warnings"])) == (True, 1)
    for path in [*root.glob("*/*.png")]:
        (path.parent / "Jane Doe").mkdir(exist_ok=True)
        path.rename(path.parent / "Jane Doe" / path.name)
    assert "warning" not in RUNNER.invoke(app, ["check", str(root)]).stdout, "their ids are numbers"


def test_a_word_that_many_files_have_is_nobodys_name(tmp_path: Path) -> None:
    """A scanner's or a project's name is in every file; a person's is not."""
    root = folder(tmp_path / "scans")
    for number in range(30):
        (root / f"ill/Acme Scanner {number}.png").write_bytes((root / "ill/0.png").read_bytes())
    assert "warning" not in RUNNER.invoke(app, ["check", str(root)]).stdout
    (root / "well/Jane Doe.png").write_bytes((root / "ill/0.png").read_bytes())
    assert "warning: 1 of 33 files" in RUNNER.invoke(app, ["check", str(root)]).stdout


def test_patients_in_several_splits_are_said(tmp_path: Path) -> None:
    """By number, and by nothing else."""
    root = tmp_path / "scans"
    for name in ("train/ill/Jane", "train/well/Joe", "test/ill/Jane", "test/well/Jim"):
        (root / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / name / "0.png")
    lines = RUNNER.invoke(app, ["check", str(root)]).stdout.strip().splitlines()
    assert lines[0].startswith(
        "warning: 1 of 3 patients have images in several splits (1 in train and test; "
    )
    assert "Jane" not in lines[0]


def test_one_problem_is_called_one(tmp_path: Path) -> None:
    """The count is a sentence too."""
    root = folder(tmp_path / "scans")
    (root / "ill/notes.txt").write_text("x")
    assert "(1 problem)" in " ".join(RUNNER.invoke(app, ["check", str(root)]).output.split())


def test_a_folder_of_datasets_names_them(tmp_path: Path) -> None:
    """A folder whose sub-folders have splits is no dataset; where only a person can tell, check says so."""
    folder(tmp_path / "all/eyes/train")
    folder(tmp_path / "all/eyes/test")
    folder(tmp_path / "all/lungs/test")
    result = RUNNER.invoke(app, ["check", str(tmp_path / "all")])
    assert result.exit_code == 1
    assert "all is not one dataset; it holds eyes, lungs: check one of them, such as " in result.stderr
    assert RUNNER.invoke(app, ["check", str(tmp_path / "all/eyes")]).exit_code == 0
    folder(tmp_path / "plain/eyes")
    folder(tmp_path / "plain/lungs")
    result = RUNNER.invoke(app, ["check", str(tmp_path / "plain")])
    assert result.exit_code == 0
    assert "read as patients" in result.stdout
    assert "read as patients" not in RUNNER.invoke(app, ["check", str(tmp_path / "plain/eyes")]).stdout


def test_a_dataset_of_medimeta_is_no_folder_of_pictures(sample_dir: Path) -> None:
    """One sentence says so and names the build, instead of a list of its files."""
    result = RUNNER.invoke(app, ["check", str(sample_dir / "fundus")])
    assert result.exit_code == 1
    assert f"`medimeta-c build --dataset fundus --data {sample_dir.resolve()}`" in result.stderr
    assert result.stdout == ""
