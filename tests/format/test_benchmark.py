"""Reading a built benchmark: in batches here, over the Hub, and with `datasets` alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fake_build import fake_build
from fake_source import FakeSource

from medimeta_c.errors import ConfigError, ManifestError, ShardError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey


def test_public_names_are_the_functions() -> None:
    """`medimeta_c.build` and its kin are callables, also after their modules were imported."""
    import medimeta_c.building.build
    import medimeta_c.building.verification
    import medimeta_c.format.benchmark

    for name in medimeta_c.__all__:
        assert getattr(medimeta_c, name)
    assert callable(medimeta_c.build)
    assert callable(medimeta_c.verify)
    with pytest.raises(AttributeError, match="nonsense"):
        medimeta_c.nonsense  # noqa: B018


def test_sets_classes_and_batches(built: Path) -> None:
    """Sets are listed in order; a set's rows come in batches, each image once, in image-id order."""
    bench = open_benchmark(built)
    assert bench.datasets == ("cells", "rays")
    assert bench.sets == tuple(sorted(bench.sets))
    assert bench.class_names("cells") == ("class0", "class1", "class2")
    key = SetKey("cells", "test", "contrast", 2)
    batches = list(bench.batches(key, batch_size=5))
    assert [len(batch) for batch in batches] == [5, 5, 2]
    assert [one for batch in batches for one in batch.image_ids] == [
        f"class{label}/{index:03d}" for label in range(3) for index in range(4)
    ]
    assert np.concatenate([batch.labels for batch in batches]).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert all(
        image.shape == (22, 26, 3) and image.dtype == np.uint8 for one in batches for image in one.images
    )
    grey = next(iter(bench.batches(SetKey("rays", "test", "clean", 0))))
    assert grey.images[0].shape == (26, 22)
    assert "72 sets of cells, rays" in repr(bench)


def test_what_is_not_there_is_named(built: Path, tmp_path: Path) -> None:
    """Unknown sets and datasets, missing directories and odd names raise one sentence."""
    bench = open_benchmark(built)
    with pytest.raises(ConfigError, match="has no set rays/val/clean"):
        next(bench.batches(SetKey("rays", "val", "clean", 0)))
    with pytest.raises(ManifestError, match=f"inside the benchmark .*: give {re.escape(str(built))}$"):
        open_benchmark(built / "data/rays")
    with pytest.raises(ConfigError, match="did you mean 'rays'"):
        bench.class_names("ray")
    with pytest.raises(ConfigError, match="batch size 0"):
        next(bench.batches(bench.sets[0], batch_size=0))
    with pytest.raises(ManifestError, match="not a finished build"):
        open_benchmark(tmp_path)
    with pytest.raises(ManifestError, match="does not exist, and is not a repository id"):
        open_benchmark(tmp_path / "no" / "such" / "place")


def test_a_set_short_of_rows_raises(built: Path, tmp_path: Path) -> None:
    """A reader that counts on the manifest's rows notices when a shard holds fewer."""
    import shutil

    import pyarrow.parquet as pq

    copy = Path(shutil.copytree(built, tmp_path / "copy"))
    key = SetKey("rays", "test", "pixelate", 5)
    path = copy / open_benchmark(copy).record(key).shards[0].path
    table = pq.read_table(path)
    pq.write_table(table.slice(2), path)
    with pytest.raises(ShardError, match="has 6 rows, its manifest says 8"):
        list(open_benchmark(copy).batches(key))


def test_reading_holds_a_batch_not_a_set(tmp_path: Path) -> None:
    """Python-side memory while iterating stays near one batch of decoded images."""
    fake_build(tmp_path, [FakeSource(shape=(200, 200), splits={"test": 40})], severities=())
    bench = open_benchmark(tmp_path)
    next(iter(bench.batches(bench.sets[0])))
    tracemalloc.start()
    decoded = sum(
        image.nbytes for batch in bench.batches(bench.sets[0], batch_size=2) for image in batch.images
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < decoded / 4


READER = """
import json, sys
root, cache = sys.argv[1:]
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("medimeta_c", "medimeta_corruptions"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocker())
from datasets import load_dataset
load = lambda *args, **options: load_dataset(root, *args, cache_dir=cache, **options)
whole = load("cells", split="test")
blur = load("cells-motion_blur", split="test")
clean = load("rays-clean", split="test")
cell = load("cells", split="test", filters=[("corruption", "==", "contrast"), ("severity", "==", 3)])
narrow = load("cells", split="test", columns=["label", "severity"])
stream = load("rays-contrast", split="test", streaming=True)
default = load(split="test")
image = blur[0]["image"]
print(json.dumps({
    "whole": len(whole),
    "splits": sorted(load("cells")),
    "blur": [len(blur), sorted(set(blur["severity"])), sorted(set(blur["corruption"]))],
    "clean": [len(clean), clean[0]["image"].mode, clean[0]["image"].size],
    "cell": [len(cell), sorted(set(zip(cell["corruption"], cell["severity"])))],
    "narrow": narrow.column_names,
    "stream": [row["image"].mode for row in stream],
    "default": len(default),
    "names": blur.features["label"].names,
    "id": blur[0]["image_id"],
    "pixels": [image.mode, image.size, list(image.tobytes())],
}))
"""


@pytest.mark.slow
def test_datasets_alone_reads_everything(built: Path, tmp_path: Path) -> None:
    """A process with `datasets` and without this package loads configs, cells, columns and streams."""
    env = {
        "PATH": "/usr/bin:/bin",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HOME": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-I", "-c", READER, str(built), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    bench = open_benchmark(built)
    batch = next(iter(bench.batches(SetKey("cells", "test", "motion_blur", 1))))
    assert found["whole"] == 36 * 12
    assert found["splits"] == ["test"]
    assert found["blur"] == [5 * 12, [1, 2, 3, 4, 5], ["motion_blur"]]
    assert found["clean"] == [8, "L", [22, 26]]
    assert found["cell"] == [12, [["contrast", 3]]]
    assert found["narrow"] == ["label", "severity"]
    assert found["stream"] == ["L"] * 40
    assert found["default"] in (36 * 12, 36 * 8)
    assert found["names"] == ["class0", "class1", "class2"]
    assert found["id"] == batch.image_ids[0]
    assert found["pixels"] == ["RGB", [26, 22], batch.images[0].ravel().tolist()]
