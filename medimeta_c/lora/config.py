"""What to adapt and how strongly, and what came of it: values that need no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from medimeta_c.errors import ConfigError

__all__ = ["ATTENTION", "CONVOLUTIONS", "LoraConfig", "LoraReport", "Target"]

Target: TypeAlias = Literal["q", "k", "v", "conv"]
"""A projection of an attention layer, or convolutions."""

ATTENTION: tuple[Target, ...] = ("q", "k", "v")
"""What is adapted in a transformer: query, key and value projections, each with factors of its own."""

CONVOLUTIONS: tuple[Target, ...] = ("conv",)
"""What is adapted in a ResNet."""

_MAX_RANK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """Low-rank adaptation of a weight W: W + (alpha / rank)·B·A.

    Parameters
    ----------
    rank : int
        Rows of A and columns of B, from 1 to 4096.
    alpha : float or None
        Numerator of the scale; None means `rank`, a scale of 1, as the paper has it.
    targets : tuple of {"q", "k", "v"}, or ("conv",)
        Attention projections, in this order and each at most once; or convolutions, alone.

    Raises
    ------
    ConfigError
        If a value is out of range.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
    """

    rank: int = 16
    alpha: float | None = None
    targets: tuple[Target, ...] = ATTENTION

    def __post_init__(self) -> None:
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or not 1 <= self.rank <= _MAX_RANK:
            raise ConfigError(f"LoRA rank {self.rank!r} is not a whole number from 1 to {_MAX_RANK}")
        if self.alpha is not None and not (math.isfinite(self.alpha) and self.alpha > 0):
            raise ConfigError(
                f"LoRA alpha {self.alpha!r} is not a positive number (leave it out for the rank)"
            )
        in_order = tuple(part for part in ATTENTION if part in self.targets)
        if not self.targets or self.targets not in {in_order, CONVOLUTIONS}:
            raise ConfigError(
                f"LoRA targets {self.targets!r} are not valid: use some of {ATTENTION} in this order, or "
                f"{CONVOLUTIONS} alone (known: {', '.join(get_args(Target))})"
            )

    @property
    def scale(self) -> float:
        """Factor on B·A: alpha / rank."""
        return 1.0 if self.alpha is None else self.alpha / self.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraReport:
    """Size of an adaptation, as the paper's Table 6 counts it.

    Parameters
    ----------
    layers : int
        Attention layers, or convolutions, that were adapted.
    trainable : int
        Parameters of the adapters.
    total : int
        Parameters of the image tower with its adapters.
    """

    layers: int
    trainable: int
    total: int

    @property
    def percent(self) -> float:
        """Trainable parameters in per cent of the total."""
        return 100 * self.trainable / self.total

    def __str__(self) -> str:
        return (
            f"{self.layers} layers adapted, {self.trainable:,} of {self.total / 1e6:.1f} M parameters "
            f"trainable ({self.percent:.2f} %)"
        )
