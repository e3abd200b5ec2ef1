"""Colorectal tissue (``crc``): haematoxylin and eosin as optical densities, after Beer and Lambert."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import apart
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Dice,
    Field,
    angle,
    blob,
    blur,
    clouds,
    ellipse,
    fractal,
    grid,
    quantise,
    ramp,
    soft,
    window,
)

__all__ = ["render"]

_HAEMATOXYLIN = (0.57, 0.75, 0.33)
_EOSIN = (0.19, 0.87, 0.46)
_GLASS = 244.0


class _Tissue:
    """How much of each stain lies on the pixels, (224, 224) each, in optical density."""

    def __init__(self) -> None:
        self.h = np.zeros((SIDE, SIDE))
        self.e = np.zeros((SIDE, SIDE))

    def nucleus(  # noqa: PLR0913  (place, size, turn, stain)
        self,
        dice: Dice,
        at: tuple[float, float],
        radii: tuple[float, float],
        turn: float,
        *,
        density: float = 0.9,
        wobble: float = 0.06,
    ) -> None:
        """Lay one nucleus: denser at its rim and in clumps; it displaces eosin."""
        part, y, x = window(*at, max(radii) + 3)
        if not self.h[part].size:
            return
        c, s = np.cos(turn), np.sin(turn)
        least = min(radii)
        across, along = (c * y - s * x) * (least / radii[0]), (s * y + c * x) * (least / radii[1])
        edge = blob(dice, across, along, least, wobble, 4)
        cover = soft(edge, 1.4)
        stain = density * (0.8 + 0.25 * np.exp(-(((edge + 1) / 1.1) ** 2)) + 0.15 * dice.uniform(-1, 1))
        self.h[part] = np.maximum(self.h[part], stain * cover)
        self.e[part] *= 1 - 0.6 * cover

    def hollow(self, cover: Field, left: float = 0.03) -> None:
        """Take the tissue away where `cover`, 0-1, says, down to the share `left`."""
        self.h *= 1 - (1 - left) * cover
        self.e *= 1 - (1 - left) * cover


def render(dice: Dice, label: int) -> Image:
    """Draw one tile of a section.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        Index into MedIMeta's classes of ``crc``, which decides the tissue.

    Returns
    -------
    ndarray
        uint8, (224, 224, 3).
    """
    tissue = _Tissue()
    _TISSUES[label](dice, tissue)
    strength = dice.uniforms(0.85, 1.15, 2)
    mottle = 1 + 0.05 * clouds(dice, 5)
    h, e = blur(tissue.h, 0.6) * strength[0] * mottle, blur(tissue.e, 0.6) * strength[1] * mottle
    density = h[..., None] * _HAEMATOXYLIN + e[..., None] * _EOSIN
    light = _GLASS + dice.uniforms(-2, 2, 3) + 1.0 * clouds(dice, 80)[..., None]
    return quantise(light * np.exp(-density * np.log(10) * 0.72) + 1.2 * dice.grain((SIDE, SIDE, 3)))


def _scatter(  # noqa: PLR0913  (how many, how far apart, what size)
    dice: Dice,
    tissue: _Tissue,
    count: int,
    gap: float,
    *,
    short: tuple[float, float] = (3.2, 4.2),
    long: tuple[float, float] = (1, 1.4),
) -> None:
    """Strew nuclei turned any way; `short` bounds their radius, `long` how many times longer they are."""
    for cy, cx in apart(dice, count, gap):
        radius = dice.uniform(*short)
        tissue.nucleus(dice, (cy, cx), (radius, radius * dice.uniform(*long)), angle(dice))


def _adipose(dice: Dice, tissue: _Tissue) -> None:
    """Lay large empty cells between thin walls; a nucleus pressed into a corner here and there."""
    y, x = grid()
    centres = apart(dice, 26, dice.uniform(44, 54), -40, SIDE + 40)
    bend_y, bend_x = 4 * clouds(dice, 30), 4 * clouds(dice, 30)
    away = np.stack([np.hypot(y + bend_y - cy, x + bend_x - cx) for cy, cx in centres])
    near = np.partition(away, 1, axis=0)
    gap = near[1] - near[0]
    wall = soft(gap - dice.uniform(3.5, 5.5), 2.5)
    tissue.e += 0.015 + 0.42 * wall * (1 + 0.2 * clouds(dice, 12))
    at = np.argwhere(gap < 2.0)
    for _ in range(dice.integer(4, 12)):
        cy, cx = at[dice.integer(0, len(at) - 1)]
        tissue.nucleus(dice, (float(cy), float(cx)), (2.2, 5.5), angle(dice), density=0.8)


def _background(dice: Dice, tissue: _Tissue) -> None:
    """Lay hardly anything on the glass."""
    tissue.e += 0.012 + 0.006 * np.clip(fractal(dice, (60, 30)), -1, 2)
    for cy, cx in apart(dice, dice.integer(1, 4), 20):
        part, y, x = window(cy, cx, 6)
        if tissue.e[part].size:
            tissue.e[part] += 0.06 * soft(blob(dice, y, x, dice.uniform(1.5, 3), 0.3), 2)


def _debris(dice: Dice, tissue: _Tissue) -> None:
    """Lay dead tissue: granular, torn, with dark fragments of nuclei."""
    ground = fractal(dice, (40, 20, 10, 5), 0.8)
    tissue.e += np.clip(0.34 + 0.16 * ground, 0.02, 1)
    tissue.h += np.clip(0.10 + 0.08 * fractal(dice, (14, 6, 3), 0.9), 0, 1)
    tissue.hollow(soft(9 - 10 * fractal(dice, (34, 15, 8)), 6), 0.1)
    for at in apart(dice, 210, 5):
        if dice.chance(0.6):
            size = dice.uniform(0.9, 2.4)
            tissue.nucleus(
                dice, (at[0], at[1]), (size, size * 1.3), angle(dice), density=dice.uniform(0.5, 1.2)
            )


def _lymphocytes(dice: Dice, tissue: _Tissue) -> None:
    """Lay a carpet of small round dark nuclei."""
    tissue.e += 0.14 + 0.05 * np.clip(fractal(dice, (30, 12)), -2, 2)
    tissue.h += 0.10
    _scatter(dice, tissue, 520, dice.uniform(8.2, 9.2), short=(3.5, 4.4), long=(1.0, 1.2))


def _mucus(dice: Dice, tissue: _Tissue) -> None:
    """Lay pale bluish threads and lakes with few cells."""
    flow = clouds(dice, 50)
    threads = np.cos(
        2 * np.pi * (1.1 * flow + 0.4 * clouds(dice, 22) + 0.2 * clouds(dice, 7) + ramp(angle(dice)) / 26)
    )
    threads = threads * np.clip(0.5 + 0.6 * clouds(dice, 30), 0, 1)
    tissue.h += np.clip(0.11 + 0.06 * threads + 0.05 * fractal(dice, (24, 10, 5, 3), 0.8), 0.02, 1)
    tissue.e += np.clip(0.05 + 0.03 * fractal(dice, (40, 16)), 0, 1)
    _scatter(dice, tissue, dice.integer(3, 12), 16, short=(2.8, 4.0))


def _fibres(dice: Dice, turn: float, period: float, bend: float) -> tuple[Field, Field]:
    """Return wavy stripes along a direction, -1 to 1, and the direction at each pixel."""
    y, x = grid()
    wave = bend * clouds(dice, 60)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    phase = across / period + wave + 0.15 * np.sin(along / 17) + 0.35 * clouds(dice, 9, 30)
    lean = np.gradient(wave * period, axis=1) * np.cos(turn) + np.gradient(wave * period, axis=0) * np.sin(
        turn
    )
    return np.cos(2 * np.pi * phase), turn - np.arctan(lean)


def _spindles(dice: Dice, tissue: _Tissue, count: int, turns: Field, size: tuple[float, float]) -> None:
    """Lay thin nuclei along the direction of the fibres."""
    for cy, cx in apart(dice, count, 12.0, 0, SIDE - 1):
        turn = float(turns[int(cy), int(cx)]) + dice.uniform(-0.2, 0.2)
        tissue.nucleus(dice, (cy, cx), (dice.uniform(1.7, 2.5), dice.uniform(*size)), -turn, density=0.8)


def _muscle(dice: Dice, tissue: _Tissue) -> None:
    """Lay dense pink fibres all in one direction, with long nuclei along them."""
    stripes, turns = _fibres(dice, angle(dice), dice.uniform(8, 12), 1.0)
    tissue.e += np.clip(0.44 + 0.07 * stripes + 0.04 * fractal(dice, (20, 8)), 0.05, 1)
    tissue.h += 0.04
    _spindles(dice, tissue, dice.integer(60, 90), turns, (7, 11))


def _stroma(dice: Dice, tissue: _Tissue) -> None:
    """Lay loose wavy fibres with gaps, and spindle cells that lie every way."""
    stripes, turns = _fibres(dice, angle(dice), dice.uniform(11, 16), 3.0)
    tissue.e += np.clip(0.27 + 0.09 * stripes + 0.08 * fractal(dice, (26, 11, 5)), 0.02, 1)
    tissue.hollow(soft(6 + 10 * stripes * np.clip(0.3 + 0.5 * clouds(dice, 20, 40), 0, 1), 6), 0.25)
    _spindles(dice, tissue, dice.integer(70, 110), turns + 0.5 * clouds(dice, 20), (4.5, 8))
    _scatter(dice, tissue, 18, 20, short=(3.2, 3.9), long=(1, 1.1))


def _gland(
    dice: Dice, tissue: _Tissue, at: tuple[float, float], radii: tuple[float, float], *, sick: bool
) -> None:
    """Lay one gland: lumen, a wall of cells and their nuclei, in order or crowded."""
    y, x = grid()
    turn, least = angle(dice), min(radii)
    c, s = np.cos(turn), np.sin(turn)
    dy, dx = y - at[0], x - at[1]
    down, across = (c * dy - s * dx) * least / radii[0], (s * dy + c * dx) * least / radii[1]
    edge = blob(dice, down, across, least, 0.14 if sick else 0.05, 5)
    wall = soft(edge, 2)
    tissue.h *= 1 - 0.9 * wall
    tissue.e = tissue.e * (1 - wall) + (0.30 if sick else 0.2) * wall
    tissue.h += (0.16 if sick else 0.08) * wall
    tissue.hollow(
        soft(edge + least * (0.62 if sick else 0.6), 2.5) * (dice.uniform(0.4, 1) if sick else 0.95), 0.06
    )
    size = 2 * np.pi * np.mean(radii)
    for ring, depth in enumerate((3.5, 8.5) if sick else (3.5,)):
        count = int(size / (5.0 if sick else 6.4)) - 3 * ring
        for k in range(count):
            theta = 2 * np.pi * (k + dice.uniform(-0.2, 0.2)) / count
            u, v = np.sin(theta), np.cos(theta)
            place_y, place_x = (radii[0] - depth) * u, (radii[1] - depth) * v
            spot = (at[0] + c * place_y + s * place_x, at[1] - s * place_y + c * place_x)
            heading = np.arctan2(spot[0] - at[0], spot[1] - at[1])
            long = dice.uniform(5.0, 7.5) if sick else dice.uniform(3.6, 4.6)
            tissue.nucleus(
                dice,
                spot,
                (dice.uniform(2.6, 3.8), long),
                -heading,
                density=dice.uniform(0.7, 1.05),
                wobble=0.1,
            )
    if not sick:  # goblet cells
        for k in range(int(size / 9)):
            theta = 2 * np.pi * (k + 0.5) / int(size / 9)
            place_y, place_x = 0.62 * radii[0] * np.sin(theta), 0.62 * radii[1] * np.cos(theta)
            vacuole = ellipse(dy - c * place_y - s * place_x, dx + s * place_y - c * place_x, 4.2, 4.2)
            tissue.hollow(0.85 * soft(vacuole - dice.uniform(-0.8, 0.8), 2), 0.2)


def _mucosa(dice: Dice, tissue: _Tissue) -> None:
    """Lay round glands with goblet cells, side by side in tissue with round cells."""
    tissue.e += 0.22 + 0.06 * fractal(dice, (24, 10))
    _scatter(dice, tissue, 150, 10, short=(2.8, 3.6), long=(1, 1.4))
    radius = dice.uniform(27, 34)
    for cy, cx in apart(dice, 14, 2.12 * radius, -15, SIDE + 15):
        _gland(
            dice,
            tissue,
            (cy, cx),
            (radius * dice.uniform(0.9, 1.1), radius * dice.uniform(0.9, 1.1)),
            sick=False,
        )


def _tumour(dice: Dice, tissue: _Tissue) -> None:
    """Lay crowded, misshapen glands of large dark nuclei in several rows."""
    tissue.e += 0.26 + 0.08 * fractal(dice, (24, 10))
    tissue.h += 0.06
    _scatter(dice, tissue, 180, 9.5, short=(2.8, 4.2), long=(1.2, 2.0))
    for cy, cx in apart(dice, 10, dice.uniform(52, 60), 0, SIDE):
        _gland(dice, tissue, (cy, cx), (dice.uniform(24, 34), dice.uniform(30, 44)), sick=True)


_TISSUES: tuple[Callable[[Dice, _Tissue], None], ...] = (
    # In MedIMeta's label order.
    _adipose,
    _background,
    _debris,
    _lymphocytes,
    _mucus,
    _muscle,
    _mucosa,
    _stroma,
    _tumour,
)
