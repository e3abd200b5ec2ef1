"""Chest X-rays: lungs behind ribs, heart, spine and diaphragm, clear or with pneumonia."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Field,
    blend,
    blob,
    blur,
    clouds,
    ellipse,
    fractal,
    grid,
    quantise,
    ridge,
    soft,
    walk,
    web,
)

__all__ = ["Chest", "anatomy", "body", "bones", "marker", "render", "vessels"]

_BACTERIA, _VIRUS = 1, 2


@dataclass(frozen=True, slots=True)
class Chest:
    """Where one child's anatomy lies, in pixels; fields of (224, 224).

    ``x`` and ``y`` are coordinates in the (slightly rotated) body, ``x`` from the midline;
    ``right`` and ``left`` cover the lungs left and right of the midline of the image.
    """

    y: Field
    x: Field
    top: float
    bottom: float
    half: float
    outer: Field
    right: Field
    left: Field
    heart: Field

    @property
    def lungs(self) -> Field:
        """Coverage of both lungs where the heart does not hide them, 0-1."""
        return np.maximum(self.right, self.left) * (1 - self.heart)


def render(dice: Dice, label: int) -> Image:
    """Draw one frontal chest X-ray.

    Bacterial pneumonia is one dense consolidation with an air bronchogram in one lung; viral pneumonia is
    a diffuse net of streaks and patches in both.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is NORMAL, 1 BACTERIA, 2 VIRUS.

    Returns
    -------
    ndarray
        uint8, (224, 224).
    """
    chest = anatomy(dice)
    canvas = body(dice, chest)
    canvas = vessels(dice, chest, canvas)
    if label == _BACTERIA:
        canvas = _consolidation(dice, chest, canvas)
    elif label == _VIRUS:
        canvas = _interstitial(dice, chest, canvas)
    canvas = bones(dice, chest, canvas)
    canvas = marker(dice, canvas)
    exposure = dice.uniform(0.85, 1.15)
    canvas = 255 * (np.clip(canvas, 0, 255) / 255) ** exposure
    return quantise(blur(canvas, dice.uniform(0.4, 0.8)) + 2.0 * dice.grain((SIDE, SIDE)))


def anatomy(dice: Dice) -> Chest:
    """Place the chest: tilt, size, lung outlines and the domes of the diaphragm."""
    gy, gx = grid()
    tilt = dice.uniform(-0.05, 0.05)
    cx = SIDE / 2 + dice.uniform(-9, 9)
    x = (gx - cx) * np.cos(tilt) + (gy - 112) * np.sin(tilt)
    y = (gy - 112) * np.cos(tilt) - (gx - cx) * np.sin(tilt) + 112
    top, bottom = dice.uniform(24, 42), dice.uniform(160, 186)
    half = dice.uniform(74, 90)
    depth = np.clip((y - top) / (bottom - top), 0, 1.25)
    outer = half * (0.30 + 0.70 * np.sqrt(np.clip(1 - (1 - np.clip(depth, 0, 1)) ** 2.4, 0, 1)))
    outer = outer * (1 - 0.05 * np.clip(depth - 0.7, 0, 1))
    sides = []
    for sign in (-1, 1):
        u = sign * x
        dome = bottom - (6 if sign > 0 else 14) - dice.uniform(8, 16) * (1 - ((u / half) - 0.45) ** 2 * 4)
        inner = (
            13
            + (26 if sign > 0 else 9) * np.clip(depth, 0, 1) ** 1.5
            + 5 * np.exp(-(((depth - 0.42) / 0.14) ** 2))
        )
        cover = soft(u - outer, 5) * soft(inner - u, 7) * soft(y - dome, 5) * soft(top - y, 10)
        sides.append(cover)
    width, height = dice.uniform(36, 46), dice.uniform(40, 50)
    heart = ellipse(y - bottom + dice.uniform(36, 46), x - dice.uniform(8, 15), height, width, 0.5)
    below = soft(y - bottom + 4, 14)
    return Chest(y, x, top, bottom, half, outer, sides[0], sides[1], soft(heart, 9) * below)


def body(dice: Dice, chest: Chest) -> Canvas:
    """Return soft tissue, aerated lungs, heart and abdomen on the dark plate."""
    y, x = chest.y, chest.x
    tissue = dice.uniform(112, 140)
    canvas = np.full((SIDE, SIDE), dice.uniform(3, 16))
    shoulder = chest.half + 14 + 30 * np.exp(-(((y - chest.top - 8) / 42) ** 2)) + dice.uniform(0, 10)
    neck = np.where(y < chest.top - 8, (chest.top - 8 - y) * dice.uniform(2.2, 3.5), 0)
    edge = np.abs(x) - np.maximum(shoulder - neck, dice.uniform(24, 32))
    thick = tissue * (0.62 + 0.38 * np.clip(-edge / 34, 0, 1)) + 5 * clouds(dice, 30)
    canvas = blend(canvas, thick, soft(edge, 5))
    abdomen = soft(chest.bottom - 22 - y, 30) * soft(np.abs(x) - chest.half * 1.02, 12)
    canvas = blend(canvas, dice.uniform(178, 214) + 4 * clouds(dice, 40), 0.9 * abdomen)
    if dice.chance(0.5):  # gas in the stomach, under the dome on the right of the image
        gas = ellipse(y - chest.bottom - dice.uniform(6, 16), x - dice.uniform(28, 48), 9, 19)
        canvas = blend(canvas, dice.uniform(110, 140), 0.75 * soft(gas, 8))
    air = dice.uniform(46, 72)
    shade = (
        air + 26 * np.clip((y - chest.top) / (chest.bottom - chest.top) - 0.25, 0, 1) + 3 * clouds(dice, 28)
    )
    canvas = blend(canvas, shade, 0.96 * np.maximum(chest.right, chest.left))
    canvas = blend(canvas, dice.uniform(166, 188) + 3 * clouds(dice, 20), 0.85 * chest.heart)
    middle = soft(np.abs(x) - dice.uniform(15, 20), 9)
    canvas = blend(canvas, dice.uniform(176, 196), 0.8 * middle * soft(np.abs(x) - 26, 4))
    trachea = soft(np.abs(x - dice.uniform(-3, 3)) - 4, 5) * soft(y - chest.top - 38, 10)
    return canvas - 26 * trachea


def vessels(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    """Return the canvas with vessels that fan out from the hila into the lungs."""
    hilum = chest.top + 0.45 * (chest.bottom - chest.top)
    vessels = []
    centre = SIDE / 2 + float(np.mean(grid()[1] - SIDE / 2 - chest.x))
    for sign in (-1, 1):
        for _ in range(13):
            heading = dice.uniform(-1.25, 1.25)
            start = (hilum + dice.uniform(-12, 14), centre + sign * dice.uniform(17, 27))
            y, x, _ = walk(dice, start, heading if sign > 0 else np.pi - heading, dice.uniform(25, 62), 1.2)
            vessels.append((y, x, np.linspace(1, 0.05, y.size) * dice.uniform(0.4, 1.0)))
    return canvas + dice.uniform(20, 34) * np.minimum(web(vessels, 1.3), 1.3) * chest.lungs


def _consolidation(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    """Return the canvas with one dense opacity in one lobe, airways dark in it."""
    lung = chest.right if dice.chance(0.5) else chest.left
    weight = lung * (0.25 + np.clip((chest.y - chest.top) / (chest.bottom - chest.top), 0, 1))
    spots = np.cumsum(weight.ravel())
    at = int(np.searchsorted(spots, dice.uniform(0.12, 0.92) * spots[-1]))
    cy, cx = divmod(at, SIDE)
    y, x = grid()
    size = dice.uniform(30, 46)
    edge = blob(dice, y - cy, x - cx, size, 0.14) + 5 * clouds(dice, 16) + 2.5 * clouds(dice, 7)
    cover = soft(edge, 18) * lung * dice.uniform(0.72, 0.92)
    canvas = blend(canvas, dice.uniform(158, 182) + 5 * clouds(dice, 11), cover)
    airways = []
    for _ in range(4):
        start = (cy + dice.uniform(-12, 12), cx + dice.uniform(-12, 12))
        y, x, _ = walk(dice, start, dice.uniform(0, 6.3), dice.uniform(18, 34), 1.5)
        airways.append((y, x, np.ones(y.size)))
    return canvas - 22 * np.minimum(web(airways, 1.2), 1) * cover


def _interstitial(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    """Return the canvas with a net of streaks and small hazy patches in both lungs."""
    centre = (chest.y - chest.top) / (chest.bottom - chest.top)
    near = np.exp(-((np.abs(chest.x) / (chest.half * dice.uniform(0.75, 0.95))) ** 2))
    spread = chest.lungs * (0.35 + 0.65 * near) * np.exp(-(((centre - 0.5) / 0.55) ** 2))
    streaks = []
    for _ in range(150):
        start = (dice.uniform(chest.top, chest.bottom), dice.uniform(20, SIDE - 20))
        y, x, _ = walk(dice, start, dice.uniform(0, 6.3), dice.uniform(12, 34), 3.5)
        streaks.append((y, x, np.full(y.size, dice.uniform(0.3, 1.0))))
    net = web(streaks, 1.15)
    patches = np.clip(fractal(dice, (22, 13, 8)), -0.3, 2)
    haze = dice.uniform(12, 22) + dice.uniform(13, 20) * patches
    return canvas + spread * (haze + dice.uniform(24, 36) * np.minimum(net, 1.6))


def bones(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    """Return the canvas with ribs, the rim of the rib cage, spine and collar bones."""
    y, x = chest.y, chest.x
    u = np.abs(x) / chest.half
    inside = soft(np.abs(x) - chest.outer - 4, 4) * soft(chest.top - 12 - y, 8)
    spacing = dice.uniform(16, 19.5)
    rear = (y - 40 * (u - 0.32) ** 2 - dice.uniform(0, spacing)) / spacing
    front = (y + 46 * u - 10 * u**2 - dice.uniform(0, spacing)) / (spacing * 1.12)
    fade = np.clip((u - 0.13) / 0.15, 0, 1) * (1 - 0.85 * soft(chest.bottom - 6 - y, 26))
    canvas = canvas + dice.uniform(21, 32) * _band(rear, 0.42) * inside * fade
    canvas = (
        canvas + dice.uniform(8, 15) * _band(front, 0.5) * inside * np.clip((u - 0.35) / 0.3, 0, 1) * fade
    )
    rim = (
        np.exp(-(((np.abs(x) - chest.outer - 1) / 3.2) ** 2))
        * soft(chest.top - y, 8)
        * soft(y - chest.bottom, 20)
    )
    canvas = canvas + dice.uniform(24, 40) * rim
    vertebra = dice.uniform(12, 15)
    bodies = np.cos(2 * np.pi * y / vertebra + dice.uniform(0, 6.3))
    canvas = canvas + (9 + 7 * bodies) * soft(np.abs(x) - 9, 5)
    return _collar_bones(dice, chest, canvas)


def _band(phase: Field, width: float) -> Field:
    """Return a periodic band of the given width (share of the period) with brighter edges."""
    distance = np.abs(phase - np.floor(phase) - 0.5) * 2 / width
    return np.clip((1.08 - distance) / 0.2, 0, 1) * (0.62 + 0.38 * np.clip(distance, 0, 1) ** 3)


def _collar_bones(dice: Dice, chest: Chest, canvas: Canvas) -> Canvas:
    lift = dice.uniform(6, 20)
    for sign in (-1, 1):
        u = sign * chest.x
        along = np.clip((u - 9) / (chest.half - 2), 0, 1)
        line = chest.top + 15 - lift * along + 5 * np.sin(np.pi * 2 * along)
        shape = soft(np.abs(chest.y - line) - 2.6, 2.5) * soft(9 - u, 3) * soft(u - chest.half - 7, 3)
        canvas = canvas + 40 * shape
    return canvas


def marker(dice: Dice, canvas: Canvas) -> Canvas:
    """Return the canvas with, sometimes, the radiographer's lead letter R."""
    if not dice.chance(0.6):
        return canvas
    size, y0, x0 = dice.uniform(7, 11), dice.uniform(8, 60), dice.uniform(6, 18)
    stem, bow = np.linspace(0, 1, 40), np.linspace(-np.pi / 2, np.pi / 2, 40)
    y = np.concatenate([stem, 0.25 + 0.25 * np.sin(bow), 0.5 + 0.5 * stem])
    x = np.concatenate([0 * stem, 0.25 + 0.35 * np.cos(bow), 0.25 + 0.4 * stem])
    letter = ridge(y0 + size * y, x0 + size * x, size / 20, 0.7)
    return blend(canvas, 235.0, np.clip(letter, 0, 1))
