"""A corruption: a frozen record of its severities and its function."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from medimeta_corruptions._image import Pixels, Rng, as_pixels

__all__ = ["SEVERITIES", "Category", "Corruption", "Parameter"]

Category: TypeAlias = Literal["noise", "optical", "illumination", "quantisation"]
Parameter: TypeAlias = float | tuple[float, ...]

SEVERITIES = (1, 2, 3, 4, 5)
"""The severities, mildest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """One corruption: its five severities and the function they parametrise.

    Calling the record corrupts an image.

    Parameters
    ----------
    name : str
        Its name in the registry; a Python identifier, since it is also a file and a column value.
    category : {'noise', 'optical', 'illumination', 'quantisation'}
        The paper's grouping.
    description : str
        One line for people.
    parameter : str
        What the values in `parameters` are, with their unit.
    parameters : tuple of float or of tuple of float
        The value for each severity, mildest first; exactly five.
    stochastic : bool
        Whether the function draws random numbers.
    function : callable
        ``(image, parameter, rng) -> image``; it returns a new array and leaves `image` as it is.

    Raises
    ------
    ValueError
        If the name is no identifier, the category unknown, or there are not five parameters.
    """

    name: str
    category: Category
    description: str
    parameter: str
    parameters: tuple[Parameter, ...]
    stochastic: bool
    # Each function takes its own kind of parameter, and only the stochastic ones want a generator.
    function: Callable[[Pixels, Any, Any], Pixels]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a corruption's name must be an identifier, got {self.name!r}")
        if self.category not in get_args(Category):
            raise ValueError(
                f"category of {self.name} must be one of {', '.join(get_args(Category))};"
                f" got {self.category!r}"
            )
        if len(self.parameters) != len(SEVERITIES):
            raise ValueError(
                f"{self.name} needs one parameter for each of the severities 1 to 5,"
                f" got {len(self.parameters)}"
            )

    def __call__(self, image: Pixels, severity: int, rng: Rng | None = None) -> Pixels:
        """Return a corrupted copy of ``image``; see `medimeta_corruptions.corrupt`."""
        pixels = as_pixels(image)
        parameter = self.parameters[_checked_severity(severity) - 1]
        if self.stochastic and not isinstance(rng, np.random.Generator | np.random.RandomState):
            raise TypeError(
                f"{self.name} draws random numbers: rng must be a numpy.random.Generator or RandomState,"
                f" got {type(rng).__name__}; numpy.random.default_rng(seed) makes one"
            )
        return self.function(pixels, parameter, rng)

    @property
    def labels(self) -> tuple[str, ...]:
        """The parameters as text, mildest first, for tables."""
        return tuple(
            ", ".join(f"{value:g}" for value in (each if isinstance(each, tuple) else (each,)))
            for each in self.parameters
        )


def _checked_severity(severity: object) -> int:
    """Return ``severity`` as an int from 1 to 5."""
    try:
        if isinstance(severity, bool | np.bool_):
            raise TypeError
        level = operator.index(severity)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"severity must be an int from 1 to 5, got {severity!r} ({type(severity).__name__})"
        ) from None
    if level not in SEVERITIES:
        raise ValueError(f"severity must be an int from 1 to 5, got {level}; the clean image is severity 0")
    return level
