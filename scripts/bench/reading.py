"""Compare the speed of reading a benchmark's images with that of the `datasets` library.

Decoded batches of one set after the other, in turns in every repeat, on one core: `Benchmark.batches`, which gives
arrays, and `load_dataset` with NumPy's format, which gives the same arrays. The files are those that `build` writes
today, and those of earlier builds, which OpenCV encoded. CPU times; ratios of neighbours in time.

Then what an evaluation reads ahead of the model, decoded and digested: in its own thread, by two threads, and
rendered from clean images.

    python scripts/bench/reading.py --data ~/medimeta --datasets pbc,pneumonia
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from datasets import Dataset, disable_progress_bars, load_dataset

from medimeta_c.building import assembly
from medimeta_c.building.build import BuildConfig, build
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.png import COMPILED, OPENCV, digest
from medimeta_c.format.views.rendered import RenderedBenchmark
from medimeta_c.scoring.decoding import Prepare, chunks_of, decode_all
from medimeta_corruptions import warm_up

BATCH = 64


def write_benchmark(arguments, encoder: str, out: Path) -> Benchmark:
    """Build a benchmark of the first images of each dataset with an encoder."""
    config = BuildConfig(
        datasets=tuple(arguments.datasets.split(",")),
        source="medimeta" if arguments.data else "phantoms",
        data_dir=arguments.data or out.parent / "data",
        out=out,
        severities=(3,),
        limit=arguments.images,
        jobs=1,
    )
    with mock.patch.object(assembly, "preferred_encoder", lambda: encoder):
        build(config)
    return open_benchmark(out)


def ours(benchmark: Benchmark, dataset: str) -> Iterator[list[np.ndarray]]:
    """Yield the batches of a dataset's sets."""
    for each in benchmark:
        if each.key.dataset == dataset:
            for batch in benchmark.batches(each.key, batch_size=BATCH):
                yield list(batch.images)


def theirs(rows: Dataset) -> Iterator[list[np.ndarray]]:
    """Yield the batches of the same images; sets come in another order."""
    for batch in rows.iter(batch_size=BATCH):
        yield list(batch["image"])


def busy(run: Callable[[], Iterator[object]]) -> float:
    """Return the seconds of CPU that all batches take."""
    started = time.process_time()
    deque(run(), maxlen=0)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of MedIMeta datasets; default: phantoms")
    parser.add_argument("--datasets", default="pbc,pneumonia")
    parser.add_argument("--images", type=int, default=16, help="clean images of each dataset")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    disable_progress_bars()
    warm_up()
    work = Path(tempfile.mkdtemp())
    try:
        report(arguments, work)
        report_ahead(open_benchmark(work / "benchmark-0"), arguments.repeats)
    finally:
        shutil.rmtree(work)


def report(arguments, work: Path) -> None:
    print("| dataset | encoder | images | datasets, ms/image | ours, ms/image | ratio, lowest to highest |")
    print("|---|---|---:|---:|---:|---:|")
    for number, encoder in enumerate((COMPILED, OPENCV)):
        benchmark = write_benchmark(arguments, encoder, work / f"benchmark-{number}")
        for dataset in benchmark.datasets:
            rows = load_dataset(str(benchmark.name), dataset, split="test", cache_dir=str(work / "cache"))
            rows = rows.select_columns(["image", "label"]).with_format("numpy")
            both = partial(theirs, rows), partial(ours, benchmark, dataset)
            digests = [Counter(digest(image) for batch in run() for image in batch) for run in both]  # warm
            assert digests[0] == digests[1]
            taken = [[busy(run) for run in both] for _ in range(arguments.repeats)]
            per_image = [1000 * statistics.median(each) / len(rows) for each in zip(*taken, strict=True)]
            ratios = sorted(other / own for other, own in taken)
            print(
                f"| {dataset} | {encoder} | {len(rows)} | {per_image[0]:.2f} | {per_image[1]:.2f} "
                f"| **{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
            )


def report_ahead(benchmark: Benchmark, repeats: int) -> None:
    """Compare the ways of reading ahead, of all sets of a benchmark, as raw images."""
    prepare = Prepare(transform=np.asarray, is_raw=always)

    rendered = RenderedBenchmark.of(benchmark)
    runs = {
        "in the model's thread": partial(decode_all, prepare=prepare, workers=0),
        "by two threads": partial(decode_all, prepare=prepare, workers=2),
    }
    ways = [(name, benchmark, run) for name, run in runs.items()]
    ways += [(f"rendered, {name}", rendered, run) for name, run in runs.items()]
    images = sum(benchmark.record(key).rows for key in benchmark.sets)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in ways}
    for repeat in range(repeats + 1):
        for name, source, run in ways:
            started, before = time.perf_counter(), time.process_time()
            deque(run(chunks_of(source, source.sets)), maxlen=0)
            if repeat:  # the first warms
                taken[name].append((time.perf_counter() - started, time.process_time() - before))
    print(f"\n| {', '.join(benchmark.datasets)}, {images} images | CPU ms/image | ms/image |")
    print("|---|---:|---:|")
    for name, times in taken.items():
        wall, cpu = (1000 * statistics.median(each) / images for each in zip(*times, strict=True))
        print(f"| {name} | {cpu:.2f} | {wall:.2f} |")


def always(height: int, width: int) -> bool:
    """Whether an image stays raw."""
    return True


if __name__ == "__main__":
    main()
