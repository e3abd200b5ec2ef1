"""Optical coherence tomography: retinal layers in one B-scan, with speckle."""

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
    fractal,
    grid,
    paint,
    quantise,
    soft,
    window,
)

__all__ = ["render"]

_CNV, _DME, _DRUSEN, _NORMAL = range(4)

_COLUMNS = np.arange(SIDE, dtype=np.float64)

_LAYERS = (
    # Share of the retina's thickness at which a layer begins, and how bright it is.
    (0.00, 150.0),  # nerve fibres
    (0.10, 106.0),  # ganglion cells and inner plexiform layer
    (0.36, 66.0),  # inner nuclear layer
    (0.47, 100.0),  # outer plexiform layer
    (0.55, 50.0),  # outer nuclear layer
)


@dataclass(frozen=True, slots=True)
class _Scan:
    """Heights of the retina's borders in every column, in pixels from the top, (224,) each.

    ``inner`` is the inner limiting membrane, ``outer`` the end of the photoreceptors' nuclei,
    ``base`` the bright pigment epithelium, and ``fovea`` the column of the pit.
    """

    inner: Field
    outer: Field
    base: Field
    fovea: float


def render(dice: Dice, label: int) -> Image:
    """Draw one B-scan.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 is CNV (a bright membrane breaking through the pigment epithelium, fluid above it), 1 DME (a
        thickened retina with dark cysts), 2 DRUSEN (bumps of the pigment epithelium), 3 NORMAL.

    Returns
    -------
    ndarray
        uint8, (224, 224).
    """
    scan, lesion = _borders(dice, label)
    canvas = _layers(dice, scan)
    if label == _CNV:
        canvas = _membrane(dice, scan, lesion, canvas)
    elif label == _DME:
        canvas = _cysts(dice, scan, canvas)
    return _speckle(dice, scan, canvas)


def _bump(centre: float, width: float) -> Field:
    """Return a bell of height 1 over the columns."""
    return np.asarray(np.exp(-(((_COLUMNS - centre) / width) ** 2)))


def _borders(dice: Dice, label: int) -> tuple[_Scan, Field]:
    """Place the borders; also return by how many pixels a lesion lifts the pigment epithelium."""
    fovea = 112 + dice.uniform(-34, 34)
    u = (_COLUMNS - 112) / 112
    base = dice.uniform(120, 152) + dice.uniform(-16, 16) * u + dice.uniform(-10, 14) * u**2
    thick = dice.uniform(42, 54) + 2.2 * clouds(dice, 45)[0]
    pit = dice.uniform(16, 25) * _bump(fovea, dice.uniform(16, 24))
    rim = dice.uniform(2, 6) * (_bump(fovea - 42, 26) + _bump(fovea + 42, 26))
    lift = np.zeros(SIDE)
    if label == _DRUSEN:
        for _ in range(dice.integer(4, 9)):
            centre, width = fovea + dice.uniform(-85, 85), dice.uniform(4, 10)
            lift = np.maximum(lift, dice.uniform(4, 10) * _bump(centre, width))
    elif label == _CNV:
        centre, width = fovea + dice.uniform(-24, 24), dice.uniform(22, 40)
        lift = dice.uniform(12, 24) * _bump(centre, width) + 2.5 * clouds(dice, 12)[1] * _bump(centre, width)
        thick = thick + dice.uniform(8, 20) * _bump(centre, 48)
        pit = pit * dice.uniform(0.1, 0.6)
    elif label == _DME:
        thick = thick + dice.uniform(14, 30) * _bump(fovea + dice.uniform(-20, 20), dice.uniform(40, 75))
        pit = pit * dice.uniform(0.0, 0.45)
    outer = base - dice.uniform(8, 10) - lift
    passed_on = 0.12 if label == _DRUSEN else 0.75  # small bumps hardly reach the inner surface
    inner = base - np.maximum(thick + rim - pit, 20) - passed_on * lift
    return _Scan(inner, outer, base - lift, fovea), lift


def _layers(dice: Dice, scan: _Scan) -> Canvas:
    """Return brightness of vitreous, retina, pigment epithelium and choroid."""
    y, _ = grid()
    canvas = np.full((SIDE, SIDE), dice.uniform(8, 20))
    height = scan.outer - scan.inner
    wave = 0.012 * clouds(dice, 30)
    gain = dice.uniform(0.85, 1.15)
    for start, brightness in _LAYERS:
        # Near the pit the inner layers thin out; at its bottom only the outer nuclear layer is left.
        border = scan.inner + (start + wave * (start > 0)) * height
        canvas = blend(canvas, brightness * gain, soft(border - y, 2.2))
    canvas = canvas * (1 + 0.07 * clouds(dice, 4, 16) + 0.05 * clouds(dice, 18))
    for offset, brightness, half in (
        (0.0, 92.0, 0.9),
        (3.6, 186.0, 1.5),
    ):  # limiting membrane, ellipsoid zone
        line = np.exp(-(((y - scan.outer - offset) / half) ** 2))
        canvas = canvas + (brightness * gain - canvas) * 0.8 * line
    canvas = blend(canvas, 74.0 * gain, soft(scan.outer + 5.6 - y, 1.5))
    canvas = blend(canvas, dice.uniform(205, 240), soft(scan.base - 2.2 - y, 1.8))
    depth = np.clip(y - scan.base - 3, 0, None)
    decay = np.exp(-depth / dice.uniform(20, 55))
    vessels = np.clip(1 + 0.24 * fractal(dice, (14, 8)) * np.exp(-depth / 40), 0.2, 2)
    choroid = dice.uniform(8, 16) + dice.uniform(105, 140) * decay * vessels
    return blend(canvas, choroid, soft(scan.base + 3 - y, 3.5))


def _membrane(dice: Dice, scan: _Scan, lift: Field, canvas: Canvas) -> Canvas:
    """Return the canvas with a bright, ragged membrane below the lift and fluid over it."""
    y, x = grid()
    height = float(lift.max())
    shown = np.clip(lift / height, 0, 1)
    ragged = 2.5 * clouds(dice, 9)
    filled = soft(scan.base + ragged - y, 3) * soft(y - scan.base - lift - 3, 5) * (lift > 1.5)
    canvas = blend(canvas, dice.uniform(128, 168) * (1 + 0.16 * clouds(dice, 6)), 0.85 * filled)
    gap = float(x[0, int(np.argmax(lift))]) + dice.uniform(-12, 12)  # the epithelium is broken here
    broken = _bump(gap, dice.uniform(5, 11)) * np.exp(-(((y - scan.base + 2) / 7) ** 2))
    canvas = blend(canvas, 104.0, 0.8 * np.clip(broken, 0, 1))
    pool = dice.uniform(5, 12) * np.clip(shown * 1.6 - 0.25, 0, 1)
    fluid = soft(scan.outer - pool - y, 2.5) * soft(y - scan.outer - 1, 2.5) * (pool > 1)
    canvas = blend(canvas, 20.0, (0.9 if dice.chance(0.75) else 0.3) * fluid)
    shadow = 1 - dice.uniform(0.1, 0.45) * shown * soft(scan.base + lift + 4 - y, 8)
    return np.asarray(canvas * shadow)


def _cysts(dice: Dice, scan: _Scan, canvas: Canvas) -> Canvas:
    """Return the canvas with dark cysts between bright walls and a few hard exudates."""
    for _ in range(dice.integer(7, 18)):
        column = float(np.clip(scan.fovea + 26 * dice.grain((1,))[0], 8, SIDE - 9))
        at_column = int(column)
        thick = scan.outer[at_column] - scan.inner[at_column]
        row = scan.inner[at_column] + thick * (
            dice.uniform(0.3, 0.48) if dice.chance(0.5) else dice.uniform(0.55, 0.85)
        )
        size = dice.uniform(2.5, 0.17 * thick)
        at, y, x = window(row, column, size * 2.2 + 4)
        edge = blob(dice, y / dice.uniform(1.0, 1.5), x, size, 0.10)
        paint(canvas, at, 104.0, 0.45 * soft(np.abs(edge) - 1, 2))
        paint(canvas, at, 16.0, 0.93 * soft(edge, 1.8))
    for _ in range(dice.integer(0, 7)):
        column = float(np.clip(scan.fovea + 45 * dice.grain((1,))[0], 8, SIDE - 9))
        row = scan.inner[int(column)] + (scan.outer - scan.inner)[int(column)] * dice.uniform(0.4, 0.8)
        at, y, x = window(row, column, 6)
        paint(canvas, at, 235.0, 0.9 * soft(np.hypot(y, x) - dice.uniform(0.8, 2.0), 1.5))
    return canvas


def _speckle(dice: Dice, scan: _Scan, canvas: Canvas) -> Image:
    """Return the scan as recorded: multiplicative speckle, shadows of vessels, padding of the rotation."""
    for _ in range(dice.integer(1, 5)):  # vessels shadow what lies under them
        column, width = dice.uniform(0, SIDE), dice.uniform(1.5, 3)
        below = soft(scan.inner + 8 - grid()[0], 8)
        canvas = canvas * (1 - dice.uniform(0.12, 0.35) * _bump(column, width) * below)
    fine = 0.75 * dice.grain((SIDE, SIDE)) + 0.55 * blur(dice.grain((SIDE, SIDE)), 0.7) * 2.4
    strength = dice.uniform(0.17, 0.30)
    canvas = canvas * np.clip(1 + strength * fine, 0.05, 3) + dice.uniform(3, 7) * np.abs(
        dice.grain((SIDE, SIDE))
    )
    canvas = blur(canvas, 0.45) * dice.uniform(0.72, 1.05)
    if dice.chance(0.25):  # scans levelled before publication have blank corners
        y, x = grid()
        tilt = dice.uniform(0.05, 0.16) * dice.pick((-1, 1))
        canvas = blend(canvas, 255.0, soft(y - tilt * (x - 112) - dice.uniform(2, 22), 1))
    return quantise(canvas)
