"""Configurations of builds that are divided into parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_source import FakeSource

from medimeta_c.building.build import BuildConfig

FEW = FakeSource(splits={"test": 7})
MANY = FakeSource(dataset="oct", channels=1, splits={"test": 230}, shape=(9, 8))


def config(out: Path, **changes: Any) -> BuildConfig:
    """Eight sets: more than parts."""
    values: dict[str, Any] = {
        "datasets": (FEW, FakeSource(dataset="oct", channels=1)),
        "corruptions": ("gaussian_noise", "contrast"),
        "severities": (1, 3),
        "out": out,
        "jobs": 1,
    }
    return BuildConfig(**{**values, **changes})


def large(out: Path, **changes: Any) -> BuildConfig:
    """Two sets of 230 images: fewer sets than five parts."""
    return config(out, **{"datasets": MANY, "corruptions": "gaussian_noise", "severities": 3, **changes})


def everything(root: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
