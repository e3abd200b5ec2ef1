"""Spatter: drops of water or mud on the lens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._gaussian import gaussian
from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._philox import normal
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.imagenet_c._shared import UNIT32, opencv

__all__ = ["SPATTER", "spatter"]

WATER = (175, 238, 238)
MUD = (63, 42, 20)
LUMA = (0.2989, 0.5870, 0.1140)
EDGE = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
"""Lights one side of a drop and darkens the other."""


def spatter(image: Pixels, drops: tuple[float, float, float, float, float, int], rng: Rng) -> Pixels:
    """Draw drops over the image: of water at severities 1 to 3, of mud at 4 and 5.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    drops : tuple of (float, float, float, float, float, int)
        Mean and standard deviation of the noise that drops are made of, standard deviation of its blur in
        pixels, the level above which there is a drop, then the water's strength or the blur of the mud's
        edge in pixels, and 0 for water or 1 for mud.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one normal number for each pixel in memory order.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Raises
    ------
    ImportError
        If OpenCV is not installed and the drops are of water.

    Notes
    -----
    Water needs OpenCV, as in the reference: edges (Canny), distances from them, a histogram equalisation and
    filters of three pixels a side give the drops their relief, then each pixel is brightened by the share of
    pale turquoise. Mud replaces a share of the pixel by brown and needs no OpenCV.

    Where no drop falls, which happens in small images, the image stays as it is; of water, the reference
    divides zero by zero there and returns black.

    Grey: as the reference does with a mode "L" image: it takes the luma of the drops' colour. The reference
    sums the luma in its linear algebra library's order, which may give the next grey level.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    mean, sigma, smooth, least, extent, mud = drops
    height, width = image.shape[:2]
    noise = mean + sigma * normal(rng, height * width).reshape(height, width)
    liquid = gaussian(noise, smooth)
    liquid[liquid < least] = 0.0
    unit = np.take(UNIT32, image)
    drawn: NDArray[np.floating]
    if mud:
        covered = _mud(liquid, least, extent)
        drawn = covered.astype(np.float64)[..., np.newaxis] * (np.array(MUD) / 255.0)
        kept = np.float32(1) - covered
        unit *= kept if image.ndim == 2 else kept[..., np.newaxis]
    else:
        drawn = _water(liquid, extent)[..., np.newaxis] * (np.array(WATER) / 255.0).astype(np.float32)
        np.clip(drawn, 0.0, 1.0, out=drawn)
    if image.ndim == 2:
        drawn = drawn[..., 0] * LUMA[0] + drawn[..., 1] * LUMA[1] + drawn[..., 2] * LUMA[2]
    return (np.clip(unit + drawn, 0.0, 1.0) * 255.0).astype(np.uint8)


def _mud(liquid: NDArray[np.float64], least: float, sigma: float) -> NDArray[np.float32]:
    """Return which share of each pixel mud covers: none below 0.8."""
    drop = (liquid > least).astype(np.float32)
    covered = gaussian(drop, sigma).astype(np.float32)
    covered[covered < 0.8] = 0
    return covered


def _water(liquid: NDArray[np.float64], strength: float) -> NDArray[np.float32]:
    """Return how much each pixel is brightened, with the drops' relief."""
    cv2 = opencv("spatter")
    level = (liquid * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(level, 50, 150), cv2.DIST_L2, 5)
    _, near = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    relief = cv2.equalizeHist(cv2.blur(near, (3, 3)).astype(np.uint8))
    relief = cv2.blur(cv2.filter2D(relief, cv2.CV_8U, EDGE), (3, 3)).astype(np.float32)
    water: NDArray[np.float32] = level * relief
    brightest = water.max()
    if brightest > 0:
        water /= brightest
        water *= np.float32(strength)
    return water


SPATTER = Corruption(
    name="spatter",
    category="occlusion",
    description="Drops of water or mud on the lens.",
    parameter="noise: mean, sigma, blur (pixels), threshold; strength or edge (pixels); 0 water, 1 mud",
    parameters=(
        (0.65, 0.3, 4, 0.69, 0.6, 0),
        (0.65, 0.3, 3, 0.68, 0.6, 0),
        (0.65, 0.3, 2, 0.68, 0.5, 0),
        (0.65, 0.3, 1, 0.65, 1.5, 1),
        (0.67, 0.4, 1, 0.65, 1.5, 1),
    ),
    stochastic=True,
    function=spatter,
    library="opencv-python-headless",
    tolerance=(1, 0.01),
)
