"""What tests ask of a finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ADAPTERS = ("adapter.safetensors", "last/adapter.safetensors")


def weights(folder: Path) -> list[bytes]:
    """The adapters of the best and of the last epoch, byte for byte."""
    return [(folder / name).read_bytes() for name in ADAPTERS]


def log(folder: Path) -> list[dict[str, Any]]:
    """The lines of ``training.jsonl``."""
    return [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]


def record(folder: Path) -> dict[str, Any]:
    """``adapter.json``."""
    found: dict[str, Any] = json.loads((folder / "adapter.json").read_text())
    return found
