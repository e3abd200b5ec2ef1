"""Measure how long commands take to start, and what a second process gains.

Each command is compared with `python -c` and the imports that it cannot do without, in turns; of several runs the
quickest counts, in seconds of the clock and of the processor. The clock means little on a machine that does other
work.

    python scripts/bench/startup.py [--repeats 5] [--workers]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HELP, BUILD = "import typer, rich", "import numpy, pyarrow, numba"
LIGHT: dict[str, Sequence[str]] = {
    "--version": ("--version",),
    "--help": ("--help",),
    "evaluate --help": ("evaluate", "--help"),
}


def run(*arguments: object) -> tuple[float, float]:
    """Run Python; return seconds of the clock, and of the processor, worker processes included."""
    begun, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, used


def best(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(clock for clock, _ in runs), min(used for _, used in runs)


def show(name: str, found: tuple[float, float], of: tuple[float, float]) -> None:
    print(f"{name:<42} {found[0]:7.2f} {found[0] / of[0]:6.1f} {found[1]:7.2f} {found[1] / of[1]:6.1f}")


def starts(folder: Path, repeats: int) -> None:
    build = ("-m", "medimeta_c", "build", "--dataset", "fundus", "--source", "phantoms")
    build += ("--corruption", "pixelate", "--data", str(folder / "data"), "--out", str(folder / "built"))
    verify = ("-m", "medimeta_c", "verify", str(folder / "built"))
    runs: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, *arguments: object) -> None:
        runs.setdefault(name, []).append(run(*arguments))

    for repeat in range(repeats + 1):
        if repeat == 1:
            runs.clear()  # the first run made the phantoms and compiled the loops
        note(HELP, "-c", HELP)
        for name, arguments in LIGHT.items():
            note(name, "-m", "medimeta_c", *arguments)
        shutil.rmtree(folder / "built", ignore_errors=True)
        note(BUILD, "-c", BUILD)
        note("build of one set and the clean one", *build, "--severity", 3)
        note("another set of it", *build, "--severity", "1,3")
        note("the same again", *build, "--severity", "1,3")
        note("verify", *verify)
    found = {name: best(each) for name, each in runs.items()}
    print(f"{'':<42} {'clock':>7} {'ratio':>6} {'CPU':>7} {'ratio':>6}")
    for name in (HELP, *LIGHT):
        show(name, found[name], found[HELP])
    for name in (name for name in found if name not in (HELP, *LIGHT)):
        show(name, found[name], found[BUILD])


def workers(folder: Path, repeats: int) -> None:
    """Build all phantoms, which takes one process about half a minute, with one and with two."""
    build = ("-m", "medimeta_c", "build", "--dataset", "all", "--source", "phantoms", "--quiet")
    build += ("--split", "train,val,test", "--data", str(folder / "data"), "--out")
    runs: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for repeat in range(repeats + 1):
        for jobs, each in runs.items():
            out = folder / f"jobs-{jobs}"
            shutil.rmtree(out, ignore_errors=True)
            each.append(run(*build, out, "--jobs", jobs))
        if repeat == 0:
            for each in runs.values():
                each.clear()
    one, two = best(runs[1]), best(runs[2])
    print(
        f"one process {one[0]:.1f} s ({one[1]:.1f} s CPU), two {two[0]:.1f} s ({two[1]:.1f} s CPU): "
        f"{one[0] / two[0]:.2f} times as fast"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", action="store_true", help="compare two processes with one instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (workers if options.workers else starts)(Path(folder), options.repeats)


if __name__ == "__main__":
    main()
