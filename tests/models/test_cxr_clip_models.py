"""CXR-CLIP: the published layouts with seeded weights, against the numbers of upstream's own code."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from published_folders import spoilt, write_cxr_clip
from safetensors.torch import save_file
from seeded_weights import lively_state
from upstream_numbers import (
    FOLDER,
    assert_apart,
    assert_numbers,
    pictures,
    read_numbers,
    read_shapes,
    write_vocabulary,
)

from medimeta_c.errors import ModelError
from medimeta_c.lora.targets import default_targets, find_sites
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published import cxr_clip

TRAINING = FOLDER / "cxr_clip-training.tar"
"""What upstream's training saves: omegaconf's objects in its configuration, and two tensors as a model."""

State = dict[str, torch.Tensor]
TINY: State = {"weight": torch.zeros(2, 2)}
"""The tensors of no model: the settings beside them are looked at first."""


@pytest.fixture(scope="module", params=["resnet", "swin"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def numbers(kind: str) -> dict[str, Any]:
    return read_numbers(f"cxr_clip_{kind}")


@pytest.fixture(scope="module")
def state(numbers: dict[str, Any]) -> State:
    return lively_state(numbers["shapes"])


@pytest.fixture(scope="module")
def resnet_state() -> State:
    return lively_state(read_numbers("cxr_clip_resnet")["shapes"])


@pytest.fixture(scope="module")
def file(kind: str, state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cxr_clip(tmp_path_factory.mktemp(kind), state, {})


@pytest.fixture(scope="module")
def model(file: Path) -> Model:
    return load_model(f"cxr-clip:{file.parent}")


def test_images_and_texts_give_upstreams_features_and_logits(model: Model, numbers: dict[str, Any]) -> None:
    """To 1e-5: of images of four sizes, one grey, and of texts of three lengths."""
    images = pictures()
    images[0] = images[0].resize((224, 224))
    assert_numbers(model, numbers, images, 31, 37)


def test_the_features_tell_the_images_and_the_texts_apart(numbers: dict[str, Any]) -> None:
    """So that the comparison above could fail."""
    assert_apart(numbers)


def test_the_published_checkpoints_tensors_are_the_models() -> None:
    """Names and shapes of upstream's model with a ResNet-50 at its own size, every one of them."""
    published = read_shapes("cxr_clip_resnet")
    del published["text_encoder.text_encoder.embeddings.position_ids"]  # 0, 1, 2, …
    with torch.device("meta"):
        state = {
            name: torch.empty(shape, dtype=torch.int64 if name.endswith("num_batches_tracked") else None)
            for name, shape in published.items()
        }
        module = cxr_clip.CxrClip.from_state(state, Path("published"))
    assert {name: list(tensor.shape) for name, tensor in module.state_dict().items()} == published


def test_the_published_swin_is_the_one_compared_above() -> None:
    """Its image tower has the tensors of the seeded one, and the rest those of the model with a ResNet-50."""
    swin, resnet = read_shapes("cxr_clip_swin"), read_shapes("cxr_clip_resnet")
    towers = [read_numbers("cxr_clip_swin")["shapes"], swin]
    seeded, published = (
        {name: shape for name, shape in tower.items() if name.startswith("image_encoder.")}
        for tower in towers
    )
    assert seeded == published
    assert resnet.pop("image_projection.projection.weight") == [512, 2048]
    assert swin.pop("image_projection.projection.weight") == [512, 768]
    swin, resnet = (
        {name: shape for name, shape in tower.items() if not name.startswith("image_encoder.")}
        for tower in (swin, resnet)
    )
    assert swin == resnet


def test_a_text_does_not_depend_on_the_others(model: Model, numbers: dict[str, Any]) -> None:
    """The last token is the text's own, not the batch's."""
    alone = torch.cat([model.encode_texts([text]) for text in numbers["texts"]])
    torch.testing.assert_close(model.encode_texts(numbers["texts"]), alone, atol=1e-6, rtol=0)


def test_the_state_dict_alone_is_the_same_model(
    kind: str, state: State, model: Model, numbers: dict[str, Any], tmp_path: Path
) -> None:
    """What a checkpoint that is not opened can be turned into: its table ``model`` as safetensors."""
    write_vocabulary(tmp_path)
    save_file(state, tmp_path / f"{kind}.safetensors")
    again = load_model(f"cxr-clip:{tmp_path / f'{kind}.safetensors'}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256
    texts = numbers["texts"]
    torch.testing.assert_close(again.encode_texts(texts), model.encode_texts(texts), atol=0, rtol=0)


def test_preprocessing_is_upstreams(kind: str, model: Model) -> None:
    """The mean and the standard deviation depend on the image tower."""
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((224, 224), "shortest", "bilinear")
    assert record.mean == ((0.485, 0.456, 0.406) if kind == "resnet" else (0.5, 0.5, 0.5))
    assert record.is_normalise_only(224, 224)


def test_a_file_of_upstreams_training_is_opened_without_omegaconf(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its configuration is full of that library's objects; their attributes are read, and no code is run."""
    assert "omegaconf" not in sys.modules
    trusted = set(torch.serialization.get_safe_globals())
    with pytest.raises(ModelError, match=r"read as CXR-CLIP.* 2 missing"):
        load_model(f"cxr-clip:{TRAINING}")
    monkeypatch.setitem(cxr_clip._PUBLISHED, ("model", "text_encoder", "pooling"), ("mean",))
    with pytest.raises(ModelError, match=r"trained with model\.text_encoder\.pooling eos, and only .*'mean'"):
        load_model(f"cxr-clip:{TRAINING}")
    assert "omegaconf" not in sys.modules
    assert set(torch.serialization.get_safe_globals()) == trusted


def omegaconf_of(patch: pytest.MonkeyPatch, *names: str) -> list[type]:
    """Return classes that are pickled by the names of omegaconf's."""
    patch.setitem(sys.modules, "omegaconf", types.ModuleType("omegaconf"))
    classes = []
    for module, _, name in (f"omegaconf.{each}".rpartition(".") for each in names):
        classes.append(type(name, (), {"__module__": module}))
        patch.setitem(sys.modules, module, types.ModuleType(module))
        setattr(sys.modules[module], name, classes[-1])
    return classes


@pytest.mark.parametrize("pooling", ["eos", "mean"])
def test_settings_are_read_from_nested_configurations(tmp_path: Path, pooling: str) -> None:
    """One that omegaconf holds as a whole says as much as a plain one."""
    with pytest.MonkeyPatch.context() as patch:
        mapping, node = omegaconf_of(patch, "dictconfig.DictConfig", "nodes.AnyNode")
        value = node()
        vars(value).update(_val=pooling)
        encoder, config = mapping(), mapping()
        vars(encoder).update(_content={"pooling": value}, _parent=config)
        vars(config).update(_content={"model": {"text_encoder": encoder}})
        file = write_cxr_clip(tmp_path, TINY, config)
    refused = "pooling mean, and only models with 'eos'" if pooling == "mean" else "2 missing"
    with pytest.raises(ModelError, match=refused):
        load_model(f"cxr-clip:{file}")


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"model": {"projection_head": {"name": "mlp"}}}, r"projection_head\.name mlp"),
        ({"base": {"image_size": torch.zeros(3)}}, r"base\.image_size tensor"),
    ],
)
def test_a_model_with_other_settings_is_refused(tmp_path: Path, config: object, named: str) -> None:
    with pytest.raises(ModelError, match=rf"was trained with .*{named}"):
        load_model(f"cxr-clip:{write_cxr_clip(tmp_path, TINY, config)}")


class _Runs:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_file_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    """The message says what to do instead: the table of tensors alone."""
    file = write_cxr_clip(tmp_path, TINY, {"base": _Runs(tmp_path / "ran")})
    with pytest.raises(ModelError, match=r"would run code when opened.*as safetensors"):
        load_model(f"cxr-clip:{file}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("logit_scale", "missing"),
        ("text_encoder.text_encoder.pooler.dense.bias", "missing"),
        ("image_encoder.resnet.layer4.2.conv3.weight", "of another shape or type"),
        ("image_encoder.resnet.fc.weight", "unexpected"),
    ],
)
def test_weights_load_whole_or_not_at_all(resnet_state: State, tmp_path: Path, name: str, spoil: str) -> None:
    """A tensor that is missing, left over or of another shape is named."""
    with pytest.raises(ModelError, match=rf"read as CXR-CLIP, .* 1 {spoil} \({name}\)"):
        load_model(f"cxr-clip:{write_cxr_clip(tmp_path, spoilt(resnet_state, name, spoil, 5, 2048))}")


@pytest.mark.parametrize("spoil", ["missing", "unexpected"])
def test_swins_weights_load_whole_or_not_at_all(tmp_path: Path, spoil: str) -> None:
    state = lively_state(read_numbers("cxr_clip_swin")["shapes"])
    name = "image_encoder.image_encoder.layernorm.weight"
    if spoil == "missing":
        del state[name]
    else:
        name = f"{name}s"
        state[name] = torch.zeros(1)
    short = name.removeprefix("image_encoder.image_encoder.")
    with pytest.raises(ModelError, match=rf"read as CXR-CLIP, .* 1 {spoil} \({short}\)"):
        load_model(f"cxr-clip:{write_cxr_clip(tmp_path, state, {})}")


def test_missing_files_are_named(resnet_state: State, tmp_path: Path, impatient: None) -> None:
    """No checkpoint, two of them, and a tokenizer neither here nor on the Hub."""
    with pytest.raises(ModelError, match=r"no CXR-CLIP checkpoint at .*Soombit-ai/cxr-clip"):
        load_model(f"cxr-clip:{tmp_path}")
    file = write_cxr_clip(tmp_path, resnet_state)
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer in .*vocab\.txt.*Bio_ClinicalBERT"):
        load_model(f"cxr-clip:{file}")
    (tmp_path / "r50_m.tar").touch()
    with pytest.raises(ModelError, match=r"holds model-best\.tar, r50_m\.tar: name one"):
        load_model(f"cxr-clip:{tmp_path}")
    with pytest.raises(ModelError, match="damaged or not a torch checkpoint"):
        load_model(f"cxr-clip:{tmp_path / 'r50_m.tar'}")


def test_a_tokenizer_of_more_tokens_is_refused(resnet_state: State, tmp_path: Path) -> None:
    """It is another model's: its ids would lie outside the text tower's table."""
    write_cxr_clip(tmp_path, resnet_state)
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("retina\n")
    with pytest.raises(ModelError, match=r"the tokenizer in .* has 145 tokens, and the text tower knows 144"):
        load_model(f"cxr-clip:{tmp_path}")


def test_adapters_find_the_image_tower(model: Model) -> None:
    """The 49 convolutions of a ResNet-50, or Swin's 12 times three projections."""
    targets = default_targets(model)
    assert len(find_sites(model, targets)) == {("conv-centre",): 49, ("q", "k", "v"): 36}[targets]


def test_prompts_have_256_tokens(model: Model) -> None:
    """The limit of upstream's training and evaluation, without its truncation."""
    assert model.context_length == 256
    with pytest.raises(ModelError, match="is 257 tokens"):
        model.encode_texts([" ".join(["a"] * 255)])
