"""Dust and fibres on the optics, out of focus: grey specks and threads that take light from every channel.

Dust on slides and optics is among the faults that B. Schömig-Markiefka et al., Modern Pathology 34 (2021),
tested. Counts are fixed by the severity; kind, place, size, softness and density are drawn.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._filters import soft_disc, strokes
from medimeta_corruptions.clinical._frame import SIDES, content, scale
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["DUST", "dust"]

_MOST = 16


@content
def dust(image: Pixels, count: int, rng: Rng) -> Pixels:
    """Darken an image by specks and fibres.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    count : int
        Number of particles.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws eight numbers for each of 16 particles: kind, column, row, size, softness, density, direction
        and turn.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A kind below 1/2 is a disc of radius r = (4 + 8 u) s, which covers 1 - ramp((d - r) / e + 1/2) at the
    distance d, with an edge of e = (2.5 + 3.5 u) s. Any other is a fibre: a stroke from there,
    (30 + 50 u) s long, with a Gaussian profile of e / 2, that turns by up to 0.04 / s radians a pixel.
    Densities of 0.12 + 0.25 u, times what is covered, add up to D; y' = y 10**-D in linear light y.
    """
    s = scale(image)
    total = np.zeros(image.shape[:2])
    for kind, x, y, size, soft, dense, direction, turn in rng.random((_MOST, 8))[: int(count)]:
        row, column = y * (image.shape[0] - 1), x * (image.shape[1] - 1)
        edge, density = (2.5 + 3.5 * soft) * s, 0.12 + 0.25 * dense
        if kind < 0.5:
            box, covered = soft_disc(image.shape, row, column, (4.0 + 8.0 * size) * s, edge)
            total[box] += density * covered
        else:
            angle, bend = 2.0 * math.pi * direction, 0.04 / s * (2.0 * turn - 1.0)
            drawn = np.array([[row, column, angle, (30.0 + 50.0 * size) * s, bend, edge / 2.0]])
            total += density * strokes(image.shape, drawn)
    return relit(image, 10.0**-total)


DUST = Corruption(
    name="dust",
    category="occlusion",
    description="Dust and fibres on the optics, out of focus: grey specks and threads.",
    parameter="number of particles",
    parameters=(2, 4, 7, 11, 16),
    stochastic=True,
    function=dust,
    channels="any",
    sides=SIDES,
    modality=CAMERAS,
    domain="linear light",
    assumptions=f"{ASSUMED}; particles are neutral grey",
    source="Schömig-Markiefka et al., Modern Pathology 34 (2021) (the fault; sizes and densities are ours)",
)
