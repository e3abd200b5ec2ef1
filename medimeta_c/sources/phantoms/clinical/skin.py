"""Skin through a dermatoscope (``derm``, ``skinl_derm``) and from a distance (``skinl_photo``)."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.lesions import (
    Lesion,
    basal_cell_carcinoma,
    dermatofibroma,
    keratosis,
    melanoma,
    miscellaneous,
    nevus,
    seborrheic,
    vascular,
)
from medimeta_c.sources.phantoms.clinical.shapes import padded, strip
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    angle,
    blend,
    blur,
    clouds,
    fractal,
    grid,
    quantise,
    ramp,
    soft,
    walk,
    web,
)

__all__ = ["render_derm", "render_skinl_derm", "render_skinl_photo"]

_HAM = (melanoma, nevus, basal_cell_carcinoma, keratosis, seborrheic, dermatofibroma, vascular)
_GROUPED = (basal_cell_carcinoma, nevus, melanoma, miscellaneous, seborrheic)


def render_derm(dice: Dice, label: int) -> Image:
    """Draw one lesion through a dermatoscope that fills the picture.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        Index into MedIMeta's classes of ``derm``, which decides the lesion.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    lesion = Lesion(112 + dice.uniform(-10, 10), 112 + dice.uniform(-10, 10), dice.uniform(54, 78), 1.0)
    return quantise(_through_glass(dice, _HAM[label](dice, lesion, _magnified(dice))))


def render_skinl_derm(dice: Dice, label: int) -> Image:
    """Draw one lesion through a dermatoscope, with black rows above and below; classes of ``skinl_derm``."""
    lesion = Lesion(112 + dice.uniform(-8, 8), 112 + dice.uniform(-30, 30), dice.uniform(40, 58), 1.0)
    picture = quantise(_through_glass(dice, _GROUPED[label](dice, lesion, _magnified(dice))))
    return padded(picture, strip(dice, 0.65, 0.7))


def render_skinl_photo(dice: Dice, label: int) -> Image:
    """Draw one lesion as a camera sees it, black rows above and below; classes of ``skinl_photo``."""
    lesion = Lesion(112 + dice.uniform(-14, 14), 112 + dice.uniform(-36, 36), dice.uniform(19, 32), 0.3)
    canvas = blur(_GROUPED[label](dice, lesion, _limb(dice)), 0.8)
    return padded(quantise(_photographed(dice, canvas)), strip(dice, 0.64, 0.7))


def _tone(dice: Dice) -> Canvas:
    """Return a skin colour, fair to light brown."""
    fair, brown = np.array([236.0, 196.0, 180.0]), np.array([198.0, 150.0, 122.0])
    share = dice.uniform(0, 1) ** 1.5
    return np.asarray((fair * (1 - share) + brown * share) * dice.uniforms(0.97, 1.03, 3))


def _magnified(dice: Dice) -> Canvas:
    """Return skin seen closely: pink mottle, fine furrows that cross, a few fine vessels."""
    canvas = _tone(dice) * (1 + 0.025 * fractal(dice, (70, 30, 12)))[..., None]
    canvas = canvas * (1 + 0.02 * clouds(dice, 16)[..., None] * (0.2, 1.0, 0.9))
    first = angle(dice)
    for heading in (first, first + dice.uniform(1.0, 1.6)):
        furrows = []
        for offset in range(-160, 161, 14):
            start = (
                112 - 170 * np.sin(heading) + (offset + dice.uniform(-4, 4)) * np.cos(heading),
                112 - 170 * np.cos(heading) - (offset + dice.uniform(-4, 4)) * np.sin(heading),
            )
            y, x, _ = walk(dice, start, heading, 340, 0.25)
            furrows.append(
                (y, x, np.clip(dice.uniform(0.2, 0.8) + 0.3 * np.sin(np.arange(y.size) / 9.0), 0, 1))
            )
        canvas = canvas * (1 - 0.035 * np.clip(web(furrows, 1.0), 0, 1.2)[..., None])
    return np.asarray(canvas)


def _through_glass(dice: Dice, canvas: Canvas) -> Canvas:
    """Return what the dermatoscope shows: even light that falls off a little, fine grain."""
    y, x = grid()
    away = np.hypot(y - 112, x - 112) / 158
    canvas = canvas * (1 - dice.uniform(0.05, 0.2) * away**2)[..., None] * dice.uniform(0.9, 1.04)
    return blur(canvas, dice.uniform(0.5, 0.9)) + 1.5 * dice.grain((SIDE, SIDE, 3))


def _limb(dice: Dice) -> Canvas:
    """Return skin from a distance: pores, moles, hairs, shaded like a cylinder, often a cloth beside it."""
    canvas = _tone(dice) * (1 + 0.03 * fractal(dice, (60, 25, 9)) + 0.02 * clouds(dice, 2.5))[..., None]
    canvas = canvas * (1 + 0.015 * clouds(dice, 20)[..., None] * (0.0, 1.0, 1.0))
    hairs = []
    heading = angle(dice)
    for _ in range(dice.integer(0, 45)):
        y, x, _ = walk(dice, dice.point(0, SIDE), heading + dice.uniform(-0.5, 0.5), dice.uniform(8, 20), 2.0)
        hairs.append((y, x, np.full(y.size, dice.uniform(0.2, 0.7))))
    if hairs:
        canvas = blend(canvas, (110.0, 76.0, 58.0), 0.45 * np.clip(web(hairs, 0.6), 0, 1))
    across = ramp(dice.uniform(1.2, 1.9)) / 112
    canvas = canvas * (1.05 - dice.uniform(0.15, 0.35) * (across - dice.uniform(-0.3, 0.3)) ** 2)[..., None]
    if dice.chance(0.6):
        edge = dice.uniform(58, 76) + 5 * clouds(dice, 70) - dice.pick((-1, 1)) * 112 * across
        cloth = (
            np.array([52.0, 88.0, 122.0]) * (1 + 0.06 * clouds(dice, 3) + 0.1 * clouds(dice, 40))[..., None]
        )
        shade = 1 - 0.35 * soft(np.abs(edge) - 10, 14)
        canvas = blend(canvas, cloth * shade[..., None], soft(edge, 2))
    return np.asarray(canvas)


def _photographed(dice: Dice, canvas: Canvas) -> Canvas:
    """Return the canvas under a lamp from one side, a little warm or cold, with grain."""
    light = 1 + dice.uniform(0.04, 0.14) * ramp(angle(dice)) / 112
    cast = np.array([1.0, 1.0, 1.0]) + dice.uniform(-0.04, 0.04) * np.array([1.0, 0.0, -1.0])
    canvas = canvas * light[..., None] * cast * dice.uniform(0.8, 1.0)
    return blur(canvas, dice.uniform(0.5, 0.9)) + 2.5 * blur(dice.grain((SIDE, SIDE, 3)), 0.5)
