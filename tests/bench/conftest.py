"""Scripts of measurements are importable, as they are for each other."""

from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts/bench"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
