"""Write tests/golden/corruptions.json: the digest of every core corruption's output on one fixed image.

Run it when a corruption was added. A digest that changes means that pixels changed, hence another benchmark
version: never run it to make a failing test pass.

    python scripts/golden_corruptions.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from medimeta_corruptions import SEVERITIES, Pixels, corrupt
from medimeta_corruptions.core import CORE

PATH = Path(__file__).parents[1] / "tests" / "golden" / "corruptions.json"
KEY = 0x6D6564696D657461
"""Key of the Philox generator each output is drawn from."""


def golden_image(kind: str) -> Pixels:
    """Return the image, ``"grey"`` or ``"colour"``: texture, a ramp and flat patches, by integers alone."""
    y, x = np.mgrid[:45, :67].astype(np.int64)
    texture = (3 * x * x + 5 * y * y + 7 * x * y) % 256
    ramp = (4 * x + 2 * y) % 256
    red = np.where(x < 30, texture, ramp)
    for row, level in enumerate((0, 15, 109, 199, 255)):
        red[9 * row : 9 * row + 9, 40:] = level
    if kind == "grey":
        return red.astype(np.uint8)
    return np.stack([red, red[::-1], (red + 2 * y) % 256], axis=-1).astype(np.uint8)


def digests() -> dict[str, str]:
    """Return the SHA-256 of each output's shape and bytes, by ``corruption/severity/kind``."""
    found = {}
    for name in (record.name for record in CORE):
        for severity in SEVERITIES:
            for kind in ("grey", "colour"):
                rng = np.random.Generator(np.random.Philox(key=KEY))
                out = corrupt(golden_image(kind), name, severity, rng)
                digest = hashlib.sha256(repr(out.shape).encode() + out.tobytes())
                found[f"{name}/{severity}/{kind}"] = digest.hexdigest()
    return found


def main() -> None:
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps({"philox_key": KEY, "sha256": digests()}, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()
