"""Fixtures of the source tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from medimeta_c.format.suites import CORE
from medimeta_c.sources.phantoms import open_phantoms


@pytest.fixture(scope="session")
def phantoms_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the five MedIMeta folders of phantoms. Read only."""
    data_dir = tmp_path_factory.mktemp("data")
    for dataset in CORE.datasets:
        open_phantoms(dataset, data_dir)
    return data_dir / "phantoms-1"
