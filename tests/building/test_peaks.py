"""A worker stays below a gigabyte for a picture of 5000 x 6000 grey values, at each step of its way."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "bench" / "peaks.py"))
LIMIT: int = SCRIPT["LIMIT"]
measured: Callable[..., int] = SCRIPT["measured"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPT["SUITE"])
def test_corruption(name: str) -> None:
    """Each corruption of the core suite, at the severity that takes most."""
    assert measured("corrupt", name, "1") < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["encode", "spectrum"])
def test_stage(stage: str) -> None:
    """What follows a corruption."""
    assert measured(stage) < LIMIT


@pytest.mark.slow
def test_shards(tmp_path: Path) -> None:
    """More pictures than a shard holds."""
    assert measured("written", str(tmp_path)) < LIMIT


@pytest.mark.slow
def test_corrupt_command(tmp_path: Path) -> None:
    """From a file to a file."""
    SCRIPT["pictures"](tmp_path, 1)
    assert measured("command", str(tmp_path), "impulse_noise", "5") < LIMIT


@pytest.mark.slow
def test_build_and_verify(tmp_path: Path) -> None:
    """From files, a row group of them, to a benchmark that is verified and rendered again."""
    SCRIPT["pictures"](tmp_path, 3)
    assert measured("built", str(tmp_path), "gaussian_noise", "5") < LIMIT
    assert measured("verified", str(tmp_path), "1") < LIMIT


@pytest.mark.slow
def test_decoding_for_a_model(tmp_path: Path) -> None:
    """A row group of many pictures that PNG makes small."""
    SCRIPT["smooth"](tmp_path)
    assert measured("decoded", str(tmp_path)) < LIMIT
