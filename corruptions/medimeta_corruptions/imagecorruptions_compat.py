"""The interface of the package imagecorruptions 1.1.2, for code that calls it.

Replace ``from imagecorruptions import corrupt, get_corruption_names`` by an import from here. Rules, outputs
and types of exceptions are that package's, with its grey images copied to three channels and its least size.
New code should call `medimeta_corruptions.corrupt`, which keeps grey images grey, takes any size and draws
from a generator of the caller's.

>>> import numpy as np
>>> get_corruption_names("noise")
['gaussian_noise', 'shot_noise', 'impulse_noise']
>>> np.random.seed(0)
>>> corrupt(np.zeros((32, 40), dtype=np.uint8), 3, "shot_noise").shape
(32, 40, 3)
"""

from __future__ import annotations

import operator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import SEVERITIES
from medimeta_corruptions.core import CORE
from medimeta_corruptions.imagenet_c import IMAGENET_C
from medimeta_corruptions.imagenet_c.frost import FROST, frost_of, read_textures

__all__ = ["corrupt", "get_corruption_names"]

_NAMES = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
)
"""In the reference's order, which is that of its numbers."""

_RECORDS = {record.name: record for record in (*CORE, *IMAGENET_C)}

_SUBSETS = {
    "common": slice(0, 15),
    "validation": slice(15, None),
    "all": slice(None),
    "noise": slice(0, 3),
    "blur": slice(3, 7),
    "weather": slice(7, 11),
    "digital": slice(11, 15),
}

_LEAST_PX = 32


def corrupt(  # noqa: PLR0913 - the reference's four, and two of ours by name only
    image: Pixels,
    severity: int = 1,
    corruption_name: str | None = None,
    corruption_number: int = -1,
    *,
    rng: Rng | None = None,
    frost_textures: str | Path | None = None,
) -> Pixels:
    """Return a corrupted version of an image, as ``imagecorruptions.corrupt`` does.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W), (H, W, 1) or (H, W, 3)
        The clean image, at least 32 pixels a side; not modified.
    severity : int
        1 (mildest) to 5.
    corruption_name : str, optional
        One of ``get_corruption_names("all")``.
    corruption_number : int, optional
        Its position in that list, looked at if there is no name.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        The source of randomness; by default NumPy's global state, which ``numpy.random.seed`` sets.
    frost_textures : str or pathlib.Path, optional
        A folder of pictures for frost (PNG or JPEG), the reference's own for one. By default frost uses
        pictures that this package draws, and has other pixels than the reference.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W, 3)
        A new array. Grey images come back with three channels, which noise colours.

    Raises
    ------
    AttributeError
        If the image is no array of uint8, has another shape or is too small, or the severity is out of range.
    KeyError
        If the name is unknown.
    IndexError
        If the number is out of range.
    ValueError
        If neither a name nor a number is given.
    ImportError
        If the corruption needs OpenCV and it is not installed.

    Notes
    -----
    After the same ``numpy.random.seed``, pixels are the reference's, except of frost without
    `frost_textures`. Impulse noise is the reference's with scikit-image below 0.19: later ones draw from a
    generator that nothing seeds. Blurs and ``spatter`` may differ by one grey level between machines and
    versions of NumPy and OpenCV, as the reference itself does.
    """
    colour = _as_colour(image)
    if severity not in SEVERITIES:
        raise AttributeError(f"severity must be an integer from 1 to 5, got {severity!r}")
    level = operator.index(severity)
    if corruption_name is not None:
        if corruption_name not in _RECORDS:
            raise KeyError(f"unknown corruption {corruption_name!r} (known: {', '.join(_NAMES)})")
        record = _RECORDS[corruption_name]
    elif corruption_number != -1:
        record = _RECORDS[_NAMES[corruption_number]]
    else:
        raise ValueError("pass corruption_name or corruption_number: neither was given")
    # NumPy has no public name for the generator behind numpy.random.seed.
    source: Rng = np.random.mtrand._rand if rng is None else rng
    if record is FROST and frost_textures is not None:
        mix: Any = FROST.parameters[level - 1]
        return frost_of(colour, mix, source, _textures(str(frost_textures)))
    return record(colour, level, source)


def get_corruption_names(subset: str = "common") -> list[str]:
    """Return names of corruptions, as ``imagecorruptions.get_corruption_names`` does.

    Parameters
    ----------
    subset : {'common', 'validation', 'all', 'noise', 'blur', 'weather', 'digital'}
        Which: the 15 of ImageNet-C, its four extra ones, all 19, or a group of the 15.

    Returns
    -------
    list of str
        The names, in the order of their numbers.

    Raises
    ------
    ValueError
        If there is no such subset.
    """
    if subset not in _SUBSETS:
        raise ValueError(f"subset must be one of {', '.join(_SUBSETS)}; got {subset!r}")
    return list(_NAMES[_SUBSETS[subset]])


@lru_cache(maxsize=1)
def _textures(folder: str) -> tuple[Pixels, ...]:
    """Read a folder's pictures once, for all the images that get frost from it."""
    return read_textures(folder)


def _as_colour(image: Pixels) -> Pixels:
    """Return the image with three channels, or refuse it as the reference does."""
    if not isinstance(image, np.ndarray):
        raise AttributeError(f"image must be a numpy.ndarray, got {type(image).__name__}")
    if image.dtype.type is not np.uint8:
        raise AttributeError(f"image must have dtype uint8, got {image.dtype}")
    if image.ndim not in (2, 3):
        raise AttributeError(f"image must have shape (H, W) or (H, W, C), got {image.shape}")
    if min(image.shape[:2]) < _LEAST_PX:
        raise AttributeError(f"image must have at least {_LEAST_PX} pixels a side, got shape {image.shape}")
    if image.ndim == 3 and image.shape[2] not in (1, 3):
        raise AttributeError(f"image must have 1 or 3 channels in its last axis, got shape {image.shape}")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
