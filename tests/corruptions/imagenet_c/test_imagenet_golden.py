"""Pixels of the twelve corruptions beside core's stay: digests by scripts/golden_imagenet_c.py."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytest.importorskip("cv2", reason="needs OpenCV, by which some of the corruptions are computed")
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "golden_imagenet_c.py"))
STORED = json.loads(SCRIPT["PATH"].read_text(encoding="utf-8"))
GOLDEN: dict[str, str] = STORED["sha256"]


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """The digests of this version, here and now."""
    digests: dict[str, str] = SCRIPT["digests"]()
    return digests


def test_every_drawn_output_has_a_digest(found: dict[str, str]) -> None:
    """A corruption was added or removed: run scripts/golden_imagenet_c.py."""
    assert found.keys() == GOLDEN.keys()


@pytest.mark.parametrize("case", GOLDEN)
def test_drawn_pixels_are_as_they_were(case: str, found: dict[str, str]) -> None:
    """Libraries that some are computed by may give others, in versions that are not named."""
    name, severity = case.split("/")[:2]
    library = SCRIPT["library"](name, int(severity))
    if library and found[case] != GOLDEN[case]:
        version = SCRIPT["versions"]()[library]
        if version not in STORED["versions"][library]:
            pytest.skip(f"needs one of {library} {', '.join(STORED['versions'][library])}; this is {version}")
    assert found[case] == GOLDEN[case]
