"""Draw the strips of docs/corruptions.md and imagenet_c.md: one phantom, clean and under a corruption at severities 1 to 5.

python scripts/docs_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medimeta_c.format.keys import SetKey
from medimeta_c.format.seeding import generator
from medimeta_c.format.suite.core import CORE
from medimeta_c.sources.phantoms.plan import PLANS
from medimeta_corruptions import SEVERITIES, corrupt

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "corruptions"
GAP_PX = 4
DETAIL = (slice(30, 142), slice(24, 136))  # so small that a page shows every pixel


def strip(name: str) -> NDArray[np.uint8]:
    """Return the six images side by side, with white between them: grey, unless grey has nothing to change."""
    clean = PLANS["pbc" if name == "saturate" else "pneumonia"].image(0, 0)
    cells = [clean]
    for severity in SEVERITIES:
        rng = generator(0, SetKey("pneumonia", "test", name, severity), "000000")
        cells.append(corrupt(clean, name, severity, rng))
    gap = np.full((clean[DETAIL].shape[0], GAP_PX, *clean.shape[2:]), 255, dtype=np.uint8)
    parts = [part for cell in cells for part in (cell[DETAIL], gap)]
    return np.concatenate(parts[:-1], axis=1)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CORE.corruptions:
        Image.fromarray(strip(name)).save(FOLDER / f"{name}.png", optimize=True)
        print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
