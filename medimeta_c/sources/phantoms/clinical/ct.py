"""Computed tomography: tissue in Hounsfield units, and the window of MedIMeta's organ slices."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import apart, lump
from medimeta_c.sources.phantoms.drawing import (
    SIDE,
    Dice,
    Field,
    angle,
    blur,
    clouds,
    ellipse,
    fractal,
    grid,
    quantise,
    soft,
    splat,
    walk,
    web,
)

__all__ = ["AIR", "BLOOD", "BONE", "FAT", "LUNG", "MUSCLE", "WATER", "Slice"]

AIR, LUNG, FAT, WATER, MUSCLE, BLOOD, BONE = -1000.0, -860.0, -100.0, 8.0, 58.0, 165.0, 420.0
"""Hounsfield units, after contrast medium in the portal phase."""

_LOWEST, _WIDTH = -150.0, 400.0  # level 50, width 400


class Slice:
    """A slice on which tissue is laid, one over the other, in Hounsfield units.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    ground : float
        What fills the slice at first.
    """

    def __init__(self, dice: Dice, ground: float = FAT) -> None:
        self.dice = dice
        self.hu: Field = np.full((SIDE, SIDE), ground) + 4 * clouds(dice, 24)

    def lay(self, value: Field | float, cover: Field) -> None:
        """Lay tissue of a value where `cover`, 0-1, says."""
        self.hu = self.hu * (1 - cover) + value * cover

    def organ(  # noqa: PLR0913  (place, size, tissue and outline)
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        value: float,
        *,
        wobble: float = 0.06,
        turn: float = 0.0,
        edge: float = 2.0,
        mottle: float = 4.0,
    ) -> Field:
        """Lay an organ of a value; return the signed distance to its outline."""
        outline = lump(self.dice, centre, radii, wobble, turn=turn)
        self.lay(value + mottle * fractal(self.dice, (26, 11)), soft(outline, edge))
        return outline

    def vessels(self, within: Field, start: tuple[float, float], count: int, value: float) -> None:
        """Lay branching vessels that run from a point into a shape given by its signed distance."""
        lines = []
        for _ in range(count):
            y, x, turn = walk(self.dice, start, angle(self.dice), self.dice.uniform(70, 130), 0.9)
            lines.append((y, x, np.linspace(1.1, 0.3, y.size)))
            for _ in range(3):
                at = self.dice.integer(20, y.size - 20)
                fork = float(turn[at]) + self.dice.pick((-1, 1)) * self.dice.uniform(0.5, 1.0)
                twig = walk(self.dice, (float(y[at]), float(x[at])), fork, self.dice.uniform(25, 50), 1.2)
                lines.append((twig[0], twig[1], np.linspace(0.7, 0.15, twig[0].size)))
        ends = apart(self.dice, 60, 9, 0, SIDE)  # those that run through the slice
        height = self.dice.uniforms(0.7, 2.2, len(ends))
        cover = 1.6 * web(lines, 1.6) + splat(ends[:, 0], ends[:, 1], height, 1.5)
        self.lay(value, np.clip(cover, 0, 1) * soft(within + 5, 6))

    def bone(self, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Field:
        """Lay a bone, a dense rim around spongy marrow; return the signed distance to its outline."""
        y, x = grid()
        outline = ellipse(y - centre[0], x - centre[1], *radii, turn)
        rim = min(3.5, 0.45 * min(radii))
        spongy = self.dice.uniform(170, 260) + 35 * fractal(self.dice, (9, 4))
        self.lay(BONE, soft(outline, 2))
        self.lay(spongy, soft(outline + rim, 2))
        return outline

    def vertebra(self, centre: tuple[float, float], size: float) -> None:
        """Lay a vertebra seen from above: body, canal, and the processes behind."""
        cy, cx = centre
        for side in (-1, 1):
            self.bone((cy + 1.35 * size, cx + side * 0.95 * size), (0.26 * size, 0.7 * size), side * 0.35)
        self.bone((cy + 2.0 * size, cx), (0.75 * size, 0.22 * size))
        self.bone(centre, (0.82 * size, size))
        y, x = grid()
        self.lay(30.0, soft(ellipse(y - cy - 1.15 * size, x - cx, 0.34 * size, 0.42 * size), 2))

    def column(self, x: float, half: float, lean: float = 0.0) -> None:
        """Lay a spine seen from the front or the side: vertebral bodies with discs between them."""
        gy, gx = grid()
        middle = x + lean * (gy - 112)
        pitch = 1.55 * half
        phase = (gy / pitch + self.dice.uniform(0, 1)) % 1.0
        body = soft(np.abs(gx - middle) - half * (1 - 0.1 * np.sin(np.pi * phase)), 2)
        disc = soft((np.abs(phase - 0.5) - 0.34) * -pitch, 2)
        rim = np.maximum(
            soft(half - 3 - np.abs(gx - middle), 2), soft((np.abs(phase - 0.5) - 0.26) * -pitch, 2)
        )
        spongy = self.dice.uniform(160, 230) + 30 * fractal(self.dice, (8, 4))
        self.lay(spongy * (1 - rim) + BONE * rim, body)
        self.lay(85.0, body * disc)

    def wall(self, outline: Field, *, thick: float, ribs: float) -> None:
        """Lay the trunk's wall around a shape: muscle, ribs each `ribs` pixels, fat, skin, air outside."""
        self.lay(MUSCLE, soft(-outline, 2))
        self.lay(FAT, soft(thick - outline, 2))
        gy, gx = grid()
        around = np.arctan2(gy - 112, gx - 112) * 100 / ribs + self.dice.uniform(0, 1)
        around = around + 0.35 * np.sin(2 * np.pi * around / 2.6 + self.dice.uniform(0, 6.3))  # not evenly
        rib = (np.abs((around % 1.0) - 0.5) - 0.29) * ribs
        shape = np.maximum(rib, np.abs(outline - 0.45 * thick) - 0.22 * thick)
        self.lay(BONE, soft(shape, 2))
        self.lay(200.0, soft(shape + 2.5, 2))
        self.lay(30.0, soft(np.abs(outline - 2.1 * thick) - 1.2, 1.5))
        self.lay(AIR, soft(2.1 * thick + 1 - outline, 1.5))

    def bowel(self, centre: tuple[float, float], reach: float, count: int) -> None:
        """Lay loops of bowel about a place: walls, fluid, some gas."""
        places = apart(self.dice, 6 * count, 21, centre[0] - reach, centre[0] + reach)[:count]
        for cy, cx in np.add(places, (0.0, centre[1] - centre[0])):
            size = self.dice.uniform(9, 14)
            loop = self.organ((cy, cx), (size, size * self.dice.uniform(1, 1.4)), 72.0, turn=angle(self.dice))
            self.lay(self.dice.pick((18.0, 25.0, 130.0, AIR)), soft(loop + 3.2, 2))

    def image(self) -> Image:
        """Return what the scanner and the window make of it, uint8, (224, 224)."""
        sharp = blur(self.hu, self.dice.uniform(0.8, 1.2))
        noise = blur(self.dice.grain((SIDE, SIDE)), 0.8)
        noisy = sharp + self.dice.uniform(8, 15) * noise / noise.std()
        return quantise(255 * (noisy - _LOWEST) / _WIDTH)
