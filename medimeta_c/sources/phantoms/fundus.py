"""Colour fundus photographs: disc, macula and vessels, with or without lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Field,
    Line,
    angle,
    blend,
    blob,
    blur,
    clouds,
    ellipse,
    fractal,
    grid,
    joined,
    paint,
    quantise,
    ramp,
    ridge,
    soft,
    splat,
    walk,
    window,
)

__all__ = [
    "Eye",
    "branch",
    "cotton_wool",
    "disc",
    "exudates",
    "ink",
    "photograph",
    "render",
    "retina",
    "vessels",
]

_ABNORMAL = 1


@dataclass(frozen=True, slots=True)
class Eye:
    """Where disc and macula lie, in pixels; `side` is +1 when the macula is right of the disc."""

    side: int
    disc_y: float
    disc_x: float
    disc: float
    macula_y: float
    macula_x: float


def render(dice: Dice, label: int) -> Image:
    """Draw one fundus.

    An abnormal fundus has one to three kinds of lesion: dot and blot haemorrhages, hard exudates,
    cotton-wool spots or drusen.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is normal, 1 abnormal.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    side = dice.pick((-1, 1))
    disc_y, disc_x = 112 + dice.uniform(-16, 16), 112 - side * dice.uniform(38, 62)
    reach = dice.uniform(66, 78)
    eye = Eye(side, disc_y, disc_x, dice.uniform(12, 16), disc_y + dice.uniform(2, 16), disc_x + side * reach)
    canvas = retina(dice, eye)
    if label == _ABNORMAL:
        canvas = _lesions(dice, eye, canvas)
    canvas = vessels(dice, eye, canvas)
    canvas = disc(dice, eye, canvas)
    return photograph(dice, canvas)


def retina(dice: Dice, eye: Eye) -> Canvas:
    """Return the orange ground with choroidal mottling and the dark macula."""
    y, x = grid()
    red, green, blue = dice.uniform(168, 226), dice.uniform(78, 124), dice.uniform(28, 66)
    if dice.chance(0.15):  # a pale, greyish eye
        green, blue = green + 22, blue + 38
    mottle = 1 + 0.045 * fractal(dice, (60, 26, 12, 6)) + dice.uniform(0.0, 0.03) * clouds(dice, 6, 11)
    canvas = np.array([red, green, blue]) * mottle[..., None]
    near = np.exp(-np.hypot(y - eye.disc_y, x - eye.disc_x) / 60)[..., None]
    canvas = canvas * (1 + near * np.array([0.10, 0.22, 0.22]))
    spot = np.hypot(y - eye.macula_y, x - eye.macula_x)
    shade = dice.uniform(0.25, 0.42) * np.exp(-((spot / dice.uniform(13, 18)) ** 2))
    shade = shade + 0.14 * np.exp(-((spot / 32) ** 2))
    return np.asarray(canvas * (1 - shade[..., None] * np.array([0.62, 1.0, 1.15])))


def vessels(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with veins and thinner, brighter arteries, above and below."""
    veins: list[Line] = []
    arteries: list[Line] = []
    for up in (-1, 1):
        for vessels, width, spread in ((veins, 2.0, 0), (arteries, 1.45, 1)):
            vessels.extend(_temporal_arcade(dice, eye, up, width, spread))
            vessels.extend(_nasal_arcade(dice, eye, up, width))
    depth = dice.uniform(0.6, 0.95)
    for vessels, absorbed in ((veins, (0.34, 0.62, 0.52)), (arteries, (0.20, 0.50, 0.48))):
        canvas = canvas * (1 - depth * ink(vessels)[..., None] * np.asarray(absorbed))
    return canvas


def _temporal_arcade(dice: Dice, eye: Eye, up: int, half_width: float, spread: int) -> list[Line]:
    """Return a vessel that leaves the disc steeply and bends around the macula, with its branches.

    One with a `spread` of 1 runs a little outside one with 0.
    """
    t = np.linspace(0, 1, 340)
    bow = 66 * (dice.uniform(0.85, 1.25) + 0.09 * spread)
    y = eye.disc_y + up * (bow * np.sin(np.pi * 0.62 * t**0.75) + 1.5 * spread)
    y = y + 2.2 * np.sin(9 * t + angle(dice)) * t
    x = eye.disc_x + eye.side * (142 * t**1.35 - 6 * np.sin(np.pi * t))
    width = half_width * (1 - 0.62 * t)
    lines = [(y, x, width)]
    for _ in range(dice.integer(3, 5)):
        at = dice.integer(40, 300)
        heading = float(np.arctan2(y[at + 5] - y[at], x[at + 5] - x[at])) + _fork(dice)
        lines += branch(dice, (y[at], x[at]), heading, 0.72 * width[at])
    return lines


def _nasal_arcade(dice: Dice, eye: Eye, up: int, half_width: float) -> list[Line]:
    """Return a shorter vessel that runs straight away from the macula, with two branches."""
    away = (np.pi if eye.side > 0 else 0) + up * eye.side * dice.uniform(0.5, 1.1)
    y, x, heading = walk(dice, (eye.disc_y + 3 * up, eye.disc_x), away, 105, 0.6)
    lines = [(y, x, 0.72 * half_width * np.linspace(1, 0.45, y.size))]
    for at in (40, 90):
        lines += branch(dice, (y[at], x[at]), float(heading[at]) + _fork(dice), 0.55 * half_width)
    return lines


def branch(dice: Dice, start: tuple[float, float], heading: float, half_width: float) -> list[Line]:
    """Return a branch and, when it is thick enough, its twigs."""
    y, x, headings = walk(dice, start, heading, dice.uniform(30, 62), 1.1)
    lines = [(y, x, half_width * np.linspace(1, 0.4, y.size))]
    if half_width > 0.7:
        for _ in range(2):
            at = dice.integer(y.size // 4, 3 * y.size // 4)
            lines += branch(dice, (y[at], x[at]), float(headings[at]) + _fork(dice), 0.55 * half_width)
    return lines


def _fork(dice: Dice) -> float:
    """Return the angle between a vessel and its branch, to either side."""
    return dice.uniform(0.4, 0.9) * dice.pick((-1, 1))


def ink(vessels: list[Line]) -> Field:
    """Return the coverage 0-1 of vessels, given with half-widths; each point gets the nearest of four."""
    y, x, width = joined(vessels)
    cover = np.zeros((SIDE, SIDE))
    for low, high, sigma in ((0.0, 0.6, 0.7), (0.6, 1.0, 0.95), (1.0, 1.5, 1.35), (1.5, 9.0, 1.8)):
        chosen = (width > low) & (width <= high)
        height = np.clip(width[chosen] / sigma, 0.3, 1.1)
        cover = np.maximum(cover, ridge(y[chosen], x[chosen], height, sigma))
    return np.clip(cover, 0, 1)


def disc(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with the optic disc and its cup under the vessels' stumps."""
    y, x = grid()
    dy, dx = y - eye.disc_y, x - eye.disc_x
    edge = ellipse(dy, dx, eye.disc * dice.uniform(1.0, 1.12), eye.disc)
    glow = dice.uniform(0.72, 0.88)
    canvas = blend(canvas, (250.0, 206.0, 132.0), glow * soft(edge, 4))
    cup = eye.disc * dice.uniform(0.3, 0.55)
    inner = ellipse(dy - dice.uniform(-1.5, 1.5), dx - eye.side * 1.5, cup, cup)
    canvas = blend(canvas, (255.0, 238.0, 190.0), 0.75 * soft(inner, 5))
    stump = np.exp(-(((dx + eye.side * 2) / 2.1) ** 2)) * soft(edge, 5)
    return np.asarray(canvas * (1 - stump[..., None] * np.array([0.10, 0.34, 0.34])))


def _lesions(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with one to three kinds of lesion, at least one of them plain to see."""
    kinds = [_haemorrhages, exudates, cotton_wool, _drusen]
    for _ in range(dice.integer(1, 3)):
        kind = dice.pick(kinds)
        kinds.remove(kind)
        canvas = kind(dice, eye, canvas)
    return canvas


def _haemorrhages(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    for _ in range(dice.integer(7, 20)):
        reach, theta = dice.uniform(20, 88), angle(dice)
        cy, cx = 112 + reach * np.sin(theta), 112 + reach * np.cos(theta)
        size = dice.uniform(2.6, 6.0) if dice.chance(0.45) else dice.uniform(1.3, 2.4)
        at, y, x = window(cy, cx, size * 2 + 3)
        cover = soft(blob(dice, y, x, size, 0.22), 2.6) * dice.uniform(0.5, 0.88)
        paint(canvas, at, (96.0, 18.0, 14.0), cover)
    return canvas


def exudates(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with rings of hard yellow flecks near the macula."""
    for _ in range(dice.integer(2, 4)):
        cy, cx = eye.macula_y + dice.uniform(-42, 42), eye.macula_x + dice.uniform(-42, 42)
        count, ring = dice.integer(16, 34), dice.uniform(5, 15)
        theta = dice.uniforms(0, 2 * np.pi, count)
        away = ring * dice.uniforms(0.6, 1.15, count)
        height = dice.uniforms(0.35, 1.0, count)
        flecks = splat(cy + away * np.sin(theta), cx + away * np.cos(theta), height, dice.uniform(1.0, 1.6))
        canvas = blend(canvas, (252.0, 226.0, 128.0), np.clip(flecks, 0, 0.92))
    return canvas


def cotton_wool(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    """Return the canvas with soft pale spots around the disc."""
    for _ in range(dice.integer(3, 6)):
        theta, reach = angle(dice), dice.uniform(30, 58)
        cy, cx = eye.disc_y + reach * np.sin(theta), eye.disc_x + reach * np.cos(theta)
        at, y, x = window(cy, cx, 20)
        edge = blob(dice, y, x, dice.uniform(5, 9), 0.2)
        if edge.size:
            paint(canvas, at, (244.0, 226.0, 178.0), 0.7 * soft(edge, 8))
    return canvas


def _drusen(dice: Dice, eye: Eye, canvas: Canvas) -> Canvas:
    count = dice.integer(50, 100)
    jitter = 15 * dice.grain((2, count))
    spots = splat(eye.macula_y + jitter[0], eye.macula_x + jitter[1], dice.uniforms(0.25, 0.75, count), 1.8)
    return blend(canvas, (240.0, 206.0, 120.0), np.clip(spots, 0, 0.85))


def photograph(dice: Dice, canvas: Canvas) -> Image:
    """Return what the camera makes of the eye: uneven light, haze, round aperture, grain."""
    y, x = grid()
    cy, cx = 112 + dice.uniform(-3, 3), 112 + dice.uniform(-3, 3)
    aperture = dice.uniform(104, 116)
    away = np.hypot(y - cy, x - cx) / aperture
    slope = ramp(angle(dice))
    light = 1 - dice.uniform(0.25, 0.5) * away**2.5
    light = light + dice.uniform(0, 0.18) * slope / 112
    canvas = canvas * light[..., None] * dice.uniform(0.78, 1.08)
    if dice.chance(0.35):  # a reflection or a hazy lens, in healthy eyes too
        at_y, at_x = dice.point(60, 165)
        haze = np.exp(-((np.hypot(y - at_y, x - at_x) / dice.uniform(12, 45)) ** 2))
        canvas = blend(canvas, (214.0, 190.0, 168.0), dice.uniform(0.1, 0.3) * haze)
    canvas = blur(canvas, dice.uniform(0.4, 1.0)) + 1.5 * dice.grain((SIDE, SIDE, 3))
    return quantise(blend(np.full((SIDE, SIDE, 3), 2.0), canvas, soft((away - 1) * aperture, 2)))
