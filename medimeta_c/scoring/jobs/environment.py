"""Record where predictions are made: device, batch size, versions of packages."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from medimeta_c._version import __version__
from medimeta_c.results.result import Environment

if TYPE_CHECKING:
    import torch

__all__ = ["environment_of"]

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "transformers", "numpy", "scikit-learn", "pyarrow")


def environment_of(device: torch.device | None, batch_size: int) -> Environment:
    """Return the record of this process; a device of None stands for predictions made elsewhere."""
    own = {"medimeta-c": __version__, "python": platform.python_version()}
    if device is None:
        return Environment(device="elsewhere", batch_size=batch_size, packages=own)
    import torch  # noqa: PLC0415  (predictions made elsewhere are scored without)

    model = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return Environment(
        device=f"{device.type} ({model})",
        batch_size=batch_size,
        packages={**own, **_packages()},
    )


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a build of torch may go by another name
            continue
    return found
