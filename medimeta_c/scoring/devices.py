"""Devices by name."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from medimeta_c.errors import ConfigError, Remedy, unknown_name
from medimeta_c.io.text import counted

__all__ = [
    "batch_size_on",
    "check_device",
    "choose_device",
    "require_devices",
    "workers_beside",
    "workers_of_each",
]

_BATCH_SIZE = {"cpu": 64, "cuda": 256, "mps": 64}


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


def require_devices(names: Sequence[str]) -> None:
    """Raise ConfigError if one of several devices is not on this machine; no memory is used on them."""
    count = torch.cuda.device_count()
    for name in names:
        if name == "auto":
            raise ConfigError(
                "auto is given among several devices",
                value=name,
                remedy=Remedy("name each, such as cuda:0,cuda:1, with {devices}"),
            )
        check_device(name)
        device = torch.device(name)
        there = {"cuda": (device.index or 0) < count, "mps": torch.backends.mps.is_available()}
        if not there.get(device.type, True):
            raise ConfigError(
                f"device {name!r} is not on this machine, which has {counted(count, 'CUDA device')}",
                value=name,
                remedy=Remedy("name others with {devices}"),
            )


def batch_size_on(device: torch.device, wanted: int | None) -> int:
    """Return the images a batch that were asked for, or what suits a device."""
    return wanted or _BATCH_SIZE.get(device.type, 64)


def workers_beside(device: torch.device, wanted: int) -> int:
    """Return the decoding workers that were asked for; of -1, as many as a device needs."""
    if wanted >= 0:
        return wanted
    # On the CPU the model itself keeps every core busy, and decoding is a fiftieth of its work: a worker
    # beside it would only take its place (scripts/bench/evaluate.py).
    return 0 if device.type == "cpu" else max(1, (os.cpu_count() or 2) - 1)


def workers_of_each(name: str, wanted: int, processes: int) -> int:
    """Return the workers for the process on one of several devices; for -1, its share of the cores."""
    if wanted >= 0 or torch.device(name).type == "cpu":
        return wanted
    return max(1, (os.cpu_count() or 2) // processes - 1)
