"""Models of open_clip in tests: copies of folders with other settings, and vectors to compare."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from medimeta_c.models import Model

TEXTS = ["a photo of a benign cell", "an image of the retina", "x-ray"]


def assert_same_vectors(ours: Model, theirs: Any, tokens: torch.Tensor) -> None:
    """Both embed the same pixels and tokens to the same vectors, to 1e-5."""
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_images(pixels), theirs.encode_image(pixels), atol=1e-5, rtol=0)
        torch.testing.assert_close(ours.encode_texts(TEXTS), theirs.encode_text(tokens), atol=1e-5, rtol=0)


def edited(folder: Path, target: Path, **text_cfg: Any) -> Path:
    """Copy a model's folder and change settings of its text tower; a value of None removes one."""
    shutil.copytree(folder, target)
    config = json.loads((target / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"].update(text_cfg)
    for name in [key for key, value in text_cfg.items() if value is None]:
        del config["model_cfg"]["text_cfg"][name]
    (target / "open_clip_config.json").write_text(json.dumps(config))
    return target
