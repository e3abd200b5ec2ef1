"""Ultra-widefield fundus images (``dr_uwf``): two laser colours and nearly the whole retina."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.retina import diabetic
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Line,
    angle,
    blend,
    blur,
    clouds,
    ellipse,
    fractal,
    grid,
    quantise,
    soft,
    walk,
    web,
)
from medimeta_c.sources.phantoms.fundus import Eye, branch, ink

__all__ = ["render"]


def render(dice: Dice, label: int) -> Image:
    """Draw one image: green and red reflectance, hardly any blue, an oval field without lashes.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        The grade of diabetic retinopathy, 0 to 4, drawn as in ``dr_regular`` but smaller.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    side = dice.pick((-1, 1))
    y, x = 112 + dice.uniform(-8, 8), 112 - side * dice.uniform(8, 20)
    eye = Eye(side, y, x, dice.uniform(5.5, 7), y + 2, x + side * dice.uniform(24, 30))
    canvas = _ground(dice, eye)
    canvas = diabetic(dice, label, eye, canvas, 0.62)
    canvas = _vessels(dice, eye, canvas)
    if label == 4:
        canvas = _net(dice, canvas)
    canvas = _scan(dice, canvas)
    return quantise(
        blur(canvas, dice.uniform(0.4, 0.7)) + 2.0 * dice.grain((SIDE, SIDE, 1)) * (1.0, 1.0, 0.2)
    )


def _ground(dice: Dice, eye: Eye) -> Canvas:
    """Return the retina, greener outwards, with the macula and the vessels of the choroid."""
    y, x = grid()
    away = np.hypot(y - 112, x - 112) / 112
    red = dice.uniform(150, 190) * (1 - 0.35 * away**2)
    green = dice.uniform(96, 126) * (1 + 0.10 * away)
    choroid: list[Line] = []
    for _ in range(60):
        line_y, line_x, _ = walk(dice, dice.point(0, SIDE), angle(dice), dice.uniform(30, 80), 1.4)
        choroid.append((line_y, line_x, np.full(line_y.size, dice.uniform(0.3, 0.9))))
    stripes = np.clip(web(choroid, 2.2), 0, 1.2) * np.clip(away * 1.3, 0.2, 1)
    mottle = 1 + 0.05 * fractal(dice, (50, 24, 10, 5))
    layers = [
        (red + 26 * stripes) * mottle,
        (green + 6 * clouds(dice, 30)) * mottle,
        np.full((SIDE, SIDE), 8.0),
    ]
    canvas = np.stack(layers, axis=-1)
    shade = np.exp(-((np.hypot(y - eye.macula_y, x - eye.macula_x) / 8) ** 2))
    canvas = canvas * (1 - shade[..., None] * (0.25, 0.45, 0.2))
    return np.asarray(canvas)


def _vessels(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with the disc, and arcades that fork on their way to the far edge."""
    lines: list[Line] = []
    for up in (-1, 1):
        for out in (eye.side, -eye.side):
            for pair in (0, 1):
                heading = np.arctan2(up * dice.uniform(0.8, 1.3), out * dice.uniform(0.5, 0.9))
                y, x, turn = walk(dice, (eye.disc_y, eye.disc_x + pair), heading, dice.uniform(84, 112), 0.8)
                # Towards the macula the arcades bow around it.
                x = x + out * np.linspace(0, 14 if out == eye.side else 0, y.size)
                width = (1.3 - 0.35 * pair) * np.linspace(1, 0.4, y.size)
                lines.append((y, x, width))
                for _ in range(3):
                    at = dice.integer(20, y.size - 30)
                    fork = float(turn[at]) + dice.pick((-1, 1)) * dice.uniform(0.4, 0.8)
                    lines += branch(dice, (float(y[at]), float(x[at])), fork, 0.68 * float(width[at]))
    canvas = canvas * (1 - dice.uniform(0.75, 0.95) * ink(lines)[..., None] * (0.30, 0.62, 0.3))
    edge = ellipse(grid()[0] - eye.disc_y, grid()[1] - eye.disc_x, eye.disc * 1.1, eye.disc)
    return blend(canvas, (226.0, 206.0, 66.0), 0.75 * soft(edge, 3))


def _net(dice: Dice, canvas: Canvas) -> Canvas:
    """Return the canvas with fans of new vessels in the periphery."""
    loops: list[Line] = []
    for _ in range(dice.integer(3, 5)):
        cy, cx = dice.point(50, 174)
        for _ in range(12):
            y, x, _ = walk(dice, (cy, cx), angle(dice), dice.uniform(8, 16), 8.0)
            loops.append((y, x, np.full(y.size, 0.9)))
    return np.asarray(canvas * (1 - np.clip(web(loops, 0.7), 0, 0.9)[..., None] * (0.2, 0.65, 0.3)))


def _scan(dice: Dice, canvas: Canvas) -> Canvas:
    """Return the canvas seen by the scanner: an oval field, dim towards its edge, nothing around it."""
    y, x = grid()
    edge = ellipse(y - 112 - dice.uniform(-4, 4), x - 112, dice.uniform(90, 100), dice.uniform(108, 114))
    edge = edge + 1.2 * clouds(dice, 40)
    light = 1 - 0.4 * np.clip(1 + edge / 90, 0, 1) ** 4
    return blend(
        np.zeros((SIDE, SIDE, 3)), canvas * light[..., None] * dice.uniform(0.85, 1.1), soft(edge, 3)
    )
