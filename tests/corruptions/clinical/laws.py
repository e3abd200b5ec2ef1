"""What a law is: a number that physics or a definition gives, measured on what a corruption writes.

A law is tried on the corruption as registered, through its uint8 output, and then on mutants of it: a wrong
sign, a wrong axis, an effect ten per cent too strong. Each mutant that a law names must break it; a law that
nothing can break is no test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from medimeta_corruptions import Pixels, corrupt

Apply = Callable[[Pixels, int, int], Pixels]
"""``(image, severity, seed) -> image``: a corruption, or a mutant of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A measured number beside the one expected."""

    what: str
    measured: float
    expected: float
    relative: float = 0.03
    absolute: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether they agree within the tolerance."""
        return abs(self.measured - self.expected) <= self.absolute + self.relative * abs(self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One sentence of the contract about one corruption, and how it is measured.

    Attributes
    ----------
    corruption : str
        Its name.
    statement : str
        The law, with its formula, for the table in the docs.
    measure : callable
        Takes an `Apply`, returns readings.
    broken_by : tuple of str
        Names of `MUTANTS` that the law must notice.
    """

    corruption: str
    statement: str
    measure: Callable[[Apply], Iterable[Reading]]
    broken_by: tuple[str, ...] = ("sign", "factor")

    def __str__(self) -> str:
        """Return the corruption's name, for the names of tests."""
        return self.corruption


def registered(name: str) -> Apply:
    """Return the registered corruption."""
    return lambda image, severity, seed: corrupt(image, name, severity, np.random.default_rng(seed))


def _scaled(factor: float) -> Callable[[Apply], Apply]:
    """Mutate: the change of each pixel, times a factor."""

    def mutate(apply: Apply) -> Apply:
        def mutant(image: Pixels, severity: int, seed: int) -> Pixels:
            clean = image.astype(np.float64)
            changed = clean + factor * (apply(image, severity, seed) - clean)
            return np.floor(np.clip(changed, 0, 255) + 0.5).astype(np.uint8)

        return mutant

    return mutate


def _turned(apply: Apply) -> Apply:
    """Mutate: rows and columns change places."""

    def mutant(image: Pixels, severity: int, seed: int) -> Pixels:
        return np.ascontiguousarray(
            apply(np.ascontiguousarray(image.swapaxes(0, 1)), severity, seed).swapaxes(0, 1)
        )

    return mutant


def _reversed(apply: Apply) -> Apply:
    """Mutate: the severities are in the wrong order."""
    return lambda image, severity, seed: apply(image, 6 - severity, seed)


MUTANTS: dict[str, Callable[[Apply], Apply]] = {
    "sign": _scaled(-1.0),
    "factor": _scaled(1.1),
    "axis": _turned,
    "order": _reversed,
}


def check(law: Law) -> None:
    """Assert that a law holds, and that each of its mutants breaks it."""
    for reading in law.measure(registered(law.corruption)):
        assert reading.holds, f"{law.corruption}: {reading}"
    for name in law.broken_by:
        readings = list(law.measure(MUTANTS[name](registered(law.corruption))))
        assert not all(reading.holds for reading in readings), f"{law.corruption}: {name} goes unnoticed"
