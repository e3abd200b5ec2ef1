"""Fundus photographs of glaucoma and diabetic retinopathy: ``glaucoma`` and ``dr_regular``."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import apart, padded, strip
from medimeta_c.sources.phantoms.drawing import (
    Canvas,
    Dice,
    Field,
    angle,
    blend,
    blob,
    ellipse,
    grid,
    paint,
    soft,
    splat,
    walk,
    web,
    window,
)
from medimeta_c.sources.phantoms.fundus import Eye, cotton_wool, disc, exudates, photograph, retina, vessels

__all__ = ["diabetic", "render_dr", "render_glaucoma"]

_SUSPECT = 1
_MILD, _MODERATE, _SEVERE, _PROLIFERATIVE = 1, 2, 3, 4


def _eye(dice: Dice) -> Eye:
    side = dice.pick((-1, 1))
    y, x = 112 + dice.uniform(-14, 14), 112 - side * dice.uniform(40, 60)
    return Eye(side, y, x, dice.uniform(12, 16), y + dice.uniform(2, 14), x + side * dice.uniform(66, 78))


def render_dr(dice: Dice, label: int) -> Image:
    """Draw one fundus with diabetic retinopathy.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        The grade: 0 none, 1 mild (few microaneurysms), 2 moderate (more, and exudates), 3 severe
        (haemorrhages in all quadrants, cotton-wool spots), 4 proliferative (new vessels, fresh bleeding).

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    eye = _eye(dice)
    canvas = diabetic(dice, label, eye, retina(dice, eye), 1.0)
    canvas = disc(dice, eye, vessels(dice, eye, canvas))
    if label == _PROLIFERATIVE:
        canvas = _new_vessels(dice, eye, canvas, 1.0)
    return photograph(dice, canvas)


def diabetic(dice: Dice, grade: int, eye: Eye, canvas: Canvas, scale: float) -> Canvas:
    """Return the canvas with the lesions of a grade, `scale` times as large as in a 45-degree photograph."""
    if grade == 0:
        return canvas
    dots, blots = (
        ((10, 16), (22, 34), (30, 44), (16, 30))[grade - 1],
        ((0, 0), (4, 8), (22, 32), (5, 10))[grade - 1],
    )
    canvas = _dots(dice, canvas, dice.integer(*dots), (1.1 * scale, 1.9 * scale))
    canvas = _dots(dice, canvas, dice.integer(*blots), (2.6 * scale, 5.2 * scale))
    if grade >= _MODERATE and (scale == 1 and (grade == _MODERATE or dice.chance(0.5))):
        canvas = exudates(dice, eye, canvas)
    if grade == _SEVERE and scale == 1:
        canvas = cotton_wool(dice, eye, canvas)
    if grade == _PROLIFERATIVE:
        canvas = _preretinal(dice, canvas, scale)
    return canvas


def _dots(dice: Dice, canvas: Canvas, count: int, radii: tuple[float, float]) -> Canvas:
    """Return the canvas with dark red spots, in all quadrants alike."""
    for cy, cx in apart(dice, max(count, 1), 7.0, 36, 188)[:count]:
        size = dice.uniform(*radii)
        at, y, x = window(cy, cx, size * 2 + 3)
        cover = soft(blob(dice, y, x, size, 0.2), 1.8) * dice.uniform(0.6, 0.9)
        paint(canvas, at, canvas[at] * (0.42, 0.2, 0.25), cover)
    return canvas


def _preretinal(dice: Dice, canvas: Canvas, scale: float) -> Canvas:
    """Return the canvas with a boat-shaped pool of blood, level on top."""
    cy, cx = 112 + dice.uniform(30, 52) * dice.pick((-1, 1)), dice.uniform(84, 140)
    y, x = grid()
    size = dice.uniform(18, 30) * max(scale, 0.75)
    boat = np.maximum(ellipse(y - cy, x - cx, size * 0.75, size * 1.25), cy - 0.1 * size - y)
    return blend(canvas, canvas * (0.45, 0.12, 0.16), 0.9 * soft(boat, 3))


def _new_vessels(dice: Dice, eye: Eye, canvas: Canvas, scale: float) -> Canvas:
    """Return the canvas with nets of fine loops, on the disc and elsewhere."""
    loops = []
    for _ in range(dice.integer(2, 3)):
        cy, cx = eye.disc_y + dice.uniform(-46, 46), eye.disc_x + eye.side * dice.uniform(0, 70)
        for _ in range(14):
            y, x, _ = walk(
                dice, (cy + dice.uniform(-5, 5), cx + dice.uniform(-5, 5)), angle(dice), 26 * scale, 6.0
            )
            loops.append((y, x, np.full(y.size, dice.uniform(0.5, 1.0))))
    return np.asarray(canvas * (1 - np.clip(web(loops, 0.8), 0, 0.85)[..., None] * (0.32, 0.72, 0.62)))


def render_glaucoma(dice: Dice, label: int) -> Image:
    """Draw one fundus around its disc, the picture wider than high, black rows above and below.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is Normal; in 1, Suspect, the cup takes most of the disc, and nerve fibres may be missing.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    side = dice.pick((-1, 1))
    y, x = dice.uniform(104, 120), 112 - side * dice.uniform(6, 20)
    eye = Eye(side, y, x, dice.uniform(23, 29), y + dice.uniform(4, 14), x + side * dice.uniform(88, 96))
    canvas = retina(dice, eye)
    if label == _SUSPECT:
        canvas = _nerve_fibres(dice, eye, canvas)
    canvas = _cupped(
        dice, eye, canvas, dice.uniform(0.7, 0.84) if label == _SUSPECT else dice.uniform(0.26, 0.42)
    )
    canvas = vessels(dice, eye, canvas)
    return padded(photograph(dice, canvas), strip(dice, 0.7, 0.86))


def _cupped(dice: Dice, eye: Eye, canvas: Canvas, ratio: float) -> Canvas:
    """Return the canvas with an optic disc whose cup is `ratio` as high as it is."""
    y, x = grid()
    dy, dx = y - eye.disc_y, x - eye.disc_x
    high = eye.disc * dice.uniform(1.04, 1.14)
    canvas = blend(
        canvas, (236.0, 164.0, 96.0), dice.uniform(0.75, 0.9) * soft(ellipse(dy, dx, high, eye.disc), 4)
    )
    cup = ellipse(dy - dice.uniform(-1, 2), dx - eye.side * 2, high * ratio, eye.disc * ratio * 0.9)
    canvas = blend(canvas, (255.0, 236.0, 196.0), 0.9 * soft(cup, 4))
    count = 40  # pores of the lamina cribrosa show in a deep cup
    reach = eye.disc * ratio * 0.7 * np.sqrt(dice.uniforms(0, 1, count))
    turn = dice.uniforms(0, 2 * np.pi, count)
    pores: Field = splat(eye.disc_y + reach * np.sin(turn), eye.disc_x + reach * np.cos(turn), 0.5, 1.0)
    return blend(canvas, (214.0, 176.0, 132.0), np.clip(pores, 0, 0.4) * (ratio > 0.6))


def _nerve_fibres(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with, sometimes, a dark wedge that widens from the disc."""
    if not dice.chance(0.6):
        return canvas
    y, x = grid()
    turn = np.arctan2(y - eye.disc_y, (x - eye.disc_x) * eye.side)
    middle = dice.pick((-1, 1)) * dice.uniform(0.7, 1.1)
    away = np.hypot(y - eye.disc_y, x - eye.disc_x)
    wedge = soft((np.abs(turn - middle) - 0.16) * away, 6) * soft(eye.disc - away, 8)
    return np.asarray(canvas * (1 - 0.22 * wedge[..., None]))
