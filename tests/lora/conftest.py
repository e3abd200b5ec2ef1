"""Adapter tests: one thread, and no way out to the network."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import Any

import pytest

# These tests need the evaluate extra; without it there is nothing here to collect.
if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny tensors gain nothing from threads."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection of this process fails, as with the network off."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the network is off")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's client does not wait between its attempts to connect."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
