"""BioViL-T: the published layout with seeded weights, against numbers of its authors' own code."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hub_server import HubServer, hub_environment, run_client
from PIL import Image
from published_folders import BIOVIL_T_IMAGE as IMAGE_FILE
from published_folders import biovil_t_image_state, biovil_t_text_state, write_biovil_t
from safetensors.torch import save_file
from upstream_numbers import (
    assert_equal,
    pictures,
    read_numbers,
    read_shapes,
)

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published import biovil_t

NUMBERS = read_numbers("biovil-t")
normalize = torch.nn.functional.normalize


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the repository, its code included."""
    return write_biovil_t(tmp_path_factory.mktemp("biovil-t"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(f"biovil-t:{folder}")


def spoilt(folder: Path, target: Path, file: str, state: dict[str, torch.Tensor] | None) -> str:
    """A copy of the folder with another file, or without it; the rest are links."""
    target.mkdir()
    for path in folder.iterdir():
        if path.name != file:
            os.link(path, target / path.name)
    if state is not None:
        torch.save(state, target / file)
    return f"biovil-t:{target}"


def test_features_and_logits_are_upstreams(folder: Path, model: Model, offline: list[Any]) -> None:
    """Each picture from its pixels to its vector, each text to its own, and their cosines, to 1e-5."""
    pixels = [model.preprocess(picture) for picture in pictures()]
    for ours, theirs in zip(pixels, NUMBERS["pixels"], strict=True):
        assert ours.shape == (3, 448, 448)
        assert_equal(ours[:, ::37, ::41], theirs)
    images, texts = model.encode_images(torch.stack(pixels)), model.encode_texts(NUMBERS["texts"])
    assert_equal(images, NUMBERS["image_features"])
    assert_equal(texts, NUMBERS["text_features"])
    assert_equal(model.logit_scale * normalize(images) @ normalize(texts).T, NUMBERS["logits"])
    assert model.logit_scale == 1
    assert "modeling_cxrbert" not in sys.modules
    assert offline == []


def test_the_published_size_has_every_tensor() -> None:
    """Names and shapes of what is used and of what is deliberately not are those of the published files."""
    published = read_shapes("biovil-t")
    with torch.device("meta"):
        module = biovil_t.BioVilT(
            {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
        )
    used = {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    unused = {f"image.{name}" for name in biovil_t._UNUSED_OF_IMAGE}
    unused |= {f"text.{name}" for name in biovil_t._UNUSED_OF_TEXT if "pooler" not in name}
    assert used == {name: shape for name, shape in published.items() if name not in unused}
    assert unused < published.keys()
    # 110 and 441 MB on the Hub's page; the latter is larger by a pooling layer, and has tied weights once
    sizes = {
        part: 4e-6 * sum(float(np.prod(shape)) for shape in strip_shapes(published, part).values())
        for part in ("image", "text")
    }
    tied = 4e-6 * (30522 * 768 + 30522)
    assert round(sizes["image"]) == 110
    assert round(sizes["text"] - tied + 4e-6 * 768 * 769) == 441


def strip_shapes(shapes: dict[str, list[int]], part: str) -> dict[str, list[int]]:
    """The shapes of one part."""
    return {name: shape for name, shape in shapes.items() if name.startswith(f"{part}.")}


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        (IMAGE_FILE, "encoder.missing_previous_emb", "missing"),
        (IMAGE_FILE, "encoder.encoder.fc.scale", "unexpected"),
        (IMAGE_FILE, "encoder.backbone_to_vit.weight", "of another shape or type"),
        ("pytorch_model.bin", "cls_projection_head.LayerNorm.bias", "missing"),
        ("pytorch_model.bin", "bert.encoder.layer.1.output.scale", "unexpected"),
        ("pytorch_model.bin", "bert.encoder.layer.1.output.dense.weight", "of another shape or type"),
    ],
)
def test_weights_load_whole_or_not_at_all(
    folder: Path, tmp_path: Path, file: str, name: str, kind: str
) -> None:
    """A tensor too few, too many or of another shape is named, by the name it has in its file."""
    state = biovil_t_image_state() if file == IMAGE_FILE else biovil_t_text_state()
    if kind == "missing":
        del state[name]
    else:
        state[name] = torch.zeros(3, 5)
    with pytest.raises(ModelError, match=rf"{file} do not fit .*1 {kind} \({name}\)"):
        load_model(spoilt(folder, tmp_path / "m", file, state))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (IMAGE_FILE, f"holds none of {IMAGE_FILE}"),
        ("pytorch_model.bin", r"holds none of model\.safetensors, pytorch_model\.bin"),
        ("vocab.txt", r"no vocabulary at .*vocab\.txt"),
    ],
)
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, file: str, message: str) -> None:
    """Each file that is needed has its sentence."""
    with pytest.raises(ModelError, match=message):
        load_model(spoilt(folder, tmp_path / "m", file, None))


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_the_hubs_files_are_fetched_without_their_code(tmp_path: Path, file: str) -> None:
    """One file of each tower's weights, and the vocabulary; safetensors where there are both."""
    script = """
    from medimeta_c.models import hub_files
    from medimeta_c.errors import ModelError
    from medimeta_c.models import load_model
    try:
        load_model("biovil-t:lab/biovil-t")
    except ModelError:
        pass  # the weights are none
    folder, commit = hub_files.model_folder("lab/biovil-t", ["none"])
    report([sorted(path.name for path in folder.iterdir()), commit])
    """
    others = dict.fromkeys(["config.json", "modeling_cxrbert.py", "README.md", "pytorch_model.bin"], "x")
    wanted = [IMAGE_FILE, "tokenizer_config.json", "vocab.txt", file]
    with HubServer() as hub:
        repo = hub.store.add_repo("model", "lab/biovil-t", {**others, **dict.fromkeys(wanted, "{}")})
        found, commit = run_client(script, hub_environment(hub, tmp_path))
        assert commit == next(iter(repo.refs.values()))
    assert found == sorted(wanted)


def test_another_text_model_is_recognised(folder: Path, tmp_path: Path) -> None:
    """A checkpoint without BERT is not CXR-BERT's."""
    with pytest.raises(ModelError, match="no BERT text tower"):
        load_model(spoilt(folder, tmp_path / "m", "pytorch_model.bin", {"x": torch.zeros(1)}))


def test_containers_and_unused_tensors_do_not_count(folder: Path, model: Model, tmp_path: Path) -> None:
    """Safetensors leave out tied weights, which are of the unused head: the identity is the same."""
    spec = spoilt(folder, tmp_path / "m", "pytorch_model.bin", None)
    state = biovil_t_text_state()
    state = {name: tensor for name, tensor in state.items() if "predictions.decoder" not in name}
    save_file(state, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    again = load_model(spec).identity
    assert again.weights_sha256 == model.identity.weights_sha256
    assert again.architecture == model.identity.architecture
    state["cls_projection_head.LayerNorm.bias"] += 1
    save_file(state, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    assert load_model(spec).identity.weights_sha256 != again.weights_sha256


def test_the_vocabularys_case_is_part_of_the_identity(folder: Path, model: Model, tmp_path: Path) -> None:
    """tokenizer_config.json says whether letters are lowered: other tokens are another model."""
    spec = spoilt(folder, tmp_path / "m", "tokenizer_config.json", None)
    (tmp_path / "m" / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert load_model(spec).identity.architecture != model.identity.architecture


def test_a_larger_vocabulary_is_refused(folder: Path, tmp_path: Path) -> None:
    """A tokenizer with more tokens than the text tower has embeddings is another model's."""
    spec = spoilt(folder, tmp_path / "m", "vocab.txt", None)
    words = (folder / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "m" / "vocab.txt").write_text(f"{words}effusion\n", encoding="utf-8")
    with pytest.raises(ModelError, match="tokens, and the text tower knows"):
        load_model(spec)


def test_the_context_is_berts(model: Model) -> None:
    """512 tokens, both ends included; the marks that upstream takes off a text's end do not count."""
    assert model.context_length == 512
    model.encode_texts([" ".join(["a"] * 510) + ".!?"])
    with pytest.raises(ModelError, match=r"is 513 tokens.*at most 512"):
        model.encode_texts([" ".join(["a"] * 511)])


def test_a_special_token_in_a_prompt_is_refused(model: Model) -> None:
    """As upstream does: it would be read as the end of the text."""
    with pytest.raises(ModelError, match=r"contains \[SEP\], a special token"):
        model.encode_texts(["no [SEP] here"])


def test_the_transform_stretches_every_image(model: Model) -> None:
    """From the darkest to the brightest pixel; one number everywhere is black. It travels to workers."""
    transform = pickle.loads(pickle.dumps(model.preprocess))
    levels = np.tile(np.arange(100, 151, dtype=np.uint8), (51, 1))
    pixels = transform(Image.fromarray(levels))
    assert float(pixels.max()) > 0.9
    assert torch.equal(pixels[0], pixels[2])
    assert torch.equal(transform(Image.new("RGB", (60, 50), (7, 7, 7))), torch.zeros(3, 448, 448))
    record = model.preprocessing
    assert not record.is_normalise_only(448, 448)
    assert (record.channels, record.resize_size, record.interpolation) == ("luma", (512, 512), "bilinear")
