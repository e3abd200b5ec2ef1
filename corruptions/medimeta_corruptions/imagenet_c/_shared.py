"""What several corruptions of this folder need: OpenCV on demand, whole random numbers, single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Rng

__all__ = ["UNIT32", "integers", "opencv"]

UNIT32: NDArray[np.float32] = np.arange(256, dtype=np.float32) / np.float32(255)
"""Every byte on the unit scale, in single precision: the division is the reference's."""


def integers(rng: Rng, low: int, high: int, size: int | None = None) -> Any:
    """Return random integers from ``low`` to ``high - 1``, from either kind of generator."""
    if isinstance(rng, np.random.RandomState):
        return rng.randint(low, high, size=size)
    return rng.integers(low, high, size=size)


def opencv(needed_by: str) -> Any:
    """Import OpenCV.

    Parameters
    ----------
    needed_by : str
        The corruption, for the message.

    Returns
    -------
    module
        ``cv2``.

    Raises
    ------
    ImportError
        If it is not installed; the message has the command that installs it.
    """
    try:
        import cv2  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs OpenCV ({error}): in a clone of the repository,"
            " pip install './corruptions[imagenet_c]', or pip install opencv-python-headless anywhere"
        ) from error
    return cv2
