"""The command line as a user meets it: output, exit codes, one sentence for every mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from forging import forge
from PIL import Image
from typer.testing import CliRunner

import medimeta_c.errors
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.cli.commands import COMMANDS
from medimeta_c.format import png
from medimeta_c.format.keys import SetKey
from medimeta_c.format.seeding import generator
from medimeta_c.format.suites import CORE
from medimeta_c.sources.pictures import read_image
from medimeta_corruptions import corrupt

RUNNER = CliRunner()
Run = Callable[..., str]


@pytest.fixture
def run() -> Run:
    """Run a command that must succeed; return what it prints on stdout."""

    def call(*arguments: object) -> str:
        result = RUNNER.invoke(app, [str(one) for one in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


def fails(*arguments: object) -> tuple[int, str]:
    """Run a command that must fail; return its exit code and the last line of stderr."""
    result = RUNNER.invoke(app, [str(one) for one in arguments])
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    return result.exit_code, result.stderr.strip().splitlines()[-1]


def test_build_and_verify(run: Run, clean_dir: Path, tmp_path: Path) -> None:
    """Two commands: build says what was built and what comes next, verify agrees."""
    out = tmp_path / "out"
    options = ["--source", "imagefolder", "--data", clean_dir, "--out", out, "--jobs", 1]
    text = run("build", "--dataset", "rays", "--severity", "1,3", "--corruption", "contrast", *options)
    assert "3 sets built, 0 kept" in text
    assert f"next: medimeta-c verify {out}" in text
    report = json.loads(run("build", "--dataset", "rays", "--severity", "1,3,5", *options, "--json"))
    assert len(report["sets_built"]) == 22 - 3
    assert len(report["sets_kept"]) == 3
    check = run("verify", out, "--rebuild", 2, "--data", clean_dir, "--jobs", 1)
    assert "22 sets, 176 images, all match the manifest, 44 rows rendered again and equal" in check
    assert report["fingerprint"] in check
    found = json.loads(run("verify", out, "--json", "--jobs", 1))
    assert found["ok"]
    assert found["problems"] == []


def test_verify_reports_damage_and_exits_1(built: Path, tmp_path: Path) -> None:
    """Damage is listed on stdout, summed up in one sentence on stderr, also with --json."""
    import shutil

    copy = Path(shutil.copytree(built, tmp_path / "copy"))
    shard = next(copy.glob("data/rays/test/contrast/severity-2-*.parquet"))
    shard.unlink()
    result = RUNNER.invoke(app, ["verify", str(copy), "--jobs", "1"])
    assert result.exit_code == 1
    assert (
        f"{shard.relative_to(copy)} (set rays/test/contrast/severity-2): the shard is missing"
        in result.stdout
    )
    assert "(1 problem in 1 file)" in result.stderr
    assert "delete" not in result.stderr
    result = RUNNER.invoke(app, ["verify", str(copy), "--jobs", "1", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["set"] == "rays/test/contrast/severity-2"


def test_verify_refuses_another_version_of_a_suite_before_it_reads_the_images(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a version of the future built is not judged by today's definition, nor read for hours first."""
    options = ("--corruption", "dust", "--severity", 1, "--limit", 1, "--jobs", 1, "--out", tmp_path / "b")
    run("build", "--dataset", "pbc", "--source", "phantoms", "--suite", "clinical", *options)
    forge(tmp_path / "b", manifest=lambda values: values["suite"].update(version="9.0"))
    monkeypatch.setattr("medimeta_c.building.verification.verify", lambda *_, **__: pytest.fail("read"))
    result = RUNNER.invoke(app, ["verify", str(tmp_path / "b")])
    assert result.exit_code == 2
    assert "this benchmark is of the suite clinical 9.0" in result.stderr


def test_datasets_lists_what_can_be_built(run: Run, tmp_path: Path) -> None:
    """Every known dataset with its licence, and whether it is on this disk."""
    (tmp_path / "pbc").mkdir()
    rows = {
        row["dataset"]: row for row in json.loads(run("datasets", "--data", tmp_path, "--json"))["datasets"]
    }
    assert rows["pbc"]["on_disk"]
    assert not rows["oct"]["on_disk"]
    assert rows["organs_axial"]["license"].endswith("(CC BY-NC-SA 4.0)")
    assert rows["pbc"]["splits"] == {"train": 11964, "val": 1709, "test": 3419}
    assert sum(row["suite"] for row in rows.values()) == 10
    assert "pbc *" in run("datasets", "--data", tmp_path)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_corrupt_files(run: Run, tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Files in, PNG files out, by the file's own generator."""
    image = np.random.Generator(np.random.Philox(key=3)).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "scan.png")
    out = tmp_path / "corrupted"
    arguments = ["--corruption", "impulse_noise", "--severity", 4, "--seed", 9, "--out", out]
    written = Path(run("corrupt", tmp_path / "scan.png", *arguments).strip())
    assert written == out / "scan_impulse_noise_4.png"
    rng = generator(9, SetKey("files", "input", "impulse_noise", 4), "scan.png")
    np.testing.assert_array_equal(png.decode(written.read_bytes()), corrupt(image, "impulse_noise", 4, rng))


def test_corrupt_more_than_eight_bits(run: Run, tmp_path: Path) -> None:
    """The window that a 16-bit file asks for can be given here too."""
    deep = (np.arange(600, dtype=np.uint16) * 100).reshape(20, 30)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    arguments = ["--corruption", "brightness", "--severity", 1, "--out", tmp_path / "out"]
    written = Path(run("corrupt", tmp_path / "deep.png", *arguments, "--window", "0,59900").strip())
    shades = read_image(tmp_path / "deep.png", window="0,59900")
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(png.decode(written.read_bytes()), corrupt(shades, "brightness", 1, rng))


CONTRAST = ("--corruption", "contrast", "--severity", "1")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "--dataset", "pbcc"], 2, "unknown dataset 'pbcc': did you mean 'pbc'?"),
        (["build", "--dataset", "pbc", "--severity", "six"], 2, "unknown severity 'six': use 1 to 5"),
        (["build", "--dataset", "pbc", "--corruption", "fogg"], 2, "unknown corruption 'fogg'"),
        (["build", "--dataset", "pbc", "--source", "medimetta"], 2, "did you mean 'medimeta'?"),
        (["build", "--dataset", "pbc", "--channels", "cmyk"], 2, "unknown channels 'cmyk'"),
        (["build", "--dataset", "pbc"], 1, "medimeta-c download --dataset pbc"),
        (
            ["build", "--dataset", "all"],
            1,
            "data does not exist: get it with `medimeta-c download --dataset pbc,mammo_calc",
        ),
        (["build", "--dataset", "available"], 1, "data does not exist: name the right folder with --data"),
        (["build", "--dataset", "chestmnist", "--source", "medmnist"], 2, "chestmnist"),
        (["verify", "nowhere"], 1, "nowhere does not exist: give the folder of a built benchmark"),
        (
            ["corrupt", "no.png", "--corruption", "contrast", "--severity", "3", "--out", "o"],
            1,
            "no.png does not exist",
        ),
        (
            ["corrupt", "a.png", "--corruption", "contrast", "--severity", "9", "--out", "o"],
            2,
            "severity '9'",
        ),
        (
            ["corrupt", "a.png", "b/a.png", "--corruption", "contrast", "--severity", "1", "--out", "o"],
            2,
            "two images",
        ),
        (
            ["corrupt", "a_contrast_1.png", "a.png", *CONTRAST, "--out", "."],
            2,
            "a_contrast_1.png is one of the images to corrupt and would be overwritten",
        ),
        (
            ["corrupt", "a\udcff.png", *CONTRAST, "--out", "o"],
            2,
            r"'a\udcff.png' is not a valid UTF-8 file name",
        ),
        (["download", "--dataset", "pbcc"], 2, "did you mean 'pbc'"),
        (["download", "--dataset", ","], 2, "--dataset ',' has an empty part"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    """Exit code 2 for a wrong request, 1 for the rest; the message names what to do; nothing is created."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIMETA_DATA", str(tmp_path / "data"))
    found, line = fails(*arguments)
    assert (found, line.startswith("medimeta-c: ")) == (code, True)
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_exit_2() -> None:
    """A missing option and an unknown command are usage errors."""
    assert RUNNER.invoke(app, ["build"]).exit_code == 2
    assert RUNNER.invoke(app, ["bulid"]).exit_code == 2


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    """Output piped into something that stops reading ends quietly."""
    command = f"{sys.executable} -m medimeta_c datasets --json | true"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.stderr == ""


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_do_no_harm(clean_dir: Path, tmp_path: Path, closed: str) -> None:
    """A caller that closes the standard streams gets the same build, in several processes too."""
    command = (
        f"{sys.executable} -m medimeta_c build --dataset rays --source imagefolder --data {clean_dir} "
        f"--corruption contrast --severity 1 --jobs 2 --out {tmp_path / 'out'} {closed}"
    )
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=False).returncode == 0
    assert verify(tmp_path / "out").ok


def test_a_path_the_system_refuses_is_named(clean_dir: Path, tmp_path: Path) -> None:
    """Whatever the operating system says of a path becomes a sentence with the path in it."""
    (tmp_path / "file").write_text("not a folder")
    out = tmp_path / "file" / "out"
    code, sentence = fails(
        "build", "--dataset", "cells", "--source", "imagefolder", "--data", clean_dir, "--out", out
    )
    assert code == 1
    assert str(out) in sentence
    assert "Errno" not in sentence


def test_a_path_cannot_drive_the_terminal(tmp_path: Path) -> None:
    """An error names a path with escape sequences without sending them."""
    (tmp_path / "a\x1b[2J.png").write_bytes(b"no image")
    image, out = tmp_path / "a\x1b[2J.png", tmp_path / "out"
    code, sentence = fails("corrupt", image, "--corruption", "pixelate", "--severity", 1, "--out", out)
    assert code == 1
    assert "a [2J.png" in sentence
    assert "\x1b" not in sentence


def test_debug_shows_the_traceback() -> None:
    """With --debug the error itself comes through."""
    result = RUNNER.invoke(app, ["--debug", "verify", "nowhere"])
    assert isinstance(result.exception, medimeta_c.errors.ManifestError)


def test_every_command_has_help_with_an_example() -> None:
    """`--help` of each command shows how it is used."""
    assert {"datasets", "download", "build", "verify", "corrupt", "demo"} <= COMMANDS.keys()
    for command in COMMANDS:
        result = RUNNER.invoke(app, [command, "--help"])
        assert result.exit_code == 0
        assert f"medimeta-c {command}" in result.stdout


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    """The demonstration builds and verifies phantoms of all five datasets and names its pictures."""
    command = [sys.executable, "-m", "medimeta_c", "demo", "--out", str(tmp_path / "demo")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "built and verified 180 sets" in run.stdout
    pictures = [Path(line.removeprefix("figure: ")) for line in run.stdout.splitlines() if "figure: " in line]
    assert len(pictures) >= 6
    for picture in pictures:
        with Image.open(picture) as opened:
            assert min(opened.size) > 200
    card = (tmp_path / "demo/phantoms/README.md").read_text()
    assert "phantoms" in card.lower()
    assert all(name in card for name in CORE.corruptions)


def test_names_are_never_cut_and_no_terminal_is_too_plain() -> None:
    """In 80 columns and pure ASCII the table of datasets still gives every id, and every word, whole."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "COLUMNS": "80"}
    process = subprocess.run(
        [sys.executable, "-m", "medimeta_c", "datasets"], env=environment, capture_output=True, check=False
    )
    assert process.returncode == 0, process.stderr
    words = process.stdout.decode("ascii").split()
    assert {"organs_sagittal", "pneumoniamnist", "dr_regular"} <= set(words)
    assert {"Histopathology:", "ordinal-regression"} <= set(words)


def test_other_libraries_do_not_chatter() -> None:
    """A library that turns its own notes on, as Dask's scheduler does, is heard from warnings upwards."""
    code = """
import logging
from medimeta_c.cli import app
app(["datasets"], standalone_mode=False)
logging.getLogger("distributed").setLevel("INFO")
logging.getLogger("distributed.scheduler").info("State start")
logging.getLogger("distributed.scheduler").warning("Worker died")
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stderr == "distributed.scheduler: Worker died\n"
