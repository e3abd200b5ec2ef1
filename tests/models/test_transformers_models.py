"""transformers' CLIP and SigLIP through our loader: the library's own vectors, transforms and tokenizers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_factories import picture, write_siglip
from PIL import Image as PILImage
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoProcessor,
    CLIPImageProcessor,
)
from transformers_folders import TEXTS, copied, is_siglip, write_clip

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.transforms import ResizedAsTensorFlow


def test_the_vectors_are_the_librarys_own(saved_folder: Path, saved_model: Model) -> None:
    """Images, and texts padded the way each family was trained, agree to 1e-5."""
    theirs = AutoModel.from_pretrained(saved_folder).eval()
    tokenizer = AutoProcessor.from_pretrained(saved_folder).tokenizer
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    if is_siglip(saved_folder):
        tokens = {
            "input_ids": tokenizer(TEXTS, padding="max_length", max_length=64, return_tensors="pt").input_ids
        }
    else:
        tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        images = theirs.get_image_features(pixel_values=pixels).pooler_output
        texts = theirs.get_text_features(**tokens).pooler_output
    torch.testing.assert_close(saved_model.encode_images(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(saved_model.encode_texts(TEXTS), texts, atol=1e-5, rtol=0)


def test_logits_are_the_librarys_own(saved_folder: Path, saved_model: Model) -> None:
    """Scale and bias on the cosine similarity give the model's own logits."""
    theirs = AutoModel.from_pretrained(saved_folder).eval()
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    tokens = saved_model.tokenizer(TEXTS)  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = theirs(pixel_values=pixels, **tokens).logits_per_image
    normalize = torch.nn.functional.normalize
    cosine = normalize(saved_model.encode_images(pixels)) @ normalize(saved_model.encode_texts(TEXTS)).T
    logits = saved_model.logit_scale * cosine + (saved_model.logit_bias or 0.0)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (saved_model.logit_bias == -9.5) if is_siglip(saved_folder) else (saved_model.logit_bias is None)


@pytest.mark.parametrize("size", [(224, 224), (300, 260)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_is_the_processors(
    saved_folder: Path, saved_model: Model, size: tuple[int, int], grey: bool
) -> None:
    """What AutoProcessor makes of the image, grey copied to three channels."""
    image = picture(*size, grey=grey)
    theirs = AutoProcessor.from_pretrained(saved_folder)(images=image.convert("RGB"), return_tensors="pt")[
        "pixel_values"
    ][0]
    ours = pickle.loads(pickle.dumps(saved_model.preprocess))(image)
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


@pytest.mark.parametrize("grey", [False, True])
def test_images_of_the_models_size_are_only_normalised(saved_model: Model, grey: bool) -> None:
    """The plain record is true: normalising pixels by it gives the processor's tensors."""
    record = saved_model.preprocessing
    assert record.is_normalise_only(224, 224)
    image = picture(224, 224, grey=grey)
    pixels = torch.from_numpy(np.array(image)).float().div(255)
    planes = pixels.expand(3, -1, -1) if grey else pixels.permute(2, 0, 1)
    ours = (planes - torch.tensor(record.mean)[:, None, None]) / torch.tensor(record.std)[:, None, None]
    torch.testing.assert_close(ours, saved_model.preprocess(image), atol=2e-6, rtol=0)


def test_a_processor_that_crops_is_not_plain(tmp_path: Path) -> None:
    """Resizing to 256 and cropping 224 moves pixels even in an image of 224."""
    folder = write_clip(tmp_path)
    CLIPImageProcessor(size={"shortest_edge": 256}).save_pretrained(folder)
    record = load_model(f"transformers:{folder}").preprocessing
    assert record.size == (224, 224)
    assert record.resize_size == (256, 256)
    assert record.center_crop
    assert not record.is_normalise_only(224, 224)


def test_a_long_prompt_is_refused(saved_model: Model, saved_folder: Path) -> None:
    """The limit is the text tower's: 40 tokens for this CLIP, 64 for this SigLIP."""
    limit = 64 if is_siglip(saved_folder) else 40
    assert saved_model.context_length == limit
    special = 1 if is_siglip(saved_folder) else 2
    saved_model.encode_texts([" ".join(["a"] * (limit - special))])
    with pytest.raises(ModelError, match=f"is {limit + 1} tokens.*at most {limit}"):
        saved_model.encode_texts([" ".join(["a"] * (limit - special + 1))])


def test_a_text_alone_has_the_vector_it_has_in_company(saved_model: Model) -> None:
    """Padding to the longest of a batch changes nothing."""
    torch.testing.assert_close(
        saved_model.encode_texts(TEXTS)[1:2], saved_model.encode_texts(TEXTS[1:2]), atol=1e-5, rtol=0
    )


def test_containers_do_not_matter(saved_folder: Path, saved_model: Model, tmp_path: Path) -> None:
    """A torch file and shards give the same digest and vectors as one safetensors file."""
    state = load_file(saved_folder / "model.safetensors")
    torch_file, shards = copied(saved_folder, tmp_path / "bin"), copied(saved_folder, tmp_path / "shards")
    (torch_file / "model.safetensors").unlink()
    torch.save(state, torch_file / "pytorch_model.bin")
    (shards / "model.safetensors").unlink()
    AutoModel.from_pretrained(saved_folder).save_pretrained(shards, max_shard_size="50KB")
    assert len(list(shards.glob("model-*.safetensors"))) > 1
    for other in (torch_file, shards):
        again = load_model(f"transformers:{other}")
        assert again.identity.weights_sha256 == saved_model.identity.weights_sha256
        torch.testing.assert_close(again.encode_texts(TEXTS), saved_model.encode_texts(TEXTS), atol=0, rtol=0)


def test_one_file_of_weights_comes_before_its_variants(
    saved_folder: Path, saved_model: Model, tmp_path: Path
) -> None:
    """A half-precision copy beside the weights is not what transformers reads, nor what the digest is of."""
    other = copied(saved_folder, tmp_path / "m")
    state = {key: value + 1 for key, value in load_file(saved_folder / "model.safetensors").items()}
    save_file(state, other / "model_fp16.safetensors", metadata={"format": "pt"})
    assert load_model(f"transformers:{other}").identity.weights_sha256 == saved_model.identity.weights_sha256


def test_lower_precision_comes_back_as_float32(saved_folder: Path, saved_model: Model) -> None:
    """bf16 weights, float32 vectors of nearly the same direction."""
    half = load_model(f"transformers:{saved_folder}", precision="bf16")
    exact, rough = saved_model.encode_texts(TEXTS), half.encode_texts(TEXTS)
    assert rough.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.99


def test_settings_are_part_of_the_identity(tmp_path: Path) -> None:
    """The same tensors with another activation are another model; who wrote the file makes no difference."""
    folder = write_clip(tmp_path / "clip")
    values = json.loads((folder / "config.json").read_text())

    def architecture(**changes: Any) -> str:
        (folder / "config.json").write_text(json.dumps(values | changes))
        return load_model(f"transformers:{folder}").identity.architecture

    before = architecture()
    assert architecture(transformers_version="0.0.0") == before
    assert architecture(text_config={**values["text_config"], "hidden_act": "relu"}) != before


def test_big_vision_resizes_as_tensorflow_does(tmp_path: Path) -> None:
    """Bilinear from the centres of pixels, without antialiasing, cut to whole numbers; then the processor."""
    ours = load_model(f"transformers:{write_siglip(tmp_path)}", preprocessing="big-vision")
    line = PILImage.fromarray(np.array([[0, 100], [0, 100]], np.uint8))
    resized = ResizedAsTensorFlow((1, 4), lambda image: torch.from_numpy(np.asarray(image)[0, :, 0].copy()))
    assert resized(line).tolist() == [0, 25, 75, 100]
    image = picture(97, 61)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].double()
    exact = torch.nn.functional.interpolate(pixels, (224, 224), mode="bilinear", antialias=False)[0]
    found = (ours.preprocess(image) * 0.5 + 0.5) * 255
    cut = found.round().double()
    assert (found - cut).abs().max() < 1e-3
    assert ((exact - cut) > -1e-3).all()
    assert ((exact - cut) < 1 + 1e-3).all()
    own = load_model(f"transformers:{tmp_path}")
    assert (own.preprocess(picture(600, 500)) - ours.preprocess(picture(600, 500))).abs().max() > 0.05
    assert torch.equal(own.preprocess(picture(224, 224)), ours.preprocess(picture(224, 224)))
    said = ours.preprocessing
    assert (said.resize, said.interpolation, said.plain) == ("squash", "bilinear", True)
    assert "ResizedAsTensorFlow" in said.implementation
    assert pickle.loads(pickle.dumps(ours.preprocess))(image).equal(ours.preprocess(image))


def test_a_preprocessing_that_a_model_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    """By the family where it lists none or others, by the model where it is no SigLIP."""
    with pytest.raises(ConfigError, match=r"hf-hub:org/name.* has only its own preprocessing, not"):
        load_model("hf-hub:some-lab/model", preprocessing="big-vision")
    with pytest.raises(ConfigError, match=r"unknown preprocessing of transformers:NAME_OR_PATH 'big-visio'"):
        load_model("transformers:some-lab/model", preprocessing="big-visio")
    with pytest.raises(ConfigError, match=r"of type clip, read by transformers\.CLIPImageProcessor"):
        load_model(f"transformers:{write_clip(tmp_path)}", preprocessing="big-vision")
