"""Devices by name."""

from __future__ import annotations

import torch

from medimeta_c.errors import ConfigError, unknown_name

__all__ = ["check_device", "choose_device"]


def check_device(name: str) -> None:
    """Raise ConfigError for a name that no device has; `choose_device` tells whether the device is here."""
    try:
        torch.device("cpu" if name == "auto" else name)
    except RuntimeError as error:
        known = ["auto", "cpu", "cuda", "mps"]
        if not name.startswith("c"):
            known.remove("cpu")  # the nearest to gpu by letters, and not what is meant
        raise unknown_name("device", name, known) from error


def choose_device(name: str) -> torch.device:
    """Return the device an option means: ``auto`` is CUDA, else Apple's MPS, else the CPU.

    Raises
    ------
    ConfigError
        If the device is not known or not there.
    """
    check_device(name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"device {name!r} cannot be used here ({reason}): use auto, cpu, cuda or mps"
        ) from error
    return device
