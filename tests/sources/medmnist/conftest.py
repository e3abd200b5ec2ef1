"""A MedMNIST+ file of each storage form."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_writers import write_npz


@pytest.fixture(params=[True, False], ids=["compressed", "stored"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_npz(tmp_path / "bloodmnist_28.npz", compressed=request.param)
