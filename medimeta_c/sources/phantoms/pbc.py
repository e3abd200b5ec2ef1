"""Blood cells on a stained smear: one white cell, erythroblast or platelet amid red cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import dist

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Canvas,
    Dice,
    Field,
    angle,
    blend,
    blob,
    blur,
    capsule,
    clouds,
    ellipse,
    quantise,
    soft,
    splat,
    window,
)

__all__ = [
    "Cell",
    "Grain",
    "basophil",
    "body",
    "eosinophil",
    "erythroblast",
    "field",
    "granules",
    "lobes",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "nucleus",
    "render",
]

_PLASMA = (252.0, 229.0, 203.0)
_PURPLE = (66.0, 38.0, 122.0)
_LILAC = (148.0, 98.0, 172.0)
_RED_CELL = (203.0, 166.0, 160.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """The cell in the middle: its part of the canvas, which is drawn on, and where it lies there.

    ``y`` (H, 1) and ``x`` (1, W) are pixel coordinates relative to the cell's centre.
    """

    canvas: Canvas
    y: Field
    x: Field
    radius: float

    @classmethod
    def at(cls, canvas: Canvas, centre: tuple[float, float], radius: float) -> Cell:
        """Return the cell of a radius about a place of the whole canvas."""
        part, y, x = window(*centre, 1.25 * radius + 4)
        return cls(canvas[part], y, x, radius)

    def lay(self, colour: Canvas | tuple[float, float, float], cover: Field) -> None:
        """Lay a colour over the canvas where `cover`, (H, W), says."""
        self.canvas[...] = blend(self.canvas, colour, cover)

    def mottle(self, dice: Dice, size_px: float) -> Field:
        """Return smooth noise over the cell, (H, W)."""
        side = max(self.y.size, self.x.size)
        return clouds(dice, size_px, size=side)[: self.y.size, : self.x.size]

    def outline(self, dice: Dice, share: float, off: float, wobble: float) -> Field:
        """Return the distance to a blob of `share` of the radius, up to `off` radii off the centre."""
        dy, dx = dice.point(-off * self.radius, off * self.radius)
        return blob(dice, self.y - dy, self.x - dx, share * self.radius, wobble)


@dataclass(frozen=True, slots=True)
class Grain:
    """How granules look: Gaussian sigma in pixels, RGB colour, greatest opacity."""

    sigma: float
    colour: tuple[float, float, float]
    opacity: float


def render(dice: Dice, label: int) -> Image:
    """Draw one field of a smear.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        Index into MedIMeta's classes of ``pbc``, which decides the cell in the middle.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    return field(dice, *_CELLS[label])


def field(dice: Dice, draw: Callable[[Dice, Cell], None], low: float, high: float) -> Image:
    """Draw a field of a smear whose middle cell `draw` draws, its radius between `low` and `high` pixels."""
    radius = dice.uniform(low, high)
    centre = dice.point(SIDE / 2 - 12, SIDE / 2 + 12)
    canvas = smear(dice, centre, radius)
    draw(dice, Cell.at(canvas, centre, radius))
    # A laboratory's stain and lamp differ from day to day: one tint over everything, some bluish.
    tint = np.array([0.90, 0.92, 1.02]) if dice.chance(0.15) else np.ones(3)
    canvas = canvas * tint * dice.uniforms(0.975, 1.02, 3) * dice.uniform(0.93, 1.02)
    return quantise(blur(canvas, dice.uniform(0.5, 0.9)) + 1.6 * dice.grain((SIDE, SIDE, 3)))


def smear(dice: Dice, centre: tuple[float, float], radius: float) -> Canvas:
    """Return plasma, red cells that leave the middle free, and a little debris."""
    canvas = np.asarray(_PLASMA) + 1.5 * clouds(dice, 60)[..., None]
    size = dice.uniform(19, 24)
    places: list[tuple[float, float]] = []
    for _ in range(dice.integer(45, 130)):
        place = dice.point(-15, SIDE + 15)
        # Red cells touch and sometimes overlap, but not where the cell of interest lies.
        closest = min((dist(place, other) for other in places), default=SIDE)
        if dist(place, centre) > radius + 0.9 * size and closest > size * dice.uniform(1.1, 2.2):
            places.append(place)
    pallor = dice.uniform(0.4, 0.95)
    for place in places:
        _red_cell(dice, canvas, place, size * dice.uniform(0.88, 1.1), pallor)
    debris = dice.point(12, SIDE - 12)
    if dice.chance(0.3) and dist(debris, centre) > radius + 14:
        small = dice.uniform(5, 9)
        _platelet(dice, Cell.at(canvas, debris, small))
    return canvas


def _red_cell(dice: Dice, canvas: Canvas, place: tuple[float, float], radius: float, pallor: float) -> None:
    """Multiply a red cell into the canvas, so that overlaps are darker, as in transmitted light."""
    at, y, x = window(*place, radius * 1.3)
    wobble, lobes = (0.05, 14) if dice.chance(0.12) else (0.035, 4)  # a few crenated cells
    edge = blob(dice, y, x, radius, wobble, lobes)
    depth = np.clip(1 + edge / radius, 0, None)  # 0 at the centre, 1 at the rim
    thickness = 1 - pallor * dice.uniform(0.7, 1.1) * np.exp(-((depth / 0.52) ** 2)) + 0.2 * depth**6
    density = (soft(edge, 1.6) * np.clip(thickness, 0.02, 1.2))[..., None]
    canvas[at] *= 1 - density * (1 - np.asarray(_RED_CELL) / np.asarray(_PLASMA))


def body(dice: Dice, cell: Cell, colour: tuple[float, float, float], wobble: float = 0.02) -> Field:
    """Lay the cytoplasm; return the cell's coverage, (H, W)."""
    cover = soft(cell.outline(dice, 1.0, 0.0, wobble), 1.8)
    shade = 1 + 0.035 * cell.mottle(dice, 6) + 0.02 * cell.mottle(dice, 25)
    cell.lay(np.asarray(colour) * shade[..., None], cover * dice.uniform(0.9, 0.98))
    return cover


def nucleus(dice: Dice, cell: Cell, edge: Field, inside: Field, pale: float = 0.0) -> None:
    """Lay a nucleus of clumped chromatin; `pale` 0 is the darkest stain, 1 lilac."""
    clumps = 1 + 0.16 * cell.mottle(dice, 4.5) + 0.08 * cell.mottle(dice, 12)
    rim = 1 - 0.22 * np.exp(-(((edge + 1.5) / 2.0) ** 2))
    colour = np.asarray(_PURPLE) * (1 - pale) + np.asarray(_LILAC) * pale
    cell.lay(colour * (clumps * rim)[..., None], soft(edge, 1.6) * inside)


def granules(dice: Dice, cell: Cell, reach: float, count: int, grain: Grain) -> None:
    """Strew granules over the disc of `reach` radii."""
    distance = reach * cell.radius * np.sqrt(dice.uniforms(0, 1, count))
    turn = dice.uniforms(0, 2 * np.pi, count)
    y = distance * np.sin(turn) - cell.y[0, 0]
    x = distance * np.cos(turn) - cell.x[0, 0]
    height = grain.opacity * dice.uniforms(0.5, 1.0, count)
    dots = splat(y, x, height, grain.sigma, (cell.y.size, cell.x.size))
    cell.lay(grain.colour, np.clip(dots, 0, 0.92))


def lobes(dice: Dice, cell: Cell, count: int, size: float, spread: float) -> Field:
    """Return the distance to lobes of `size` radii over `spread` radians, joined by thin threads."""
    turn, step = angle(dice), spread / max(count - 1, 1)
    centres = []
    for i in range(count):
        theta = turn + (i - (count - 1) / 2) * step + dice.uniform(-0.12, 0.12)
        reach = 0.47 * cell.radius * dice.uniform(0.8, 1.1)
        centres.append((reach * np.sin(theta), reach * np.cos(theta)))
    edge = np.full((cell.y.size, cell.x.size), np.inf)
    for start, end in pairwise(centres):
        edge = np.minimum(edge, capsule(cell.y, cell.x, (*start, *end), dice.uniform(1.6, 4.0)))
    for y, x in centres:
        narrow = size * cell.radius * dice.uniform(0.85, 1.12)
        lobe = ellipse(cell.y - y, cell.x - x, narrow, narrow * dice.uniform(1.0, 1.35), angle(dice))
        edge = np.minimum(edge, lobe)
    return edge


def neutrophil(dice: Dice, cell: Cell) -> None:
    """Draw a neutrophil."""
    cover = body(dice, cell, (236, 205, 197))
    granules(dice, cell, 0.93, dice.integer(250, 420), Grain(1.0, (196, 140, 160), 0.45))
    edge = lobes(dice, cell, dice.integer(3, 5), 0.27, dice.uniform(2.4, 4.2))
    nucleus(dice, cell, edge, cover, dice.uniform(0, 0.12))


def eosinophil(dice: Dice, cell: Cell) -> None:
    """Draw an eosinophil."""
    cover = body(dice, cell, (214, 148, 136))
    granules(dice, cell, 0.93, dice.integer(330, 470), Grain(1.5, (196, 92, 82), 0.75))
    count = 2 if dice.chance(0.8) else 3
    edge = lobes(dice, cell, count, 0.34, dice.uniform(1.5, 2.1) * (count - 1))
    nucleus(dice, cell, edge, cover, dice.uniform(0, 0.15))


def basophil(dice: Dice, cell: Cell) -> None:
    """Draw a basophil."""
    cover = body(dice, cell, (214, 172, 204), 0.04)
    nucleus(dice, cell, cell.outline(dice, 0.66, 0.15, 0.10), cover, dice.uniform(0.25, 0.5))
    granules(dice, cell, 1.02, dice.integer(120, 210), Grain(2.0, (52, 24, 84), 0.95))


def lymphocyte(dice: Dice, cell: Cell) -> None:
    """Draw a lymphocyte."""
    cover = body(dice, cell, (158, 168, 214), 0.035)
    edge = cell.outline(dice, dice.uniform(0.8, 0.9), 0.08, 0.025)
    nucleus(dice, cell, edge, cover, dice.uniform(0.0, 0.3))


def monocyte(dice: Dice, cell: Cell) -> None:
    """Draw a monocyte."""
    cover = body(dice, cell, (166, 160, 196), 0.06)
    granules(dice, cell, 0.9, dice.integer(120, 260), Grain(1.0, (130, 112, 170), 0.4))
    edge = cell.outline(dice, dice.uniform(0.68, 0.76), 0.0, 0.06)
    # The bay of a kidney-shaped nucleus: an ellipse taken away from one side.
    turn, reach = angle(dice), cell.radius * dice.uniform(0.55, 0.72)
    y, x = cell.y - reach * np.sin(turn), cell.x - reach * np.cos(turn)
    bay = ellipse(y, x, cell.radius * 0.27, cell.radius * 0.5, -turn)
    nucleus(dice, cell, np.maximum(edge, -bay), cover, dice.uniform(0.35, 0.6))
    for _ in range(dice.integer(0, 5)):
        turn, reach = angle(dice), cell.radius * dice.uniform(0.72, 0.88)
        vacuole = np.hypot(cell.y - reach * np.sin(turn), cell.x - reach * np.cos(turn))
        cell.lay((232, 222, 226), 0.8 * soft(vacuole - dice.uniform(1.5, 3), 1.5))


def _immature(dice: Dice, cell: Cell) -> None:
    cover = body(dice, cell, (206, 176, 204), 0.03)
    granules(dice, cell, 0.93, dice.integer(150, 420), Grain(1.2, (122, 70, 138), 0.7))
    turn, reach = angle(dice), cell.radius * dice.uniform(0.12, 0.26)
    y, x = cell.y - reach * np.sin(turn), cell.x - reach * np.cos(turn)
    long, wide = cell.radius * dice.uniform(0.6, 0.72), cell.radius * dice.uniform(0.5, 0.6)
    nucleus(dice, cell, ellipse(y, x, long, wide, -turn), cover, dice.uniform(0.1, 0.35))


def erythroblast(dice: Dice, cell: Cell) -> None:
    """Draw an erythroblast."""
    grey = dice.uniform(0, 1)
    cover = body(dice, cell, (130 + 45 * grey, 136 + 15 * grey, 178 - 10 * grey), 0.035)
    edge = cell.outline(dice, dice.uniform(0.5, 0.64), 0.14, 0.02)
    nucleus(dice, cell, edge, cover)
    cell.lay((38, 24, 84), 0.55 * soft(edge, 1.6))  # denser than any other nucleus


def _platelet(dice: Dice, cell: Cell) -> None:
    cell.lay((198, 172, 200), 0.85 * soft(blob(dice, cell.y, cell.x, cell.radius, 0.10, 7), 2.5))
    count = int(cell.radius**2 * dice.uniform(0.3, 0.5)) + 4
    granules(dice, cell, 0.72, count, Grain(1.1, (96, 44, 128), 0.85))


_CELLS: tuple[tuple[Callable[[Dice, Cell], None], float, float], ...] = (
    # In label order: how the cell is drawn, its least and its greatest radius in pixels.
    (neutrophil, 36, 45),
    (eosinophil, 38, 46),
    (basophil, 35, 43),
    (lymphocyte, 25, 34),
    (monocyte, 42, 53),
    (_immature, 38, 50),
    (erythroblast, 22, 31),
    (_platelet, 9, 21),
)
