"""Digests of every clinical corruption's output: the suite is frozen, pixel by pixel."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "golden_clinical.py"))
KEPT: dict[str, str] = json.loads(SCRIPT["PATH"].read_text(encoding="utf-8"))["sha256"]
CASES = {SCRIPT["label"](*case): case for case in SCRIPT["cases"]()}


def test_every_case_is_kept() -> None:
    assert set(KEPT) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_pixels_are_those_of_the_frozen_suite(name: str) -> None:
    assert SCRIPT["digest"](*CASES[name]) == KEPT[name]


def test_different_cases_differ() -> None:
    """No two corruptions or severities give one picture, where the picture is not tiny."""
    found = [digest for case, digest in KEPT.items() if case.endswith("/224x224")]
    assert len(set(found)) == len(found)
