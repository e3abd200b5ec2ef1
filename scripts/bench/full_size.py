"""Build a benchmark of full size once, from made-up data, and watch time, memory, open files and disk.

The data is a MedIMeta folder of the suite's five datasets with as many test images as the published ones have. Each
image is another one, mirrored and shifted, so that it compresses as that one does: of `--from`, a folder in MedIMeta's
format, or a phantom where that has none. Two workers then build all sets, and `verify` checks them. Needs 14 GB.

    python scripts/bench/full_size.py --work DIR [--from DIR]       216,324 images
    python scripts/bench/full_size.py --work DIR --share 0.01       a hundredth of them, to try it
    python scripts/bench/full_size.py --work DIR --parts 4          in four parts, one after the other, and a merge
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from medimeta_c.format.suites import CORE
from medimeta_c.sources import open_source
from medimeta_c.sources.catalog import catalog

sys.path.insert(0, str(Path(__file__).parent))
from stand_in import write_stand_in

SPLIT = "test"
INTERVAL_S = 2.0


@dataclass
class Watched:
    """What a command took, with all processes below it; one sample every two seconds.

    Attributes
    ----------
    wall, cpu : float
        Seconds; `cpu` is summed over processes.
    samples : list of tuple
        Seconds since the start, images finished, bytes of memory (shared pages once), open files.
    """

    wall: float = 0.0
    cpu: float = 0.0
    samples: list[tuple[float, int, int, int]] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """Return the most bytes of memory in any sample."""
        return max((memory for _, _, memory, _ in self.samples), default=0)

    def at(self, share: float, total: int) -> tuple[float, int, int, int]:
        """Return the first sample with a share of all images finished."""
        return next((one for one in self.samples if one[1] >= share * total), self.samples[-1])


def write_data(given: Path | None, share: float, data: Path) -> dict[str, int]:
    """Write the five datasets; return their numbers of test images."""
    counts = {}
    for dataset in CORE.headline["medimeta"]:
        counts[dataset] = max(round(share * catalog()[dataset].splits[SPLIT]), 1)
        real = given is not None and (given / dataset).is_dir()
        template = open_source("medimeta" if real else "phantoms", dataset, given if real else data.parent)
        if not (data / dataset / "info.yaml").exists():
            write_stand_in(template, {SPLIT: counts[dataset]}, data / dataset)
    return counts


def watch(arguments: list[str], out: Path, counts: dict[str, int]) -> Watched:
    """Run a command of medimeta-c, and sample its processes until it ends."""
    found, ended, start = Watched(), threading.Event(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "medimeta_c", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )

    def sample() -> None:
        while not ended.wait(INTERVAL_S):
            memory = files = 0
            for each in family(process.pid):
                try:
                    memory += each.memory_full_info().pss
                    files += each.num_fds()
                except psutil.Error:
                    continue  # it has just ended
            found.samples.append((time.perf_counter() - start, finished(out, counts), memory, files))

    sampler = threading.Thread(target=sample)
    sampler.start()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    sampler.join()
    if status:
        sys.exit(f"{' '.join(arguments)}: {said}")
    found.wall, found.cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return found


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def finished(out: Path, counts: dict[str, int]) -> int:
    """Return how many images are in finished sets."""
    return sum(
        count * len({shard.name[:10] + shard.parent.name for shard in out.glob(f"data/{dataset}/*/*/*.parquet")})
        for dataset, count in counts.items()
    )  # fmt: skip


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="an empty folder; emptied at the end")
    parser.add_argument("--from", dest="given", type=Path, help="datasets in MedIMeta's format")
    parser.add_argument("--share", type=float, default=1.0, help="share of the images")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--parts", type=int, help="build in so many parts")
    parser.add_argument("--keep", action="store_true", help="keep data and benchmark")
    options = parser.parse_args()
    data, out = options.work / "data", options.work / "benchmark"

    counts = write_data(options.given, options.share, data)
    total = sum(counts.values()) * (1 + 5 * len(CORE.corruptions))
    print(f"{platform.machine()}, {os.cpu_count()} cores; {total} images of {counts}", flush=True)
    jobs = ["--jobs", str(options.jobs)]
    build = ["build", "--dataset", "all", "--data", str(data), "--out", str(out), *jobs]
    commands = {"build": build}
    if options.parts:
        parts = [f"{number}/{options.parts}" for number in range(1, options.parts + 1)]
        commands = {f"part {part}": [*build, "--part", part] for part in parts} | {
            "merge": ["merge", str(out)]
        }
    commands["verify"] = ["verify", str(out), "--complete", *jobs]
    figures: dict[str, object] = {"images": total, "jobs": options.jobs, "data bytes": folder_bytes(data)}
    for name, command in commands.items():
        figures[name] = report(name, watch(command, out, counts), total)
    figures["bytes"] = {one: folder_bytes(out / "data" / one) for one in counts} | {"all": folder_bytes(out)}
    print(json.dumps(figures))
    if not options.keep:
        shutil.rmtree(data)
        shutil.rmtree(out)


def report(what: str, took: Watched, total: int) -> dict[str, object]:
    """Print what a command took, and return it."""
    print(
        f"{what}: {took.wall:.0f} s, {took.cpu:.0f} CPU s ({1e3 * took.cpu / total:.2f} ms an image), "
        f"{took.peak / 1e6:.0f} MB at most",
        flush=True,
    )
    marks = {}
    for share in (0.1, 0.5, 0.9) if what == "build" and took.samples else ():
        seconds, done, memory, files = took.at(share, total)
        marks[share] = {"seconds": seconds, "images": done, "bytes": memory, "files": files}
        print(f"  {done:>8} images: {seconds:5.0f} s, {memory / 1e6:5.0f} MB, {files} open files", flush=True)
    return {"wall": took.wall, "cpu": took.cpu, "peak": took.peak, "at": marks}


if __name__ == "__main__":
    main()
