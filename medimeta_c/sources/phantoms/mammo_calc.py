"""Calcifications on breast parenchyma: a magnified region of a mammogram."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Field,
    angle,
    blob,
    blur,
    clouds,
    ellipse,
    fractal,
    quantise,
    ramp,
    ridge,
    soft,
    splat,
    walk,
    web,
    window,
)

__all__ = ["parenchyma", "render"]

_MALIGNANT = 1


def render(dice: Dice, label: int) -> Image:
    """Draw one region of a mammogram.

    Benign calcifications are coarse, round, ring-shaped or follow a vessel; malignant ones are a cluster
    of fine specks of many shapes, or fine branching lines along a duct.

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
    kinds = (_pleomorphic, _branching) if label == _MALIGNANT else (_coarse, _round, _rings, _vessel)
    calcium = dice.pick(kinds)(dice)
    if dice.chance(0.4):  # a stray round speck says nothing about either class
        calcium = np.maximum(calcium, _speck(dice, dice.point(20, SIDE - 20), dice.uniform(1.2, 2.2)))
    # The denser the tissue around, the less contrast is left for the calcium.
    canvas = canvas + np.clip(calcium, 0, 1.15) * dice.uniform(0.65, 0.9) * (250 - canvas)
    canvas = blur(canvas, dice.uniform(0.55, 0.9))
    return quantise(canvas + dice.uniform(2.5, 5) * blur(dice.grain((SIDE, SIDE)), 0.6))


def parenchyma(dice: Dice) -> Canvas:
    """Return fat, glandular clouds and fibrous strands, most of them in one direction."""
    density = 0.9 * fractal(dice, (110, 60, 32, 17, 9, 5), 0.62) + dice.uniform(-0.6, 0.7)
    glandular = 1 / (1 + np.exp(-1.6 * density))
    canvas = dice.uniform(45, 80) + dice.uniform(70, 110) * glandular
    slope = ramp(angle(dice))
    canvas = canvas + dice.uniform(-0.14, 0.14) * slope
    heading = angle(dice)
    for sigma, count, height in ((3.2, 5, 22.0), (1.7, 9, 17.0), (1.0, 14, 11.0)):
        strands = []
        for _ in range(count):
            start = dice.point(-20, SIDE + 20)
            y, x, _ = walk(dice, start, heading + dice.uniform(-0.6, 0.6), dice.uniform(60, 220), 0.9)
            taper = np.sin(np.pi * (np.arange(y.size) + 0.5) / y.size)
            strands.append((y, x, taper * dice.uniform(0.3, 1.0)))
        canvas = canvas + height * web(strands, sigma)
    return np.asarray(canvas * (1 + 0.03 * clouds(dice, 4)))


def _speck(dice: Dice, centre: tuple[float, float], radius: float, wobble: float = 0.05) -> Field:
    """Return one compact calcification, 0-1, on an otherwise empty image."""
    field = np.zeros((SIDE, SIDE))
    at, y, x = window(*centre, radius * 2 + 3)
    field[at] = soft(blob(dice, y, x, radius, wobble), 1.6)
    return field


def _coarse(dice: Dice) -> Field:
    """Return one to three large popcorn-like lumps."""
    total = np.zeros((SIDE, SIDE))
    cy, cx = dice.point(75, 150)
    for _ in range(dice.integer(1, 3)):
        at, y, x = window(cy + dice.uniform(-32, 32), cx + dice.uniform(-32, 32), 34)
        lump = soft(blob(dice, y, x, dice.uniform(8, 16), 0.16, 7), 2.5)
        total[at] = np.maximum(total[at], lump * dice.uniform(0.75, 1.0))
    return np.asarray(total * np.clip(0.92 + 0.2 * clouds(dice, 6), 0, 1.15))


def _round(dice: Dice) -> Field:
    """Return a few smooth round beads of nearly one size, far apart."""
    total = np.zeros((SIDE, SIDE))
    size = dice.uniform(2.6, 5)
    for _ in range(dice.integer(4, 10)):
        bead = _speck(dice, dice.point(22, SIDE - 22), size * dice.uniform(0.85, 1.2), 0.02)
        total = np.maximum(total, bead * dice.uniform(0.85, 1.0))
    return total


def _rings(dice: Dice) -> Field:
    """Return beads with a lucent centre: eggshells, calcified skin or fat."""
    total = np.zeros((SIDE, SIDE))
    for _ in range(dice.integer(2, 5)):
        at, y, x = window(*dice.point(35, SIDE - 35), 22)
        radius, thick = dice.uniform(5, 14), dice.uniform(1.5, 2.6)
        edge = blob(dice, y, x, radius, 0.05)
        shell = soft(np.abs(edge) - thick / 2, 2.0) + 0.22 * soft(edge, 2.0)
        total[at] = np.maximum(total[at], shell * dice.uniform(0.7, 1.0))
    return np.asarray(total * np.clip(0.8 + 0.3 * clouds(dice, 7), 0.25, 1.1))


def _vessel(dice: Dice) -> Field:
    """Return two parallel broken lines, the calcified walls of an artery."""
    heading = angle(dice)
    start = (112 - 105 * np.sin(heading), 112 - 105 * np.cos(heading))
    y, x, direction = walk(dice, start, heading + dice.uniform(-0.3, 0.3), 230, 0.8)
    half = dice.uniform(2.8, 4.5)
    total = np.zeros((SIDE, SIDE))
    for side in (-half, half):
        gaps = np.interp(
            np.arange(y.size), np.arange(0, y.size, 9.0), dice.uniforms(-0.5, 1.7, -(-y.size // 9))
        )
        wall = ridge(y + side * np.cos(direction), x - side * np.sin(direction), np.clip(gaps, 0, 1), 1.0)
        total = np.maximum(total, wall)
    return np.clip(total, 0, 1)


def _pleomorphic(dice: Dice) -> Field:
    """Return a dense cluster of fine specks of many sizes, shapes and brightnesses."""
    cy, cx = dice.point(75, 150)
    total = np.zeros((SIDE, SIDE))
    long, wide, turn = dice.uniform(24, 42), dice.uniform(13, 24), angle(dice)
    for _ in range(dice.integer(22, 48)):
        along, across = long * dice.uniform(-1, 1), wide * dice.uniform(-1, 1)
        sy = cy + along * np.sin(turn) + across * np.cos(turn)
        sx = cx + along * np.cos(turn) - across * np.sin(turn)
        at, y, x = window(sy, sx, 8)
        size = dice.uniform(0.6, 1.9)
        speck = soft(ellipse(y, x, size, size * dice.uniform(1.0, 2.6), angle(dice)), 1.3)
        total[at] = np.maximum(total[at], speck * dice.uniform(0.35, 1.0))
    return total


def _branching(dice: Dice) -> Field:
    """Return fine broken lines that fork like the duct they fill, with dots between them."""
    heading = angle(dice)
    cy, cx = dice.point(90, 135)
    stem = (cy - 40 * np.sin(heading), cx - 40 * np.cos(heading))
    total = np.zeros((SIDE, SIDE))
    paths = [walk(dice, stem, heading, dice.uniform(70, 100), 1.0)]
    for _ in range(dice.integer(3, 5)):
        y, x, direction = paths[dice.integer(0, len(paths) - 1)]
        fork = dice.integer(y.size // 5, 4 * y.size // 5)
        turn = dice.uniform(0.45, 0.95) * dice.pick((-1, 1))
        start = (float(y[fork]), float(x[fork]))
        paths.append(walk(dice, start, float(direction[fork]) + turn, dice.uniform(22, 50), 1.2))
    for y, x, _ in paths:
        knots = dice.uniforms(-0.7, 1.5, -(-y.size // 6))
        broken = np.clip(np.interp(np.arange(y.size), np.arange(0, y.size, 6.0), knots), 0, 1)
        total = np.maximum(total, ridge(y, x, broken, dice.uniform(0.75, 1.15)))
        dots = dice.integer(3, 8)
        at = (dice.uniforms(0, 1, dots) * (y.size - 1)).astype(np.int64)
        jitter = dice.uniforms(-3, 3, 2 * dots)
        total += splat(y[at] + jitter[:dots], x[at] + jitter[dots:], dice.uniforms(0.4, 0.9, dots), 0.9)
    return np.clip(total, 0, 1)
