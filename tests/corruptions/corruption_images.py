"""Images the corruption tests share."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions import Pixels


def natural(height: int, width: int, channels: int) -> Pixels:
    """A smooth scene with edges and flat areas, the spectrum of a photograph rather than of noise."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    scene = 110 + 60 * np.sin(x / 17) * np.cos(y / 23) + 25 * np.sin((x + 2 * y) / 5)
    for cx, cy, radius, level in ((0.3, 0.4, 0.15, 220), (0.7, 0.6, 0.2, 40), (0.75, 0.2, 0.1, 255)):
        scene[np.hypot(x - cx * width, y - cy * height) < radius * min(height, width)] = level
    grey = scene.clip(0, 255).astype(np.uint8)
    if channels == 1:
        return grey
    return np.stack([grey, 255 - grey, (grey // 2 + 40)], axis=-1).astype(np.uint8)


def kinds(height: int, width: int, channels: int) -> dict[str, Pixels]:
    """The extremes and the ordinary: black, white, flat, one hot pixel, random and natural."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    hot = np.zeros(shape, np.uint8)
    hot[height // 2, width // 2] = 255
    return {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "flat": np.full(shape, 109, np.uint8),
        "hot": hot,
        "random": np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8),
        "natural": natural(height, width, channels),
    }
