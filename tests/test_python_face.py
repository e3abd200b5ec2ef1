"""`import medimeta_c`, as an ordinary Python caller uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import medimeta_c
from medimeta_c.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_dir: Path) -> Path:
    """The current folder; clean data is where ``MEDIMETA_DATA`` says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIMETA_DATA", str(clean_dir))
    return tmp_path


def built(**changes: Any) -> medimeta_c.BuildConfig:
    values: dict[str, Any] = {
        "datasets": "rays",
        "source": "imagefolder",
        "out": "small",
        "corruptions": "contrast",
        "severities": 3,
        "splits": "test",
        "jobs": 1,
    }
    return medimeta_c.BuildConfig(**{**values, **changes})


def test_one_name_and_paths_as_texts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Build, verify and open with texts, where MEDIMETA_DATA says that clean data is, quietly."""
    report = medimeta_c.build(built())
    assert report.root == Path("small")
    assert [str(key) for key in report.built] == [
        "rays/test/clean/severity-0",
        "rays/test/contrast/severity-3",
    ]
    assert medimeta_c.verify("small", rebuild=1, jobs=1).ok
    assert medimeta_c.open_benchmark("small").datasets == ("rays",)
    assert capsys.readouterr() == ("", "")


def test_progress_is_an_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a callback; the bar is that of `medimeta_c.io.progress`."""
    from medimeta_c.io import progress

    shown: list[str] = []
    monkeypatch.setattr(progress, "_LINES_S", 0.0)
    monkeypatch.setattr(progress, "_sentence", lambda text, *rest: shown.append(text) or text)
    medimeta_c.build(built(), progress=True)
    medimeta_c.verify("small", jobs=1, progress=True)
    assert shown == ["building 0/2 sets", "building 1/2 sets", "building 2/2 sets", "verifying", "verifying"]


def test_the_shell_and_python_mean_the_same_data(folder: Path, clean_dir: Path) -> None:
    """``MEDIMETA_DATA`` is the default of every configuration that reads clean data, and of the shell."""
    from medimeta_c.sources import default_data_dir

    assert built().data_dir == clean_dir == default_data_dir()
    assert built(data_dir="elsewhere").data_dir == Path("elsewhere")
    shell = [sys.executable, "-m", "medimeta_c", "build", "--dataset", "rays", "--source", "imagefolder"]
    shell += ["--corruption", "contrast", "--severity", "3", "--jobs", "1", "--out", "by-shell"]
    subprocess.run(shell, check=True, capture_output=True)
    python = medimeta_c.build(built()).manifest
    assert medimeta_c.open_benchmark("by-shell").fingerprint == python.fingerprint


def test_without_the_variable_it_is_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is no variable."""
    from platformdirs import user_data_path

    monkeypatch.setenv("MEDIMETA_DATA", "")
    assert built().data_dir == user_data_path("medimeta-c", appauthor=False)


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "a text for a config": (
        lambda: medimeta_c.build("pbc"),  # type: ignore[arg-type]
        "build takes a BuildConfig, not 'pbc': call build(BuildConfig(...))",
    ),
    "a number of datasets": (
        lambda: built(datasets=3),
        "datasets 3 is not valid: give a text or a Source",
    ),
    "no datasets": (lambda: built(datasets=()), "no dataset given"),
    "a dataset twice": (lambda: built(datasets=["rays", "rays"]), "duplicate dataset: rays"),
    "an unknown corruption": (lambda: built(corruptions="contrst"), "did you mean 'contrast'?"),
    "severity six": (lambda: built(severities=[3, 6]), "unknown severity 6: use 1 to 5, or 0 for clean"),
    "a split by its letters": (lambda: built(splits=["a/b"]), "split name 'a/b' is not usable"),
    "no worker": (lambda: medimeta_c.verify("small", jobs=0), "jobs must be at least 1, or -1"),
    "a number for a folder": (
        lambda: medimeta_c.verify(3),  # type: ignore[arg-type]
        "root 3 is not a path: give a str or a pathlib.Path",
    ),
    "nothing to open": (lambda: medimeta_c.open_benchmark(""), "benchmark '' is not a path"),
    "a number for an image": (
        lambda: medimeta_c.read_image(3),  # type: ignore[arg-type]
        "image 3 is not a path",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_wrong_argument_is_our_error(case: str) -> None:
    """One sentence: what, the value, and what to give. No TypeError from somewhere below."""
    call, message = CALLS[case]
    with pytest.raises(ConfigError) as caught:
        call()
    assert message in str(caught.value)
