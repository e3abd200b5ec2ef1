"""The frozen benchmark suite: what an mCE on MediMeta-C is taken over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["BENCHMARK_VERSION", "CORE", "DATASETS", "MEDMNIST", "SUITES", "Suite", "in_order"]

BENCHMARK_VERSION = "1.0"
"""Version of the benchmark's pixels. It moves apart from the package's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A frozen selection of datasets, corruptions and severities.

    Registering another corruption or dataset changes no suite, hence nobody's mCE.
    """

    name: str
    datasets: tuple[str, ...]
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]


CORE = Suite(
    name="core",
    datasets=("pbc", "mammo_calc", "pneumonia", "fundus", "oct"),
    corruptions=(
        "gaussian_noise",
        "impulse_noise",
        "motion_blur",
        "zoom_blur",
        "brightness",
        "contrast",
        "pixelate",
    ),
    severities=(1, 2, 3, 4, 5),
)

MEDMNIST = Suite(
    name="medmnist",
    datasets=("bloodmnist", "breastmnist", "pneumoniamnist", "retinamnist", "octmnist"),
    corruptions=CORE.corruptions,
    severities=CORE.severities,
)

DATASETS = (*CORE.datasets, *MEDMNIST.datasets)
"""The paper's datasets, in its order."""

SUITES: dict[str, Suite] = {"medimeta": CORE, "phantoms": CORE, "medmnist": MEDMNIST}
"""The suite that ``--dataset all`` means, by source family."""


def in_order(names: Iterable[str], preferred: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that results and reports have: the preferred as they come, others by name.

    Examples
    --------
    >>> in_order(["aml", "oct", "pbc"], CORE.datasets)
    ('pbc', 'oct', 'aml')
    """
    known = list(preferred)
    return tuple(sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name)))
