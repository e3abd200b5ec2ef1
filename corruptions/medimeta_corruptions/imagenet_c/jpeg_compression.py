"""JPEG compression: blocks and ringing of a file saved too small."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption

__all__ = ["JPEG_COMPRESSION", "jpeg_compression"]


def jpeg_compression(image: Pixels, quality: int, rng: Rng | None = None) -> Pixels:
    """Save the image as JPEG and read it again.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    quality : int
        Of the codec's scale from 1 to 95.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Encoder and decoder are those that Pillow was built with: pixels depend on the JPEG library's version
    (``PIL.features.version("jpg")``).

    Grey: as the reference does with a mode "L" image, which is saved in colour (three equal channels) and
    turned back into grey.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    stored = BytesIO()
    picture = Image.fromarray(image)
    (picture.convert("RGB") if image.ndim == 2 else picture).save(stored, "JPEG", quality=quality)
    with Image.open(stored) as found:
        return np.array(found.convert("L") if image.ndim == 2 else found)


JPEG_COMPRESSION = Corruption(
    name="jpeg_compression",
    category="quantisation",
    description="Blocks and ringing, as of a JPEG file saved too small.",
    parameter="quality (of the codec's 1 to 95)",
    parameters=(25, 18, 15, 10, 7),
    stochastic=False,
    function=jpeg_compression,
    library="jpeg library",
    tolerance=(110, 1.0),
)
