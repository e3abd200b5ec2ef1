"""`RandomCorruption` for albumentations. It needs albumentations 2.0 or later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from albumentations.core.transforms_interface import ImageOnlyTransform
from numpy.typing import NDArray

from medimeta_corruptions._spec import SEVERITIES, Corruption
from medimeta_corruptions.transforms.sampler import Sampler, ValueRange

__all__ = ["RandomCorruption"]

_SEEDS = 1 << 62


class RandomCorruption(ImageOnlyTransform):  # type: ignore[misc]  # albumentations has no types
    """Corrupt an image of shape (H, W), (H, W, 1) or (H, W, 3) with a random corruption and severity.

    Seeds are drawn from the generator that albumentations gives each transform, so that
    ``Compose(..., seed=…)`` repeats a run and workers of a DataLoader do not repeat each other. Boxes, masks
    and keypoints are left as they are: choose no corruption that moves pixels where they matter.

    Parameters
    ----------
    corruptions, severities, p, value_range
        As `Sampler` takes them.
    """

    class InitSchema(ImageOnlyTransform.InitSchema):  # type: ignore[misc]
        """What albumentations checks; `Sampler` checks the rest."""

        corruptions: Any
        severities: tuple[int, int]
        value_range: ValueRange | None

    def __init__(
        self,
        corruptions: str | Corruption | Iterable[str | Corruption],
        severities: tuple[int, int] = (SEVERITIES[0], SEVERITIES[-1]),
        value_range: ValueRange | None = None,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=p)
        # Albumentations decides by itself, by p, whether the transform is applied.
        self.sampler = Sampler(corruptions, severities=severities, p=1.0, value_range=value_range)
        self.corruptions = tuple(one.name for one in self.sampler.corruptions)
        self.severities, self.value_range = severities, value_range

    def get_params(self) -> dict[str, Any]:
        """Draw one seed from this transform's generator."""
        return {"seed": int(self.random_generator.integers(_SEEDS))}

    def apply(self, img: NDArray[Any], seed: int, **params: Any) -> NDArray[Any]:
        """Return an image corrupted as the seed decides."""
        return self.sampler(img, seed)
