"""Weights that anyone can make again: each tensor comes from a seed and its own name.

The scripts below ``scripts/upstream`` give them to the authors' code, and the tests give them to ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import torch

__all__ = ["LOG_SCALE", "lively_state", "seeded_state", "seeded_tensor", "small_state"]

LOG_SCALE = 3.0
"""The logit scale of `small_state`."""

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


def small_state(shapes: Mapping[str, Sequence[int]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return `seeded_state` with a logit scale that tells logits apart.

    What scales a block's output (``gamma``) lies around 1, so that every block counts.
    """
    scales = {
        name: 1 + seeded_tensor(name, shape, scale=0.1, seed=seed)
        for name, shape in shapes.items()
        if name.endswith(".gamma")
    }
    return seeded_state(shapes, seed=seed) | scales | {"logit_scale": torch.tensor(LOG_SCALE)}


def lively_state(shapes: Mapping[str, Sequence[int]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return `seeded_state` with matrices and kernels scaled by what they sum over, and with the integers.

    At one scale for all, a ResNet-50 gives nearly the same vector for every image. Swin's index of positions
    is left out.
    """
    state = seeded_state(shapes, seed=seed)
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
        elif name.endswith("position_ids"):
            state[name] = torch.arange(shape[-1]).reshape(tuple(shape))
        elif name.endswith("relative_position_index"):
            state.pop(name)
        elif len(shape) > 1:
            scale = math.sqrt(2 / math.prod(shape[1:]))
            state[name] = seeded_tensor(name, shape, scale=scale, seed=seed)
    return {name: state[name] for name in shapes if name in state}


def _tensor(name: str, shape: Sequence[int], seed: int) -> torch.Tensor:
    if name.endswith("running_var"):
        return 1 + seeded_tensor(name, shape, scale=1.0, seed=seed).abs()
    if len(shape) == 1 and name.endswith("weight") and _NORM.search(name):
        return 1 + seeded_tensor(name, shape, scale=0.1, seed=seed)
    return seeded_tensor(name, shape, seed=seed)
