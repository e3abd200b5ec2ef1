"""`wrap`: two functions and a transform are a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

import medimeta_c
from medimeta_c.errors import ModelError
from medimeta_c.models import load_model
from medimeta_c.models.wrapping import wrap


def transform(image: Image.Image) -> torch.Tensor:
    values = torch.frombuffer(bytearray(image.convert("RGB").resize((4, 4)).tobytes()), dtype=torch.uint8)
    return values.reshape(4, 4, 3).permute(2, 0, 1).float() / 255


def encode_text(texts: list[str]) -> torch.Tensor:
    return torch.stack([torch.full((48,), float(len(text))) for text in texts])


def parts(**changes: Any) -> dict[str, Any]:
    given = {"encode_image": lambda pixels: pixels.flatten(1), "encode_text": encode_text}
    return {**given, "transform": transform, "name": "mine", **changes}


def test_functions_are_a_model() -> None:
    """It encodes as the functions do, and is named by the user."""
    model = wrap(**parts(logit_scale=10))
    assert torch.equal(model.encode_texts(["ab"]), torch.full((1, 48), 2.0))
    assert model.encode_images(torch.ones(2, 3, 4, 4)).shape == (2, 48)
    assert (model.identity.spec, model.identity.slug) == ("wrap:mine", "wrap-mine")
    assert model.identity.weights_sha256 == "named mine"
    assert model.preprocessing.size == (4, 4)
    assert model.logit_scale == 10
    assert load_model(model) is model


def test_the_weights_of_a_module_are_its_identity() -> None:
    """Also of a module's method; frozen and in evaluation mode, as every model here."""

    class Tower(nn.Module):
        def __init__(self, bias: float) -> None:
            super().__init__()
            self.layer = nn.Linear(48, 48)
            nn.init.zeros_(self.layer.weight)
            nn.init.constant_(self.layer.bias, bias)

        def encode(self, pixels: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.layer(pixels.flatten(1))
            return out

    towers = [Tower(1.0), Tower(1.0), Tower(2.0)]
    digests = [wrap(**parts(encode_image=tower.encode)).identity.weights_sha256 for tower in towers]
    assert digests[0] == digests[1] != digests[2]
    assert wrap(**parts(encode_image=towers[0].encode)).identity.parameters == 48 * 49
    assert not towers[0].training
    assert not any(parameter.requires_grad for parameter in towers[0].parameters())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no function": ({"encode_image": 3}, "must be functions"),
    "an array for a tensor": ({"transform": lambda image: [1]}, "the transform of mine returned list"),
    "no vectors": ({"encode_text": lambda texts: torch.zeros(3)}, "encode_texts() gave torch.Size([3])"),
    "two spaces": (
        {"encode_text": lambda texts: torch.zeros(len(texts), 7)},
        "images have 48 dimensions and texts 7",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_model_says_why(case: str) -> None:
    changes, message = WRONG[case]
    with pytest.raises(ModelError) as caught:
        wrap(**parts(**changes))
    assert message in str(caught.value)


def test_it_is_scored_like_any_model(small: Path, tmp_path: Path) -> None:
    """From one image benchmark to a result; half precision is refused, since functions know fp32."""
    config = medimeta_c.EvaluateConfig(model=wrap(**parts()), benchmark=small, baseline="none", out=tmp_path)
    saved = medimeta_c.evaluate(config)
    assert saved.result.complete
    assert saved.path.parent.name == "wrap-mine"
    with pytest.raises(ModelError, match="work in fp32"):
        load_model(wrap(**parts()), precision="fp16")
