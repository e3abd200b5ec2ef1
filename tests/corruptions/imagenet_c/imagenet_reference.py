"""The reference, imagecorruptions 1.1.2, repaired where today's libraries break it."""

from __future__ import annotations

import importlib
import math
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medimeta_corruptions import Pixels


def repaired_reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the reference's module, with these repairs and no other.

    - ``gaussian``: scikit-image dropped ``multichannel=True`` for ``channel_axis=-1``, which does the same.
    - ``numpy.float_``: NumPy 2 dropped the other name of float64.

    And with one intervention where the reference has no one answer: NumPy's exponential, whose last bit
    depends on the processor, rounds correctly in the weights of blurs (SciPy's for Gaussians, its own along
    snow's path).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = importlib.import_module("imagecorruptions.corruptions")
            filters = importlib.import_module("skimage.filters")
        except ImportError as error:
            pytest.skip(
                "needs imagecorruptions==1.1.2 (pip install --no-deps), scikit-image"
                f" and 'setuptools<81': {error}"
            )

    def gaussian(image: Any, sigma: Any, multichannel: bool = False, **options: Any) -> Any:
        return filters.gaussian(image, sigma=sigma, channel_axis=-1 if multichannel else None, **options)

    def bell(x: np.ndarray, mean: float, sigma: float) -> np.ndarray:
        exponential = np.array([math.exp(exponent) for exponent in -(x**2) / (2 * sigma**2)])
        return exponential / (np.sqrt(2 * np.pi) * sigma)

    def weights(sigma: float, order: int, radius: int) -> np.ndarray:
        assert order == 0
        exponents = -0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2
        exponential = np.array([math.exp(exponent) for exponent in exponents])
        return exponential / exponential.sum()

    monkeypatch.setattr(module, "gaussian", gaussian)
    monkeypatch.setattr(module, "gauss_function", bell)
    monkeypatch.setattr("scipy.ndimage._filters._gaussian_kernel1d", weights)
    if not hasattr(np, "float_"):
        monkeypatch.setattr(np, "float_", np.float64, raising=False)
    return module


def run_reference(module: ModuleType, image: Pixels, name: str, severity: int, seed: int) -> Pixels:
    """Return what the reference's function makes of an image.

    Its two functions that blur by scikit-image take a grey image's columns for channels: there, grey is a
    channel of the same image in colour.
    """
    np.random.seed(seed)  # noqa: NPY002 - the reference draws from the global generator
    if image.ndim == 2 and name in {"gaussian_blur", "glass_blur"}:
        colour = Image.fromarray(np.stack([image] * 3, axis=-1))
        return np.uint8(getattr(module, name)(colour, severity))[..., 0]
    return np.uint8(getattr(module, name)(Image.fromarray(image), severity))


def reference_pictures(module: ModuleType) -> Path:
    """Return the folder of the reference's photographs of frost."""
    return Path(str(module.__file__)).parent / "frost"
