"""An undivided build and a part of it; the files of MediMeta-C as its authors published them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from medimetac_files import clean_rows, write_medimeta, write_published
from parted_builds import config

from medimeta_c.building.build import build
from medimeta_c.building.medimetac.importing import MedimetacConfig
from medimeta_c.format.suites import CORE


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undivided build. Read only."""
    out = tmp_path_factory.mktemp("whole") / "out"
    build(config(out))
    return out


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of part 2 of 5. Read only."""
    out = tmp_path_factory.mktemp("part") / "out"
    build(config(out, part="2/5"))
    return out


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``clean`` in MedIMeta's layout and ``c`` in the published one: oct (grey) and fundus (colour)."""
    root = tmp_path_factory.mktemp("originals")
    for dataset, corruptions in (("oct", CORE.corruptions), ("fundus", ("contrast",))):
        folder = write_medimeta(root / "clean", dataset)
        write_published(root / "c" / dataset / "test", clean_rows(folder), corruptions, (1, 5))
    return root


@pytest.fixture
def configure_import(originals: Path, tmp_path: Path) -> Callable[..., MedimetacConfig]:
    """Make a configuration that imports a copy of some of oct's files in this process."""
    (tmp_path / "c/oct/test").mkdir(parents=True)
    for path in (originals / "c/oct/test").iterdir():
        if path.name.startswith(("clean", "contrast", "pixelate")):
            shutil.copy(path, tmp_path / "c/oct/test")

    def make(**changes: object) -> MedimetacConfig:
        values = {"folder": tmp_path / "c", "out": tmp_path / "out", "jobs": 1, **changes}
        return MedimetacConfig(**values)  # type: ignore[arg-type]

    return make
