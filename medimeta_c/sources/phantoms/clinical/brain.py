"""Brain MR (``mr_phantom``): fluid is dark, lesions are bright, and around the head everything is 0."""

from __future__ import annotations

import numpy as np

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.clinical.shapes import lump
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
    paint,
    quantise,
    soft,
    window,
)

__all__ = ["render"]

_TUMOUR, _SPOTS = 1, 2


def render(dice: Dice, label: int) -> Image:
    """Draw one section of a head.

    Parameters
    ----------
    dice : Dice
        The image's random draws.
    label : int
        0 has no lesion, 1 a tumour with swelling around it, 2 bright spots in the white matter.

    Returns
    -------
    ndarray
        uint8, (224, 224), exactly 0 outside the head.
    """
    cy, cx = 112 + dice.uniform(-4, 4), 112 + dice.uniform(-4, 4)
    high, wide = dice.uniform(96, 103), dice.uniform(74, 84)
    head = lump(dice, (cy, cx), (high, wide), 0.012, lobes=4)
    brain = head + dice.uniform(13, 16)
    canvas = np.zeros((SIDE, SIDE))
    canvas = blend(canvas, 168.0 + 14 * clouds(dice, 16), soft(head, 1.5))  # scalp fat
    canvas = blend(canvas, 24.0, soft(head + dice.uniform(4, 5.5), 1.5))  # skull
    canvas = blend(canvas, 74.0, soft(np.abs(head + 8) - 1.0, 1.5))  # its marrow
    canvas = blend(canvas, dice.uniform(30, 40), soft(brain, 1.5))  # fluid
    canvas = _matter(dice, canvas, brain, (cy, cx))
    canvas = _deep(dice, canvas, (cy, cx))
    if label == _TUMOUR:
        canvas = _tumour(dice, canvas, brain, (cy, cx))
    elif label == _SPOTS:
        canvas = _spots(dice, canvas, brain, (cy, cx))
    coil = np.exp(dice.uniform(0.02, 0.1) * fractal(dice, (150, 90)))
    canvas = blur(canvas, dice.uniform(0.7, 1.0)) * coil * dice.uniform(0.85, 1.05)
    noise = dice.uniform(2.5, 4.5) * dice.grain((2, SIDE, SIDE))
    magnitude = np.hypot(canvas + noise[0], noise[1])
    return quantise(magnitude * (soft(head - 1.5, 1.0) > 0))


def _matter(dice: Dice, canvas: Canvas, brain: Field, centre: tuple[float, float]) -> Canvas:
    """Return the canvas with white matter, the folded grey ribbon around it, and the middle gap."""
    y, x = grid()
    depth = np.clip(-brain, 0, None)
    fold = np.abs(clouds(dice, 11) + 0.4 * clouds(dice, 6))
    outward = np.clip(1 - depth / dice.uniform(24, 32), 0, 1)  # furrows end in the depth
    grey, white = dice.uniform(122, 136), dice.uniform(86, 98)
    ribbon = np.maximum(
        np.exp(-((depth / 7.0) ** 2)), np.exp(-((fold / 0.62) ** 2)) * np.clip(2 * outward, 0, 1)
    )
    canvas = blend(
        canvas, white + 2.5 * fractal(dice, (30, 14)) + (grey - white) * ribbon, soft(brain + 3, 2)
    )
    furrow = np.exp(-((fold / 0.2) ** 2)) * np.clip(2.2 * outward, 0, 1) * soft(brain + 1, 2)
    canvas = blend(canvas, 38.0, 0.85 * furrow)
    bend = 1.2 * np.sin((y - centre[0]) / 23)
    middle = np.abs(x - centre[1] - bend)
    gap = np.exp(-((middle / 1.5) ** 2)) * soft(34 - np.abs(y - centre[0]), 12) * soft(brain + 2, 2)
    near = np.exp(-((middle / 4.5) ** 2)) * soft(34 - np.abs(y - centre[0]), 12) * soft(brain + 2, 2)
    return blend(blend(canvas, grey, 0.8 * near), 36.0, gap)


def _deep(dice: Dice, canvas: Canvas, centre: tuple[float, float]) -> Canvas:
    """Return the canvas with basal ganglia, thalami and the ventricles' horns."""
    y, x = grid()
    cy, cx = centre
    dy, dx = y - cy, np.abs(x - cx)
    nuclei = dice.uniform(118, 130)
    for off_y, off_x, ry, rx, turn in ((-4, 27, 17, 7, 0.25), (10, 12, 11, 8, -0.3)):
        canvas = blend(canvas, nuclei, 0.85 * soft(ellipse(dy - off_y, dx - off_x, ry, rx, turn), 4))
    size = dice.uniform(0.8, 1.25)
    front = ellipse(dy + 19, dx - 7.5, 14 * size, 4.2 * size, -0.35)
    back = ellipse(dy - 30, dx - 13, 15 * size, 4.5 * size, 0.4)
    third = ellipse(dy - 6, dx, 9, 1.4 * size)
    for horn in (front, back, third):
        canvas = blend(canvas, 30.0, soft(horn, 2))
    return canvas


def _inside(dice: Dice, centre: tuple[float, float]) -> tuple[float, float]:
    """Return a place in the white matter of either half."""
    side = dice.pick((-1, 1))
    return centre[0] + dice.uniform(-46, 46), centre[1] + side * dice.uniform(26, 40)


def _tumour(dice: Dice, canvas: Canvas, brain: Field, centre: tuple[float, float]) -> Canvas:
    at, size = _inside(dice, centre), dice.uniform(13, 21)
    swelling = lump(dice, at, (size * 1.75, size * 1.5), 0.16, turn=dice.uniform(0, 3), lobes=7)
    edge = lump(dice, at, (size, size * dice.uniform(0.8, 1.0)), 0.1, lobes=7)
    canvas = blend(
        canvas,
        172.0 + 4 * clouds(dice, 12),
        0.75 * soft(swelling + 2 * clouds(dice, 9), 9) * soft(brain + 4, 4),
    )
    canvas = blend(canvas, 222.0, soft(edge, 3) * soft(brain + 4, 4))
    return blend(
        canvas, dice.uniform(52, 96) + 8 * clouds(dice, 8), soft(edge + size * dice.uniform(0.3, 0.45), 4)
    )


def _spots(dice: Dice, canvas: Canvas, brain: Field, centre: tuple[float, float]) -> Canvas:
    """Return the canvas with many small lesions, most beside the ventricles."""
    canvas = canvas.copy()
    for _ in range(dice.integer(14, 26)):
        cy, cx = centre[0] + dice.uniform(-50, 50), centre[1] + dice.pick((-1, 1)) * dice.uniform(14, 42)
        at, y, x = window(cy, cx, 9)
        if brain[int(cy), int(cx)] < -16:
            paint(canvas, at, 198.0, 0.9 * soft(blob(dice, y, x * 1.3, dice.uniform(2.0, 5.0), 0.15), 2.5))
    return canvas
