"""`wrap`: functions and a transform are a model, a classifier or an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import medimeta_c
from medimeta_c.errors import ModelError
from medimeta_c.models import Classifier, ImageEncoder, Model, load_model
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


def halves(pixels: torch.Tensor) -> torch.Tensor:
    """Two logits: how light the upper and the lower half are."""
    return torch.stack([pixels[:, :, :2].mean((1, 2, 3)), pixels[:, :, 2:].mean((1, 2, 3))], dim=1)


def head(**changes: Any) -> Any:
    return wrap(**{"classify": halves, "scores": "logits", "transform": transform, "name": "mine", **changes})


def test_what_is_given_decides_what_it_is() -> None:
    """Texts make a model, classes a classifier, images alone an encoder; a classifier may encode too."""
    text, alone = wrap(**parts()), wrap(**parts(encode_text=None))
    both = head(encode_image=parts()["encode_image"])
    found = [
        [isinstance(one, kind) for kind in (Model, Classifier, ImageEncoder)]
        for one in (text, head(), alone, both)
    ]
    assert found == [[True, False, True], [False, True, False], [False, False, True], [False, True, True]]
    assert both.encode_images(torch.ones(2, 3, 4, 4)).shape == (2, 48)


def test_tensors_arrays_and_lists_are_scores() -> None:
    """What a network, scikit-learn and an API return; probabilities become logits of the same softmax."""
    pixels = torch.rand(3, 3, 4, 4)
    chances = torch.softmax(halves(pixels), dim=1)
    for convert in (torch.Tensor, np.asarray, torch.Tensor.tolist):
        model = head(
            classify=lambda given, to=convert: to(torch.softmax(halves(given), dim=1)), scores="probabilities"
        )
        torch.testing.assert_close(torch.softmax(model.classify(pixels), dim=1), chances)
    certain = head(classify=lambda given: [[1.0, 0.0]] * len(given), scores="probabilities")
    assert torch.softmax(certain.classify(pixels), dim=1)[0].tolist() == [1.0, 0.0]


def test_outputs_are_matched_by_name_or_else_by_position() -> None:
    model = head(classes=["Benign_cells", "malignant"])
    assert model.columns("tumours", ["malignant", "benign cells"]) == (1, 0)
    assert head().columns("tumours", ["malignant", "benign cells"]) == (0, 1)
    assert (model.outputs, head().outputs) == (("Benign_cells", "malignant"), None)


def test_an_identity_without_weights_says_that_it_is_a_word() -> None:
    """Of a module there is a digest and nothing to say."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    assert head(classify=module).identity.caution is None
    assert "its identity is its user's word" in str(head().identity.caution)


def test_what_decides_the_probabilities_is_part_of_the_identity() -> None:
    """Functions of one name are told apart by the scale, and by what their scores are."""
    even = head(classify=lambda pixels: [[0.5, 0.5]] * len(pixels), scores="probabilities")
    assert even.identity != head().identity
    assert wrap(**parts(logit_scale=10)).identity != wrap(**parts()).identity


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no function": ({"encode_image": 3}, "must be functions"),
    "texts alone": ({"encode_image": None}, "encode_text makes no model"),
    "nothing": ({"encode_image": None, "encode_text": None}, "no function makes no model"),
    "texts and classes": ({"classify": halves}, "makes no model: give"),
    "scores of nothing": ({"scores": "logits"}, "scores and classes are of classify"),
    "an array for a tensor": ({"transform": lambda image: [1]}, "the transform of mine returned list"),
    "no vectors": ({"encode_text": lambda texts: torch.zeros(3)}, "encode_text of mine returned shape (3,)"),
    "no numbers": (
        {"encode_text": lambda texts: "a"},
        "encode_text of mine returned str, no tensor or array",
    ),
    "NaN": ({"encode_image": lambda pixels: pixels.flatten(1) * np.nan}, "encode_image of mine returned NaN"),
    "two spaces": (
        {"encode_text": lambda texts: torch.zeros(len(texts), 7)},
        "images have 48 dimensions and texts 7",
    ),
}
WRONG_HEADS: dict[str, tuple[dict[str, Any], str]] = {
    "scores unsaid": ({"scores": None}, "classify needs scores='logits' or 'probabilities'"),
    "logits as probabilities": (
        {"classify": lambda pixels: halves(pixels) - 9, "scores": "probabilities"},
        "no probabilities; say scores='logits'",
    ),
    "a class too many": ({"classes": ["a", "b", "c"]}, "returned 2 scores for an image, and 3 classes"),
    "a name twice": ({"classes": ["a", "a"]}, "the model mine names the output 'a' twice"),
    "one score": (
        {"classify": lambda pixels: pixels.mean((1, 2, 3))},
        "classify of mine returned shape (1,)",
    ),
    "NaN": ({"classify": lambda pixels: halves(pixels).log() * 0 - torch.inf}, "returned NaN or infinity"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_model_says_why(case: str) -> None:
    changes, message = WRONG[case]
    with pytest.raises(ModelError) as caught:
        wrap(**parts(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("case", WRONG_HEADS)
def test_what_is_no_classifier_says_why(case: str) -> None:
    changes, message = WRONG_HEADS[case]
    with pytest.raises(ModelError) as caught:
        head(**changes)
    assert message in str(caught.value)


def test_a_batch_of_another_width_is_refused() -> None:
    """A function may answer well when it is tried, and not later."""
    model = head(classify=lambda pixels: halves(pixels)[:, : 2 if len(pixels) == 1 else 1])
    with pytest.raises(ModelError, match=r"shape \(5, 1\) for 5 inputs: it must be \(5, 2\)"):
        model.classify(torch.zeros(5, 3, 4, 4))


@pytest.mark.parametrize(
    ("model", "classes", "message"),
    [
        (
            head(classes=["a", "b"]),
            ["a", "c", "d"],
            "no output for 'c', 'd' of tumours (its outputs: 'a', 'b')",
        ),
        (head(), ["a", "b", "c"], "has 2 outputs without names, and tumours has 3 classes"),
        (head(classes=["a b", "c"]), ["A b", "a B"], "one output for 'A b', 'a B' of tumours"),
        (head(classes=["a b", "a_b"]), ["A B"], "no output for 'A B'"),
    ],
)
def test_a_head_without_the_classes_says_what_is_missing(
    model: Any, classes: list[str], message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        model.columns("tumours", classes)
    assert message in str(caught.value)


def test_it_is_scored_like_any_model(small: Path, tmp_path: Path) -> None:
    """From one image benchmark to a result; half precision is refused, since functions know fp32."""
    config = medimeta_c.EvaluateConfig(model=wrap(**parts()), benchmark=small, baseline="none", out=tmp_path)
    saved = medimeta_c.evaluate(config)
    assert saved.result.complete
    assert saved.path.parent.name == "wrap-mine"
    with pytest.raises(ModelError, match="work in fp32"):
        load_model(wrap(**parts()), precision="fp16")
