"""Glass blur: pixels displaced at random, as seen through frosted glass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._gaussian import gaussian
from medimeta_corruptions._image import BLOCK, UNIT, Pixels, Rng, channels, to_bytes
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.imagenet_c._shared import integers

__all__ = ["GLASS_BLUR", "glass_blur"]


def glass_blur(image: Pixels, glass: tuple[float, int, int], rng: Rng) -> Pixels:
    """Blur the image, replace pixels by neighbours drawn at random, and blur it again.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    glass : tuple of (float, int, int)
        The blur's standard deviation and the largest displacement, in pixels, and the number of rounds.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws the displacement of every pixel off the border, x then y, from the last pixel to the first, in
        each round.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The reference means to swap two pixels. What it does with colour, since both sides of its assignment are
    views of the same image, is to copy the neighbour over the pixel; ImageNet-C is made of that, and so is
    this. Grey: a grey image gives what each channel of the same image in colour gives. (The reference's
    function swaps in a mode "L" image, and blurs it in one direction only.) Images too small to have a pixel
    off the border are only blurred.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    sigma, reach, rounds = glass
    height, width = image.shape[:2]
    depth = channels(image)
    shuffled = to_bytes(gaussian(np.take(UNIT, image), sigma)).reshape(height, width, depth)
    count = max(width - 2 * reach, 0)
    rows = max(BLOCK // max(2 * count, 1), 1)
    for _ in range(rounds):
        for first in range(height - reach, reach, -rows):
            last = max(first - rows, reach)
            moves = integers(rng, -reach, reach, (first - last) * count * 2).astype(np.int8)
            _move(shuffled, first, last, reach, moves)
    return to_bytes(gaussian(np.take(UNIT, shuffled.reshape(image.shape)), sigma))


@kernel("(uint8[:, :, ::1], int64, int64, int64, int8[::1])")
def _move(image: Pixels, first: int, last: int, reach: int, moves: NDArray[np.int8]) -> None:
    i = 0
    for y in range(first, last, -1):
        for x in range(image.shape[1] - reach, reach, -1):
            for c in range(image.shape[2]):
                image[y, x, c] = image[y + moves[i + 1], x + moves[i], c]
            i += 2


GLASS_BLUR = Corruption(
    name="glass_blur",
    category="optical",
    description="Pixels displaced at random and smoothed, as seen through frosted glass.",
    parameter="sigma, largest displacement (pixels), rounds",
    parameters=((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    stochastic=True,
    function=glass_blur,
)
