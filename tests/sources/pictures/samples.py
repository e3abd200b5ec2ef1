"""Small arrays to store in picture files, and how to put a file there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medimeta_c.sources.pictures import Window

_RNG = np.random.default_rng(3)
GREY = _RNG.integers(0, 256, (21, 37), dtype=np.uint8)
RGB = _RNG.integers(0, 256, (21, 37, 3), dtype=np.uint8)
DEEP = _RNG.integers(0, 65536, (21, 37), dtype=np.uint16)
WHOLE = Window.parse("0,65535")
"""The window that shows 16 bits from end to end."""


def put(folder: Path, data: bytes, name: str = "x") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
