"""python:module:attribute: a user's own model is accepted whole, or told what it lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import load_model

GOOD = """
import numpy as np
import torch
from medimeta_c.models import ModelIdentity, Preprocessing

def preprocess(image):
    pixels = np.array(image.convert("RGB").resize((8, 8)), dtype="float32")
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255

class Mine:
    preprocess = staticmethod(preprocess)
    preprocessing = Preprocessing(
        size=(8, 8), resize="squash", resize_size=(8, 8), interpolation="bicubic", center_crop=False,
        mean=(0.0,) * 3, std=(1.0,) * 3, channels="rgb", implementation="mine", plain=True)
    identity = ModelIdentity(
        spec="mine", family="mine", revision=None, weights_sha256="0" * 64, architecture="none", parameters=0)
    logit_scale = 10.0
    logit_bias = None
    context_length = 77

    def encode_images(self, pixels):
        return pixels.mean((2, 3))

    def encode_texts(self, texts):
        return torch.tensor([[len(text), 1.0, 0.0] for text in texts])

    def to(self, device, dtype):
        return self

def load():
    return Mine()

ready = Mine()

class Nested:
    inner = ready

class Half:
    def encode_images(self, pixels):
        return pixels
    logit_scale = "high"

class Flat(Mine):
    def encode_texts(self, texts):
        return torch.zeros(3)

class Wide(Mine):
    def encode_texts(self, texts):
        return torch.zeros(len(texts), 4)

class Small(Mine):
    @staticmethod
    def preprocess(image):
        return torch.zeros(3, 4, 4)

number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current folder, which is not on the path."""
    (tmp_path / "my_own_model.py").write_text(GOOD)
    (tmp_path / "needs_more.py").write_text("import surely_not_installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_own_model", raising=False)
    return "my_own_model"


@pytest.mark.parametrize("attribute", ["load", "Mine", "ready", "Nested.inner"])
def test_a_function_a_class_and_an_object_will_do(module: str, attribute: str) -> None:
    """Called where it must be, found in the current folder, and used as it is."""
    model = load_model(f"python:{module}:{attribute}")
    assert type(model).__name__ == "Mine"
    assert model.encode_texts(["abc"]).tolist() == [[3.0, 1.0, 0.0]]
    assert isinstance(model.encode_images(torch.zeros(2, 3, 8, 8)), torch.Tensor)


def test_everything_missing_is_listed_at_once(module: str) -> None:
    """One message for all faults, not one run for each."""
    with pytest.raises(ModelError) as caught:
        load_model(f"python:{module}:Half")
    for fault in (
        "encode_texts() is missing",
        "identity is missing",
        "logit_scale is a str",
        "context_length",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("Flat", r"encode_texts\(\) gave torch\.Size\(\[3\]\)"),
        ("Wide", "3 dimensions and texts 4"),
        ("Small", r"preprocess\(\) gave .*4, 4.*preprocessing\.size"),
        ("number", "neither a model nor a function"),
    ],
)
def test_wrong_shapes_are_found_before_the_evaluation(module: str, attribute: str, message: str) -> None:
    """The model is tried on one image and one word."""
    with pytest.raises(ModelError, match=message):
        load_model(f"python:{module}:{attribute}")


@pytest.mark.parametrize(
    ("target", "message"),
    [("absent_module:load", "no module 'absent_module'"), ("my_own_model:lode", "no attribute 'lode'")],
)
def test_a_wrong_name_is_a_wrong_request(module: str, target: str, message: str) -> None:
    """Names that do not exist are configuration errors."""
    with pytest.raises(ConfigError, match=message):
        load_model(f"python:{target}")


def test_a_module_that_needs_another_says_which(module: str) -> None:
    """The missing dependency is named, not the user's module."""
    with pytest.raises(ModelError, match="needs surely_not_installed"):
        load_model("python:needs_more:load")


def test_an_object_is_a_model_too(module: str) -> None:
    """It is checked as a spec's model is, and given back."""
    mine = load_model(f"python:{module}:ready")
    assert load_model(mine) is mine
    half = sys.modules[module].Half()
    with pytest.raises(ModelError, match=r"the Half given is not a model: encode_texts\(\) is missing"):
        load_model(half)
    with pytest.raises(ModelError, match="the int given is not a model"):
        load_model(3)  # type: ignore[arg-type]
