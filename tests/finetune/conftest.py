"""Fine-tuning tests: one thread, no network, and a tiny model to adapt."""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from medimeta_c.finetuning import FinetuneConfig

# These tests need the evaluate extra; without it only the choice of images can be tested.
if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")):
    collect_ignore_glob = ["test_[!f]*.py"]
else:

    @pytest.fixture(autouse=True, scope="session")
    def one_thread() -> None:
        """Tiny tensors gain nothing from threads, and one thread adds up in one order."""
        import torch

        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection of this process fails, as with the network off."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the network is off")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The spec of a tiny open_clip ViT with random weights, for images of 28 x 28."""
    from model_factories import make_open_clip_folder

    return f"local-dir:{make_open_clip_folder(tmp_path_factory.mktemp('model') / 'tiny', image_size=28)}"


@pytest.fixture(scope="session")
def images_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two image folders with all three splits: `cells` (RGB, 3 classes) and `rays` (grey, 2 classes)."""
    from training_images import write_training_images

    return write_training_images(tmp_path_factory.mktemp("images"))


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
