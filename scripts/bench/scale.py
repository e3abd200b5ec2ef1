"""Estimate what it takes to build every test split of MedIMeta and MedMNIST+ whose images have one class each.

Images are counted from the package's catalogue; the time and bytes of one image are measured (docs/performance.md), and
differ between colour and grey. Money is time times a price, which is an assumption.

    python scripts/bench/scale.py --ms 3.4 1.8 --kb 58 24 --price 0.05
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from medimeta_c.format.suites import CORE
from medimeta_c.sources.catalog import catalog, published

COLLECTIONS = {"medimeta": "MedIMeta", "medmnist": "MedMNIST+"}
SETS = 1 + len(CORE.corruptions) * len(CORE.severities)
STARTING_S = 30.0  # of a job: imports, compiled code from the cache, opening the data


@dataclass(frozen=True)
class Cost:
    """What one rendered image takes.

    Parameters
    ----------
    ms : float
        Milliseconds of one core.
    kb : float
        Bytes on disk, in thousands.
    """

    ms: float
    kb: float


Costs = dict[Literal[1, 3], Cost]
"""By channels."""


@dataclass(frozen=True)
class Estimate:
    """A row of the table.

    Attributes
    ----------
    datasets, clean, rendered : int
        Datasets, images of their test splits, and those times the sets of a suite.
    gigabytes, core_hours : float
        Of all rendered images.
    largest_set_minutes : float
        What cannot be divided between jobs as long as there are fewer jobs than sets.
    """

    datasets: int
    clean: int
    rendered: int
    gigabytes: float
    core_hours: float
    largest_set_minutes: float

    def jobs(self, hours: float) -> int:
        """Return how many jobs of one core and so many hours do it."""
        return math.ceil(self.core_hours / (hours - STARTING_S / 3600))


def estimate(datasets: Iterable[tuple[int, Literal[1, 3]]], costs: Costs) -> Estimate:
    """Add up datasets, each given by its clean images and its channels."""
    sizes = list(datasets)
    return Estimate(
        datasets=len(sizes),
        clean=sum(images for images, _ in sizes),
        rendered=SETS * sum(images for images, _ in sizes),
        gigabytes=SETS * sum(images * costs[channels].kb for images, channels in sizes) / 1e6,
        core_hours=SETS * sum(images * costs[channels].ms for images, channels in sizes) / 3.6e6,
        largest_set_minutes=max(images * costs[channels].ms for images, channels in sizes) / 6e4,
    )


def sizes_of(kind: str) -> list[tuple[int, Literal[1, 3]]]:
    """Return the test images and channels of a collection's datasets, those without a test split left out."""
    found = (catalog()[name] for name in published(kind, single_label=True))
    return [(info.splits["test"], info.channels) for info in found if info.splits.get("test")]


def lines(costs: Costs, price: float, hours: float) -> Iterator[str]:
    """Yield the table as Markdown."""
    yield "| | datasets | test images | rendered | GB | core-hours | jobs | money |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    rows = {name: sizes_of(kind) for kind, name in COLLECTIONS.items()}
    rows["both"] = [one for sizes in rows.values() for one in sizes]
    for name, found in rows.items():
        row = estimate(found, costs)
        yield (
            f"| {name} | {row.datasets} | {row.clean:,} | {row.rendered:,} | {row.gigabytes:.0f} "
            f"| {row.core_hours:.1f} | {row.jobs(hours)} | {row.core_hours * price:.2f} |"
        )
    yield f"\nThe largest set takes {row.largest_set_minutes:.1f} minutes of one core."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ms", type=float, nargs=2, required=True, metavar=("RGB", "GREY"))
    parser.add_argument("--kb", type=float, nargs=2, required=True, metavar=("RGB", "GREY"))
    parser.add_argument("--price", type=float, default=0.05, help="of a core-hour (default: %(default)s)")
    parser.add_argument("--hours", type=float, default=1.0, help="a job may take (default: %(default)s)")
    options = parser.parse_args()
    costs: Costs = {3: Cost(options.ms[0], options.kb[0]), 1: Cost(options.ms[1], options.kb[1])}
    print("\n".join(lines(costs, options.price, options.hours)))


if __name__ == "__main__":
    main()
