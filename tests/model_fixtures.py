"""Fixtures of tests that run models; the `conftest.py` of a folder imports those that it wants."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

__all__ = ["images_dir", "impatient", "offline", "one_thread", "tiny_model"]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny tensors gain nothing from threads, and one thread adds up in one order."""
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Every connection of this process fails, as with the network off; the addresses tried are kept."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise OSError("the network is off")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield tried


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's client does not wait between its attempts to connect."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The spec of a tiny open_clip ViT with random weights, for images of 28 x 28."""
    from model_factories import make_open_clip_folder

    return f"local-dir:{make_open_clip_folder(tmp_path_factory.mktemp('model') / 'tiny', image_size=28)}"


@pytest.fixture(scope="session")
def images_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Image folders with train, val and test: `cells` (RGB, 3 classes) and `rays` (grey, 2)."""
    from training_images import write_training_images

    return write_training_images(tmp_path_factory.mktemp("images"))
