"""FLAIR: the published layout with seeded weights, against the numbers of upstream's own code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from published_folders import spoilt, write_flair
from safetensors.torch import save_file
from seeded_weights import lively_state
from upstream_numbers import assert_apart, assert_numbers, pictures, read_numbers, read_shapes

from medimeta_c.errors import ModelError
from medimeta_c.lora.targets import default_targets, find_sites
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published.flair import Flair

NUMBERS = read_numbers("flair")
TEXTS = NUMBERS["texts"]
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return lively_state(NUMBERS["shapes"])


@pytest.fixture(scope="module")
def folder(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the Hub has it, with a tokenizer beside the weights."""
    return write_flair(tmp_path_factory.mktemp("flair"), state)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(f"flair:{folder}")


def test_images_and_texts_give_upstreams_features_and_logits(model: Model) -> None:
    """To 1e-5: of images of four sizes, one grey, and of texts of three lengths."""
    assert_numbers(model, NUMBERS, pictures(), 61, 73)


def test_the_features_tell_the_images_and_the_texts_apart() -> None:
    """So that the comparison above could fail."""
    assert_apart(NUMBERS)


@pytest.mark.parametrize("learnt", list(NUMBERS["scales"]))
def test_the_temperature_is_clamped_as_upstream_clamps_it(
    state: State, folder: Path, tmp_path: Path, learnt: str
) -> None:
    write_flair(tmp_path, {**state, "logit_scale": torch.tensor(float(learnt))})
    assert load_model(f"flair:{tmp_path}").logit_scale == pytest.approx(NUMBERS["scales"][learnt])


def test_the_published_checkpoints_tensors_are_the_models() -> None:
    """Names and shapes of upstream's model at its own size, every one of them."""
    published = read_shapes("flair")
    with torch.device("meta"):
        state = {
            name: torch.empty(shape, dtype=torch.int64 if name.endswith("num_batches_tracked") else None)
            for name, shape in published.items()
        }
        module = Flair.from_state(state, Path("published"))
    assert {name: list(tensor.shape) for name, tensor in module.state_dict().items()} == published


def test_the_first_release_is_the_same_model(
    state: State, folder: Path, model: Model, tmp_path: Path
) -> None:
    """flair_resnet.pth: a pickled table with the position_ids of older transformers, named as a file."""
    older = {**state, "text_model.model.embeddings.position_ids": torch.arange(512)[None]}
    write_flair(tmp_path, older, "flair_resnet.pth")
    again = load_model(f"flair:{tmp_path / 'flair_resnet.pth'}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256
    assert again.identity.architecture == model.identity.architecture
    torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)


def test_a_text_does_not_depend_on_the_others(model: Model) -> None:
    """Padding is left out of the mean."""
    alone = torch.cat([model.encode_texts([text]) for text in TEXTS])
    torch.testing.assert_close(model.encode_texts(TEXTS), alone, atol=1e-6, rtol=0)


def test_images_of_512_pixels_are_only_scaled(model: Model) -> None:
    """Such images may be normalised on the device."""
    assert model.preprocessing.is_normalise_only(512, 512)
    pixels = torch.from_numpy(np.array(pictures()[0])).permute(2, 0, 1) / 255
    torch.testing.assert_close(model.preprocess(pictures()[0]), pixels)


def test_a_sliver_keeps_a_row(model: Model) -> None:
    """An edge that would be resized to nothing has one pixel."""
    pixels = model.preprocess(pictures()[0].resize((2000, 1)))
    assert pixels.shape == (3, 512, 512)
    assert pixels[:, 0].any()
    assert not pixels[:, 1:].any()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("logit_scale", "missing"),
        ("text_model.model.encoder.layer.2.output.LayerNorm.bias", "missing"),
        ("vision_model.model.layer4.2.conv3.weight", "of another shape or type"),
        ("vision_model.projection_head_vision.projection.bias", "unexpected"),
    ],
)
def test_weights_load_whole_or_not_at_all(
    state: State, folder: Path, tmp_path: Path, name: str, spoil: str
) -> None:
    """A tensor that is missing, left over or of another shape is named."""
    write_flair(tmp_path, spoilt(state, name, spoil, 64))
    with pytest.raises(ModelError, match=rf"read as FLAIR, .* 1 (missing|{spoil}) \({name}\)"):
        load_model(f"flair:{tmp_path}")


def test_another_models_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    write_flair(tmp_path, {"weight": torch.zeros(2, 2)})
    with pytest.raises(ModelError, match=r"read as FLAIR.*1 missing"):
        load_model(f"flair:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "value"), [("image_size", 224), ("norm_features", False), ("vision_type", "efficientnet")]
)
def test_a_model_with_other_settings_is_refused(
    folder: Path, tmp_path: Path, name: str, value: object
) -> None:
    """They would change what is computed, and no tensor shows them."""
    write_flair(tmp_path, {"weight": torch.zeros(2, 2)})
    (tmp_path / "config.json").write_text(json.dumps({**NUMBERS["config"], name: value}), encoding="utf-8")
    with pytest.raises(ModelError, match=rf"config\.json says {name} {value!r}"):
        load_model(f"flair:{tmp_path}")


def test_missing_files_are_named(state: State, tmp_path: Path, impatient: None) -> None:
    """No weights; a tokenizer neither here nor on the Hub; a repository that is not to be had."""
    with pytest.raises(ModelError, match=r"holds none of model\.safetensors.*flair_resnet\.pth"):
        load_model(f"flair:{tmp_path}")
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"no tokenizer in .*vocab\.txt.*Bio_ClinicalBERT"):
        load_model(f"flair:{tmp_path}")
    with pytest.raises(ModelError, match=r"cannot be reached and jusiro2/FLAIR"):
        load_model("flair:jusiro2/FLAIR@main")


def test_a_tokenizer_of_more_tokens_is_refused(state: State, folder: Path, tmp_path: Path) -> None:
    """It is another model's: its ids would lie outside the text tower's table."""
    write_flair(tmp_path, state)
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("retina\n")
    with pytest.raises(ModelError, match=r"the tokenizer in .* has 145 tokens, and the text tower knows 144"):
        load_model(f"flair:{tmp_path}")


def test_adapters_find_the_image_tower(model: Model) -> None:
    """The 49 convolutions of a ResNet-50's blocks and stem."""
    targets = default_targets(model)
    assert (targets, len(find_sites(model, targets))) == (("conv-centre",), 49)


def test_prompts_have_77_tokens(model: Model) -> None:
    """The limit of upstream's tokenizer, without its truncation."""
    assert model.context_length == 77
    with pytest.raises(ModelError, match="is 78 tokens"):
        model.encode_texts([" ".join(["a"] * 76)])
