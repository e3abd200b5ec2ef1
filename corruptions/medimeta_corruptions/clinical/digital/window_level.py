"""Window and level: the picture was saved with too narrow a window, off its centre.

g' = (g - 1/2 - d) / w + 1/2, clipped: what the window cuts off is gone.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng, look_up
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import GREY
from medimeta_corruptions.clinical._draws import signs
from medimeta_corruptions.clinical._frame import SIDES, content, snap

__all__ = ["WINDOW_LEVEL", "window_level"]


@content
def window_level(image: Pixels, window: tuple[float, float], rng: Rng) -> Pixels:
    """Show a narrower window of the grey levels, its centre moved up or down.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    window : tuple of (float, float)
        The window's width w and how far its centre is moved, both as shares of the range shown.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: below 1/2 the centre moves down (a brighter picture), else up (a darker one).

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    g' = (g - 1/2 - sd) / w + 1/2, with s = -1 or 1, clipped to 0 to 1. This is the linear window of
    DICOM PS3.3 C.11.2.1.2 with centre 1/2 + sd and width w, but for its half-level offsets.
    """
    width, shift = window
    centre = 0.5 + float(signs(rng.random(1))[0]) * shift
    return look_up(snap((GREY - centre) / width + 0.5), image)


WINDOW_LEVEL = Corruption(
    name="window_level",
    category="illumination",
    description="A window too narrow and off its centre: what lies outside it becomes black or white.",
    parameter="width of the window, shift of its centre (shares of the range shown)",
    parameters=((0.9, 0.03), (0.8, 0.06), (0.7, 0.08), (0.6, 0.11), (0.5, 0.14)),
    stochastic=True,
    function=window_level,
    channels="grey",
    sides=SIDES,
    modality="radiograph, CT, MR",
    domain="grey levels as stored",
    assumptions="grey is linear in what the window selects from; what the stored window cut off stays lost",
    source="DICOM PS3.3 C.11.2.1.2, Window Center and Window Width",
)
