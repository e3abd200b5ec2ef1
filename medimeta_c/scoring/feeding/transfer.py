"""Batches on their way to a device, beside the work of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["Transfer"]


class Transfer:
    """Joins the parts of a batch, and moves it.

    To CUDA it goes from page-locked memory, in a stream of its own: a copy from other memory keeps the caller
    waiting, and one in the model's stream waits for the batch before.

    Parameters
    ----------
    device : torch.device
        The model's.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def joined(self, parts: Sequence[NDArray[Any]]) -> torch.Tensor:
        """Return arrays of one type and shape of rows as one tensor, in the memory from which it is moved."""
        if self._stream is None:
            return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))
        shape = (sum(map(len, parts)), *parts[0].shape[1:])
        batch = torch.empty(shape, dtype=torch.from_numpy(parts[0][:0]).dtype, pin_memory=True)
        np.concatenate(parts, out=batch.numpy())
        return batch

    def moved(self, batch: torch.Tensor) -> torch.Tensor:
        """Return a batch, or a part of one, on the device; only the model's stream waits for it."""
        if self._stream is None:
            return batch.to(self._device)
        with torch.cuda.stream(self._stream):
            there = batch.to(self._device, non_blocking=True)
        model_stream = torch.cuda.current_stream(self._device)
        model_stream.wait_stream(self._stream)
        there.record_stream(model_stream)  # its memory is not given away before the model has read it
        return there
