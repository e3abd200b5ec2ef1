"""Measure the ratios of ratios/, keep them, and say which moved since the commits before, on the same machine.

asv measures and keeps: a file for each commit in .asv/<machine>/, which git ignores, since only ratios of one machine
are compared. A ratio moved if it differs from the median of the commits before by more than `--least`, and by more than
three times their own spread (their median distance from it, as a standard deviation).

    pip install asv imagecorruptions==1.1.2 --no-deps     and what asv and scripts/bench/corruptions.py need
    python scripts/bench/history.py measure               at a commit: about ten minutes
    python scripts/bench/history.py                       the last commit against those before
    asv publish --config scripts/bench/asv.conf.json      pages with a curve for each ratio
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from asv.results import Results, iter_results

HERE = Path(__file__).resolve().parent
HISTORY = HERE / ".asv"
VERSIONS = ("numpy", "numba", "scipy", "opencv-python-headless", "pyarrow", "torch")
SPREADS = 3
NORMAL = 1.4826  # a standard deviation over a median distance


@dataclass(frozen=True)
class Ratio:
    """One ratio now and before.

    Attributes
    ----------
    name : str
        The benchmark and its parameters.
    now : float
        Of the last commit.
    before : tuple of float
        Of the commits before it, the oldest first.
    """

    name: str
    now: float
    before: tuple[float, ...]

    @property
    def usual(self) -> float:
        return statistics.median(self.before)

    @property
    def noise(self) -> float:
        """Return how far a ratio lies from the usual by chance."""
        return SPREADS * NORMAL * statistics.median([abs(one - self.usual) for one in self.before])

    def moved(self, least: float) -> bool:
        """Return whether it is further from the usual than chance, and than a share of the usual."""
        return bool(self.before) and abs(self.now - self.usual) > max(self.noise, least * self.usual)

    def line(self, least: float) -> str | None:
        """Return what there is to say of it, if anything."""
        if not self.before:
            return f"new    {self.name}: {self.now:.3f}"
        if not self.moved(least):
            return None
        which = "faster" if self.now < self.usual else "slower"
        return f"{which} {self.name}: {self.now:.3f}, before {self.usual:.3f} within {self.noise:.3f}"


def values(result: Results) -> dict[str, float]:
    """Return the ratios of a commit that could be measured, by name."""
    found = {}
    for name in result.get_all_result_keys():
        parameters = result.get_result_params(name)
        measured = result.get_result_value(name, parameters)
        for each, value in zip(itertools.product(*parameters), measured, strict=True):
            if value is not None and not math.isnan(value):
                found[" ".join([name, *(word.strip("'") for word in each)])] = float(value)
    return found


def compared(runs: Sequence[Mapping[str, float]]) -> Iterator[Ratio]:
    """Yield the ratios of the last run, each with those of the runs before."""
    *before, last = runs
    for name, now in last.items():
        yield Ratio(name, now, tuple(run[name] for run in before if name in run))


def report(history: Path, least: float) -> Iterator[str]:
    """Yield what moved, for each machine in a history."""
    machines: dict[str, list[Results]] = {}
    for result in iter_results(str(history)):
        machines.setdefault(result.params["machine"], []).append(result)
    if not machines:
        yield f"{history} holds no ratios: run this with `measure`"
    for machine, results in machines.items():
        results.sort(key=lambda one: one.date)
        found = [ratio.line(least) for ratio in compared([values(one) for one in results])]
        said = [line for line in found if line]
        yield f"{machine}, {results[-1].commit_hash[:8]} (commits before it: {len(results) - 1})"
        yield from (f"  {line}" for line in said or ["nothing moved"])


def versions() -> dict[str, str]:
    """Return the versions of the libraries that a ratio may depend on, as far as they are installed."""
    found = {}
    for name in VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def measure() -> None:
    """Run all benchmarks at this commit, and keep them with the versions of what they depend on."""
    asv = [sys.executable, "-m", "asv"]
    config = ["--config", str(HERE / "asv.conf.json")]
    listed = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True
    )
    commit = listed.stdout.strip()
    subprocess.run([*asv, "machine", "--yes", *config], check=True)
    subprocess.run([*asv, "run", *config, "--python", "same", "--set-commit-hash", commit], check=True)
    for result in iter_results(str(HISTORY)):
        if result.commit_hash == commit:
            result.params.update(versions())
            result.save(str(HISTORY))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("measure",), help="measure first")
    parser.add_argument("--least", type=float, default=0.1, help="share that matters (default: %(default)s)")
    options = parser.parse_args()
    if options.what:
        measure()
    print("\n".join(report(HISTORY, options.least)))


if __name__ == "__main__":
    main()
