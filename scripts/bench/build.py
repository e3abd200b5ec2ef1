"""Compare the whole build path with the obvious pipeline, on the same images, in one run.

Obvious: imagecorruptions, then Pillow's PNG at its default level; no DCT, no digest. Ours: read, corrupt,
encode, digest, DCT statistics and the Parquet shard on disk. One core each, interleaved image sets,
medians over repeats; then two workers against one over a whole build.

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
from pathlib import Path

import numpy as np
from PIL import Image

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.format.png import preferred_encoder
from medimeta_c.format.suites import BENCHMARK_VERSION, CORE
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets
from medimeta_corruptions import CORRUPTIONS

PROTOCOL = Protocol(benchmark_version=BENCHMARK_VERSION, seed=0, channels="source")


class Few:
    """The first images of a source's split, so that a repeat takes seconds."""

    def __init__(self, source: Source, count: int) -> None:
        self.source, self.count, self.info = source, count, source.info

    def ids(self, split: str) -> tuple[str, ...]:
        return self.source.ids(split)[: self.count]

    def label(self, split: str, image_id: str) -> int:
        return self.source.label(split, image_id)

    def image(self, split: str, image_id: str) -> np.ndarray:
        return self.source.image(split, image_id)

    def checksum(self) -> str:
        return self.source.checksum()


def obvious(source: Source, key: SetKey) -> int:
    """Render one set the obvious way; return the bytes stored."""
    import imagecorruptions

    stored = 0
    for image_id in source.ids(key.split):
        image = source.image(key.split, image_id)
        if key.corruption != CLEAN:
            # The reference copies grey images to three channels; keeping one for storage favours it.
            corrupted = imagecorruptions.corrupt(image, severity=key.severity, corruption_name=key.corruption)
            image = corrupted if image.ndim == 3 else np.ascontiguousarray(corrupted[..., 0])
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        stored += len(buffer.getvalue())
    return stored


def ours(source: Source, key: SetKey, root: Path) -> int:
    """Render one set as the build does; return the bytes of its images and everything else in the shard."""
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
    return sum(shard.bytes for shard in record.shards)


def compare(
    source: Source, severity: int, repeats: int, root: Path
) -> list[tuple[str, float, float, int, int]]:
    """Return (corruption, seconds obvious, seconds ours, bytes obvious, bytes ours) for a dataset."""
    rows = []
    for corruption in (CLEAN, *CORE.corruptions):
        key = SetKey(source.info.dataset, "test", corruption, severity if corruption != CLEAN else 0)
        ours(Few(source, 1), key, root)
        obvious(Few(source, 1), key)
        theirs, mine = [], []
        for _ in range(repeats):
            started = time.perf_counter()
            bytes_theirs = obvious(source, key)
            middle = time.perf_counter()
            bytes_mine = ours(source, key, root)
            theirs.append(middle - started)
            mine.append(time.perf_counter() - middle)
        rows.append(
            (corruption, statistics.median(theirs), statistics.median(mine), bytes_theirs, bytes_mine)
        )
    return rows


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
    total = np.zeros(5)
    for name, source in sources.items():
        few = Few(source, arguments.images)
        count = len(few.ids("test"))
        for corruption, theirs, mine, size, stored in compare(
            few, arguments.severity, arguments.repeats, work
        ):
            # Every corruption has five severities and clean one set: weigh them as a whole build does.
            total += np.array([theirs, mine, size, stored, count]) * (1 if corruption == CLEAN else 5)
            per = 1000 / count
            print(
                f"| {name} | {corruption} | {theirs * per:.2f} | {mine * per:.2f} | {theirs / mine:.1f} "
                f"| {size / count / 1000:.1f} | {stored / count / 1000:.1f} |"
            )
    theirs, mine, size, stored, count = total
    print(
        f"| **all** | whole build | {theirs / count * 1000:.2f} | {mine / count * 1000:.2f} | **{theirs / mine:.1f}** "
        f"| {size / count / 1000:.1f} | {stored / count / 1000:.1f} |"
    )
    print(f"\nours: {count / mine:.0f} images/s on one core")
    if arguments.workers:
        one, two = workers(data, kind, tuple(sources), arguments.repeats)
        print(f"whole build: 1 worker {one:.1f} s, 2 workers {two:.1f} s, ratio {one / two:.2f}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
