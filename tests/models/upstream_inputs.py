"""What scripts/upstream and the tests share: inputs, and the file of what the authors' code made of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from seeded_weights import seeded_state, seeded_tensor

__all__ = ["PICTURES", "TEXTS", "checked_commit", "picture", "read_numbers", "small_state", "write_numbers"]

GOLDEN = Path(__file__).parents[1] / "golden" / "upstream"

PICTURES = ((70, 50, 3), (64, 64, 3), (300, 500, 3), (97, 120, 1), (31, 40, 3))
"""Height, width and channels: smaller and larger than the models read, of either side, grey and colour."""

TEXTS = (
    "retina",
    "A photo of a BENIGN cell",
    "an H&E image of lung adenocarcinoma, grade 2-3: café-au-lait (naïve)",
    " ".join(["a photo of the normal blood cell"] * 3),
    "ßtroma § µm",
)
"""Short and long, with capitals, accents, digits and punctuation; the last has letters no tokenizer knows."""

LOG_SCALE = 3.0


def picture(height: int, width: int, channels: int) -> Image.Image:
    """Return coarse blocks of seeded grey levels or colours, with noise."""
    rng = np.random.Generator(np.random.Philox(key=height * 10_000 + width * 10 + channels))
    coarse = rng.integers(0, 216, (5, 7, channels)).repeat(-(-height // 5), 0).repeat(-(-width // 7), 1)
    pixels = (coarse[:height, :width] + rng.integers(0, 40, (height, width, channels))).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)


def small_state(shapes: Mapping[str, Sequence[int]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return seeded weights of these shapes, with a logit scale that tells logits apart.

    What scales a block's output (``gamma``) lies around 1, so that every block counts.
    """
    scales = {
        name: 1 + seeded_tensor(name, shape, scale=0.1, seed=seed)
        for name, shape in shapes.items()
        if name.endswith(".gamma")
    }
    return seeded_state(shapes, seed=seed) | scales | {"logit_scale": torch.tensor(LOG_SCALE)}


def checked_commit(checkout: Path, commit: str) -> None:
    """Refuse a checkout of another commit, or an edited one."""
    git = ["git", "-C", str(checkout)]
    found = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    edits = subprocess.run([*git, "diff", "--name-only"], capture_output=True, text=True, check=True).stdout
    if found.strip() != commit or edits:
        raise SystemExit(f"{checkout} must be an unedited checkout of {commit}: it is at {found} {edits}")


def write_numbers(family: str, source: Mapping[str, str], packages: Sequence[str], **numbers: Any) -> None:
    """Write ``tests/golden/upstream/<family>.json``: tensors as lists, one entry a line."""
    versions = {name: version(name) for name in packages}
    content = {"source": dict(source), "packages": versions, **numbers}
    lines = [f"{json.dumps(name)}: {json.dumps(_plain(value))}" for name, value in content.items()]
    GOLDEN.mkdir(parents=True, exist_ok=True)
    path = GOLDEN / f"{family}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return [round(float(one), 8) for one in value] if value.ndim == 1 else [_plain(one) for one in value]
    return value


def read_numbers(family: str) -> dict[str, Any]:
    """Return the content of a file that `write_numbers` wrote."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{family}.json").read_text(encoding="utf-8"))
    return content
