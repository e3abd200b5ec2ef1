"""``python:module:attribute``: a model of the user's own."""

from __future__ import annotations

import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from PIL import Image as PILImage

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models.answering.trial import check_answerer, is_answerer
from medimeta_c.models.contract import AnyModel, ModelIdentity, Preprocessing

__all__ = ["checked", "load_own"]

_METHODS = ("preprocess", "to")
_VALUES: dict[str, tuple[type, ...]] = {"preprocessing": (Preprocessing,), "identity": (ModelIdentity,)}
_VALUES_WITH_TEXT: dict[str, tuple[type, ...]] = {
    "logit_scale": (int, float),
    "logit_bias": (int, float, type(None)),
    "context_length": (int,),
}
_VALUES_WITH_HEAD: dict[str, tuple[type, ...]] = {"outputs": (tuple, type(None))}


def load_own(spec: str, target: str) -> AnyModel:
    """Load the object a spec names, or what that returns when called without arguments.

    Modules of the current folder are found too, after the installed ones. The object is tried on one image
    and one word before it is handed on.

    Raises
    ------
    ConfigError
        If the spec is not of this form, or names no importable module or attribute.
    ModelError
        If the object is no `medimeta_c.models.Model`, `Classifier` or `ImageEncoder`; the message lists what
        is missing or wrong.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"{spec!r} is not of the form python:module:attribute")
    model = _attribute(spec, module_name, attribute)
    methods = ("encode_images", "classify", "generate")
    if isinstance(model, type) or not any(hasattr(model, name) for name in methods):
        if not callable(model):
            raise ModelError(
                f"{spec} is a {type(model).__name__}, neither a model nor a function that returns one"
            )
        model = model()
    return checked(spec, model)


def checked(spec: str, model: Any) -> AnyModel:
    """Return an object if it is a model, tried on one image and one word.

    Parameters
    ----------
    spec : str
        What messages call it.
    model : object
        What may be one.

    Raises
    ------
    ModelError
        Listing what is missing or wrong.
    """
    if is_answerer(model):
        check_answerer(spec, model)
    else:
        _check_members(spec, model)
        _check_vectors(spec, model)
    found: AnyModel = model
    return found


def _attribute(spec: str, module_name: str, attribute: str) -> Any:
    """Import the module and walk to the attribute."""
    here = str(Path.cwd())
    if here not in sys.path:  # stays there: worker processes import the transform's module by the same path
        sys.path.append(here)
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise ModelError(
                f"{spec}: importing {module_name} failed because it needs {error.name}: install it"
            ) from error
        raise ConfigError(f"{spec}: there is no module {module_name!r}, installed or in {here}") from error
    try:
        return attrgetter(attribute)(module)
    except AttributeError as error:
        raise ConfigError(f"{spec}: {module_name} has no attribute {attribute!r}") from error


def _check_members(spec: str, model: Any) -> None:
    """Refuse an object that lacks members of its protocol, naming all of them."""
    values = dict(_VALUES)
    if any(hasattr(model, name) for name in ("encode_texts", *_VALUES_WITH_TEXT)):
        kind, methods = "Model", ["encode_images", "encode_texts"]
        values |= _VALUES_WITH_TEXT
    elif hasattr(model, "classify"):
        kind, methods = "Classifier", ["classify", "columns"]
        values |= _VALUES_WITH_HEAD
    else:
        kind, methods = "ImageEncoder", ["encode_images"]
    faults = [
        f"{name}() is missing" for name in (*methods, *_METHODS) if not callable(getattr(model, name, None))
    ]
    for name, kinds in values.items():
        if not hasattr(model, name):
            faults.append(f"{name} is missing")
        elif not isinstance(getattr(model, name), kinds) or isinstance(getattr(model, name), bool):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            faults.append(f"{name} is a {type(getattr(model, name)).__name__}, not {wanted}")
    if faults:
        raise ModelError(f"{spec} is not a model: {'; '.join(faults)} (see medimeta_c.models.{kind})")


def _check_vectors(spec: str, model: Any) -> None:
    """Embed or classify one image, embed one word, and compare the shapes."""
    height, width = model.preprocessing.size
    # A ramp: of one colour alone, some transforms and encoders make NaN.
    pixels = model.preprocess(PILImage.linear_gradient("L").resize((width, height)).convert("RGB"))
    if not isinstance(pixels, torch.Tensor) or tuple(pixels.shape) != (3, height, width):
        shape = getattr(pixels, "shape", type(pixels).__name__)
        raise ModelError(
            f"{spec}: preprocess() gave {shape}, and preprocessing.size says (3, {height}, {width})"
        )
    found = {}
    for name, given in (("classify", pixels[None]), ("encode_images", pixels[None]), ("encode_texts", ["a"])):
        if not hasattr(model, name):
            continue
        vectors = found[name] = getattr(model, name)(given)
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != 1:
            shape = getattr(vectors, "shape", type(vectors).__name__)
            raise ModelError(
                f"{spec}: {name}() gave {shape} for one input, and must give a tensor of shape (1, D)"
            )
    images, texts = found.get("encode_images"), found.get("encode_texts")
    if texts is not None and images is not None and images.shape[1] != texts.shape[1]:
        raise ModelError(
            f"{spec}: images have {images.shape[1]} dimensions and texts {texts.shape[1]}: they must share "
            "one space"
        )
