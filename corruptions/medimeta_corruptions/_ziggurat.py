"""Tables of the ziggurat: 256 layers of one area under half a normal density.

The tables are those of `numpy.random.Generator.standard_normal`, computed from their definition. They were
computed in double precision, so each step below rounds as that computation did; logarithms and exponentials
are correctly rounded, whatever the system's library.

References
----------
.. [1] G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random Variables", Journal of
   Statistical Software 5(8), 2000.
.. [2] J. A. Doornik, "An Improved Ziggurat Method to Generate Normal Random Samples", 2005.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGE", "Layers", "layers"]

EDGE = 3.6541528853610088
"""Where the lowest layer ends and the tail begins."""

_AREA = 0.0049286732339746519
_LAYERS = 256
_SCALE = 2.0**52

# With an exponential that is not quite correctly rounded: here the exact value lies 0.498 units in the last
# place above the lower double, and the tables have the upper one.
_ROUNDED_UP = 38


Layers: TypeAlias = tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.float64]]
"""By layer, the lowest first (the one with the tail):

- shape (512,): what a whole number of 52 bits is multiplied with to lie in the layer, to the right or left;
- shape (256,): below which such a number lies under the density for certain;
- shape (256,): the density at the layer's lower end, and 1 at the top.
"""


@cache
def layers() -> Layers:
    """Return the tables, computed once in a process."""
    ends, density = [0.0] * _LAYERS, [1.0] * _LAYERS
    inner = [0] * _LAYERS
    with localcontext() as context:
        context.prec = 30  # to the nearest double from here is correctly rounded, in all but the one place
        end = EDGE
        for layer in range(_LAYERS - 1, 0, -1):
            if layer < _LAYERS - 1:
                outer, end = end, math.sqrt(-2.0 * float(Decimal(_AREA / end + density[layer + 1]).ln()))
                inner[layer + 1] = round(end / outer * _SCALE)
            ends[layer] = end
            density[layer] = float(Decimal(-0.5 * end * end).exp())
            if layer == _ROUNDED_UP:
                density[layer] = math.nextafter(density[layer], 1.0)
    # The lowest layer is as wide as a box of its area would be; the one at the top has no certain part.
    inner[0] = int(EDGE * density[-1] / _AREA * _SCALE)
    ends[0] = _AREA / density[-1]
    width = np.array(ends) / _SCALE
    return np.concatenate([width, -width]), np.array(inner, dtype=np.uint64), np.array(density)
