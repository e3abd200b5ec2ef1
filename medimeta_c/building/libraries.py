"""Versions of the libraries that pixels are computed by: what a manifest lists, and what is here."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from PIL import features

from medimeta_c.format.suites import IMAGENET_C, Suite
from medimeta_corruptions import Corruption
from medimeta_corruptions import __version__ as corruptions_version

__all__ = ["allowed_difference", "library_versions"]

_DISTRIBUTIONS = ("numpy", "scipy", "pillow", "opencv-python-headless", "numba", "pyarrow")
_JPEG = "jpeg library"


def library_versions(suite: Suite) -> dict[str, str]:
    """Return what a manifest lists; of ImageNet-C's suite also what Pillow compresses JPEG with."""
    found = {
        "python": platform.python_version(),
        "medimeta-corruptions": corruptions_version,
        **{name: _version(name) for name in _DISTRIBUTIONS},
    }
    return {**found, _JPEG: _jpeg_library()} if suite is IMAGENET_C else found


def allowed_difference(
    corruption: Corruption | None, built_with: Mapping[str, str]
) -> tuple[int, float] | None:
    """Return by how much pixels may differ that are rendered here again; None: not at all.

    Parameters
    ----------
    corruption : Corruption or None
        The set's.
    built_with : mapping of str to str
        The manifest's libraries.

    Returns
    -------
    (int, float) or None
        Grey levels, at most and on the mean, where the library that the corruption is computed by has another
        version here.
    """
    if corruption is None or not corruption.library:
        return None
    here = _jpeg_library() if corruption.library == _JPEG else _version(corruption.library)
    return None if built_with.get(corruption.library) == here else corruption.tolerance


def _jpeg_library() -> str:
    turbo = features.version("libjpeg_turbo")
    return f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # OpenCV, for one, comes under several names
        return "unknown"
