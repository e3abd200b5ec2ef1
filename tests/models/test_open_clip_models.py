"""open_clip's models through our loader: open_clip's vectors, transforms and tokenizers."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from model_factories import (
    picture,
    write_bert_tokenizer,
)
from open_clip_vectors import TEXTS, assert_same_vectors, edited

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model


def test_a_folder_gives_open_clips_own_vectors(clip_folder: Path, clip: Model) -> None:
    """A ViT with the byte-pair tokenizer: images, texts and temperature are create_model's."""
    theirs = open_clip.create_model(f"local-dir:{clip_folder}").eval()
    assert_same_vectors(clip, theirs, open_clip.get_tokenizer(f"local-dir:{clip_folder}")(TEXTS))
    assert clip.logit_scale == pytest.approx(20)
    assert clip.logit_bias is None


def test_biomedclips_structure_loads_with_the_network_off(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """A timm trunk, and a BERT named relative to the folder: open_clip's vectors, no connection."""
    ours = load_model(f"local-dir:{biomed_folder}")
    assert ours.context_length == 256
    vectors = ours.encode_texts(TEXTS)
    assert offline == []
    # open_clip itself needs the text tower under an absolute path and the tokenizer beside the weights
    theirs_folder = edited(biomed_folder, tmp_path / "theirs", hf_model_name=str(biomed_folder / "text"))
    write_bert_tokenizer(theirs_folder)
    theirs = open_clip.create_model(f"local-dir:{theirs_folder}").eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{theirs_folder}")(TEXTS)
    assert_same_vectors(ours, theirs, tokens)
    assert vectors.shape == (3, 48)


@pytest.mark.parametrize("size", [(224, 224), (300, 260), (97, 131)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_is_the_models_own(
    clip_folder: Path, clip: Model, size: tuple[int, int], grey: bool
) -> None:
    """Pixel for pixel what create_model_and_transforms gives, grey images included."""
    _, _, theirs = open_clip.create_model_and_transforms(f"local-dir:{clip_folder}")
    image = picture(*size, grey=grey)
    torch.testing.assert_close(clip.preprocess(image), theirs(image), atol=0, rtol=0)


@pytest.mark.parametrize("grey", [False, True])
def test_images_of_the_models_size_are_only_normalised(clip: Model, grey: bool) -> None:
    """What the record calls plain may be done on the device: the tensors are the transform's."""
    image = picture(224, 224, grey=grey)
    record = clip.preprocessing
    assert record.is_normalise_only(224, 224)
    assert not record.is_normalise_only(224, 225)
    pixels = torch.from_numpy(np.array(image)).float().div(255)
    planes = pixels.expand(3, -1, -1) if grey else pixels.permute(2, 0, 1)
    ours = (planes - torch.tensor(record.mean)[:, None, None]) / torch.tensor(record.std)[:, None, None]
    torch.testing.assert_close(ours, clip.preprocess(image), atol=1e-6, rtol=0)


def test_the_transform_travels_without_the_weights(clip: Model) -> None:
    """It pickles into worker processes, small, and works there."""
    packed = pickle.dumps(clip.preprocess)
    assert len(packed) < 5000
    image = picture(224, 224)
    torch.testing.assert_close(pickle.loads(packed)(image), clip.preprocess(image))


def test_too_long_a_prompt_is_refused_by_both_tokenizers(clip: Model, biomed: Model) -> None:
    """Neither truncates; the message has prompt, tokens and limit; the limit itself passes."""
    for model in (clip, biomed):
        room = model.context_length - 2
        assert model.encode_texts([" ".join(["a"] * room)]).shape[0] == 1
        with pytest.raises(ModelError, match=rf"'a a .*is {room + 3} tokens.*at most {room + 2}"):
            model.encode_texts(["cell", " ".join(["a"] * (room + 1))])


def test_texts_do_not_depend_on_their_company(clip: Model, biomed: Model) -> None:
    """A text alone, among others, or beyond one pass has the same vector; no text is an error."""
    many = [f"a photo of {number}" for number in range(70)]
    for model in (clip, biomed):
        whole = model.encode_texts(many)
        torch.testing.assert_close(model.encode_texts(many[66:67]), whole[66:67], atol=1e-6, rtol=0)
        with pytest.raises(ModelError, match="no text"):
            model.encode_texts([])


def test_identity_names_the_weights(clip_folder: Path, clip: Model, biomed: Model, tmp_path: Path) -> None:
    """Same weights in another place and container, same digest; other weights, another."""
    again = edited(clip_folder, tmp_path / "again")
    (again / "open_clip_model.safetensors").unlink()
    state = open_clip.create_model(f"local-dir:{clip_folder}").state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, again / "model.pth")
    other = load_model(f"local-dir:{again}")
    assert other.identity.weights_sha256 == clip.identity.weights_sha256
    assert biomed.identity.weights_sha256 != clip.identity.weights_sha256
    assert clip.identity.spec == f"local-dir:{clip_folder}"
    assert (clip.identity.family, clip.identity.revision) == ("open_clip", None)
    assert clip.identity.parameters == sum(value.numel() for value in state.values())
    assert "TimmModel" in biomed.identity.architecture
    assert "HFTextEncoder" in biomed.identity.architecture


def test_lower_precision_is_close_and_comes_back_as_float32(clip_folder: Path, biomed_folder: Path) -> None:
    """bf16 weights give float32 vectors of nearly the same direction."""
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    for folder in (clip_folder, biomed_folder):
        full = load_model(f"local-dir:{folder}")
        half = load_model(f"local-dir:{folder}", precision="bf16")
        for exact, rough in (
            (full.encode_images(pixels), half.encode_images(pixels)),
            (full.encode_texts(TEXTS), half.encode_texts(TEXTS)),
        ):
            assert rough.dtype == torch.float32
            assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.99
