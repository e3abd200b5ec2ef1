"""The twelve corruptions of ImageNet-C and its extra four that the core suite lacks."""

from medimeta_corruptions.imagenet_c.defocus_blur import DEFOCUS_BLUR
from medimeta_corruptions.imagenet_c.elastic_transform import ELASTIC_TRANSFORM
from medimeta_corruptions.imagenet_c.fog import FOG
from medimeta_corruptions.imagenet_c.frost import FROST
from medimeta_corruptions.imagenet_c.gaussian_blur import GAUSSIAN_BLUR
from medimeta_corruptions.imagenet_c.glass_blur import GLASS_BLUR
from medimeta_corruptions.imagenet_c.jpeg_compression import JPEG_COMPRESSION
from medimeta_corruptions.imagenet_c.saturate import SATURATE
from medimeta_corruptions.imagenet_c.shot_noise import SHOT_NOISE
from medimeta_corruptions.imagenet_c.snow import SNOW
from medimeta_corruptions.imagenet_c.spatter import SPATTER
from medimeta_corruptions.imagenet_c.speckle_noise import SPECKLE_NOISE

__all__ = ["IMAGENET_C"]

IMAGENET_C = (
    SHOT_NOISE,
    DEFOCUS_BLUR,
    GLASS_BLUR,
    SNOW,
    FROST,
    FOG,
    ELASTIC_TRANSFORM,
    JPEG_COMPRESSION,
    SPECKLE_NOISE,
    GAUSSIAN_BLUR,
    SPATTER,
    SATURATE,
)
"""Their records, in the reference package's order; its other seven are `core`'s."""
