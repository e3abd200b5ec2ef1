"""Adult chest X-rays (``cxr``), of a woman or a man: the classes of the dataset's only single-label task."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import lump
from medimeta_c.sources.phantoms.drawing import SIDE, Canvas, Dice, blur, capsule, grid, quantise, soft
from medimeta_c.sources.phantoms.pneumonia import Chest, anatomy, body, bones, marker, vessels

__all__ = ["render"]

_F = 0


def render(dice: Dice, label: int) -> Image:
    """Draw one frontal chest X-ray.

    The breasts of a woman veil the lower lungs; the shoulders and arms of a man reach into the picture.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is F, 1 M.

    Returns
    -------
    ndarray
        uint8, (224, 224).
    """
    chest = anatomy(dice)
    canvas = vessels(dice, chest, body(dice, chest))
    canvas = (_breasts if label == _F else _shoulders)(dice, chest, canvas)
    canvas = marker(dice, bones(dice, chest, canvas))
    canvas = 255 * (np.clip(canvas, 0, 255) / 255) ** dice.uniform(0.85, 1.15)
    return quantise(blur(canvas, dice.uniform(0.4, 0.8)) + 2.0 * dice.grain((SIDE, SIDE)))


def _breasts(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    size, low = dice.uniform(34, 46), chest.bottom - dice.uniform(22, 34)
    middle = SIDE / 2 + float(np.mean(grid()[1] - SIDE / 2 - chest.x))
    for side in (-1, 1):
        centre = (low - dice.uniform(0, 8), middle + side * chest.half * dice.uniform(0.6, 0.72))
        edge = lump(dice, centre, (size * 1.05, size), 0.04)
        # Thickest at the fold below, thinning out upwards.
        thick = np.clip(0.55 + (grid()[0] - centre[0]) / (2 * size), 0.1, 1)
        canvas = canvas + dice.uniform(24, 36) * soft(edge, 6) * thick
    return canvas


def _shoulders(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    y, x = chest.y, np.abs(chest.x)
    muscle = capsule(
        y, x, (chest.top + 30, chest.half * 0.5, chest.top + 2, chest.half + 34), dice.uniform(13, 18)
    )
    canvas = canvas + dice.uniform(16, 26) * soft(muscle, 9)
    arm = capsule(y, x, (chest.top + 4, chest.half + 24, chest.top + 80, chest.half + 36), dice.uniform(5, 7))
    return canvas + dice.uniform(40, 60) * soft(arm, 4)
