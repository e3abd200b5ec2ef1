"""Compare the whole build path with the obvious pipeline, on the same images, in one run.

Obvious: imagecorruptions, then Pillow's PNG at its default level of what it returns, which is colour for grey
images too; no DCT, no digest. A further row has the obvious pipeline keep one channel of grey images. Ours: read,
corrupt, encode, digest, DCT statistics and the Parquet shard on disk. Seconds of the processor, on one core: other
work on the machine disturbs them less than the clock's. The two take turns set by set; medians over repeats. Then
the stages of ours, and by option two workers against one over a whole build.

    python scripts/bench/build.py --data DIR        a folder of MedIMeta datasets; without it, phantoms
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.format.png import digest, encode, preferred_encoder
from medimeta_c.format.seeding import corrupted
from medimeta_c.format.spectrum import spectrum
from medimeta_c.format.suites import BENCHMARK_VERSION, CORE
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets
from medimeta_corruptions import CORRUPTIONS

T = TypeVar("T")
GREY, ONE_CHANNEL = "grey", "grey, one channel kept"
TARGETS = {"RGB": 12, GREY: 18, ONE_CHANNEL: 9}
"""Ratios that a build shall reach."""

SET_SIZE = 100
"""Images of a set of ours. The suite's sets have 326 to 3,419, which share what a set costs once."""

PROTOCOL = Protocol(benchmark_version=BENCHMARK_VERSION, seed=0, channels="source")


class Cost(NamedTuple):
    """Seconds of the processor, and bytes stored."""

    seconds: float
    stored: float

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        return Cost(self.seconds + other.seconds, self.stored + other.stored)

    def after(self, seconds: float) -> Cost:
        return Cost(self.seconds + seconds, self.stored)

    def times(self, count: float) -> Cost:
        return Cost(self.seconds * count, self.stored * count)


class Few:
    """The first images of a source's split, so that a repeat takes seconds; over again up to a set's size."""

    def __init__(self, source: Source, count: int, size: int | None = None) -> None:
        self.source, self.count, self.size, self.info = source, count, size, source.info

    def ids(self, split: str) -> tuple[str, ...]:
        ids = self.source.ids(split)[: self.count]
        return tuple(f"{ids[i % len(ids)]}-{i // len(ids):03}" for i in range(self.size or len(ids)))

    def label(self, split: str, image_id: str) -> int:
        return self.source.label(split, image_id[:-4])

    def image(self, split: str, image_id: str) -> np.ndarray:
        return self.source.image(split, image_id[:-4])

    def checksum(self) -> str:
        return self.source.checksum()


def obvious(source: Source, key: SetKey) -> tuple[Cost, Cost]:
    """Render one set the obvious way; return its cost, and the cost with one channel kept of grey images."""
    import imagecorruptions

    whole, single = Cost(0.0, 0), Cost(0.0, 0)
    for image_id in source.ids(key.split):
        started = time.process_time()
        image = source.image(key.split, image_id)
        found = image
        if key.corruption != CLEAN:
            found = imagecorruptions.corrupt(image, severity=key.severity, corruption_name=key.corruption)
        shared = time.process_time() - started
        whole += png(found).after(shared)
        single += png(found if image.ndim == found.ndim else np.ascontiguousarray(found[..., 0])).after(
            shared
        )
    return whole, single


def png(image: np.ndarray) -> Cost:
    """Encode an image as Pillow does by default."""
    started = time.process_time()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return Cost(time.process_time() - started, len(buffer.getvalue()))


def ours(source: Source, key: SetKey, root: Path) -> Cost:
    """Render one set as the build does; the bytes are its images' and everything else's in the shard."""
    started = time.process_time()
    record = render_set(
        RenderTask(
            root=root,
            source=source,
            key=key,
            corruption=CORRUPTIONS.get(key.corruption),
            protocol=PROTOCOL,
            encoder=preferred_encoder(),
        )
    )
    return Cost(time.process_time() - started, sum(shard.bytes for shard in record.shards))


def compare(few: Few, key: SetKey, repeats: int, root: Path) -> tuple[Cost, Cost, Cost]:
    """Return the median costs of an image: the obvious way's, with one channel kept of grey images, and ours."""
    obvious(Few(few.source, 1), key)
    ours(Few(few.source, 1), key, root)
    large = Few(few.source, few.count, SET_SIZE)
    found = [(*obvious(few, key), ours(large, key, root)) for _ in range(repeats)]
    sizes = len(few.ids(key.split)), len(few.ids(key.split)), SET_SIZE
    whole, single, mine = (
        Cost(statistics.median(cost.seconds for cost in costs), costs[0].stored).times(1 / size)
        for costs, size in zip(zip(*found, strict=True), sizes, strict=True)
    )
    return whole, single, mine


def stages(source: Source, keys: list[SetKey], repeats: int) -> dict[str, float]:
    """Return seconds per image by stage, over a whole build's sets; the shortest of the repeats."""
    seconds = dict.fromkeys(("read", "corrupt", "encode", "digest", "spectrum"), 0.0)

    def timed(stage: str, weight: float, call: Callable[[], T]) -> T:
        shortest = float("inf")
        for _ in range(repeats):
            started = time.process_time()
            result = call()
            shortest = min(shortest, time.process_time() - started)
        seconds[stage] += weight * shortest
        return result

    for key in keys:
        corruption = CORRUPTIONS.get(key.corruption)
        for image_id in source.ids(key.split):
            weight = weight_of(key) / 36 / len(source.ids(key.split))
            image = timed("read", weight, lambda: source.image(key.split, image_id))  # noqa: B023
            if corruption is not None:
                given = image
                image = timed(
                    "corrupt",
                    weight,
                    lambda: corrupted(given, key, image_id, PROTOCOL, corruption),  # noqa: B023
                )
            timed("encode", weight, lambda: encode(image, preferred_encoder()))  # noqa: B023
            timed("digest", weight, lambda: digest(image))  # noqa: B023
            timed("spectrum", weight, lambda: spectrum(image))  # noqa: B023
    return seconds


def weight_of(key: SetKey) -> int:
    """Return how many sets of a whole build a set stands for: each corruption has five severities."""
    return 1 if key.corruption == CLEAN else 5


def workers(data: Path, kind: str, names: tuple[str, ...], repeats: int) -> tuple[float, float]:
    """Return seconds of a whole build with one worker process and with two (medians, interleaved)."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for jobs in (1, 2):
            out = Path(tempfile.mkdtemp())
            config = BuildConfig(
                datasets=names,
                source=kind,
                data_dir=data,
                out=out,
                jobs=jobs,
                splits=("train", "val", "test"),
            )
            started = time.perf_counter()
            build(config)
            seconds[jobs].append(time.perf_counter() - started)
            shutil.rmtree(out)
    return statistics.median(seconds[1]), statistics.median(seconds[2])


def mean(costs: Sequence[Cost], count: float) -> Cost:
    """Return the mean of costs that stand for `count` images."""
    return Cost(sum(cost.seconds for cost in costs), sum(cost.stored for cost in costs)).times(1 / count)


def line(name: str, what: str, theirs: Cost, mine: Cost) -> None:
    """Print a row of the table."""
    print(
        f"| {name} | {what} | {theirs.seconds * 1e3:.2f} | {mine.seconds * 1e3:.2f} "
        f"| {theirs.seconds / mine.seconds:.2f} | {theirs.stored / 1e3:.1f} | {mine.stored / 1e3:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of MedIMeta datasets; default: phantoms")
    parser.add_argument("--severity", type=int, default=3)
    parser.add_argument("--images", type=int, default=24, help="images a dataset and set")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", action="store_true", help="also time two workers against one")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    work = Path(tempfile.mkdtemp())
    kind = "medimeta" if arguments.data else "phantoms"
    data = arguments.data or work
    sources = open_datasets(("available",), kind, data)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"
    )
    print("\n| dataset | set | obvious ms/image | ours ms/image | ratio | obvious kB | ours kB |")
    print("|---|---|---:|---:|---:|---:|---:|")
    rows: dict[str, list[tuple[Cost, Cost, float]]] = {}
    found: dict[str, dict[str, float]] = {}
    for name, source in sources.items():
        few = Few(source, arguments.images)
        first = few.image("test", few.ids("test")[0])
        keys = [
            SetKey(name, "test", corruption, 0 if corruption == CLEAN else arguments.severity)
            for corruption in (CLEAN, *CORE.corruptions)
        ]
        for key in keys:
            whole, single, mine = compare(few, key, arguments.repeats, work)
            weight = weight_of(key)
            line(name, key.corruption, whole, mine)
            for group in (name, "RGB" if first.ndim == 3 else GREY):
                rows.setdefault(group, []).append((whole.times(weight), mine.times(weight), weight))
            if first.ndim == 2:
                rows.setdefault(ONE_CHANNEL, []).append((single.times(weight), mine.times(weight), weight))
        found[name] = stages(Few(source, 4), keys, arguments.repeats)
    per_image = {}
    for group in (*sources, *(group for group in TARGETS if group in rows)):
        count = sum(weight for _, _, weight in rows[group])
        theirs, mine = (
            mean([one for one, _, _ in rows[group]], count),
            mean([one for _, one, _ in rows[group]], count),
        )
        line(f"**{group}**", "whole build", theirs, mine)
        per_image[group] = mine.seconds
        if group in TARGETS:
            print(f"<!-- wanted: {TARGETS[group]} -->")

    print("\n| ms/image | " + " | ".join(next(iter(found.values()))) + " | the rest |\n|---|" + "---:|" * 6)
    for name, seconds in found.items():
        rest = per_image[name] - sum(seconds.values())
        print(f"| {name} | " + " | ".join(f"{value * 1e3:.3f}" for value in (*seconds.values(), rest)) + " |")
    if arguments.workers:
        one, two = workers(data, kind, tuple(sources), arguments.repeats)
        print(f"whole build: 1 worker {one:.1f} s, 2 workers {two:.1f} s, ratio {one / two:.2f}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
