"""The loopback server of the downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from downloading import PBC
from zenodo_server import ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback addresses are reached directly, whatever the machine's settings."""
    for name in list(os.environ):
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ZenodoServer]:
    with ZenodoServer() as running:
        running.host(MEDIMETA_RECORD, "pbc.zip", PBC)
        yield running
