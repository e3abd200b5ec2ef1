"""Square crops around one organ: ``organs_axial``, ``organs_coronal`` and ``organs_sagittal``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.ct import AIR, BLOOD, FAT, LUNG, MUSCLE, WATER, Slice
from medimeta_c.sources.phantoms.clinical.shapes import lump
from medimeta_c.sources.phantoms.drawing import SIDE, Dice, Field, clouds, ellipse, grid, soft

__all__ = ["render_axial", "render_coronal", "render_sagittal"]

_AXIAL, _CORONAL, _SAGITTAL = range(3)


def _render(dice: Dice, label: int, plane: int) -> Image:
    ct = Slice(dice)
    draw, side = _ORGANS[label]
    draw(dice, ct, plane)
    image = ct.image()
    # The patient's right is on the left of the image: an organ of the left side is the mirrored drawing.
    image = image[:, ::-1] if side < 0 else image
    # MedIMeta stores the planes of a volume (x, y, z) without turning them: the last axis runs across.
    return np.ascontiguousarray(image.T)


def render_axial(dice: Dice, label: int) -> Image:
    """Draw one axial slice, turned as MedIMeta stores it: what is in front of the patient is on the left.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        Index into MedIMeta's eleven organs.

    Returns
    -------
    ndarray
        uint8, (224, 224): -150 to 250 Hounsfield units from black to white.
    """
    return _render(dice, label, _AXIAL)


def render_coronal(dice: Dice, label: int) -> Image:
    """Draw one coronal slice, the patient's long axis across."""
    return _render(dice, label, _CORONAL)


def render_sagittal(dice: Dice, label: int) -> Image:
    """Draw one sagittal slice, the patient's long axis across."""
    return _render(dice, label, _SAGITTAL)


def _spine(dice: Dice, ct: Slice, plane: int, x: float, y: float = 196.0) -> None:
    """Lay the spine where a plane cuts it: behind (axial), beside (coronal) or along the back (sagittal)."""
    if plane == _AXIAL:
        ct.vertebra((y, x), dice.uniform(20, 26))
    elif plane == _CORONAL:
        ct.column(x, dice.uniform(17, 21))
    else:
        ct.column(208.0, dice.uniform(15, 19), dice.uniform(-0.12, 0.12))


def _shell(
    dice: Dice, ct: Slice, plane: int, centre: tuple[float, float], radii: tuple[float, float]
) -> None:
    """Lay the wall of the trunk: all around in axial slices, on one side in the others."""
    y, x = grid()
    if plane == _AXIAL:
        outline = lump(dice, centre, radii, 0.02)
    else:
        outline = centre[1] - radii[1] - x + 0.0010 * (y - 112) ** 2 - 4
    ct.wall(
        outline,
        thick=dice.uniform(10, 14),
        ribs=dice.uniform(62, 80) if plane == _AXIAL else dice.uniform(22, 28),
    )


def _lung_field(dice: Dice, ct: Slice, outline: Field, hilum: tuple[float, float]) -> None:
    ct.lay(LUNG + 25 * clouds(dice, 30), soft(outline, 2))
    ct.vessels(outline, hilum, 6, 60.0)


def _heart(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay chambers of blood in muscle, lungs beside it, liver below it where the plane shows both."""
    everywhere = np.full((SIDE, SIDE), -20.0)
    _lung_field(dice, ct, everywhere, (112, 20))
    _spine(dice, ct, plane, 112.0, 214.0)
    if plane == _AXIAL:
        ct.organ((186, 150), (13, 13), BLOOD)  # aorta
    else:
        ct.organ((236, 112), (46, 130), 96.0)  # liver under the diaphragm
    turn = dice.uniform(-0.5, -0.2)
    ct.organ((110, 112), (dice.uniform(78, 86), dice.uniform(84, 94)), FAT, turn=turn, wobble=0.05)
    edge = ct.organ((110, 112), (dice.uniform(68, 75), dice.uniform(76, 84)), 92.0, turn=turn, wobble=0.05)
    inside = soft(edge + 7, 3)
    for cy, cx, ry, rx in ((128, 138, 34, 26), (92, 84, 32, 27), (150, 88, 20, 24), (72, 130, 20, 20)):
        blood = lump(dice, (cy + dice.uniform(-4, 4), cx + dice.uniform(-4, 4)), (ry, rx), 0.1, turn=turn)
        ct.lay(BLOOD + dice.uniform(-12, 12), soft(blood, 3) * inside)


def _lung(dice: Dice, ct: Slice, plane: int, *, notched: bool = False) -> None:
    """Lay a lung against the wall, its vessels fanning out from the hilum, the spine at its inner side."""
    ct.lay(MUSCLE, np.ones((SIDE, SIDE)))
    high, wide = (92, 76) if plane == _AXIAL else (112, 84)
    outline = lump(dice, (112, 100), (high, wide), 0.05)
    if plane != _AXIAL:  # the dome of the diaphragm, liver or spleen under it
        dome = ellipse(grid()[0] - 262, grid()[1] - 105, 90, 110)
        outline = np.maximum(outline, -dome)
        ct.lay(100.0, soft(dome, 2))
    _spine(dice, ct, plane, 214.0, 186.0)
    if plane != _SAGITTAL:
        ct.organ((96, 220), (62, 42), 120.0)
    _lung_field(dice, ct, outline, (116, 150))
    if notched:
        notch = lump(dice, (96 if plane == _AXIAL else 150, 184), (52, 48), 0.05)
        ct.lay(FAT, soft(notch - 4, 3))
        ct.lay(BLOOD - 20.0, soft(notch, 3))
        ct.lay(90.0, soft(np.abs(notch + 4) - 4, 3))
    _shell(dice, ct, plane, (112, 160), (98, 148))


def _left_lung(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a lung with the heart in a notch of it."""
    _lung(dice, ct, plane, notched=True)


def _liver(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a large smooth organ under the ribs with its veins, the stomach beside it."""
    _spine(dice, ct, plane, 184.0)
    ct.organ((84, 200), (34, 30), dice.pick((20.0, 110.0)), edge=3)
    if dice.chance(0.6):
        ct.lay(AIR, soft(lump(dice, (70, 204), (14, 20), 0.1), 2))
    kidney = ct.organ((176 if plane == _AXIAL else 190, 120), (22, 18), 175.0)
    ct.lay(FAT, soft(np.abs(kidney - 4) - 3, 2))
    edge = ct.organ(
        (104, 96), (dice.uniform(78, 86), dice.uniform(80, 90)), dice.uniform(92, 112), wobble=0.07, turn=0.5
    )
    ct.vessels(edge, (112, 128), 5, dice.uniform(145, 165))
    if dice.chance(0.6):
        ct.organ((140, 118), (16, 12), WATER)
    if plane != _AXIAL:
        ct.lay(LUNG, soft(14 - edge, 3) * soft(grid()[0] - 46, 12))
    _shell(dice, ct, plane, (112, 166), (98, 150))


def _spleen(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a crescent along the wall, bright and even, between lung and kidney."""
    _spine(dice, ct, plane, 222.0)
    stomach = ct.organ((84, 176), (54, 46), 60.0)
    ct.lay(dice.pick((20.0, 140.0)), soft(stomach + 5, 2))
    ct.lay(AIR, soft(stomach + 7, 2) * soft(grid()[0] - 66, 2))
    ct.organ((186, 162), (28, 24), 180.0)
    outer, inner = lump(dice, (112, 92), (92, 62), 0.03), lump(dice, (108, 132), (84, 54), 0.07)
    crescent = np.maximum(outer, 4 - inner) + 1.5 * clouds(dice, 30)
    ct.lay(dice.uniform(118, 134) + 3 * clouds(dice, 10), soft(crescent, 2.5))
    if plane != _AXIAL:
        ct.lay(LUNG, soft(grid()[0] - 30 - 0.004 * (grid()[1] - 90) ** 2, 6) * soft(6 - crescent, 4))
    _shell(dice, ct, plane, (112, 172), (100, 148))


def _pancreas(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a lobed band across fat, the splenic vein behind it, bowel and great vessels about it."""
    _spine(dice, ct, plane, 118.0, 206.0)
    y, x = grid()
    for cx, value in ((96.0, 150.0), (138.0, BLOOD)):
        if plane == _AXIAL:
            ct.organ((172, cx), (12, 13), value, wobble=0.03)
    ct.organ((40, 44), (56, 70), 102.0)  # liver
    ct.bowel((58, 168), 46, 6)
    line = 118 - 26 * np.sin((x - 20) / 62) - 0.12 * (x - 112)
    lobes = 4.5 * clouds(dice, 9) + 2.5 * clouds(dice, 5)
    half = dice.uniform(19, 24) + 12 * np.exp(-(((x - 52) / 30) ** 2)) - 0.03 * (x - 112)
    band = np.maximum(np.abs(y - line) - half + lobes, np.abs(x - 112) - 96)
    ct.lay(82.0 + 7 * clouds(dice, 7), soft(band, 3))
    vein = np.maximum(np.abs(y - line - half - 3) - 5, np.abs(x - 124) - 68)
    ct.lay(150.0, soft(vein, 2))


def _kidney(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a bean with a bright cortex, fat in its middle and about it, psoas and spine at its inner side."""
    _spine(dice, ct, plane, 230.0, 176.0)
    if plane != _SAGITTAL:
        ct.organ((150, 194), (34 if plane == _AXIAL else 110, 22), MUSCLE)
    ct.organ((226, 110), (32, 88), MUSCLE)
    ct.organ((26, 70), (44, 96), 104.0)
    high, wide = (66, 60) if plane == _AXIAL else (92, 58)
    ct.lay(FAT, soft(lump(dice, (114, 108), (high + 16, wide + 16), 0.04), 3))
    hilum = lump(dice, (114, 172), (24, 34), 0.1)
    edge = np.maximum(lump(dice, (114, 108), (high, wide), 0.03), -hilum)
    ct.lay(dice.uniform(188, 212), soft(edge, 2))
    rays = 8 * np.cos(7 * np.arctan2(grid()[0] - 114, grid()[1] - 128))
    ct.lay(dice.uniform(140, 156), soft(edge + 15 + rays, 4))
    sinus = lump(dice, (114, 138), (high * 0.38, 30), 0.18)
    ct.lay(FAT, soft(sinus, 4))
    ct.lay(WATER + 10, soft(lump(dice, (114, 142), (high * 0.14, 24), 0.1), 3))


def _right_kidney(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a kidney with the liver over it."""
    _kidney(dice, ct, plane)
    liver = lump(dice, (20, 40), (74, 86), 0.05)
    ct.lay(104.0 + 4 * clouds(dice, 12), soft(liver, 2))


def _bladder(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a smooth bag of water between the bones of the pelvis, the rectum behind it."""
    for x in (8, 216):
        ct.organ((120, x), (64, 26), MUSCLE)
        if plane != _SAGITTAL:
            ct.bone((118, x), (34, 17), 0.2)
    rectum = ct.organ((204, 112), (22, 28), MUSCLE)
    ct.lay(dice.pick((AIR, 20.0)), soft(rectum + 7, 3))
    if plane != _AXIAL:
        ct.bowel((30, 112), 40, 5)
    high = dice.uniform(56, 70)
    edge = ct.organ((106, 112), (high, dice.uniform(72, 84)), 44.0, wobble=0.03)
    ct.lay(WATER + 2 * clouds(dice, 20), soft(edge + dice.uniform(3, 6), 2.5))


def _femoral_head(dice: Dice, ct: Slice, plane: int) -> None:
    """Lay a ball of spongy bone with a dense rim in its socket, neck and muscles about it."""
    for cy, cx, ry, rx in ((40, 70, 30, 60), (196, 92, 26, 74), (112, 26, 70, 24)):
        ct.organ((cy, cx), (ry, rx), MUSCLE, wobble=0.1)
    size = dice.uniform(50, 58)
    neck = (172, 66) if plane == _CORONAL else (146, 56)
    ct.bone(neck, (28, 62), -0.7 if plane == _CORONAL else -0.45)
    socket = lump(dice, (108, 122), (size + 12, size + 12), 0.02)
    arc = np.maximum(np.abs(socket) - 6, 120 - grid()[1] - 0.5 * (108 - grid()[0]))
    ct.lay(470.0, soft(arc, 3))
    ct.lay(260.0, soft(arc + 5, 2))
    y, x = grid()
    ball = ellipse(y - 108, x - 120, size, size)
    ct.lay(MUSCLE, soft(ball - 4, 2))
    ct.lay(460.0, soft(ball, 2))
    ct.lay(dice.uniform(200, 250) + 40 * clouds(dice, 5), soft(ball + 4, 3))
    if plane == _AXIAL:
        ct.organ((150, 206), (40, 20), WATER)


_ORGANS: tuple[tuple[Callable[[Dice, Slice, int], None], int], ...] = (
    # In label order: how the organ is drawn, and -1 where it is mirrored to the patient's left.
    (_heart, 1),
    (_left_lung, -1),
    (_lung, 1),
    (_liver, 1),
    (_spleen, -1),
    (_pancreas, 1),
    (_kidney, -1),
    (_right_kidney, 1),
    (_bladder, 1),
    (_femoral_head, -1),
    (_femoral_head, 1),
)
