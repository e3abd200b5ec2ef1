"""The site builds without a warning, holds every page, and its generated parts are those of the code."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer
import yaml
from blocks import REPO
from PIL import Image

from medimeta_c.cli import app
from medimeta_c.format.suite.core import CORE


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPO / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_site_builds_and_warnings_are_errors(tmp_path: Path) -> None:
    """Links, references and docstrings are all right."""
    pytest.importorskip("mkdocs", reason="needs the 'docs' extra")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            str(tmp_path / "site"),
        ],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cli = (tmp_path / "site" / "cli" / "index.html").read_text(encoding="utf-8")
    assert "medimeta-c build" in cli
    api = (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    assert "open_benchmark" in api
    tutorial = (tmp_path / "site" / "tutorial" / "index.html").read_text(encoding="utf-8")
    assert "EvaluateConfig" in tutorial
    assert "<table" in tutorial


def test_every_page_is_in_the_navigation() -> None:
    """A page nobody can reach is not documentation."""
    text = (REPO / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(_names(yaml.safe_load(text)["nav"]))
    pages = {path.relative_to(REPO / "docs").as_posix() for path in (REPO / "docs").rglob("*.md")}
    notebooks = {path.with_suffix(".md").name for path in (REPO / "docs").glob("*.ipynb")}
    assert pages | notebooks | {"cli.md"} == named


def test_the_command_line_reference_is_complete() -> None:
    """Every command, option and argument with its help, and every example."""
    text = script("docs_hooks").command_line_reference()
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for name, command in group.commands.items():
        assert f"## medimeta-c {name}\n" in text
        for parameter in command.params:
            shown = parameter.param_type_name == "option" and not parameter.hidden
            for option in parameter.opts if shown else ():
                assert f"`{option}`" in text, f"{name} {option}"
    assert "[b]" not in text
    assert "Environment: `MEDIMETA_DATA`" in text


@pytest.mark.parametrize("name", CORE.corruptions)
def test_pictures_of_corruptions_are_current(name: str) -> None:
    """The strip is what the corruption makes of the phantom today; libraries may move a level or two."""
    expected = script("docs_pictures").strip(name)
    data = (REPO / "docs" / "images" / "corruptions" / f"{name}.png").read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        shown = np.asarray(picture).astype(np.int64)
    assert shown.shape == expected.shape
    assert np.mean(np.abs(shown - expected) > 2) < 0.001


def _names(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    if isinstance(nav, dict):
        return [name for value in nav.values() for name in _names(value)]
    return [name for value in nav for name in _names(value)]  # type: ignore[attr-defined]
