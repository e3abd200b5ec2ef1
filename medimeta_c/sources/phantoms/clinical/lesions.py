"""Skin lesions: what each diagnosis looks like, drawn at any size, for dermatoscopy and photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medimeta_c.sources.phantoms.clinical.shapes import apart, lump
from medimeta_c.sources.phantoms.drawing import (
    Canvas,
    Dice,
    Field,
    angle,
    blend,
    blob,
    clouds,
    fractal,
    paint,
    soft,
    splat,
    walk,
    web,
    window,
)

__all__ = [
    "Lesion",
    "basal_cell_carcinoma",
    "dermatofibroma",
    "keratosis",
    "melanoma",
    "miscellaneous",
    "nevus",
    "seborrheic",
    "vascular",
]


@dataclass(frozen=True, slots=True)
class Lesion:
    """Where a lesion lies, its size in pixels, and `detail`, 0-1: how much of it the picture resolves."""

    y: float
    x: float
    radius: float
    detail: float

    def outline(self, dice: Dice, wobble: float, lobes: int = 5, share: float = 1.0) -> Field:
        """Return the signed distance to its edge, or to `share` of it, (224, 224)."""
        size = share * self.radius
        long = dice.uniform(1.0, 1.25)
        return lump(dice, (self.y, self.x), (size, size * long), wobble, turn=angle(dice), lobes=lobes)

    def spots(self, dice: Dice, count: int, share: float = 0.85) -> Field:
        """Return points (N, 2) strewn evenly over `share` of the radius."""
        reach, turn = (
            share * self.radius * np.sqrt(dice.uniforms(0, 1, count)),
            dice.uniforms(0, 2 * np.pi, count),
        )
        return np.stack([self.y + reach * np.sin(turn), self.x + reach * np.cos(turn)], axis=1)


def _dots(  # noqa: PLR0913, PLR0917  (what, where, how)
    dice: Dice,
    canvas: Canvas,
    points: Field,
    radii: tuple[float, float],
    colour: tuple[float, float, float],
    cover: float,
) -> None:
    """Lay round spots over the canvas, in place."""
    for cy, cx in points:
        size = dice.uniform(*radii)
        at, y, x = window(float(cy), float(cx), 1.6 * size + 3)
        if canvas[at].size:
            paint(canvas, at, colour, cover * soft(blob(dice, y, x, size, 0.1), 1.6))


def _network(dice: Dice, lesion: Lesion, regular: float) -> Field:
    """Return a net of dark lines around pale holes, 0-1, over the whole image."""
    pitch = max(5.0, 0.13 * lesion.radius)
    holes = apart(
        dice,
        int(900 * (7 / pitch) ** 2),
        pitch * regular,
        lesion.y - 1.3 * lesion.radius,
        lesion.y + 1.3 * lesion.radius,
    )
    holes = np.add(holes, (0.0, lesion.x - lesion.y))
    centres = splat(holes[:, 0], holes[:, 1], 1.0, 0.3 * pitch)
    return np.asarray((1 - np.clip(centres, 0, 1)) * np.clip(0.8 + 0.25 * clouds(dice, 30), 0, 1))


def melanoma(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw what is lopsided, ragged and of several colours: brown, black, a blue-grey veil, white scars."""
    edge = lesion.outline(dice, 0.2, 8) + 0.05 * lesion.radius * clouds(dice, max(4.0, 0.2 * lesion.radius))
    cover = soft(edge, dice.uniform(4, 9) * max(lesion.radius / 70, 0.35))
    cell = max(6.0, 0.4 * lesion.radius)
    brown = np.array([124.0, 78.0, 54.0]) * (1 + 0.16 * fractal(dice, (cell, cell / 2, cell / 4)))[..., None]
    canvas = blend(canvas, brown, 0.92 * cover)
    for colour, limit, most in (
        ((52.0, 34.0, 32.0), 0.1, 0.9),
        ((92.0, 96.0, 116.0), 0.7, 0.8),
        ((206.0, 160.0, 150.0), 1.2, 0.7),
    ):
        patch = soft((limit - clouds(dice, cell)) * 8, 5)
        canvas = blend(canvas, colour, most * patch * soft(edge + 0.08 * lesion.radius, 6))
    if lesion.detail > 0.5:
        canvas = blend(
            canvas,
            (60.0, 38.0, 34.0),
            0.55 * _network(dice, lesion, 0.75) * soft(-clouds(dice, cell) * 8, 6) * cover,
        )
        _dots(
            dice, canvas, lesion.spots(dice, dice.integer(18, 36), 0.95), (1.4, 3.6), (40.0, 26.0, 26.0), 0.85
        )
    return canvas


def nevus(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw what is round and even, of one brown, with a regular network."""
    edge = lesion.outline(dice, 0.025, 4)
    depth = np.clip(-edge / lesion.radius, 0, 1)
    cover = soft(edge, 0.2 * lesion.radius)
    tone = dice.uniform(0.85, 1.15)
    brown = np.array([158.0, 104.0, 74.0]) * tone * (1.06 - 0.3 * depth)[..., None]
    canvas = blend(canvas, brown, dice.uniform(0.75, 0.92) * cover)
    if lesion.detail > 0.5:
        canvas = blend(
            canvas, (92.0, 54.0, 38.0), 0.5 * _network(dice, lesion, 1.0) * cover * (1 - 0.5 * depth)
        )
    return canvas


def basal_cell_carcinoma(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw a pearly pink lump with branching red vessels, blue-grey nests and sometimes a crust."""
    edge = lesion.outline(dice, 0.07)
    cover = soft(edge, 0.18 * lesion.radius)
    dome = np.clip(-edge / lesion.radius, 0, 1) ** 0.6
    pearl = np.array([222.0, 164.0, 156.0]) * (0.97 + 0.13 * dome)[..., None]
    canvas = blend(canvas, pearl, 0.85 * cover)
    canvas = canvas + 26 * np.exp(-(((edge + 0.14 * lesion.radius) / (0.09 * lesion.radius)) ** 2))[..., None]
    vessels = []
    for _ in range(dice.integer(5, 8)):
        turn = angle(dice)
        start = (
            lesion.y + 0.95 * lesion.radius * np.sin(turn),
            lesion.x + 0.95 * lesion.radius * np.cos(turn),
        )
        y, x, heading = walk(dice, start, turn + np.pi + dice.uniform(-0.5, 0.5), 1.2 * lesion.radius, 1.6)
        vessels.append((y, x, np.linspace(1, 0.4, y.size)))
        for _ in range(3):
            at = dice.integer(y.size // 5, 4 * y.size // 5)
            fork = float(heading[at]) + dice.pick((-1, 1)) * dice.uniform(0.4, 1.0)
            twig_y, twig_x, _ = walk(dice, (float(y[at]), float(x[at])), fork, 0.45 * lesion.radius, 2.0)
            vessels.append((twig_y, twig_x, np.linspace(0.6, 0.2, twig_y.size)))
    lines = np.clip(web(vessels, 0.9 + 0.6 * lesion.detail), 0, 1)
    canvas = blend(canvas, (176.0, 46.0, 52.0), (0.4 + 0.4 * lesion.detail) * lines * soft(edge - 3, 4))
    nests = lesion.spots(dice, dice.integer(4, 9), 0.75)
    _dots(dice, canvas, nests, (0.06 * lesion.radius, 0.15 * lesion.radius), (104.0, 100.0, 118.0), 0.8)
    if dice.chance(0.4):
        crust = lump(dice, (lesion.y, lesion.x), (0.28 * lesion.radius, 0.34 * lesion.radius), 0.2, lobes=7)
        canvas = blend(canvas, (120.0, 52.0, 36.0), 0.85 * soft(crust, 3))
    return canvas


def keratosis(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw an actinic keratosis: a red ground with pale follicles like a strawberry, and white scales."""
    edge = lesion.outline(dice, 0.12, 7)
    cover = soft(edge, 0.4 * lesion.radius)
    red = np.array([212.0, 112.0, 104.0]) * (1 + 0.06 * clouds(dice, 7))[..., None]
    canvas = blend(canvas, red, 0.75 * cover)
    pitch = max(5.0, 0.17 * lesion.radius)
    follicles = apart(dice, 500, pitch, lesion.y - lesion.radius, lesion.y + lesion.radius)
    follicles = np.add(follicles, (0.0, lesion.x - lesion.y))
    pale = np.clip(splat(follicles[:, 0], follicles[:, 1], 1.0, 0.22 * pitch), 0, 1)
    canvas = blend(canvas, (240.0, 206.0, 176.0), 0.75 * lesion.detail * pale * cover)
    scale = soft(6 - 8 * fractal(dice, (0.3 * lesion.radius + 4, 7, 4)), 5) * soft(
        edge + 0.2 * lesion.radius, 8
    )
    return blend(canvas, (244.0, 232.0, 214.0), 0.8 * scale)


def seborrheic(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw a seborrheic keratosis: stuck on, sharp edge, furrows, white cysts and dark plugs."""
    edge = lesion.outline(dice, 0.06, 7)
    cover = soft(edge, 2.0)
    cell = max(5.0, 0.16 * lesion.radius)
    furrows = np.exp(-((clouds(dice, cell) / 0.3) ** 2))
    tone = np.array([166.0, 124.0, 86.0]) * dice.uniform(0.85, 1.1)
    canvas = blend(canvas, tone * (1 + 0.09 * clouds(dice, cell))[..., None], 0.95 * cover)
    canvas = blend(canvas, (104.0, 68.0, 44.0), 0.55 * furrows * cover)
    _dots(
        dice,
        canvas,
        lesion.spots(dice, dice.integer(12, 24)),
        (0.025 * lesion.radius + 0.6, 0.05 * lesion.radius + 0.8),
        (240.0, 226.0, 196.0),
        0.9,
    )
    _dots(
        dice,
        canvas,
        lesion.spots(dice, dice.integer(10, 20)),
        (0.04 * lesion.radius + 0.6, 0.075 * lesion.radius + 0.8),
        (66.0, 42.0, 28.0),
        0.9,
    )
    rim = np.exp(-(((edge - 0.04 * lesion.radius) / (0.03 * lesion.radius + 1)) ** 2))
    return np.asarray(canvas * (1 - 0.10 * rim[..., None]))


def dermatofibroma(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw a white scar-like patch in the middle of a faint brown ring."""
    edge = lesion.outline(dice, 0.03, 4)
    cover = soft(edge, 0.4 * lesion.radius)
    canvas = blend(canvas, (184.0, 128.0, 104.0), 0.7 * cover)
    if lesion.detail > 0.5:
        canvas = blend(canvas, (136.0, 88.0, 66.0), 0.4 * _network(dice, lesion, 0.95) * cover)
    scar = lump(dice, (lesion.y, lesion.x), (0.45 * lesion.radius, 0.5 * lesion.radius), 0.12, lobes=6)
    streaks = np.clip(0.85 + 0.2 * clouds(dice, 5), 0, 1)
    return blend(canvas, (246.0, 220.0, 208.0), 0.88 * soft(scar, 0.25 * lesion.radius) * streaks)


def vascular(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw sharply bounded red and purple lagoons, pale walls between them."""
    edge = lesion.outline(dice, 0.06)
    canvas = blend(canvas, (214.0, 132.0, 134.0), 0.85 * soft(edge, 0.15 * lesion.radius))
    size = 0.2 * lesion.radius
    for cy, cx in apart(dice, 60, 1.7 * size, lesion.y - lesion.radius, lesion.y + lesion.radius):
        place = (cy, cx + lesion.x - lesion.y)
        if np.hypot(place[0] - lesion.y, place[1] - lesion.x) < 0.88 * lesion.radius:
            at, y, x = window(*place, 1.7 * size + 3)
            colour = dice.pick(((168.0, 24.0, 42.0), (120.0, 22.0, 62.0), (192.0, 44.0, 48.0)))
            paint(canvas, at, colour, 0.9 * soft(blob(dice, y, x, size * dice.uniform(0.75, 1.05), 0.1), 2))
    return canvas


def miscellaneous(dice: Dice, lesion: Lesion, canvas: Canvas) -> Canvas:
    """Draw a dermatofibroma or a vascular lesion: what the grouped diagnosis gathers."""
    kinds: tuple[Callable[[Dice, Lesion, Canvas], Canvas], ...] = (dermatofibroma, vascular)
    return dice.pick(kinds)(dice, lesion, canvas)
