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
from medimeta_corruptions._philox import random
from medimeta_corruptions.clinical._frame import Field

__all__ = ["normal", "normal_of", "poisson", "poisson_of", "quantiles", "signs"]

_SMALLEST = 2.0**-54
_FEW = 10.0
"""Means below it are inverted by summing probabilities; the expansion is for means from here on."""


def normal(rng: Rng, shape: tuple[int, ...]) -> Field:
    """Return standard normal numbers, drawn in row-major order."""
    return normal_of(random(rng, shape))


def normal_of(uniform: Field) -> Field:
    """Return the standard normal quantiles of uniform numbers in [0, 1).

    Notes
    -----
    Wichura's rational approximations, whose relative error is about 1e-16: they need one logarithm for the
    15 per cent of numbers that lie in the tails, and no function for the others.

    References
    ----------
    .. [1] M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
       Statistics 37 (1988), routine PPND16.
    """
    uniform = np.ascontiguousarray(uniform)
    found = np.empty(uniform.shape)
    quantiles(uniform.reshape(-1), found.reshape(-1))
    return found


def quantiles(uniform: Field, out: Field) -> None:
    """Write the normal quantiles of uniform numbers, none taken as smaller than 2**-54; both are flat."""
    _middle(uniform, out)
    _tails(uniform, out)


@kernel("(float64[::1], float64[::1])")
def _middle(uniform: Field, out: Field) -> None:
    """Write all quantiles as if in the middle: without branches the compiler computes several at a time."""
    for i in range(uniform.size):
        q = uniform[i] - 0.5
        r = 0.180625 - q * q
        above = 2.5090809287301226727e3
        above = above * r + 3.3430575583588128105e4
        above = above * r + 6.7265770927008700853e4
        above = above * r + 4.5921953931549871457e4
        above = above * r + 1.3731693765509461125e4
        above = above * r + 1.9715909503065514427e3
        above = above * r + 1.3314166789178437745e2
        above = above * r + 3.3871328727963666080
        below = 5.2264952788528545610e3
        below = below * r + 2.8729085735721942674e4
        below = below * r + 3.9307895800092710610e4
        below = below * r + 2.1213794301586595867e4
        below = below * r + 5.3941960214247511077e3
        below = below * r + 6.8718700749205790830e2
        below = below * r + 4.2313330701600911252e1
        out[i] = q * above / (below * r + 1.0)


@kernel("(float64[::1], float64[::1])")
def _tails(uniform: Field, out: Field) -> None:
    """Write the quantiles of both tails."""
    # Packed together they need no branch either. A place that was no tail's is overwritten by the next.
    places = np.empty(uniform.size + 1, dtype=np.int64)
    tails = np.empty(uniform.size + 1)
    count = 0
    for i in range(uniform.size):
        u = uniform[i]
        places[count] = i
        tails[count] = max(min(u, 1.0 - u), _SMALLEST)
        count += np.abs(u - 0.5) > 0.425
    for k in range(count):
        r = np.sqrt(-np.log(tails[k]))
        if r <= 5.0:
            r -= 1.6
            above = 7.74545014278341407640e-4
            above = above * r + 2.27238449892691845833e-2
            above = above * r + 2.41780725177450611770e-1
            above = above * r + 1.27045825245236838258
            above = above * r + 3.64784832476320460504
            above = above * r + 5.76949722146069140550
            above = above * r + 4.63033784615654529590
            above = above * r + 1.42343711074968357734
            below = 1.05075007164441684324e-9
            below = below * r + 5.47593808499534494600e-4
            below = below * r + 1.51986665636164571966e-2
            below = below * r + 1.48103976427480074590e-1
            below = below * r + 6.89767334985100004550e-1
            below = below * r + 1.67638483018380384940
            below = below * r + 2.05319162663775882187
        else:
            r -= 5.0
            above = 2.01033439929228813265e-7
            above = above * r + 2.71155556874348757815e-5
            above = above * r + 1.24266094738807843860e-3
            above = above * r + 2.65321895265761230930e-2
            above = above * r + 2.96560571828504891230e-1
            above = above * r + 1.78482653991729133580
            above = above * r + 5.46378491116411436990
            above = above * r + 6.65790464350110377720
            below = 2.04426310338993978564e-15
            below = below * r + 1.42151175831644588870e-7
            below = below * r + 1.84631831751005468180e-5
            below = below * r + 7.86869131145613259100e-4
            below = below * r + 1.48753612908506148525e-2
            below = below * r + 1.36929880922735805310e-1
            below = below * r + 5.99832206555887937690e-1
        tails[k] = above / (below * r + 1.0)
    for k in range(count):
        i = places[k]
        out[i] = -tails[k] if uniform[i] < 0.5 else tails[k]


def poisson(rng: Rng, mean: Field) -> Field:
    """Return Poisson numbers of these means, drawn in row-major order; whole numbers in double precision."""
    return poisson_of(random(rng, mean.shape), mean)


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
