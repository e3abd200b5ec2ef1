"""Object stores on this machine: one server of each kind for all tests, and a new bucket for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from emulators import SERVERS

from medimeta_c.io.stores.schemes import SCHEMES
from medimeta_c.io.stores.stored import StoredPath

WRITABLE = [name for name, one in SCHEMES.items() if one.writable]
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, str]]]:
    """Start the server of a scheme the first time it is asked for; its variables are returned."""
    running: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:

        def start(scheme: str) -> dict[str, str]:
            if scheme not in running:
                folder = tmp_path_factory.mktemp(scheme)
                running[scheme] = stack.enter_context(SERVERS[scheme](folder))  # type: ignore[arg-type]
            return running[scheme]

        yield start


@pytest.fixture
def bucket(
    servers: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], StoredPath]:
    """Make a new bucket in the store of a scheme, which the environment then names."""

    def make(scheme: str) -> StoredPath:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        for name, value in servers(scheme).items():
            monkeypatch.setenv(name, value)
        made = StoredPath(scheme, f"bucket-{next(NUMBERS)}")
        made.store.filesystem().mkdir(made.path)
        return made

    return make


@pytest.fixture(params=WRITABLE)
def root(request: pytest.FixtureRequest, bucket: Callable[[str], StoredPath]) -> StoredPath:
    """A new bucket, in each store that can be written to."""
    return bucket(request.param)


@pytest.fixture
def s3(bucket: Callable[[str], StoredPath]) -> StoredPath:
    """A new bucket of moto's."""
    return bucket("s3")
