"""The low-rank update of one weight, as a torch parametrisation."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

__all__ = ["Factors", "LowRankUpdate", "at_centre", "initial_factor"]

_SEED_SCHEME = "medimeta-c/lora/1"
"""Version of the derivation of initial values."""


class Factors(nn.Module):
    """The two factors of one update; B starts at zero, so that the update does.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the update.
    rank : int
        Rows of A and columns of B.
    seed : int
        The adaptation's seed.
    name : str
        The update's name in its model; another name draws other numbers.
    device : torch.device
        Where the factors go.
    """

    def __init__(
        self, shape: tuple[int, int], rank: int, *, seed: int, name: str, device: torch.device
    ) -> None:
        super().__init__()
        rows, columns = shape
        self.lora_a = nn.Parameter(initial_factor(rank, columns, seed=seed, name=name).to(device))
        self.lora_b = nn.Parameter(torch.zeros(rows, rank, device=device))

    def product(self) -> torch.Tensor:
        """Return B·A, of shape (rows, columns)."""
        return self.lora_b @ self.lora_a


class LowRankUpdate(nn.Module):
    """W → W + scale·B·A, with factors of their own for bands of W's rows.

    Register it with `torch.nn.utils.parametrize`: whoever reads the weight, PyTorch's fused attention kernels
    included, reads the updated one. While every B is zero, that is W bit for bit (a zero's sign apart).

    Parameters
    ----------
    bands : mapping of str to (int, int)
        By name of its factors: first row of a band and the row after its last, in increasing order. Rows of
        no band stay as they are.
    factors : mapping of str to Factors
        Those of each band.
    scale : float
        alpha / rank.
    centred : bool, optional
        B·A is of (outputs, inputs) of a convolution and goes to the centre of its kernel.
    """

    def __init__(
        self,
        bands: Mapping[str, tuple[int, int]],
        factors: Mapping[str, Factors],
        scale: float,
        *,
        centred: bool = False,
    ) -> None:
        super().__init__()
        self.bands = dict(bands)
        self.factors = nn.ModuleDict(dict(factors))
        self.scale = scale
        self.centred = centred

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the updated weight; convolution kernels (out, in, …) are read as (out, in·…) matrices."""
        # Small beside the images' own products, and half precision would round the update away.
        with torch.autocast(weight.device.type, enabled=False):
            if self.centred:
                delta = at_centre(self._delta(weight.shape[0], weight.shape[1]), weight.shape)
            else:
                delta = self._delta(weight.shape[0], weight[0].numel())
            return weight + (self.scale * delta).to(weight.dtype).reshape(weight.shape)

    def _delta(self, rows: int, columns: int) -> torch.Tensor:
        """Return the bands' products, and zeros between them, as one (rows, columns) matrix."""
        products = {self.bands[name]: factors.product() for name, factors in self.factors.items()}  # type: ignore[operator]
        like = next(iter(products.values()))
        edges = sorted({0, rows, *(row for band in products for row in band)})
        return torch.cat(
            [
                products[band] if band in products else like.new_zeros(band[1] - band[0], columns)
                for band in pairwise(edges)
            ]
        )


def at_centre(matrix: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return a kernel of `shape` (out, in, height, width), zero but for `matrix` (out, in) at its centre.

    Beside a convolution padded by half its kernel, a 1x1 convolution at its stride is this update of it.
    """
    kernel = matrix.new_zeros(*shape)
    kernel[:, :, shape[2] // 2, shape[3] // 2] = matrix
    return kernel


def initial_factor(rank: int, columns: int, *, seed: int, name: str) -> torch.Tensor:
    """Draw A: uniform in ±1/√columns, which is Kaiming's for a linear layer's weight with a = √5.

    The numbers depend on the seed, the name and the shape alone, on no global generator, device or order.

    Returns
    -------
    torch.Tensor of shape (rank, columns), float32
        On the CPU.
    """
    digest = hashlib.blake2b(f"{_SEED_SCHEME}|{seed}|{name}".encode(), digest_size=16).digest()
    draw = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
    values = draw.uniform(-1, 1, (rank, columns)) / math.sqrt(columns)
    return torch.from_numpy(values.astype(np.float32))
