"""`RandomCorruption` for torchvision's v2 transforms. It needs torchvision 0.21 or later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import PIL.Image
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from medimeta_corruptions._spec import SEVERITIES, Corruption
from medimeta_corruptions.transforms.sampler import Sampler, ValueRange

__all__ = ["RandomCorruption"]

_SEEDS = 1 << 62


class RandomCorruption(v2.Transform):  # type: ignore[misc]  # torchvision is not checked here
    """Corrupt an image, or each image of a batch, with a random corruption at a random severity.

    Seeds are drawn from torch's global generator, which a DataLoader seeds anew in each worker and epoch: no
    two workers repeat each other, and ``torch.manual_seed`` repeats a run.

    Parameters
    ----------
    corruptions, severities, p, value_range
        As `Sampler` takes them.

    Notes
    -----
    Takes tensors of shape (C, H, W) or (N, C, H, W) with 1 or 3 channels, tv_tensors and Pillow images.
    Images of a batch get seeds of their own, frames of a video one. Boxes, masks and labels are left as they
    are: choose no corruption that moves pixels where they matter. Put it before ``v2.Normalize``.

    Examples
    --------
    >>> import torch
    >>> transform = RandomCorruption("contrast", severities=(3, 3), p=1)
    >>> transform(torch.tensor([[[0, 100]]], dtype=torch.uint8))
    tensor([[[40, 60]]], dtype=torch.uint8)
    """

    def __init__(
        self,
        corruptions: str | Corruption | Iterable[str | Corruption],
        *,
        severities: tuple[int, int] = (SEVERITIES[0], SEVERITIES[-1]),
        p: float = 0.5,
        value_range: ValueRange | None = None,
    ) -> None:
        super().__init__()
        self.sampler = Sampler(corruptions, severities=severities, p=p, value_range=value_range)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw one seed from torch's generator."""
        return {"seed": int(torch.randint(_SEEDS, ()).item())}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return an image corrupted as the seed decides; anything that is no image is returned as it is."""
        seed = params["seed"]
        if isinstance(inpt, PIL.Image.Image):
            return PIL.Image.fromarray(self.sampler(np.asarray(inpt), seed))
        if isinstance(inpt, tv_tensors.TVTensor) and not isinstance(
            inpt, tv_tensors.Image | tv_tensors.Video
        ):
            return inpt
        images = inpt.reshape(-1, *inpt.shape[-3:])
        seeds = [seed] * len(images) if isinstance(inpt, tv_tensors.Video) else _seeds(seed, inpt)
        found = torch.stack([self._one(each, own) for each, own in zip(images, seeds, strict=True)])
        return tv_tensors.wrap(found.reshape(inpt.shape), like=inpt)

    def extra_repr(self) -> str:
        """Return what is chosen from, for the printed pipeline."""
        names = ", ".join(one.name for one in self.sampler.corruptions)
        return f"{names}; severities={self.sampler.severities}, p={self.sampler.p}"

    def _one(self, image: torch.Tensor, seed: int) -> torch.Tensor:
        array = image.detach().cpu().numpy()
        if array.ndim != 3 or array.shape[0] not in (1, 3):
            raise ValueError(f"an image must have 1 or 3 channels first, got shape {tuple(array.shape)}")
        found = self.sampler(np.moveaxis(array, 0, -1), seed)
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(found, -1, 0))).to(image.device)


def _seeds(seed: int, images: torch.Tensor) -> list[int]:
    """Return a seed for each image of a batch; of a single image, the one drawn."""
    if images.ndim <= 3:
        return [seed]
    count = images.shape[:-3].numel()
    rng = np.random.Generator(np.random.Philox(seed))
    return [int(one) for one in rng.integers(_SEEDS, size=count)]
