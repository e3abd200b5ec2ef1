"""A hub, a tiny build, and the command line as a user with a token runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub_server import READER_TOKEN, TOKEN, HubServer, hub_environment


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def push(hub: HubServer, tmp_path: Path) -> Callable[..., Ran]:
    """Run ``medimeta-c push`` in a process of its own; no output of any run may hold a token."""

    def call(
        root: Path, *options: object, token: str | None = TOKEN, debug: bool = False, **changes: str | None
    ) -> Ran:
        command = [sys.executable, "-m", "medimeta_c", *(["--debug"] if debug else []), "push", str(root)]
        command += ["--jobs", "1", "--partial", *map(str, options)]
        wanted = {**hub_environment(hub, tmp_path, token=token), **changes}
        environment = {name: value for name, value in wanted.items() if value is not None}
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        for secret in (TOKEN, READER_TOKEN, token):
            assert secret is None or secret not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return call
