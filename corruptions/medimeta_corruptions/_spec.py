"""`Corruption`: the frozen record of a corruption's name, severities and function."""

from __future__ import annotations

import operator
import re
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

MARKERS = tuple("o^v<>sDdpPhH8*X")
"""Shapes of points that figures may give a corruption, by matplotlib's letters."""


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
    colour : str, optional
        Of its lines and points in figures, as ``#RRGGBB``. It comes with `dash` and `marker`; without the
        three, figures give the corruption a look that no other has.
    dash : tuple of float, optional
        Lengths of dashes and gaps in turn, in widths of the line, as matplotlib and SVG take them; an empty
        tuple is a solid line.
    marker : str, optional
        The letter or sign by which matplotlib knows a point's shape.

    Raises
    ------
    ValueError
        If the name is no identifier, the category unknown, there are not five parameters, or nothing can
        look like this.
    """

    name: str
    category: Category
    description: str
    parameter: str
    parameters: tuple[Parameter, ...]
    stochastic: bool
    # Each function takes its own kind of parameter, and only the stochastic ones want a generator.
    function: Callable[[Pixels, Any, Any], Pixels]
    colour: str | None = None
    dash: tuple[float, ...] | None = None
    marker: str | None = None

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
        self._check_look()

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

    def _check_look(self) -> None:
        if self.colour is None or self.dash is None or self.marker is None:
            if (self.colour, self.dash, self.marker) != (None, None, None):
                raise ValueError(f"give {self.name} a colour, a dash and a marker, or none of them")
            return
        if not re.fullmatch("#[0-9A-Fa-f]{6}", self.colour):
            raise ValueError(f"colour of {self.name} must be like #1A2B3C, got {self.colour!r}")
        if len(self.dash) % 2 or any(length <= 0 for length in self.dash):
            raise ValueError(
                f"dash of {self.name} must be lengths of dashes and gaps in turn, all above 0;"
                f" got {self.dash}"
            )
        if self.marker not in MARKERS:
            raise ValueError(f"marker of {self.name} must be one of {' '.join(MARKERS)}; got {self.marker!r}")

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
