"""Suites: which corruptions of which datasets a score is taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["BENCHMARK_VERSION", "CORE", "MEDMNIST", "Suite"]

BENCHMARK_VERSION = "1.0"
"""Version of the benchmark's pixels. It moves apart from the package's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A frozen selection of datasets, the corruptions of each, and severities.

    Registering another corruption or dataset changes no suite, hence nobody's mCE. A corruption's name means
    one corruption, whichever suites have it.

    Parameters
    ----------
    name, version : str
        Any change of pixels or selection is another version.
    grid : mapping of str to tuple of str
        Corruptions of each dataset, both in the order of tables.
    severities : tuple of int
        1 to 5.
    """

    name: str
    version: str
    grid: Mapping[str, tuple[str, ...]] = field(hash=False)
    severities: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", MappingProxyType(dict(self.grid)))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Its datasets, in order."""
        return tuple(self.grid)

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The corruptions of any of its datasets, in order."""
        return tuple(dict.fromkeys(name for names in self.grid.values() for name in names))

    def corruptions_of(self, dataset: str) -> tuple[str, ...]:
        """Return a dataset's corruptions; of one that is not the suite's, all that the suite has."""
        return self.grid.get(dataset, self.corruptions)

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON, which tells two selections of one name apart."""
        import hashlib  # noqa: PLC0415  (keeps `--help` fast)

        from medimeta_c.io.records import canonical_json  # noqa: PLC0415

        values = {
            "name": self.name,
            "version": self.version,
            "grid": [[dataset, list(names)] for dataset, names in self.grid.items()],
            "severities": list(self.severities),
        }
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()


_CORRUPTIONS = (
    "gaussian_noise",
    "impulse_noise",
    "motion_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
)

CORE = Suite(
    name="core",
    version=BENCHMARK_VERSION,
    grid=dict.fromkeys(("pbc", "mammo_calc", "pneumonia", "fundus", "oct"), _CORRUPTIONS),
    severities=(1, 2, 3, 4, 5),
)
"""The benchmark: what an mCE on MediMeta-C is taken over."""

MEDMNIST = Suite(
    name="medmnist",
    version=BENCHMARK_VERSION,
    grid=dict.fromkeys(
        ("bloodmnist", "breastmnist", "pneumoniamnist", "retinamnist", "octmnist"), _CORRUPTIONS
    ),
    severities=CORE.severities,
)
