"""Write tests/golden/imagenet_c.json: digests of the twelve corruptions beside core's, on drawn images.

Run it when a corruption was added, or with other versions of OpenCV or of the JPEG library, by which some of
the corruptions are computed: versions that give the same digests are added to the file's list. It refuses to
change a digest: that would be other pixels.

    python scripts/golden_imagenet_c.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import features

from medimeta_corruptions import Pixels, corrupt
from medimeta_corruptions.imagenet_c import IMAGENET_C

PATH = Path(__file__).parents[1] / "tests" / "golden" / "imagenet_c.json"
SIZES = ((28, 28), (37, 61), (224, 224))
SEVERITIES = (1, 3, 5)
KEY = 0x696D6167656E6574
"""Key of the Philox generator each output is drawn from."""


def library(name: str, severity: int) -> str:
    """Return the library that an output depends on; nothing for most."""
    if name == "jpeg_compression":
        return "jpeg"
    return "opencv" if name == "defocus_blur" or (name == "spatter" and severity <= 3) else ""


def versions() -> dict[str, str]:
    """Return the libraries' versions here."""
    turbo = features.version("libjpeg_turbo")
    return {
        "opencv": cv2.__version__,
        "jpeg": f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}",
    }


def golden_image(height: int, width: int, kind: str) -> Pixels:
    """Return the image, ``"grey"`` or ``"colour"``: texture, a ramp and flat patches, by integers alone."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    red = np.where(3 * x < width, (3 * x * x + 5 * y * y + 7 * x * y) % 256, (4 * x + 2 * y) % 256)
    levels = np.array([0, 15, 109, 199, 255])[5 * y // height]
    red = np.where(3 * x > 2 * width, levels, red)
    if kind == "grey":
        return red.astype(np.uint8)
    return np.stack([red, red[::-1], (red + 2 * y) % 256], axis=-1).astype(np.uint8)


def digests() -> dict[str, str]:
    """Return the start of the SHA-256 of each output's bytes, by ``corruption/severity/size/kind``."""
    found = {}
    for name in (record.name for record in IMAGENET_C):
        for severity in SEVERITIES:
            for height, width in SIZES:
                for kind in ("grey", "colour"):
                    rng = np.random.Generator(np.random.Philox(key=KEY))
                    out = corrupt(golden_image(height, width, kind), name, severity, rng)
                    digest = hashlib.sha256(out.tobytes()).hexdigest()
                    found[f"{name}/{severity}/{height}x{width}/{kind}"] = digest[:32]
    return found


def main() -> None:
    found, named = digests(), {name: [version] for name, version in versions().items()}
    if PATH.exists():
        before = json.loads(PATH.read_text(encoding="utf-8"))
        changed = [case for case, digest in before["sha256"].items() if found.get(case, digest) != digest]
        if changed:
            raise SystemExit(f"pixels changed, nothing written: {', '.join(changed)}")
        named = {name: sorted({*named[name], *before["versions"][name]}) for name in named}
    text = json.dumps({"philox_key": KEY, "versions": named, "sha256": found}, indent=1)
    PATH.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()
