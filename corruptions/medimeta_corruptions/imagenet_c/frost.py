"""Frost: ice crystals on the lens or the window in front of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.imagenet_c._frost_textures import COUNT, texture
from medimeta_corruptions.imagenet_c._shared import integers, opencv

__all__ = ["FROST", "frost", "frost_of", "read_textures"]

Resize: TypeAlias = Callable[[Pixels, tuple[int, int]], Pixels]

SUFFIXES = (".png", ".jpg", ".jpeg")
REFERENCES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg", "frost6.jpg")
"""The reference's pictures. It never draws the last."""

LUMA = (0.2989, 0.5870, 0.1140)


def frost(image: Pixels, mix: tuple[float, float], rng: Rng) -> Pixels:
    """Add a picture of frost to the image; the pictures are drawn by this package.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    mix : tuple of (float, float)
        What is left of the image, and how much of the frost is added.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws which of five pictures, then the row and the column at which its part begins.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    ``v`` becomes ``a v + b f``, clipped. The picture is enlarged until it covers the image, if it does not,
    and 1.1 times more, by Pillow's bicubic filter.

    These are not the reference's pixels, which has photographs that belong to others: the pictures here are
    drawn by `texture`, and their digests are checked. With photographs, see `frost_of`.

    Grey: as the reference does with a mode "L" image: the luma of the frost is added, with the weights of
    red and blue exchanged.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    index = int(integers(rng, 0, COUNT))
    return _cover(image, mix, rng, texture(index), lambda _, size: _enlarged(index, size))


def frost_of(image: Pixels, mix: tuple[float, float], rng: Rng, textures: Sequence[Pixels]) -> Pixels:
    """Add one of the caller's pictures of frost to the image.

    Parameters
    ----------
    image, mix, rng
        As for `frost`.
    textures : sequence of numpy.ndarray of uint8, shape (h, w, 3)
        RGB pictures, as `read_textures` returns them.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Raises
    ------
    ImportError
        If OpenCV is not installed.
    ValueError
        If there are no pictures.

    Notes
    -----
    With the reference's pictures this gives the reference's pixels. OpenCV enlarges the picture (bicubic), as
    there: other versions of it may give the next level.
    """
    if not textures:
        raise ValueError("frost needs at least one picture of frost, got none")
    cv2 = opencv("frost with pictures of your own")

    def enlarge(picture: Pixels, size: tuple[int, int]) -> Pixels:
        enlarged: Pixels = cv2.resize(picture, dsize=size, interpolation=cv2.INTER_CUBIC)
        return enlarged

    return _cover(image, mix, rng, textures[int(integers(rng, 0, len(textures)))], enlarge)


def read_textures(folder: str | Path) -> tuple[Pixels, ...]:
    """Read a folder's PNG and JPEG pictures of frost, in the order of their names.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder. If its pictures have the names of the reference's six, the last is left out, since the
        reference never draws it.

    Returns
    -------
    tuple of numpy.ndarray of uint8, shape (h, w, 3)
        RGB pictures for `frost_of`.

    Raises
    ------
    ImportError
        If OpenCV, which reads them, is not installed.
    ValueError
        If the folder has no such picture, or one cannot be read.
    """
    cv2 = opencv("reading pictures of frost")
    place = Path(folder)
    paths = sorted(path for path in place.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{place} has no PNG or JPEG pictures of frost: name a folder that has")
    if tuple(path.name for path in paths) == REFERENCES:
        paths = paths[:-1]
    pictures: list[Pixels] = []
    for path in paths:
        found = cv2.imread(str(path))
        if found is None:
            raise ValueError(f"{path} cannot be read as a picture: replace it or take it out of the folder")
        pictures.append(np.ascontiguousarray(found[..., ::-1]))
    return tuple(pictures)


def _cover(image: Pixels, mix: tuple[float, float], rng: Rng, picture: Pixels, resize: Resize) -> Pixels:
    """Add a part of a picture, cut at random from its enlargement."""
    height, width = image.shape[:2]
    tall, wide = picture.shape[:2]
    factor = max(1.0, height / tall, width / wide) * 1.1
    enlarged = resize(picture, (math.ceil(wide * factor), math.ceil(tall * factor)))
    top = int(integers(rng, 0, enlarged.shape[0] - height))
    left = int(integers(rng, 0, enlarged.shape[1] - width))
    ice = enlarged[top : top + height, left : left + width]
    kept, added = mix
    if image.ndim == 2:
        # The reference's picture has blue first there.
        cover = added * (ice[..., 2] * LUMA[0] + ice[..., 1] * LUMA[1] + ice[..., 0] * LUMA[2])
    else:
        cover = added * ice
    frosted: Pixels = np.clip(kept * image + cover, 0, 255).astype(np.uint8)
    return frosted


@lru_cache(maxsize=COUNT)
def _enlarged(index: int, size: tuple[int, int]) -> Pixels:
    """Return a drawn texture at a size, the same for most images."""
    return np.asarray(Image.fromarray(texture(index)).resize(size, Image.Resampling.BICUBIC))


FROST = Corruption(
    name="frost",
    category="occlusion",
    description="Ice crystals, as on the lens or a window.",
    parameter="share of the image kept, share of the frost added",
    parameters=((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    stochastic=True,
    function=frost,
)
