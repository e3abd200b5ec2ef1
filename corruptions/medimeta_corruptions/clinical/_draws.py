"""Random numbers of the clinical suite: all from ``rng.random``, whose stream NumPy keeps.

The streams of ``standard_normal`` and ``poisson`` are not guaranteed between NumPy's versions (NEP 19), and
they branch on the results of the C library. Here a uniform number becomes a normal or a Poisson one through
the quantile function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions.clinical._frame import Field

__all__ = ["normal", "normal_of", "poisson", "poisson_of", "signs"]

_SMALLEST = 2.0**-54
_FEW = 10.0
"""Means below it are inverted by summing probabilities; the expansion is for means from here on."""


def normal(rng: Rng, shape: tuple[int, ...]) -> Field:
    """Return standard normal numbers, drawn in row-major order."""
    return normal_of(rng.random(shape))


def normal_of(uniform: Field) -> Field:
    """Return the standard normal quantiles of uniform numbers in [0, 1)."""
    from scipy.special import ndtri  # noqa: PLC0415 - importing this package must stay fast

    found: Field = ndtri(np.maximum(uniform, _SMALLEST))
    return found


def poisson(rng: Rng, mean: Field) -> Field:
    """Return Poisson numbers of these means, drawn in row-major order; whole numbers in double precision."""
    return poisson_of(rng.random(mean.shape), mean)


def poisson_of(uniform: Field, mean: Field) -> Field:
    """Return the Poisson quantiles of uniform numbers.

    Parameters
    ----------
    uniform, mean : numpy.ndarray of float64, same shape
        Numbers in [0, 1), and the means, 0 or more.

    Returns
    -------
    numpy.ndarray of float64
        Whole numbers.

    Notes
    -----
    From a mean of 10 on, with z the normal quantile of the same number, the Cornish-Fisher expansion
    ``floor(mean + sqrt(mean) z + (z**2 - 1) / 6 + (z - z**3) / (72 sqrt(mean)) + 1/2)``, at least 0;
    below, the smallest k whose cumulated probability exceeds the number.
    """
    found = np.empty(mean.shape)
    mean = np.ascontiguousarray(mean)
    _poisson(uniform.ravel(), normal_of(uniform).ravel(), mean.ravel(), found.reshape(-1))
    return found


def signs(uniform: Field) -> NDArray[np.float64]:
    """Return -1 for uniform numbers below 1/2, else 1."""
    return np.where(uniform < 0.5, -1.0, 1.0)


@kernel("(float64[::1], float64[::1], float64[::1], float64[::1])")
def _poisson(uniform: Field, quantile: Field, mean: Field, out: Field) -> None:
    for i in range(mean.size):
        m = mean[i]
        if m >= _FEW:
            z = quantile[i]
            root = np.sqrt(m)
            k = np.floor(m + root * z + (z * z - 1.0) / 6.0 + (z - z * z * z) / (72.0 * root) + 0.5)
            out[i] = max(0.0, k)
        else:
            k = 0.0
            term = np.exp(-m)
            total = term
            while uniform[i] > total and k < 1000.0:
                k += 1.0
                term *= m / k
                total += term
            out[i] = k
