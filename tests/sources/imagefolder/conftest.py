"""Small folders of pictures, for a test to read or to spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_writers import FLAT, SPLIT, write_images


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    return write_images(tmp_path / "pets", FLAT)


@pytest.fixture
def split(tmp_path: Path) -> Path:
    return write_images(tmp_path / "pets", SPLIT)
