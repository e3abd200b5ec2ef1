"""`Sampler`: a random corruption of an array, decided by one seed."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._spec import SEVERITIES, Corruption

__all__ = ["Sampler", "ValueRange"]

ValueRange: TypeAlias = tuple[float, float]
"""Which values are black and white."""

_UNIT: ValueRange = (0.0, 1.0)


class Sampler:
    """Corrupts an image with a random corruption at a random severity, or leaves it as it is.

    Parameters
    ----------
    corruptions : str, Corruption, or several
        What is chosen from, each with the same probability: names of `CORRUPTIONS`, or the group ``"core"``
        or ``"imagenet_c"``; or corruptions of your own.
    severities : tuple of (int, int), optional
        The mildest and the worst severity; each in between has the same probability.
    p : float, optional
        The probability that an image is corrupted, 0 to 1.
    value_range : tuple of (float, float), optional
        Which values are black and white. By default 0 and 255 of uint8, 0 and 1 of floating-point images;
        other types need it.

    Raises
    ------
    ValueError
        If a name is unknown, or severities, probability or range make no sense.

    Examples
    --------
    >>> import numpy as np
    >>> sampler = Sampler("contrast", severities=(3, 3), p=1)
    >>> sampler(np.array([[0, 100]], dtype=np.uint8), seed=0)
    array([[40, 60]], dtype=uint8)
    """

    def __init__(
        self,
        corruptions: str | Corruption | Iterable[str | Corruption],
        *,
        severities: tuple[int, int] = (SEVERITIES[0], SEVERITIES[-1]),
        p: float = 0.5,
        value_range: ValueRange | None = None,
    ) -> None:
        asked = [corruptions] if isinstance(corruptions, str | Corruption) else list(corruptions)
        self.corruptions = tuple(one for each in asked for one in _named(each))
        if not self.corruptions:
            raise ValueError("no corruption is given: give one or more")
        low, high = (operator.index(severity) for severity in severities)
        if not SEVERITIES[0] <= low <= high <= SEVERITIES[-1]:
            raise ValueError(f"severities must be a mildest and a worst one from 1 to 5, got {severities}")
        if not 0 <= p <= 1:
            raise ValueError(f"p must be a probability from 0 to 1, got {p}")
        if value_range is not None and not value_range[0] < value_range[1]:
            raise ValueError(f"value_range must be what is black, then what is white; got {value_range}")
        self.severities, self.p, self.value_range = (low, high), p, value_range

    def draw(self, seed: int) -> tuple[Corruption, int, np.random.Generator] | None:
        """Return what a seed decides on: corruption, severity and generator, or None for no corruption.

        Parameters
        ----------
        seed : int
            0 or more. Equal seeds decide alike, in every process and on every machine.
        """
        rng = np.random.Generator(np.random.Philox(seed))
        happens, which, level = rng.random(3)
        if happens >= self.p:
            return None
        low, high = self.severities
        one = self.corruptions[int(which * len(self.corruptions))]
        return one, low + int(level * (high - low + 1)), rng

    def __call__(self, image: NDArray[Any], seed: int) -> NDArray[Any]:
        """Return an image corrupted as a seed decides, or the very array given.

        Parameters
        ----------
        image : numpy.ndarray, shape (H, W), (H, W, 1) or (H, W, 3)
            Of any integer or floating-point type. All but uint8 are corrupted as 256 levels between black and
            white, and what is returned has those levels.
        seed : int
            0 or more; another for each image.

        Raises
        ------
        ValueError
            If values lie outside the range, the range is not known, or the corruption cannot occur in such
            an image.
        """
        drawn = self.draw(seed)
        if drawn is None:
            return image
        one, severity, rng = drawn
        flat = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
        corrupted = one(self._as_bytes(flat), severity, rng)
        return self._back(corrupted, image.dtype).reshape(image.shape)

    def _range(self, kind: np.dtype[Any]) -> ValueRange | None:
        """Return the values of black and white; None for bytes that are used as they are."""
        if self.value_range is not None:
            return self.value_range
        if kind == np.uint8:
            return None
        if np.issubdtype(kind, np.floating):
            return _UNIT
        raise ValueError(f"which values of {kind} are black and white is not known: give value_range")

    def _as_bytes(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        limits = self._range(image.dtype)
        if limits is None:
            return image
        low, high = limits
        # A minimum or maximum of NaN is NaN, which no comparison accepts.
        if not (image.min() >= low and image.max() <= high):
            raise ValueError(
                f"the image has values from {image.min():g} to {image.max():g}, outside {low:g} to {high:g}: "
                "give value_range, and normalise after this transform"
            )
        levels = (image.astype(np.float64) - low) * (255.0 / (high - low))
        return np.floor(levels + 0.5).astype(np.uint8)

    def _back(self, corrupted: NDArray[np.uint8], kind: np.dtype[Any]) -> NDArray[Any]:
        limits = self._range(kind)
        if limits is None:
            return corrupted
        low, high = limits
        values = corrupted * ((high - low) / 255.0) + low
        return (values if np.issubdtype(kind, np.floating) else np.rint(values)).astype(kind)


def _named(asked: str | Corruption) -> tuple[Corruption, ...]:
    """Return the corruptions that a name or group means."""
    if isinstance(asked, Corruption):
        return (asked,)
    # Here, not above: the package's own `__init__` may still be running.
    from medimeta_corruptions import GROUPS, get  # noqa: PLC0415

    return GROUPS[asked] if asked in GROUPS else (get(asked),)
