"""Drawing tools of the phantoms: seeded draws, smooth noise, soft shapes and strokes.

Pixels must not change with the NumPy or SciPy installed, so two rules hold in this package. Random
numbers come from the raw 64-bit stream of a Philox bit generator, which NumPy keeps stable, never from
the methods of ``Generator``, which it may change. Everything is computed in float64 and rounded to uint8
once, at the end: a difference of one unit in the last place of ``exp`` or ``sin`` between two machines
moves a pixel with a probability of about 1e-13.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format.keys import Image

__all__ = [
    "SIDE",
    "Canvas",
    "Dice",
    "Field",
    "Line",
    "angle",
    "blend",
    "blob",
    "blur",
    "capsule",
    "clouds",
    "ellipse",
    "fractal",
    "grid",
    "joined",
    "paint",
    "quantise",
    "ramp",
    "ridge",
    "soft",
    "splat",
    "walk",
    "web",
    "window",
]

SIDE = 224
"""Width and height of every phantom in pixels."""

Field: TypeAlias = NDArray[np.float64]
"""float64 values on pixels, (H, W); or of points, (N,)."""

Line: TypeAlias = tuple[Field, Field, Field]
"""Points half a pixel apart: y, x, and a weight or width at each, (N,) each."""

Canvas: TypeAlias = NDArray[np.float64]
"""float64 grey levels 0-255, (224, 224) or (224, 224, 3), not yet clipped."""

_T = TypeVar("_T")

_LOW_QUARTERS, _LOW_HALF = np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)
_WORD_STD = float(np.sqrt((2.0**32 - 1) / 3))  # of the sum of four independent 16-bit numbers


class Dice:
    """Random draws of one image, decided by a text alone.

    Parameters
    ----------
    key : str
        Identity of the image. The Philox generator is keyed by the 16-byte BLAKE2b digest of its UTF-8.

    Examples
    --------
    >>> Dice("a").uniform(0, 1) == Dice("a").uniform(0, 1)
    True
    """

    def __init__(self, key: str) -> None:
        digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest, "little"))

    def uniforms(self, low: float, high: float, count: int) -> Field:
        """Return `count` numbers, uniform in [low, high)."""
        words = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        unit: Field = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * unit

    def uniform(self, low: float, high: float) -> float:
        """Return one number, uniform in [low, high)."""
        return low + (high - low) * ((int(self._bits.random_raw()) >> 11) * 2.0**-53)

    def point(self, low: float, high: float) -> tuple[float, float]:
        """Return (y, x), both uniform in [low, high)."""
        return self.uniform(low, high), self.uniform(low, high)

    def integer(self, low: int, high: int) -> int:
        """Return one integer, uniform in [low, high], both included."""
        return low + int(self.uniform(0, high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.uniform(0, 1) < probability

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of `options`, all equally likely."""
        return options[self.integer(0, len(options) - 1)]

    def grain(self, shape: tuple[int, ...]) -> Field:
        """Return bell-shaped noise of mean 0 and standard deviation 1.

        Each value is the sum of the four 16-bit quarters of one random word, computed in integers: close
        to normal, cut at 3.46 standard deviations, and free of ``log`` and ``cos``.
        """
        words = np.asarray(self._bits.random_raw(int(np.prod(shape))), dtype=np.uint64).reshape(shape)
        halves = (words & _LOW_QUARTERS) + ((words >> np.uint64(16)) & _LOW_QUARTERS)
        total = (halves & _LOW_HALF) + (halves >> np.uint64(32))
        noise: Field = (total.astype(np.float64) - 2 * (2**16 - 1)) / _WORD_STD
        return noise


@lru_cache(maxsize=1)
def grid() -> tuple[Field, Field]:
    """Return the pixel coordinates (y, x) of the whole image, each (224, 224), read-only."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    y.flags.writeable = x.flags.writeable = False
    return y, x


def window(cy: float, cx: float, reach: float) -> tuple[tuple[slice, slice], Field, Field]:
    """Return the part of the image within `reach` pixels of a centre.

    Returns
    -------
    slices : tuple of slice
        Rows and columns; empty when the centre is far outside.
    y, x : ndarray
        Coordinates of that part relative to the centre, broadcastable to its shape.
    """
    rows = slice(max(0, int(cy - reach)), max(0, min(SIDE, int(cy + reach) + 2)))
    columns = slice(max(0, int(cx - reach)), max(0, min(SIDE, int(cx + reach) + 2)))
    y = np.arange(rows.start, max(rows.start, rows.stop), dtype=np.float64)[:, None] - cy
    x = np.arange(columns.start, max(columns.start, columns.stop), dtype=np.float64)[None, :] - cx
    return (rows, columns), y, x


def soft(distance: Field, width: float = 1.0) -> Field:
    """Return coverage 0-1 of a shape from the signed distance to its edge (negative inside).

    `width` is how many pixels the edge takes to fade: 1 is plain anti-aliasing.
    """
    return np.clip(0.5 - distance / width, 0.0, 1.0)


def ellipse(y: Field, x: Field, ry: float, rx: float, turn: float = 0.0) -> Field:
    """Return the approximate signed distance to an ellipse about the origin, turned by `turn` radians."""
    c, s = np.cos(turn), np.sin(turn)
    reach: Field = np.hypot((c * y - s * x) / ry, (s * y + c * x) / rx)
    return (reach - 1.0) * min(ry, rx)


def capsule(y: Field, x: Field, ends: tuple[float, float, float, float], radius: float) -> Field:
    """Return the signed distance to a rod of `radius` between two points (y0, x0, y1, x1)."""
    y0, x0, y1, x1 = ends
    dy, dx = y1 - y0, x1 - x0
    along = np.clip(((y - y0) * dy + (x - x0) * dx) / max(dy * dy + dx * dx, 1e-9), 0.0, 1.0)
    gap: Field = np.hypot(y - y0 - along * dy, x - x0 - along * dx)
    return gap - radius


def blob(  # noqa: PLR0913, PLR0917  (an outline is that many numbers)
    dice: Dice, y: Field, x: Field, radius: float, wobble: float, lobes: int = 5
) -> Field:
    """Return the approximate signed distance to a rounded irregular shape about the origin.

    Parameters
    ----------
    wobble : float
        Size of the irregularity as a share of `radius`; 0 is a circle.
    lobes : int
        Highest number of bumps around the outline.
    """
    theta = np.arctan2(y, x)
    edge = np.ones(theta.shape)
    for k in range(2, lobes + 1):
        edge += dice.uniform(-1, 1) * wobble * (2.0 / k) * np.cos(k * theta + dice.uniform(0, 2 * np.pi))
    return np.asarray(np.hypot(y, x) - radius * edge)


@lru_cache(maxsize=64)
def _taps(cell_px: float, size: int) -> tuple[int, tuple[tuple[NDArray[np.intp], Field], ...]]:
    """Return how many cubic B-spline knots cover `size` pixels, and the four that each pixel uses.

    The knots lie `cell_px` pixels apart. A tap is the index of the knot and its weight, (size,) each. Four
    sums instead of a matrix product: they are added in one order on every machine.
    """
    at = (np.arange(size) + 0.5) / cell_px
    first = np.floor(at).astype(np.intp)
    t = at - first
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    return int(first[-1]) + 4, tuple((first + k, weight) for k, weight in enumerate(weights))


def clouds(dice: Dice, cell_px: float, cell_x_px: float | None = None, size: int = SIDE) -> Field:
    """Return smooth noise of mean 0 and standard deviation about 1, (size, size).

    `cell_px` is the size of its features in pixels, down and, unless `cell_x_px` is given, across.
    """
    down_count, down = _taps(cell_px, size)
    across_count, across = _taps(cell_x_px or cell_px, size)
    knots = dice.grain((down_count, across_count)) / 0.479  # what the spline leaves of the deviation
    rows = sum((knots[index] * weight[:, None] for index, weight in down), np.zeros(()))
    return sum((rows[:, index] * weight for index, weight in across), np.zeros(()))


def fractal(dice: Dice, cells_px: Sequence[float], falloff: float = 0.6) -> Field:
    """Return a sum of `clouds`, each finer one weaker by `falloff`, standard deviation about 1."""
    weights = falloff ** np.arange(len(cells_px))
    total = sum(w * clouds(dice, cell) for w, cell in zip(weights, cells_px, strict=True))
    return np.asarray(total / np.sqrt((weights**2).sum()))


def blur(field: Field, sigma_px: float) -> Field:
    """Return the field blurred by a Gaussian over its first two axes, edges mirrored."""
    sigma = (sigma_px, sigma_px) + (0.0,) * (field.ndim - 2)
    from scipy import ndimage  # noqa: PLC0415  (slow to import, and phantoms are drawn once)

    return np.asarray(ndimage.gaussian_filter(field, sigma, mode="reflect", truncate=3.0))


def splat(
    y: Field, x: Field, weight: Field | float, sigma_px: float, shape: tuple[int, int] = (SIDE, SIDE)
) -> Field:
    """Return round Gaussian dots of height `weight` at sub-pixel points, summed, of the given shape.

    Points outside are dropped.
    """
    rows, columns = shape
    height = np.broadcast_to(np.asarray(weight, dtype=np.float64), y.shape)
    keep = (y >= 0) & (y < rows - 1) & (x >= 0) & (x < columns - 1)
    y, x, height = y[keep], x[keep], height[keep]
    row, column = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    fy, fx = y - row, x - column
    total = np.zeros(rows * columns)
    for dy, dx, share in (
        (0, 0, (1 - fy) * (1 - fx)),
        (0, 1, (1 - fy) * fx),
        (1, 0, fy * (1 - fx)),
        (1, 1, fy * fx),
    ):
        index = (row + dy) * columns + column + dx
        total += np.bincount(index, weights=height * share, minlength=rows * columns)
    return np.asarray(blur(total.reshape(shape), sigma_px) * (2 * np.pi * sigma_px**2))


def ridge(y: Field, x: Field, weight: Field | float, sigma_px: float) -> Field:
    """Return a line through points about half a pixel apart, with a Gaussian cross-section.

    The ridge is about `weight` high along the line; where lines cross, they add.
    """
    return np.asarray(splat(y, x, weight, sigma_px) * (0.5 / (np.sqrt(2 * np.pi) * sigma_px)))


def joined(lines: Iterable[Line]) -> list[Field]:
    """Return several lines as one: y, x and weight of all their points."""
    return [np.concatenate(part) for part in zip(*lines, strict=True)]


def web(lines: Iterable[Line], sigma_px: float) -> Field:
    """Return the `ridge` of several lines."""
    y, x, weight = joined(lines)
    return ridge(y, x, weight, sigma_px)


def ramp(direction: float) -> Field:
    """Return the distance of every pixel from the middle along a direction in radians, (224, 224)."""
    y, x = grid()
    return np.asarray((x - 112) * np.cos(direction) + (y - 112) * np.sin(direction))


def walk(
    dice: Dice, start: tuple[float, float], heading: float, length_px: float, bend: float
) -> tuple[Field, Field, Field]:
    """Return a smooth wandering path of points half a pixel apart.

    Parameters
    ----------
    start : tuple of float
        (y, x) of the first point.
    heading : float
        First direction in radians; 0 is to the right, pi/2 down.
    bend : float
        How much the direction wanders, radians over 100 pixels of path.

    Returns
    -------
    y, x, heading : ndarray
        Of every point, float64, (N,).
    """
    count = max(4, int(length_px * 2))
    knot_count, taps = _taps(max(8.0, count / 6), count)
    knots = dice.grain((knot_count,))
    drift = sum((knots[index] * weight for index, weight in taps), np.zeros(()))
    direction = heading + np.cumsum(drift) * (bend / 200 * 2)
    y = start[0] + np.cumsum(np.sin(direction)) * 0.5
    x = start[1] + np.cumsum(np.cos(direction)) * 0.5
    return y, x, direction


def angle(dice: Dice) -> float:
    """Return a direction in radians, any of them equally likely."""
    return dice.uniform(0, 2 * np.pi)


def blend(under: Canvas, colour: Canvas | float | Sequence[float], cover: Field) -> Canvas:
    """Return `under` with `colour` laid over it where `cover` (0-1, without a channel axis) says."""
    if under.ndim == 3:
        cover = cover[..., None]
    return under * (1 - cover) + np.asarray(colour, dtype=np.float64) * cover


def paint(
    canvas: Canvas, at: tuple[slice, slice], colour: Canvas | float | Sequence[float], cover: Field
) -> None:
    """Lay `colour` over the part `at` of a canvas, in place."""
    canvas[at] = blend(canvas[at], colour, cover)


def quantise(canvas: Canvas) -> Image:
    """Return the canvas as uint8, rounded to nearest (ties to even) and clipped to 0-255."""
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
