"""Transforms of images: open_clip's, CLIP's own among them, and TensorFlow's resizing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image as PILImage

from medimeta_c.models.contract import Preprocess, Preprocessing

if TYPE_CHECKING:
    import torch

__all__ = ["AsRgb", "ResizedAsTensorFlow", "clips_own", "open_clip_transform"]


@dataclass(frozen=True, slots=True)
class AsRgb:
    """Bring an image to three channels, then go on: for transforms of libraries that take RGB alone.

    Parameters
    ----------
    then : Preprocess
        The library's transform.
    """

    then: Preprocess

    def __call__(self, image: PILImage.Image) -> torch.Tensor:
        """Return float32 of shape (3, H, W)."""
        return self.then(image.convert("RGB"))


@dataclass(frozen=True, slots=True)
class ResizedAsTensorFlow:
    """Resize as ``tf.image.resize(image, size, "bilinear", antialias=False)``, cut to uint8, then go on.

    Google's big_vision evaluates SigLIP models so, and MedSigLIP's model card repeats it: both edges are
    resized without regard to the aspect ratio, and fractions are cut off, not rounded.

    Parameters
    ----------
    size : (int, int)
        Height and width aimed at.
    then : Preprocess
        What is done with the resized image.
    """

    size: tuple[int, int]
    then: Preprocess

    def __call__(self, image: PILImage.Image) -> torch.Tensor:
        """Return float32 of shape (3, H, W)."""
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
        (top, bottom, down), (left, right, across) = map(_taps, pixels.shape[:2], self.size)
        rows, shares = (pixels[top], pixels[bottom]), across[:, None]
        above, below = (row[:, left] + (row[:, right] - row[:, left]) * shares for row in rows)
        resized = above + (below - above) * down[:, None, None]
        return self.then(PILImage.fromarray(resized.astype(np.uint8)))


def _taps(edge: int, wanted: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the two pixels that each resized one lies between, and how far it is towards the second."""
    half = np.float32(0.5)
    place = (np.arange(wanted, dtype=np.float32) + half) * np.float32(edge / wanted) - half
    below = np.floor(place)
    first = np.maximum(below, 0).astype(np.int64)
    second = np.minimum(np.ceil(place), edge - 1).astype(np.int64)
    return np.minimum(first, second), second, place - below


def clips_own() -> tuple[Preprocess, Preprocessing]:
    """Return that of OpenAI's CLIP: RGB, the shortest side to 224, the centre, CLIP's mean and std."""
    return open_clip_transform(PreprocessCfg())


def open_clip_transform(cfg: PreprocessCfg) -> tuple[Preprocess, Preprocessing]:
    """Return the transform that open_clip makes of its settings."""
    return image_transform_v2(cfg, is_train=False), _described(cfg)


def _described(cfg: PreprocessCfg) -> Preprocessing:
    """Return what the inference transform does with these settings."""
    height, width = (cfg.size, cfg.size) if isinstance(cfg.size, int) else tuple(cfg.size)
    mean = (cfg.mean,) * 3 if isinstance(cfg.mean, int | float) else cfg.mean
    std = (cfg.std,) * 3 if isinstance(cfg.std, int | float) else cfg.std
    return Preprocessing(
        size=(height, width),
        resize=cfg.resize_mode,
        resize_size=(height, width),
        interpolation="bilinear" if cfg.interpolation == "bilinear" else "bicubic",
        center_crop=cfg.resize_mode != "squash",
        mean=tuple(float(one) for one in mean),
        std=tuple(float(one) for one in std),
        channels="rgb",
        implementation="open_clip.image_transform_v2",
        plain=True,
    )
