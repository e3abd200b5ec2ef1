"""The core suite's corruptions: the seven of ImageNet-C that the paper uses, in its order."""

from medimeta_corruptions.core.brightness import BRIGHTNESS
from medimeta_corruptions.core.contrast import CONTRAST
from medimeta_corruptions.core.gaussian_noise import GAUSSIAN_NOISE
from medimeta_corruptions.core.impulse_noise import IMPULSE_NOISE
from medimeta_corruptions.core.motion_blur import MOTION_BLUR
from medimeta_corruptions.core.pixelate import PIXELATE
from medimeta_corruptions.core.zoom_blur import ZOOM_BLUR

__all__ = ["CORE"]

# Their colours are Okabe and Ito's palette without its yellow, which white paper swallows, and Paul Tol's
# wine instead: one hue a category, told apart within it by lightness and dashes, so that no pair rests on hue
# alone. Points have no dashes: the marker says the same.
CORE = (GAUSSIAN_NOISE, IMPULSE_NOISE, MOTION_BLUR, ZOOM_BLUR, BRIGHTNESS, CONTRAST, PIXELATE)
"""Their records."""
