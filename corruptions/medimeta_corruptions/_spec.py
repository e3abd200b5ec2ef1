"""`Corruption`: the frozen record of a corruption's name, severities and function."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from medimeta_corruptions._image import Pixels, Rng, as_pixels

__all__ = ["SEVERITIES", "Category", "Channels", "Corruption", "Parameter"]

Category: TypeAlias = Literal[
    "noise",
    "optical",
    "illumination",
    "quantisation",
    "geometry",
    "occlusion",
    "staining",
    "reconstruction",
]
Channels: TypeAlias = Literal["any", "grey", "colour"]
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
    category : str
        The paper's grouping: 'noise', 'optical', 'illumination' or 'quantisation'; and what clinical faults
        need beside it: 'geometry', 'occlusion', 'staining' or 'reconstruction'.
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
    channels : {'any', 'grey', 'colour'}, optional
        What the images have to show. A grey corruption of an image with three equal channels is computed once
        and copied; of a coloured one it is refused.
    sides : tuple of (int, int), optional
        The shortest and the longest side of an image that the formula is made for, in pixels.
    modality : str, optional
        How the images are taken that the fault belongs to, e.g. ``"radiograph"``; empty for any.
    domain : str, optional
        In which quantity the formula works, e.g. ``"linear intensity"``.
    assumptions : str, optional
        What is taken for granted of an image in order to get there.
    source : str, optional
        Where the formula or its parameters come from.
    version : int, optional
        Of the formula; another formula is another version.
    library : str, optional
        The library that it is computed by, where pixels depend on that library's version: a distribution, or
        ``"jpeg library"`` for what Pillow compresses with.
    tolerance : tuple of (int, float), optional
        By how many grey levels other versions of that library differ, at most and on the mean.
    distances : tuple of float, optional
        How far each severity looks from the clean picture, as measured: ColorVideoVDP's JOD, where 10 is no
        difference.

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
    channels: Channels = "any"
    sides: tuple[int, int] = (1, sys.maxsize)
    modality: str = ""
    domain: str = ""
    assumptions: str = ""
    source: str = ""
    version: int = 1
    library: str = ""
    tolerance: tuple[int, float] = (0, 0.0)
    distances: tuple[float, ...] = ()

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
        if self.channels not in get_args(Channels):
            raise ValueError(
                f"channels of {self.name} must be one of {', '.join(get_args(Channels))};"
                f" got {self.channels!r}"
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
        self._check_sides(pixels)
        if self.channels == "grey" and pixels.ndim == 3:
            grey = self.function(self._grey(pixels), parameter, rng)
            return np.repeat(grey[..., np.newaxis], 3, axis=2)
        if self.channels == "colour" and pixels.ndim == 2:
            raise ValueError(
                f"{self.name} is for colour images{self._taken()}, and this one is grey:"
                " choose a corruption for grey images"
            )
        return self.function(pixels, parameter, rng)

    def _taken(self) -> str:
        return f" ({self.modality})" if self.modality else ""

    def _check_sides(self, image: Pixels) -> None:
        shortest, longest = self.sides
        if min(image.shape[:2]) < shortest or max(image.shape[:2]) > longest:
            height, width = image.shape[:2]
            raise ValueError(
                f"{self.name} is for images of {shortest} to {longest} pixels a side,"
                f" and this one has {height} x {width}: resize it first"
            )

    def _grey(self, image: Pixels) -> Pixels:
        """Return the one channel of an image whose three are equal."""
        if (image != image[..., :1]).any():
            raise ValueError(
                f"{self.name} is for grey images{self._taken()}, and this one shows colours:"
                " choose a corruption for colour images"
            )
        return np.ascontiguousarray(image[..., 0])

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
