"""Make a model of functions and a transform, for a model that is already in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args, overload

import torch
from PIL import Image as Pillow
from torch import nn

from medimeta_c.errors import ModelError, short
from medimeta_c.models.contract import (
    AnyModel,
    Classifier,
    ImageEncoder,
    Model,
    ModelIdentity,
    Preprocess,
    Preprocessing,
)
from medimeta_c.models.families.own import checked
from medimeta_c.models.heads import check_outputs, matched
from medimeta_c.models.weights import weights_sha256

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ImageFunction", "Scores", "TextFunction", "wrap"]

ImageFunction: TypeAlias = "Callable[[torch.Tensor], Any]"
"""A batch of what the transform returns, (N, 3, H, W) → N rows: a tensor, an array or lists."""

TextFunction: TypeAlias = "Callable[[list[str]], Any]"
"""M texts → M rows: a tensor, an array or lists."""

Scores: TypeAlias = Literal["logits", "probabilities"]
"""What a classifier's function returns."""

_SIDE = 256  # of the blank image that the transform is tried on
_LOGIT_SCALE = 100.0
_SUM_TOLERANCE = 1e-3  # of probabilities that an API rounds, or half precision does


@overload
def wrap(
    *,
    encode_image: ImageFunction,
    encode_text: TextFunction,
    transform: Preprocess,
    name: str,
    logit_scale: float = ...,
) -> Model: ...


@overload
def wrap(
    *,
    classify: ImageFunction,
    scores: Scores,
    classes: Sequence[str] | None = ...,
    encode_image: ImageFunction | None = ...,
    transform: Preprocess,
    name: str,
) -> Classifier: ...


@overload
def wrap(*, encode_image: ImageFunction, transform: Preprocess, name: str) -> ImageEncoder: ...


def wrap(  # noqa: PLR0913  (the parts of a model)
    *,
    transform: Preprocess,
    name: str,
    encode_image: ImageFunction | None = None,
    encode_text: TextFunction | None = None,
    classify: ImageFunction | None = None,
    scores: Scores | None = None,
    classes: Sequence[str] | None = None,
    logit_scale: float = _LOGIT_SCALE,
) -> AnyModel:
    """Return a model of your own, for ``EvaluateConfig(model=...)``, tried on one image (and one word).

    Give `encode_image` and `encode_text` for a model with text, `classify` for a classifier, or
    `encode_image` alone for an encoder whose features are probed. A classifier may have an encoder too.

    Parameters
    ----------
    transform : callable
        Takes one PIL image, grey or RGB, and returns a float tensor (3, H, W).
    name : str
        What results call the model. The digest of the weights is part of its identity if a function is a
        module or a module's method; if not, the identity is your word, and results say so: name what you
        change, because results of one name are one model's.
    encode_image : callable, optional
        Takes a batch of what `transform` returns, (N, 3, H, W), and returns vectors (N, D) of any norm. A
        `torch.nn.Module`, its method, or any function; it may return a tensor, an array or lists.
    encode_text : callable, optional
        Takes a list of M texts and returns vectors (M, D).
    classify : callable, optional
        Takes the same batch and returns a score for each class, (N, C).
    scores : {"logits", "probabilities"}, optional
        What `classify` returns; required with it. Probabilities are at least 0, and each row sums to 1.
    classes : sequence of str, optional
        Names of the C outputs of `classify`, in their order. They are matched with the names of a dataset's
        classes; outputs that match none are left out, and probabilities are of the others alone. Without
        names, the C outputs must be the dataset's classes in the order of its labels.
    logit_scale : float, optional
        Factor on the cosine similarity, before the softmax over classes, of a model with text.

    Returns
    -------
    Model, Classifier or ImageEncoder
        Works in float32, as the functions do; a module moves to the device that is asked for.

    Raises
    ------
    ModelError
        If the transform or a function does not return what it must: when it is tried, or later for a batch
        that gets NaN, infinity or another width.

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
    >>> model = wrap(classify=resnet, scores="logits", transform=transform, name="r50") # doctest: +SKIP
    """
    given = {"encode_image": encode_image, "encode_text": encode_text, "classify": classify}
    functions = {key: function for key, function in given.items() if function is not None}
    _check_parts(functions, transform, scores, classes)
    parts = _Parts(functions, transform, name)
    model: AnyModel
    if encode_text is not None:
        model = _TwoTowers(parts, float(logit_scale))
    elif classify is not None and scores is not None:
        names = None if classes is None else check_outputs(f"the model {name}", list(classes))
        model = (_Head if encode_image is None else _EncoderWithHead)(parts, scores, names)
    else:
        model = _Encoder(parts, "functions of your own")
    return checked(f"the model {name}", model)


def _check_parts(functions: Mapping[str, object], transform: object, scores: object, classes: object) -> None:
    """Refuse functions that make no model together."""
    if not all(map(callable, (*functions.values(), transform))):
        raise ModelError(f"{', '.join((*functions, 'transform'))} must be functions")
    if set(functions) not in (
        {"encode_image"},
        {"classify"},
        {"encode_image", "classify"},
        {"encode_image", "encode_text"},
    ):
        raise ModelError(
            f"{' and '.join(functions) or 'no function'} makes no model: give encode_image and encode_text, "
            "classify, or encode_image alone"
        )
    if "classify" in functions and scores not in get_args(Scores):
        raise ModelError(
            f"classify needs scores='logits' or 'probabilities', what it returns; got {scores!r}"
        )
    if "classify" not in functions and (scores is not None or classes is not None):
        raise ModelError("scores and classes are of classify, which is not given")


class _Parts:
    """The functions of one model, their modules and their transform."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], transform: Preprocess, name: str) -> None:
        pixels = transform(Pillow.new("RGB", (_SIDE, _SIDE)))
        if not isinstance(pixels, torch.Tensor) or pixels.ndim != 3:
            shape = tuple(getattr(pixels, "shape", ())) or type(pixels).__name__
            raise ModelError(f"the transform of {name} returned {shape}: it must return a tensor (3, H, W)")
        self.functions, self.transform, self.name = functions, transform, name
        self.size = (pixels.shape[1], pixels.shape[2])
        modules = (_module_of(function) for function in functions.values())
        self.modules = tuple(dict.fromkeys(module for module in modules if module is not None))
        for module in self.modules:
            module.eval().requires_grad_(False)

    def identity(self, architecture: str) -> ModelIdentity:
        """Return the identity: by the modules' weights, else by the name."""
        state = {
            f"{index}.{key}": tensor
            for index, module in enumerate(self.modules)
            for key, tensor in module.state_dict().items()
        }
        return ModelIdentity(
            spec=f"wrap:{self.name}",
            family="wrap",
            weights_sha256=weights_sha256(state) if state else f"named {self.name}",
            architecture=architecture,
            parameters=sum(each.numel() for module in self.modules for each in module.parameters()),
        )


class _Functions:
    """What wrapped models have in common; what their functions return is checked at every call."""

    def __init__(self, parts: _Parts, architecture: str) -> None:
        self.preprocess = parts.transform
        self.preprocessing = Preprocessing(
            size=parts.size,
            resize="custom",
            resize_size=parts.size,
            interpolation="unknown",
            center_crop=False,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            channels="rgb",
            implementation=f"the transform of {parts.name}",
            plain=False,
        )
        self.identity = parts.identity(architecture)
        self._parts, self._device = parts, torch.device("cpu")
        self._widths: dict[str, int] = {}

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Self:
        """Move the modules; the format of the functions' numbers is their own."""
        if dtype != torch.float32:
            raise ModelError(
                f"{self.identity.spec} is made of functions, which work in fp32: use that precision"
            )
        self._device = torch.device(device)
        for module in self._parts.modules:
            module.to(self._device)
        return self

    @torch.no_grad()
    def _rows(self, function: str, batch: torch.Tensor | list[str]) -> torch.Tensor:
        """Call a function for N images or texts: (N, D) float32, finite, of the width of its first call."""
        moved = batch.to(self._device, torch.float32) if isinstance(batch, torch.Tensor) else batch
        found = self._parts.functions[function](moved)
        try:
            rows = torch.as_tensor(found)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{function} of {self._parts.name} returned {type(found).__name__}, no tensor or array "
                f"({short(error)})"
            ) from error
        width = self._widths.get(function, rows.shape[-1] if rows.ndim else 0)
        if tuple(rows.shape) != (len(batch), width) or not width:
            known = self._widths.get(function, "D")
            raise ModelError(
                f"{function} of {self._parts.name} returned shape {tuple(rows.shape)} for {len(batch)} "
                f"inputs: it must be ({len(batch)}, {known})"
            )
        self._widths[function] = width
        if not torch.isfinite(rows).all():
            raise ModelError(f"{function} of {self._parts.name} returned NaN or infinity: check its weights")
        return rows.float().to(self._device)


class _Encoder(_Functions):
    """Satisfies `medimeta_c.models.ImageEncoder`."""

    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed images: (N, 3, H, W) → (N, D) float32."""
        return self._rows("encode_image", pixels)


class _TwoTowers(_Encoder):
    """Satisfies `medimeta_c.models.Model`."""

    logit_bias: float | None = None
    context_length = 1_000_000  # the functions know their own

    def __init__(self, parts: _Parts, logit_scale: float) -> None:
        # The scale decides the probabilities, so another one makes another model.
        scaled = "" if logit_scale == _LOGIT_SCALE else f", logit scale {logit_scale:g}"
        super().__init__(parts, f"functions of your own{scaled}")
        self.logit_scale = logit_scale

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed M texts: (M, D) float32."""
        return self._rows("encode_text", list(texts))


class _Head(_Functions):
    """Satisfies `medimeta_c.models.Classifier`."""

    def __init__(self, parts: _Parts, scores: Scores, outputs: tuple[str, ...] | None) -> None:
        super().__init__(parts, f"functions of your own, which return {scores}")
        self.outputs = outputs
        self._are_probabilities = scores == "probabilities"

    def classify(self, pixels: torch.Tensor) -> torch.Tensor:
        """Score the outputs: (N, 3, H, W) → (N, C) float32 logits."""
        rows = self._rows("classify", pixels)
        if self.outputs is not None and rows.shape[1] != len(self.outputs):
            raise ModelError(
                f"classify of {self._parts.name} returned {rows.shape[1]} scores for an image, and "
                f"{len(self.outputs)} classes are named: name each"
            )
        if not self._are_probabilities:
            return rows
        if bool((rows < 0).any()) or bool(((rows.sum(dim=1) - 1).abs() > _SUM_TOLERANCE).any()):
            raise ModelError(
                f"classify of {self._parts.name} returned scores below 0, or that do not sum to 1: they are "
                "no probabilities; say scores='logits' if they are logits"
            )
        return rows.log()  # 0 becomes -inf, whose softmax is 0 again

    def columns(self, dataset: str, class_names: Sequence[str]) -> tuple[int, ...]:
        """Return which outputs stand for a dataset's classes; raises ModelError if one has none."""
        count = self._widths.get("classify", 0)
        return matched(self.identity.spec, self.outputs, count, dataset, class_names)


class _EncoderWithHead(_Encoder, _Head):
    """Satisfies `medimeta_c.models.ImageEncoder` and `Classifier`."""

    def __init__(self, parts: _Parts, scores: Scores, outputs: tuple[str, ...] | None) -> None:
        _Head.__init__(self, parts, scores, outputs)


def _module_of(function: object) -> nn.Module | None:
    """Return the module that a function is, or is a method of."""
    owner = getattr(function, "__self__", function)
    return owner if isinstance(owner, nn.Module) else None
