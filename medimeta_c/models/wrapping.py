"""Make a model of two functions and a transform, for a model that is already in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image as Pillow
from torch import nn

from medimeta_c.errors import ModelError
from medimeta_c.models.contract import Model, ModelIdentity, Preprocess, Preprocessing
from medimeta_c.models.families.own import checked
from medimeta_c.models.weights import weights_sha256

__all__ = ["wrap"]

_SIDE = 256  # of the blank image that the transform is tried on


def wrap(
    *,
    encode_image: Callable[[torch.Tensor], torch.Tensor],
    encode_text: Callable[[list[str]], torch.Tensor],
    transform: Preprocess,
    name: str,
    logit_scale: float = 100.0,
) -> Model:
    """Return a model of your own, for ``EvaluateConfig(model=...)``, tried on one blank image and one word.

    Parameters
    ----------
    encode_image : callable
        Takes a batch of what `transform` returns, (N, 3, H, W), and returns vectors (N, D) of any norm. A
        `torch.nn.Module`, its method, or any function.
    encode_text : callable
        Takes a list of M texts and returns vectors (M, D).
    transform : callable
        Takes one PIL image, grey or RGB, and returns a float tensor (3, H, W).
    name : str
        What results call the model. The digest of the weights is part of its identity if an encoder is a
        module or a module's method; if not, name what you change: results of one name are one model's.
    logit_scale : float, optional
        Factor on the cosine similarity, before the softmax over classes.

    Returns
    -------
    Model
        Works in float32, as the functions do; a module moves to the device that is asked for.

    Raises
    ------
    ModelError
        If the transform or an encoder does not return what it must.

    Examples
    --------
    >>> clip, _, transform = open_clip.create_model_and_transforms("ViT-B-16")          # doctest: +SKIP
    >>> tokenize = open_clip.get_tokenizer("ViT-B-16")                                  # doctest: +SKIP
    >>> model = wrap(                                                                   # doctest: +SKIP
    ...     encode_image=clip.encode_image,
    ...     encode_text=lambda texts: clip.encode_text(tokenize(texts)),
    ...     transform=transform,
    ...     name="my-clip",
    ... )
    """
    if not all(map(callable, (encode_image, encode_text, transform))):
        raise ModelError("encode_image, encode_text and transform must be functions")
    pixels = transform(Pillow.new("RGB", (_SIDE, _SIDE)))
    if not isinstance(pixels, torch.Tensor) or pixels.ndim != 3:
        shape = tuple(getattr(pixels, "shape", ())) or type(pixels).__name__
        raise ModelError(f"the transform of {name} returned {shape}: it must return a tensor (3, H, W)")
    model = _Wrapped(encode_image, encode_text, transform, name, float(logit_scale), tuple(pixels.shape[1:]))
    checked(f"the model {name}", model)
    return model


class _Wrapped:
    """The functions of one model; satisfies `medimeta_c.models.Model`."""

    logit_bias: float | None = None
    context_length = 1_000_000  # the functions know their own

    def __init__(  # noqa: PLR0913, PLR0917  (the parts of a model)
        self,
        encode_image: Callable[[torch.Tensor], torch.Tensor],
        encode_text: Callable[[list[str]], torch.Tensor],
        transform: Preprocess,
        name: str,
        logit_scale: float,
        size: tuple[Any, ...],
    ) -> None:
        self.preprocess, self.logit_scale = transform, logit_scale
        self._encode_image, self._encode_text = encode_image, encode_text
        self._modules = [one for one in map(_module_of, (encode_image, encode_text)) if one is not None]
        self._device = torch.device("cpu")
        for module in self._modules:
            module.eval().requires_grad_(False)
        self.preprocessing = Preprocessing(
            size=size,
            resize="custom",
            resize_size=size,
            interpolation="unknown",
            center_crop=False,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            channels="rgb",
            implementation=f"the transform of {name}",
            plain=False,
        )
        state = {
            f"{index}.{key}": tensor
            for index, module in enumerate(dict.fromkeys(self._modules))
            for key, tensor in module.state_dict().items()
        }
        self.identity = ModelIdentity(
            spec=f"wrap:{name}",
            family="wrap",
            weights_sha256=weights_sha256(state) if state else f"named {name}",
            architecture="functions of your own",
            parameters=sum(each.numel() for module in set(self._modules) for each in module.parameters()),
        )

    def to(self, device: torch.device | str, dtype: torch.dtype) -> _Wrapped:
        """Move the modules; the format of the functions' numbers is their own."""
        if dtype != torch.float32:
            raise ModelError(
                f"{self.identity.spec} is made of functions, which work in fp32: use that precision"
            )
        self._device = torch.device(device)
        for module in self._modules:
            module.to(self._device)
        return self

    @torch.no_grad()
    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed images: (N, 3, H, W) → (N, D) float32."""
        return self._encode_image(pixels.to(self._device, torch.float32)).float()

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed M texts: (M, D) float32."""
        return self._encode_text(list(texts)).float().to(self._device)


def _module_of(function: object) -> nn.Module | None:
    """Return the module that a function is, or is a method of."""
    owner = getattr(function, "__self__", function)
    return owner if isinstance(owner, nn.Module) else None
