"""The suite of all nineteen corruptions of ImageNet-C: its fifteen, and its four extra ones."""

from medimeta_c.format.suite.core import HEADLINE, SEVERITIES
from medimeta_c.format.suite.record import Suite

__all__ = ["IMAGENET_C"]

_CORRUPTIONS = (
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

IMAGENET_C = Suite(
    name="imagenet_c",
    version="1.0",
    grid={name: _CORRUPTIONS for names in HEADLINE.values() for name in names},
    headline=HEADLINE,
    severities=SEVERITIES,
)
"""Core's seven among them, with core's pixels."""
