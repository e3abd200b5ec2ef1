"""Cells of acute myeloid leukaemia: the fifteen classes of ``aml``, drawn as those of ``pbc`` are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import Dice, Field, angle, capsule, ellipse, soft
from medimeta_c.sources.phantoms.pbc import (
    Cell,
    Grain,
    basophil,
    body,
    eosinophil,
    erythroblast,
    field,
    granules,
    lobes,
    lymphocyte,
    monocyte,
    neutrophil,
    nucleus,
)

__all__ = ["render"]

_AZURE = Grain(1.2, (122, 70, 138), 0.75)


def render(dice: Dice, label: int) -> Image:
    """Draw one field of a smear.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        Index into MedIMeta's classes of ``aml``, which decides the cell in the middle.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    return field(dice, *_CELLS[label])


def _smudge(dice: Dice, cell: Cell) -> None:
    """Draw a burst nucleus without a body: a smear of chromatin threads in one direction."""
    edge = cell.outline(dice, 0.8, 0.1, 0.22) + 3.5 * cell.mottle(dice, 9)
    threads = np.clip(0.55 + 0.35 * cell.mottle(dice, 5) + 0.25 * cell.mottle(dice, 14), 0.05, 0.9)
    cell.lay((150.0, 104.0, 172.0), soft(edge, 16) * threads)


def _atypical(dice: Dice, cell: Cell) -> None:
    """Draw a large lymphocyte, much deep blue body at one side and a cleft in the nucleus."""
    cover = body(dice, cell, (124, 140, 204), 0.1)
    turn = angle(dice)
    y, x = cell.y - 0.2 * cell.radius * np.sin(turn), cell.x - 0.2 * cell.radius * np.cos(turn)
    edge = ellipse(y, x, 0.6 * cell.radius, 0.5 * cell.radius, -turn)
    reach = 0.62 * cell.radius
    cleft = capsule(y, x, (0, 0, reach * np.sin(turn + 1.4), reach * np.cos(turn + 1.4)), 1.4)
    nucleus(dice, cell, np.maximum(edge, -cleft), cover, dice.uniform(0.3, 0.5))


def _bean(dice: Dice, cell: Cell, bay: float, pale: float, cover: Field) -> None:
    """Lay a kidney-shaped nucleus whose bay takes `bay` of the radius away."""
    turn, reach = angle(dice), 0.62 * cell.radius
    y, x = cell.y - reach * np.sin(turn), cell.x - reach * np.cos(turn)
    edge = cell.outline(dice, 0.66, 0.04, 0.04)
    nucleus(
        dice, cell, np.maximum(edge, -ellipse(y, x, bay * cell.radius, 0.5 * cell.radius, -turn)), cover, pale
    )


def _metamyelocyte(dice: Dice, cell: Cell) -> None:
    cover = body(dice, cell, (232, 200, 196))
    granules(dice, cell, 0.93, dice.integer(220, 380), Grain(1.0, (190, 136, 162), 0.5))
    _bean(dice, cell, 0.34, dice.uniform(0.05, 0.2), cover)


def _blast(dice: Dice, cell: Cell, colour: tuple[float, float, float], share: float, bay: float) -> None:
    """Draw a cell that its pale, fine nucleus nearly fills, with nucleoli."""
    cover = body(dice, cell, colour, 0.04)
    if bay:
        _bean(dice, cell, bay, 0.75, cover)
    else:
        nucleus(dice, cell, cell.outline(dice, share, 0.06, 0.04), cover, dice.uniform(0.6, 0.8))
    for _ in range(dice.integer(1, 3)):
        turn, reach = angle(dice), cell.radius * dice.uniform(0.05, 0.4)
        spot = np.hypot(cell.y - reach * np.sin(turn), cell.x - reach * np.cos(turn))
        cell.lay((176, 150, 206), 0.75 * soft(spot - dice.uniform(2.5, 4.5), 2))


def _monoblast(dice: Dice, cell: Cell) -> None:
    _blast(dice, cell, (150, 158, 206), 0.7, dice.uniform(0.14, 0.24))


def _myeloblast(dice: Dice, cell: Cell) -> None:
    _blast(dice, cell, (134, 146, 208), dice.uniform(0.82, 0.9), 0.0)


def _myelocyte(dice: Dice, cell: Cell) -> None:
    cover = body(dice, cell, (220, 186, 200), 0.03)
    granules(dice, cell, 0.93, dice.integer(200, 380), Grain(1.1, (168, 108, 150), 0.6))
    nucleus(
        dice, cell, cell.outline(dice, dice.uniform(0.56, 0.64), 0.2, 0.03), cover, dice.uniform(0.1, 0.3)
    )


def _band(dice: Dice, cell: Cell) -> None:
    """Draw a neutrophil whose nucleus is one curved band."""
    cover = body(dice, cell, (236, 205, 197))
    granules(dice, cell, 0.93, dice.integer(250, 420), Grain(1.0, (196, 140, 160), 0.45))
    edge = np.full(cover.shape, np.inf)
    turn, arc = angle(dice), dice.uniform(3.0, 4.0)
    for step in np.linspace(-arc / 2, arc / 2, 14):
        at = 0.47 * cell.radius
        y, x = cell.y - at * np.sin(turn + step), cell.x - at * np.cos(turn + step)
        edge = np.minimum(edge, np.hypot(y, x) - 0.2 * cell.radius)
    nucleus(dice, cell, edge, cover, dice.uniform(0, 0.12))


def _promyelocyte(dice: Dice, cell: Cell) -> None:
    cover = body(dice, cell, (172, 160, 206), 0.03)
    nucleus(
        dice, cell, cell.outline(dice, dice.uniform(0.64, 0.74), 0.16, 0.03), cover, dice.uniform(0.3, 0.5)
    )
    granules(dice, cell, 0.98, dice.integer(260, 420), _AZURE)


def _bilobed(dice: Dice, cell: Cell) -> None:
    cover = body(dice, cell, (172, 160, 206), 0.03)
    nucleus(dice, cell, lobes(dice, cell, 2, 0.42, dice.uniform(2.4, 3.1)), cover, dice.uniform(0.3, 0.5))
    granules(dice, cell, 0.98, dice.integer(200, 340), _AZURE)


_CELLS: tuple[tuple[Callable[[Dice, Cell], None], float, float], ...] = (
    # In label order: how the cell is drawn, its least and its greatest radius in pixels.
    (basophil, 35, 43),
    (erythroblast, 22, 31),
    (eosinophil, 38, 46),
    (_smudge, 42, 58),
    (_atypical, 38, 47),
    (lymphocyte, 25, 33),
    (_metamyelocyte, 38, 45),
    (_monoblast, 46, 55),
    (monocyte, 42, 53),
    (_myelocyte, 38, 45),
    (_myeloblast, 34, 44),
    (_band, 36, 44),
    (neutrophil, 36, 45),
    (_bilobed, 44, 53),
    (_promyelocyte, 44, 54),
)
