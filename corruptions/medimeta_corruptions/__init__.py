"""Image corruptions: ImageNet-C's nineteen, and sixty-five faults of medical images.

At five severities, on uint8 images, with every random number from a generator the caller passes. The seven of
`core` and most of `imagenet_c` are byte for byte what imagecorruptions 1.1.2 computes; those of `clinical`
follow formulas of their own, each in an assumed physical domain.

>>> import numpy as np
>>> from medimeta_corruptions import corrupt
>>> image = np.full((4, 4), 128, dtype=np.uint8)
>>> corrupt(image, "contrast", 1).shape
(4, 4)
>>> corrupt(image, "gaussian_noise", 5, np.random.default_rng(0)).dtype
dtype('uint8')
"""

from __future__ import annotations

from medimeta_corruptions._cache import keeps_kernels
from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import warm_up
from medimeta_corruptions._spec import SEVERITIES, Category, Corruption, Parameter
from medimeta_corruptions._version import __version__
from medimeta_corruptions.core import CORE
from medimeta_corruptions.imagenet_c import IMAGENET_C
from medimeta_corruptions.registry import Origin, Registry

__all__ = [
    "CORRUPTIONS",
    "GROUPS",
    "SEVERITIES",
    "Category",
    "Corruption",
    "Origin",
    "Parameter",
    "Pixels",
    "Registry",
    "Rng",
    "__version__",
    "corrupt",
    "get",
    "keeps_kernels",
    "warm_up",
]


def _clinical() -> tuple[Corruption, ...]:
    from medimeta_corruptions.clinical import CLINICAL  # noqa: PLC0415 - sixty modules, which few programs use

    return CLINICAL


CORRUPTIONS = Registry(
    "medimeta_c.corruptions",
    Corruption,
    (*CORE, *IMAGENET_C),
    more=_clinical,
)
"""Every corruption by name: the core seven in the paper's order, the other twelve of ImageNet-C, the clinical
ones, then those that other distributions add."""

GROUPS = {"core": CORE, "imagenet_c": (*CORE, *IMAGENET_C)}
"""Corruptions that belong together and fit any image, by the name of their suite."""


def get(name: str) -> Corruption:
    """Return the corruption called ``name``.

    Parameters
    ----------
    name : str
        A key of `CORRUPTIONS`.

    Returns
    -------
    Corruption
        Its record.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest match and all known names.

    Examples
    --------
    >>> get("zoom_blur").category
    'optical'
    """
    return CORRUPTIONS.find(name)


def corrupt(image: Pixels, name: str, severity: int, rng: Rng | None = None) -> Pixels:
    """Return a corrupted copy of an image.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        The clean image, at least one pixel a side. It is not modified; it may be read-only or a view
        with any strides. A grey image stays grey: one channel of noise, one channel out.
    name : str
        A key of `CORRUPTIONS`.
    severity : int
        1 (mildest) to 5.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        The only source of randomness. Corruptions that draw nothing ignore it.

    Returns
    -------
    numpy.ndarray of uint8
        A new C-contiguous array of the same shape.

    Raises
    ------
    ValueError
        If the name is unknown, the shape is another or the severity is out of range.
    TypeError
        If the image is not an array of uint8, the severity is not an int, or a generator is missing.

    Notes
    -----
    With ``numpy.random.RandomState(k)`` the result is the reference's after ``numpy.random.seed(k)``.
    Each corruption's module says where it had to go beyond the reference or apart from it.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, "Benchmarking neural network robustness to common corruptions
       and perturbations", ICLR 2019.
    .. [2] C. Michaelis et al., "Benchmarking robustness in object detection: autonomous driving when
       winter is coming", 2019 (imagecorruptions).

    Examples
    --------
    >>> import numpy as np
    >>> corrupt(np.full((1, 2), 100, dtype=np.uint8), "brightness", 5)
    array([[227, 227]], dtype=uint8)
    """
    return get(name)(image, severity, rng)
