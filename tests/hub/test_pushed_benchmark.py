"""What was pushed is what others load: with `datasets` by repository id, and with `open_benchmark`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer, hub_environment, run_client

from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey

REPO = "org/MediMeta-C"
PUSH = """
from medimeta_c.hub import PushConfig, push
config = PushConfig(root=pathlib.Path(arguments[0]), repo_id="org/MediMeta-C", jobs=1, partial=True)
report(push(config).commit)
"""
# What a process makes of a benchmark: a digest of every image, label and id, in order.
DIGEST = """
import hashlib
from medimeta_c import open_benchmark
from medimeta_c.errors import MediMetaError
def digest(bench, keys=None):
    state = hashlib.sha256()
    for key in keys or bench.sets:
        for batch in bench.batches(key, batch_size=5):
            rows = zip(batch.image_ids, batch.labels.tolist(), batch.images)
            for image_id, label, image in rows:
                state.update(f"{key}|{image_id}|{label}|{image.shape}".encode() + image.tobytes())
    return state.hexdigest()
def failure(function, *args, **options):
    try:
        function(*args, **options)
    except MediMetaError as error:
        return f"{type(error).__name__}: {error}"
    return "none"
"""


@pytest.fixture(scope="module")
def pushed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HubServer, Path]]:
    """A hub that holds the tiny build, pushed there; and a folder for clients."""
    folder = tmp_path_factory.mktemp("pushed")
    with HubServer() as hub:
        run_client(PUSH, hub_environment(hub, folder), built)
        yield hub, folder


def digest(bench: Benchmark, keys: tuple[SetKey, ...] = ()) -> str:
    """The digest that DIGEST computes."""
    state = hashlib.sha256()
    for key in keys or bench.sets:
        for batch in bench.batches(key, batch_size=5):
            for image_id, label, image in zip(
                batch.image_ids, batch.labels.tolist(), batch.images, strict=True
            ):
                state.update(f"{key}|{image_id}|{label}|{image.shape}".encode() + image.tobytes())
    return state.hexdigest()


def test_datasets_loads_what_was_built(pushed: tuple[HubServer, Path], built: Path) -> None:
    """A fresh process loads a configuration by repository id, whole and streamed, as it is locally."""
    pytest.importorskip("datasets")
    hub, folder = pushed
    script = """
        from datasets import load_dataset
        def rows(data):
            for row in data:
                image = row.pop("image")
                yield [image.mode, image.size, image.tobytes().hex(), *(row[name] for name in sorted(row))]
        local = load_dataset(arguments[0], "cells-motion_blur", split="test")
        here = list(rows(local))
        hub = load_dataset("org/MediMeta-C", "cells-motion_blur", split="test")
        stream = load_dataset("org/MediMeta-C", "cells-motion_blur", split="test", streaming=True)
        one = [("severity", "==", 4)]
        tagged = load_dataset("org/MediMeta-C", "rays", split="test", revision="v1.0", filters=one)
        report({
            "rows": len(here), "whole": list(rows(hub)) == here, "streamed": list(rows(stream)) == here,
            "features": hub.features == local.features == stream.features,
            "names": hub.features["label"].names, "first": [here[0][2], here[0][1]],
            "tagged": [len(tagged), sorted(set(tagged["severity"]))],
        })
    """
    environment = {**hub_environment(hub, folder, token=None), "USE_TORCH": "0"}
    answer = run_client(script, environment, built)
    assert (answer["rows"], answer["whole"], answer["streamed"], answer["features"]) == (60, True, True, True)
    assert answer["names"] == ["class0", "class1", "class2"]
    assert answer["tagged"] == [7 * 8, [4]]
    batch = next(iter(open_benchmark(built).batches(SetKey("cells", "test", "motion_blur", 1))))
    assert answer["first"] == [batch.images[0].tobytes().hex(), [26, 22]]
    assert hub.outside == []


def test_open_benchmark_by_repository(pushed: tuple[HubServer, Path], built: Path) -> None:
    """By id, tag and commit it is the local build; one commit for all files, each fetched once."""
    hub, folder = pushed
    hub.requests.clear()
    script = (
        DIGEST
        + """
bench = open_benchmark("org/MediMeta-C")
whole = digest(bench)
report({
    "whole": whole, "again": digest(bench), "commit": bench.commit, "fingerprint": bench.fingerprint,
    "names": bench.class_names("rays"), "tag": open_benchmark("org/MediMeta-C@v1.0").commit,
    "revision": open_benchmark("org/MediMeta-C", revision=bench.commit[:12]).commit, "repr": repr(bench),
    "missing": failure(open_benchmark, "org/Nothing"), "odd": failure(open_benchmark, "org/MediMeta-C@"),
    "no revision": failure(open_benchmark, "org/MediMeta-C@v9"),
    "other": failure(open_benchmark, "org/other"), "edited": failure(open_benchmark, "org/edited"),
    "twice": failure(open_benchmark, "org/MediMeta-C@v1.0", revision="main"),
    "directory": failure(open_benchmark, arguments[0], revision="main"),
    "closed": failure(open_benchmark, "org/closed"),
})
"""
    )
    hub.store.add_repo("dataset", "org/other", {"README.md": "# Other\n"})
    edited = (built / "manifest.json").read_text(encoding="utf-8").replace("rays", "days", 1)
    hub.store.add_repo("dataset", "org/edited", {"manifest.json": edited})
    hub.store.add_repo("dataset", "org/closed", {"README.md": "# Closed\n"}, private=True)
    answer = run_client(script, hub_environment(hub, folder, token=None), built)
    local, head = open_benchmark(built), hub.store.repo(REPO).head.oid
    assert answer["whole"] == answer["again"] == digest(local)
    assert (answer["commit"], answer["tag"], answer["revision"]) == (head, head, head)
    assert (answer["fingerprint"], answer["names"]) == (local.fingerprint, ["class0", "class1"])
    assert local.commit is None
    assert answer["repr"] == "Benchmark('org/MediMeta-C', 72 sets of cells, rays)"
    shards = [one.path for one in hub.requests if one.method == "GET" and one.path.startswith("/storage/")]
    assert len(shards) == len(set(shards)) == 72
    for name, message in {
        "missing": "ManifestError: the Hub has no dataset 'org/Nothing' that you may see: check the name",
        "closed": "ManifestError: the Hub has no dataset 'org/closed' that you may see",
        "odd": "ManifestError: org/MediMeta-C@ does not exist, and is not a repository id",
        "no revision": "org/MediMeta-C on the Hub has no revision 'v9': use a branch, tag or commit",
        "other": "ManifestError: org/other on the Hub has no manifest.json at its newest commit",
        "edited": "ManifestError: org/edited on the Hub holds no usable build: ",
        "twice": "ConfigError: the revision is given twice, 'v1.0' and 'main'",
        "directory": "has no revisions: leave the revision 'main' out",
    }.items():
        assert message in answer[name]


def test_offline_and_damaged_copies(pushed: tuple[HubServer, Path], built: Path) -> None:
    """Without a connection the cache is enough; a damaged copy is fetched again, or refused."""
    hub, folder = pushed
    home = folder / "shared-home"
    home.mkdir()
    environment = hub_environment(hub, folder, token=None, home=home)
    key = SetKey("cells", "test", "contrast", 2)
    used = digest(open_benchmark(built), (key,))
    script = (
        DIGEST
        + """
from medimeta_c import SetKey
def use(corruption="contrast"):
    return digest(open_benchmark("org/MediMeta-C"), [SetKey("cells", "test", corruption, 2)])
"""
    )
    assert run_client(script + "report(use())", environment) == used
    dead = {**environment, "HF_ENDPOINT": "http://127.0.0.1:9"}
    offline = {**environment, "HF_HUB_OFFLINE": "1"}
    answer = run_client(script + 'report([use(), failure(use, "pixelate")])', offline)
    assert answer[0] == used
    assert answer[1].startswith("ShardError: org/MediMeta-C needs the Hub, and HF_HUB_OFFLINE is set")

    shard = next(home.rglob("contrast/severity-2-*.parquet")).resolve()
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-9] + b"x" + whole[-8:])
    refused = run_client(script + "report(failure(use))", dead)
    assert refused.startswith("ShardError: the copy of data/cells/test/contrast/severity-2-")
    assert "is damaged, and was not fetched again: the connection to the Hub at http://127.0.0.1:9" in refused
    assert run_client(script + "report(use())", environment) == used
    assert shard.read_bytes() == whole

    manifest = next(home.rglob("snapshots/*/manifest.json")).resolve()
    manifest.write_text("{", encoding="utf-8")
    assert run_client(script + "report(use())", environment) == used


def test_a_repository_that_is_not_what_its_manifest_says(pushed: tuple[HubServer, Path], built: Path) -> None:
    """A shard changed or removed on the Hub is refused, naming the file; a download cut off goes on."""
    hub, folder = pushed
    files: dict[str, Any] = {
        path.relative_to(built).as_posix(): path.read_bytes()
        for path in (built / "manifest.json", *built.glob("data/rays/test/clean/*"))
    }
    shard = next(path for path in files if path.endswith(".parquet"))
    hub.store.add_repo("dataset", "org/gone", {"manifest.json": files["manifest.json"]})
    hub.store.add_repo("dataset", "org/changed", {**files, shard: files[shard] + b"PAR1"})
    hub.store.add_repo("dataset", "org/cut", files)
    hub.drop_next("/storage/datasets/org/cut/", after_bytes=1000, method="GET")
    script = (
        DIGEST
        + """
from medimeta_c import SetKey
def use(repo):
    return digest(open_benchmark(repo), [SetKey("rays", "test", "clean", 0)])
report({"gone": failure(use, "org/gone"), "changed": failure(use, "org/changed"), "cut": use("org/cut")})
"""
    )
    answer = run_client(script, hub_environment(hub, folder, token=None))
    assert f"ShardError: org/gone on the Hub has no {shard} at " in answer["gone"]
    assert f"ShardError: {shard} of org/changed on the Hub at commit " in answer["changed"]
    assert "is not what its manifest says" in answer["changed"]
    assert answer["cut"] == digest(open_benchmark(built), (SetKey("rays", "test", "clean", 0),))


def test_a_pushed_manifest_is_the_local_one(pushed: tuple[HubServer, Path], built: Path) -> None:
    """Byte for byte, so that the fingerprint that results name is the published one."""
    hub, _ = pushed
    remote = hub.store.repo(REPO).read("manifest.json")
    assert remote == (built / "manifest.json").read_bytes()
    assert json.loads(remote)["fingerprint"] == open_benchmark(built).fingerprint
