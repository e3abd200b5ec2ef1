"""Weights that anyone can make again: each tensor comes from a seed and its own name.

The scripts below ``scripts/upstream`` give them to the authors' code, and the tests give them to ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import torch

__all__ = ["seeded_state", "seeded_tensor"]

_NORM = re.compile(r"norm|ln|bn", re.IGNORECASE)
_INTEGERS = ("num_batches_tracked", "position_ids")


def seeded_tensor(name: str, shape: Sequence[int], *, scale: float = 0.05, seed: int = 0) -> torch.Tensor:
    """Return float32 normal numbers with mean 0 and standard deviation `scale`."""
    key = int.from_bytes(blake2b(f"{seed}|{name}".encode(), digest_size=16).digest(), "little")
    values = np.random.Generator(np.random.Philox(key=key)).standard_normal(tuple(shape), dtype=np.float32)
    return torch.from_numpy(np.asarray(values * np.float32(scale)))


def seeded_state(shapes: Mapping[str, Sequence[int]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return a state dict of these shapes whose features stay finite and differ between inputs.

    The weights of normalisations lie around 1 and running variances above it. Buffers of integers
    (``num_batches_tracked``, ``position_ids``) are left out: callers add them.
    """
    return {
        name: _tensor(name, shape, seed) for name, shape in shapes.items() if not name.endswith(_INTEGERS)
    }


def _tensor(name: str, shape: Sequence[int], seed: int) -> torch.Tensor:
    if name.endswith("running_var"):
        return 1 + seeded_tensor(name, shape, scale=1.0, seed=seed).abs()
    if len(shape) == 1 and name.endswith("weight") and _NORM.search(name):
        return 1 + seeded_tensor(name, shape, scale=0.1, seed=seed)
    return seeded_tensor(name, shape, seed=seed)
