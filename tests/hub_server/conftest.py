"""A hub per test, and a way to run scripts against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_server import HubServer, hub_environment, run_client


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def run(hub: HubServer, tmp_path: Path) -> Callable[..., Any]:
    """Run a script whose clients know only this hub."""
    environment = hub_environment(hub, tmp_path)
    return lambda script, *arguments: run_client(script, environment, *arguments)
