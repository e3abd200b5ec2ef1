"""Corruptions as random transforms for training pipelines.

`medimeta_corruptions.transforms.torchvision` has one for torchvision's v2 transforms, and
`medimeta_corruptions.transforms.albumentations` one for albumentations; each needs its library, which this
package does not install. `Sampler` is what both are made of, for pipelines of your own.
"""

from medimeta_corruptions.transforms.sampler import Sampler, ValueRange

__all__ = ["Sampler", "ValueRange"]
