"""Write tests/golden/clinical.json: digests of every clinical corruption on drawn images.

Run it when a corruption was added. It refuses to change a digest: that would be other pixels, hence another
version of the suite.

    python scripts/golden_clinical.py
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from medimeta_corruptions import CORRUPTIONS, Pixels, corrupt
from medimeta_corruptions.clinical import CLINICAL

PATH = Path(__file__).parents[1] / "tests" / "golden" / "clinical.json"
KEY = 0x636C696E6963616C
"""Key of the Philox generator each output is drawn from."""

SIZES = ((28, 28), (37, 61), (224, 224))
LARGE = ((512, 512), 3)
LARGEST = ("xray_scatter", (2000, 1900), 3)


def golden_image(height: int, width: int, kind: str) -> Pixels:
    """Return the image, ``"grey"`` or ``"colour"``: by integers alone, so the same on every machine.

    Smooth waves and a bright disc on the left, texture in the middle, flat patches with black and white on
    the right, and a black corner as of a scanner's fan.
    """
    y, x = np.mgrid[:height, :width].astype(np.int64)
    side = min(height, width)
    u, v = 256 * x // side, 256 * y // side
    smooth = 90 + (u * (256 - u) // 400 + v * (256 - v) // 300) % 110
    smooth += np.where((u - 70) ** 2 + (v - 110) ** 2 < 40**2, 45, 0)
    red = np.where(5 * x < 2 * width, smooth, (3 * x * x + 5 * y * y + 7 * x * y) % 200 + 28)
    levels = np.array([0, 60, 128, 199, 255])[5 * y // height]
    red = np.where(4 * x > 3 * width, levels, red)
    red = np.where(x + y < side // 6, 0, red)
    if kind == "grey":
        return red.astype(np.uint8)
    return np.stack([red, (red * 3) // 4 + 20 * (red > 0), (red + red[::-1]) // 2], axis=-1).astype(np.uint8)


def cases() -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Yield corruption, severity and size of each output."""
    for name in (record.name for record in CLINICAL):
        for size in SIZES:
            for severity in (1, 3, 5):
                yield name, severity, size
        yield name, LARGE[1], LARGE[0]
    yield LARGEST[0], LARGEST[2], LARGEST[1]


def digest(name: str, severity: int, size: tuple[int, int]) -> str:
    """Return the start of the SHA-256 of one output's bytes."""
    kind = "grey" if CORRUPTIONS[name].channels == "grey" else "colour"
    rng = np.random.Generator(np.random.Philox(key=KEY))
    out = corrupt(golden_image(*size, kind), name, severity, rng)
    return hashlib.sha256(out.tobytes()).hexdigest()[:32]


def label(name: str, severity: int, size: tuple[int, int]) -> str:
    """Return the key of a case in the file."""
    return f"{name}/{severity}/{size[0]}x{size[1]}"


def main() -> None:
    found = {label(*case): digest(*case) for case in cases()}
    if PATH.exists():
        before = json.loads(PATH.read_text(encoding="utf-8"))["sha256"]
        changed = [case for case, kept in before.items() if found.get(case, kept) != kept]
        if changed:
            raise SystemExit(f"pixels changed, nothing written: {', '.join(changed)}")
    PATH.write_text(json.dumps({"philox_key": KEY, "sha256": found}, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()
