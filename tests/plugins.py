"""A distribution of two files, as another package would install it: entry points, and one module."""

from __future__ import annotations

from pathlib import Path

import pytest

MODULE = """
from dataclasses import dataclass
import numpy as np
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.sources import SourceFamily
from medimeta_corruptions import Corruption

FAMILY = SourceFamily(
    name="toys", title="Toys (drawn)", summary="drawn toys", opener="toy_plugin:open_toys",
    collection="Toys-C", ids="toy_.*", files=(), synthetic=True,
)

def invert(image, parameter, rng):
    return 255 - (image // parameter)

INVERT = Corruption(
    name="invert", category="illumination", description="negative", parameter="divisor",
    parameters=(1, 2, 3, 4, 5), stochastic=False, function=invert,
)

@dataclass(frozen=True)
class Toys:
    info: DatasetInfo
    def ids(self, split):
        return ("000000", "000001")
    def label(self, split, image_id):
        return int(image_id)
    def image(self, split, image_id):
        return np.full((16, 12), 40 + 90 * int(image_id), dtype=np.uint8)
    def checksum(self):
        return "sha256:" + "ab" * 32

def open_toys(dataset, data_dir, *, task=None):
    return Toys(DatasetInfo(
        dataset=dataset, kind="toys", title="Toys", modality="Drawing", task="class", class_names=("a", "b"),
        channels=1, splits={"test": 2}, license="CC0-1.0", citation="", homepage="",
    ))
"""

ENTRY_POINTS = """\
[medimeta_c.sources]
toys = toy_plugin:FAMILY

[medimeta_c.corruptions]
invert = toy_plugin:INVERT
"""


def install(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the distribution ``toy-plugin`` 1.2 on this process's path, until the test ends."""
    info = site / "toy_plugin-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "toy_plugin.py").write_text(MODULE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plugin\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(site))
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the registries look again for what is installed, now and after the test."""
    from medimeta_c.sources import SOURCES
    from medimeta_corruptions import CORRUPTIONS, registry

    for one in (SOURCES, CORRUPTIONS):
        monkeypatch.setattr(one, "_loaded", {})
    monkeypatch.setattr(registry, "_scan", getattr(registry._scan, "__wrapped__", registry._scan))
