"""Breast ultrasound: layers of tissue and a lesion in decibels, under speckle that is log-compressed."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import lump, padded, strip
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Field,
    blur,
    clouds,
    fractal,
    grid,
    quantise,
    ramp,
    soft,
    splat,
    walk,
    web,
)

__all__ = ["render"]

_BENIGN, _MALIGNANT = 1, 2
_RANGE_DB = 60.0


def render(dice: Dice, label: int) -> Image:
    """Draw one scan, the probe on top, black rows above and below.

    A benign lesion is oval, smooth and lies flat, with brighter tissue behind it; a malignant one is
    irregular, at least as high as wide, with a bright rim of spicules, and casts a shadow.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is normal, 1 benign, 2 malignant.

    Returns
    -------
    ndarray
        uint8, (224, 224): 60 decibels from black to white.
    """
    rows = strip(dice, 0.68, 0.92)
    depth = (grid()[0] - rows[0]) / (rows[1] - rows[0])
    echo = _layers(dice, depth)
    if label:
        centre = (rows[0] + (rows[1] - rows[0]) * dice.uniform(0.4, 0.55), dice.uniform(80, 144))
        echo = (_benign if label == _BENIGN else _malignant)(dice, echo, centre)
    # Scatterers, seen with a beam that is narrow along the depth and wide across it; few looks are averaged.
    looks = dice.integer(1, 3)
    energy = sum((_look(dice) for _ in range(looks)), np.zeros((SIDE, SIDE))) / looks
    decibels = echo + 10 * np.log10(energy + 1e-4) + dice.uniform(-4, 4)
    return padded(quantise(blur(255 * (1 + decibels / _RANGE_DB), 0.45)), rows)


def _look(dice: Dice) -> Field:
    """Return one realisation of fully developed speckle energy, mean 1."""
    from scipy import ndimage  # noqa: PLC0415  (slow to import, and phantoms are drawn once)

    energy = np.zeros((SIDE, SIDE))
    for _ in range(2):
        wave = ndimage.gaussian_filter1d(dice.grain((SIDE, SIDE)), 0.75, axis=0, mode="wrap")
        wave = ndimage.gaussian_filter1d(wave, 1.7, axis=1, mode="wrap")
        energy += (wave / wave.std()) ** 2 / 2
    return energy


def _layers(dice: Dice, depth: Field) -> Canvas:
    """Return skin, fat lobules, glandular tissue, muscle under bright fasciae, and the chest wall, in dB."""
    x = grid()[1]
    wave = 0.02 * clouds(dice, 90) + 0.012 * clouds(dice, 35)
    d = depth + wave
    fat, gland, muscle = dice.uniform(0.2, 0.3), dice.uniform(0.6, 0.72), dice.uniform(0.82, 0.9)
    echo = np.full((SIDE, SIDE), -33.0) + 2.0 * fractal(dice, (40, 18))  # subcutaneous fat
    septa = np.clip(1 - np.abs(clouds(dice, 22, 46)) / 0.16, 0, 1)  # between the lobules
    echo = echo + 9 * septa
    texture = dice.uniform(-19, -15) + 3.2 * fractal(dice, (34, 16, 8)) + 1.5 * clouds(dice, 5, 18)
    inner = soft((fat - d) * SIDE, 8) * soft((d - gland) * SIDE, 8)
    echo = echo * (1 - inner) + texture * inner
    pectoral = soft((gland - d) * SIDE, 4)
    stripes = np.cos(2 * np.pi * (d * SIDE / 7.5 + 0.4 * clouds(dice, 40)))
    echo = echo * (1 - pectoral) + (-31 + 4 * np.clip(stripes, 0, 1)) * pectoral
    for at, height in ((gland, 16.0), (muscle, 22.0)):
        echo = echo + height * np.exp(-(((d - at) * SIDE / 1.8) ** 2)) * np.clip(
            0.8 + 0.3 * clouds(dice, 25), 0, 1
        )
    ligaments = []
    for _ in range(dice.integer(3, 7)):
        top = (float(dice.uniform(30, 90)), dice.uniform(0, SIDE))
        line_y, line_x, _ = walk(dice, top, dice.uniform(0.5, 2.6), dice.uniform(30, 70), 0.5)
        ligaments.append((line_y, line_x, np.full(line_y.size, dice.uniform(0.4, 1.0))))
    echo = echo + 6 * np.clip(web(ligaments, 1.6), 0, 1) * soft((d - gland) * SIDE, 6)
    skin = np.exp(-(((depth - 0.03) / 0.022) ** 2)) + 0.8 * np.exp(-(((depth - 0.075) / 0.008) ** 2))
    echo = echo + 24 * np.clip(skin, 0, 1)
    ribs = soft((muscle + 0.015 - d) * SIDE, 6)  # behind the chest wall little comes back
    echo = echo - (10 + 90 * np.clip(d - muscle, 0, 1)) * ribs
    edges = ((x - 112) / 112) ** 6
    return np.asarray(echo - 4 * edges - 5 * np.clip(depth, 0, 1) + 0.02 * ramp(dice.uniform(-0.3, 0.3)))


def _below(edge: Field) -> Field:
    """Return how much of the beam above each pixel went through a shape, 0-1, a little blurred."""
    through = np.cumsum(soft(edge, 2), axis=0)
    return np.asarray(blur(np.clip(through / 34, 0, 1), 2.5) * (1 - soft(edge, 3)))


def _benign(dice: Dice, echo: Canvas, centre: tuple[float, float]) -> Canvas:
    wide = dice.uniform(26, 46)
    edge = lump(
        dice, centre, (wide * dice.uniform(0.48, 0.68), wide), 0.025, turn=dice.uniform(-0.2, 0.2), lobes=3
    )
    echo = echo + dice.uniform(5, 8) * _below(edge)
    inside = soft(edge, 3)
    level = dice.uniform(-45, -38) if dice.chance(0.7) else -56.0  # a cyst has no echoes
    echo = echo * (1 - inside) + (level + 1.2 * clouds(dice, 14)) * inside
    return np.asarray(echo + 9 * np.exp(-((edge / 1.6) ** 2)))


def _malignant(dice: Dice, echo: Canvas, centre: tuple[float, float]) -> Canvas:
    high = dice.uniform(28, 40)
    edge = lump(
        dice, centre, (high, high * dice.uniform(0.62, 0.9)), 0.13, turn=dice.uniform(-0.3, 0.3), lobes=7
    )
    edge = edge + 2.2 * clouds(dice, 7)
    echo = echo - dice.uniform(13, 19) * _below(edge)
    inside = soft(edge, 5)
    echo = echo * (1 - inside) + (dice.uniform(-47, -41) + 3.5 * clouds(dice, 9)) * inside
    spicules = []
    for _ in range(dice.integer(9, 16)):
        turn = dice.uniform(0, 2 * np.pi)
        start = (centre[0] + 0.8 * high * np.sin(turn), centre[1] + 0.65 * high * np.cos(turn))
        y, x, _ = walk(dice, start, turn, dice.uniform(12, 30), 1.0)
        spicules.append((y, x, np.linspace(1, 0.2, y.size)))
    echo = echo + 8 * np.clip(web(spicules, 1.2), 0, 1) + 6 * np.exp(-(((edge - 4) / 4) ** 2)) * (1 - inside)
    count = dice.integer(0, 9)  # microcalcifications
    specks = 6 * dice.grain((2, max(count, 1)))[:, :count]
    return np.asarray(
        echo + 16 * np.clip(splat(centre[0] + specks[0], centre[1] + specks[1], 1.0, 0.8), 0, 1)
    )
