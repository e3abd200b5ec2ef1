"""Fine-tuning tests: one thread, no network, and a tiny model to adapt."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from model_fixtures import images_dir, offline, one_thread, tiny_model

if TYPE_CHECKING:
    from medimeta_c.finetuning import FinetuneConfig

__all__ = ["images_dir", "offline", "one_thread", "tiny_model"]

# These tests need the evaluate extra; without it only the choice of images can be tested.
if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")):
    collect_ignore_glob = ["test_[!f]*.py"]


@pytest.fixture
def configure(tiny_model: str, images_dir: Path, tmp_path: Path) -> Callable[..., FinetuneConfig]:
    """Make a configuration that adapts the tiny model to both folders on the CPU."""

    def make(**changes: object) -> FinetuneConfig:
        from medimeta_c.finetuning import FinetuneConfig

        values: dict[str, object] = {
            "model": tiny_model,
            "datasets": ("cells", "rays"),
            "source": "imagefolder",
            "data_dir": images_dir,
            "out": tmp_path / "run",
            "fraction": 0.5,
            "rank": 2,
            "epochs": 2,
            "lr": 1e-2,
            "batch_size": 8,
            "device": "cpu",
        }
        return FinetuneConfig(**{**values, **changes})  # type: ignore[arg-type]

    return make
