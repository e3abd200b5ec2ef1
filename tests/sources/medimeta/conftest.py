"""A whole MedIMeta folder, for a test to read or to spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_writers import write_medimeta


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_medimeta(tmp_path)
