"""What several modalities share: organ outlines, points that keep apart, zero padding."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import SIDE, Dice, Field, blob, grid

__all__ = ["apart", "lump", "padded", "strip"]


def lump(  # noqa: PLR0913  (place, size, turn and irregularity)
    dice: Dice,
    centre: tuple[float, float],
    radii: tuple[float, float],
    wobble: float = 0.06,
    *,
    turn: float = 0.0,
    lobes: int = 5,
) -> Field:
    """Return the approximate signed distance to an irregular ellipse, (224, 224).

    Parameters
    ----------
    centre, radii : tuple of float
        (y, x), in pixels.
    wobble : float
        Size of the irregularity as a share of the radii; 0 is an ellipse.
    turn : float, optional
        Radians.
    lobes : int, optional
        Highest number of bumps around the outline.
    """
    y, x = grid()
    dy, dx = y - centre[0], x - centre[1]
    c, s = np.cos(turn), np.sin(turn)
    least = min(radii)
    down, across = (c * dy - s * dx) * (least / radii[0]), (s * dy + c * dx) * (least / radii[1])
    return blob(dice, down, across, least, wobble, lobes)


def apart(dice: Dice, count: int, gap_px: float, low: float = -12.0, high: float = SIDE + 12.0) -> Field:
    """Return up to `count` points (N, 2) in [low, high) x [low, high), at least `gap_px` from each other.

    Of six times as many candidates, each that keeps its distance is taken.
    """
    candidates = dice.uniforms(low, high, 12 * count).reshape(-1, 2)
    taken = np.empty((count, 2))
    size = 0
    for point in candidates:
        if size < count and (not size or ((taken[:size] - point) ** 2).sum(1).min() >= gap_px**2):
            taken[size] = point
            size += 1
    return taken[:size]


def strip(dice: Dice, low: float, high: float) -> tuple[int, int]:
    """Return the first row of a picture that is wider than high, and the row after its last.

    Its height is a share of its width between `low` and `high`.
    """
    height = int(SIDE * dice.uniform(low, high))
    top = (SIDE - height) // 2
    return top, top + height


def padded(image: Image, rows: tuple[int, int]) -> Image:
    """Return the image with black rows above and below, as MedIMeta makes wide pictures square."""
    squared: Image = image.copy()
    squared[: rows[0]] = 0
    squared[rows[1] :] = 0
    return squared
