"""Masses in breast parenchyma (``mammo_mass``): a magnified region of a film mammogram."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import lump
from medimeta_c.sources.phantoms.drawing import SIDE, Dice, blur, clouds, fractal, quantise, soft, walk, web
from medimeta_c.sources.phantoms.mammo_calc import parenchyma

__all__ = ["render"]

_MALIGNANT = 1


def render(dice: Dice, label: int) -> Image:
    """Draw one region of a mammogram.

    A benign mass is round or oval, with a sharp edge and a thin dark rim around it; a malignant one is
    denser towards its middle and sends out spicules.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is benign, 1 malignant.

    Returns
    -------
    ndarray
        uint8, (224, 224).
    """
    canvas = parenchyma(dice)
    centre = dice.point(92, 132)
    size, density = dice.uniform(34, 56), dice.uniform(44, 74)
    turn = dice.uniform(0, np.pi)
    if label == _MALIGNANT:
        edge = lump(dice, centre, (size * 0.75, size * dice.uniform(0.55, 0.75)), 0.2, turn=turn, lobes=9)
        mass = soft(edge + 3 * clouds(dice, 9), 16) * (1 + 0.12 * fractal(dice, (18, 9)))
        spicules = []
        for k in range(dice.integer(18, 30)):
            heading = 2 * np.pi * dice.uniform(k, k + 1) / 24
            start = (centre[0] + 0.4 * size * np.sin(heading), centre[1] + 0.4 * size * np.cos(heading))
            y, x, _ = walk(dice, start, heading, dice.uniform(0.6, 1.6) * size, 0.7)
            spicules.append((y, x, np.linspace(1, 0.1, y.size) * dice.uniform(0.5, 1)))
        canvas = canvas + 34 * np.clip(web(spicules, 1.2), 0, 1.2) * (1 - mass)
    else:
        edge = lump(dice, centre, (size, size * dice.uniform(0.62, 1.0)), 0.03, turn=turn, lobes=4)
        mass = soft(edge, dice.uniform(3, 6)) * (1 + 0.05 * fractal(dice, (24, 12)))
        canvas = canvas - 13 * np.exp(-(((edge - 4) / 3) ** 2))
    canvas = canvas + density * mass * (250 - canvas) / 170
    canvas = blur(np.clip(canvas, 0, 250), dice.uniform(0.7, 1.1))
    return quantise(canvas + dice.uniform(2.5, 5) * blur(dice.grain((SIDE, SIDE)), 0.6))
