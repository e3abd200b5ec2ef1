"""``hf://``: a repository of the Hub is read in place, at one commit, without its cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer, hub_environment, run_client

from medimeta_c import open_benchmark

URL = "hf://datasets/org/MediMeta-C"
PUSH = """
from medimeta_c.hub import PushConfig, push
config = PushConfig(root=pathlib.Path(arguments[0]), repo_id="org/MediMeta-C", jobs=1, partial=True)
report(push(config).commit)
"""
READ = """
import hashlib, os
from medimeta_c import open_benchmark, verify
bench = open_benchmark(arguments[0])
state = hashlib.sha256()
for key in bench.sets:
    for batch in bench.batches(key):
        state.update(b"".join(image.tobytes() for image in batch.images))
cached = [name for _, _, names in os.walk(os.environ["HF_HOME"]) for name in names]
checked = verify(arguments[0], jobs=1)
report([bench.name, bench.fingerprint, state.hexdigest(), checked.ok, checked.images, cached])
"""
FAIL = """
from medimeta_c import open_benchmark
from medimeta_c.errors import StoreError
said = []
for url in arguments:
    try:
        open_benchmark(url)
    except StoreError as error:
        said.append(str(error))
report(said)
"""


@pytest.fixture(scope="module")
def pushed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HubServer, Path, str]]:
    folder = tmp_path_factory.mktemp("pushed")
    with HubServer() as hub:
        commit = run_client(PUSH, hub_environment(hub, folder), small)
        yield hub, folder, commit


def client(pushed: tuple[HubServer, Path, str], script: str, *arguments: str) -> Any:
    return run_client(script, hub_environment(pushed[0], pushed[1]), *arguments)


def test_it_is_read_and_verified_at_one_commit_without_a_copy(
    pushed: tuple[HubServer, Path, str], small: Path
) -> None:
    import hashlib

    here, state = open_benchmark(small), hashlib.sha256()
    for key in here.sets:
        for batch in here.batches(key):
            state.update(b"".join(image.tobytes() for image in batch.images))
    name, fingerprint, digest, ok, images, cached = client(pushed, READ, URL)
    assert name == f"{URL}@{pushed[2]}"
    assert (fingerprint, digest) == (here.fingerprint, state.hexdigest())
    assert (ok, images) == (True, 24)
    assert not [each for each in cached if each.endswith((".parquet", ".json"))]


def test_no_repository_and_no_revision_are_named(pushed: tuple[HubServer, Path, str]) -> None:
    nobody, nothing = client(pushed, FAIL, "hf://datasets/org/nothing", f"{URL}@nothing")
    assert "no dataset 'org/nothing'" in nobody
    assert "has no revision 'nothing'" in nothing
