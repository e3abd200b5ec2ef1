"""An undivided build, and a part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from parted_builds import config

from medimeta_c.building.build import build


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
