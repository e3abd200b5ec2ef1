"""Try a user's own model that answers in words, before it is asked anything that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image as PILImage

from medimeta_c.errors import ModelError
from medimeta_c.models.contract import ModelIdentity

__all__ = ["check_answerer", "is_answerer"]

_METHODS = ("generate", "to")
_ANSWERS = ("a", "b c")
_QUESTION = "What is this? Answer with one of these options and nothing else:\n- a\n- b c"


def is_answerer(model: Any) -> bool:
    """Return whether an object is meant to answer in words."""
    return (
        hasattr(model, "generate") and not hasattr(model, "encode_images") and not hasattr(model, "classify")
    )


def check_answerer(spec: str, model: Any) -> None:
    """Ask an object about one image and about none.

    Parameters
    ----------
    spec : str
        What messages call it.
    model : object
        What may be a `medimeta_c.models.Answerer`, or an `AnswerScorer`.

    Raises
    ------
    ModelError
        Listing what is missing or wrong.
    """
    faults = [f"{name}() is missing" for name in _METHODS if not callable(getattr(model, name, None))]
    if not isinstance(getattr(model, "identity", None), ModelIdentity):
        faults.append("identity is not a ModelIdentity")
    if not isinstance(getattr(model, "settings", None), Mapping):
        faults.append("settings is not a mapping")
    scores = hasattr(model, "log_probabilities")
    if scores and not callable(getattr(model, "answer_tokens", None)):
        faults.append("answer_tokens() is missing, which log_probabilities() needs beside it")
    if faults:
        raise ModelError(f"{spec} is not a model: {'; '.join(faults)} (see medimeta_c.models.Answerer)")
    images = [PILImage.linear_gradient("L"), None]
    texts = model.generate(images, [(_QUESTION,)] * 2, 4)
    if not isinstance(texts, list) or [type(each) for each in texts] != [str, str]:
        raise ModelError(f"{spec}: generate() did not give a list with one text for each of two questions")
    if not scores:
        return
    found = model.log_probabilities(images, [_QUESTION] * 2, _ANSWERS)
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != (2, 2):
        shape = getattr(found, "shape", type(found).__name__)
        raise ModelError(
            f"{spec}: log_probabilities() gave {shape} for two questions and two answers: it must give a "
            "tensor of shape (2, 2)"
        )
