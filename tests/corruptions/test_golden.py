"""Pixels never change unnoticed: digests by scripts/golden_corruptions.py on one fixed image."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "golden_corruptions.py"))
GOLDEN: dict[str, str] = json.loads(SCRIPT["PATH"].read_text(encoding="utf-8"))["sha256"]


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """The digests of this version, here and now."""
    digests: dict[str, str] = SCRIPT["digests"]()
    return digests


def test_every_output_has_a_digest(found: dict[str, str]) -> None:
    """A corruption was added or removed: run scripts/golden_corruptions.py."""
    assert found.keys() == GOLDEN.keys()


@pytest.mark.parametrize("case", GOLDEN)
def test_pixels_are_as_they_were(case: str, found: dict[str, str]) -> None:
    """The same image, generator and severity give the same pixels in every version and on every machine."""
    assert found[case] == GOLDEN[case]
