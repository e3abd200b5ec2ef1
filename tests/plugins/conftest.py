"""The recipes of docs/extending.md, installed as the separate package that the page shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recipe_shell import REPO, Shell

sys.path.append(str(REPO / "tests" / "docs"))

from blocks import blocks_of


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files, word for word those of the page."""
    folder = tmp_path_factory.mktemp("recipes")
    for block in blocks_of(REPO / "docs" / "extending.md"):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
    return folder / "my-plugins"


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Install a package, without what it depends on, into a folder of its own."""

    def call(package: Path) -> Path:
        site = tmp_path_factory.mktemp("site")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*command, "--no-index", "--target", str(site), str(package)], check=True)
        return site

    return call


@pytest.fixture(scope="session")
def shell(project: Path, install: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The recipes installed, and a dataset of two files for their source."""
    folder = tmp_path_factory.mktemp("shell")
    photos = folder / "data" / "photos"
    photos.mkdir(parents=True)
    draw = np.random.Generator(np.random.Philox(key=3))
    labels = ["dark", "light"] * 4
    shades = np.array([70 if label == "dark" else 170 for label in labels])
    noise = draw.integers(-40, 40, (8, 24, 20, 3))
    np.save(photos / "images.npy", (shades[:, None, None, None] + noise).astype(np.uint8))
    rows = [f"p{index},{label},test" for index, label in enumerate(labels)]
    (photos / "labels.csv").write_text("\n".join(["id,label,split", *rows]) + "\n")
    return Shell(folder, install(project))
