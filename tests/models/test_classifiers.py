"""Classifiers of libraries: weights fit wholly, outputs have names, transforms are the libraries' own."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor, ViTModel

from medimeta_c.errors import ConfigError, MediMetaError, ModelError
from medimeta_c.models import Classifier, ImageEncoder, load_model
from medimeta_c.models.classifiers import timm as timm_family
from medimeta_c.models.contract import Preprocessing
from medimeta_c.scoring.inference import normalise

NAMES = ["adipose", "tumour", "stroma"]
TINY_VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "image_size": 32,
    "patch_size": 8,
}


def seeded(module: Any) -> Any:
    """Fill a network with numbers that do not depend on the library's initialisation."""
    generator = torch.Generator().manual_seed(3)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.01)
    return module.eval()


def shufflenet(classes: int) -> Any:
    return seeded(torchvision.models.shufflenet_v2_x0_5(num_classes=classes))


def tiny_timm(classes: int) -> Any:
    return seeded(timm.create_model("test_resnet", num_classes=classes))


def picture(mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((97, 61)).convert(mode)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints with three classes and without a head, and files of names."""
    root = tmp_path_factory.mktemp("checkpoints")
    save_file(shufflenet(3).state_dict(), root / "shuffle.safetensors")
    torch.save({"state_dict": tiny_timm(3).state_dict()}, root / "timm.pt")
    save_file(tiny_timm(0).state_dict(), root / "headless.safetensors")
    (root / "names.yaml").write_text(f"[{', '.join(NAMES)}]")
    (root / "names.json").write_text(json.dumps(NAMES))
    processor = ViTImageProcessor(size={"height": 32, "width": 32})
    labels = {"id2label": dict(enumerate(NAMES)), "label2id": {name: at for at, name in enumerate(NAMES)}}
    for name, config in (("named", labels), ("unnamed", {"num_labels": 3})):
        seeded(ViTForImageClassification(ViTConfig(**TINY_VIT, **config))).save_pretrained(root / name)
        processor.save_pretrained(root / name)
    seeded(ViTModel(ViTConfig(**TINY_VIT))).save_pretrained(root / "encoder")
    processor.save_pretrained(root / "encoder")
    return root


def load(spec: str, folder: Path) -> Any:
    return load_model(spec.replace("{}", str(folder)))


def test_torchvision_answers_as_its_network_does(folder: Path) -> None:
    """Logits of the head, the features that it reads, and torchvision's own transform."""
    model = load("torchvision:shufflenet_v2_x0_5@{}/shuffle.safetensors+classes={}/names.yaml", folder)
    network = shufflenet(3)
    preset = torchvision.models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.transforms()
    pixels = model.preprocess(picture("L"))[None]
    assert torch.equal(pixels[0], preset(picture("L").convert("RGB")))
    with torch.no_grad():
        assert torch.equal(model.classify(pixels), network(pixels))
        network.fc = torch.nn.Identity()
        assert torch.equal(model.encode_images(pixels), network(pixels))
    assert isinstance(model, Classifier)
    assert isinstance(model, ImageEncoder)
    assert (model.outputs, model.columns("d", ["Stroma", "adipose"])) == (tuple(NAMES), (2, 0))
    assert model.identity.caution is None
    assert model.preprocessing.resize_size == (256, 256)


def test_named_weights_of_torchvision_choose_the_transform(folder: Path) -> None:
    rest = "@{}/shuffle.safetensors+classes={}/names.json"
    named = load(f"torchvision:shufflenet_v2_x0_5.IMAGENET1K_V1{rest}", folder)
    assert named.preprocessing == load(f"torchvision:shufflenet_v2_x0_5{rest}", folder).preprocessing


def test_a_convolutional_head_reads_averaged_maps(tmp_path: Path) -> None:
    """squeezenet's head is a convolution; its features are vectors all the same."""
    network = seeded(torchvision.models.squeezenet1_1(num_classes=2))
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "n.yaml").write_text("[a, b]")
    model = load("torchvision:squeezenet1_1@{}/w.safetensors+classes={}/n.yaml", tmp_path)
    assert model.encode_images(torch.rand(2, 3, 64, 64)).shape == (2, 512)


def test_timm_answers_as_its_network_does(folder: Path) -> None:
    """With a head it is both, without one an encoder of the same features."""
    model = load("timm:test_resnet.r160_in1k@{}/timm.pt+classes={}/names.json", folder)
    encoder = load("timm:test_resnet@{}/headless.safetensors", folder)
    network = tiny_timm(3)
    pixels = model.preprocess(picture())[None]
    with torch.no_grad():
        assert torch.equal(model.classify(pixels), network(pixels))
        assert torch.equal(encoder.encode_images(pixels), tiny_timm(0)(pixels))
    assert isinstance(model, ImageEncoder)
    assert not isinstance(encoder, Classifier)
    assert encoder.preprocessing.size == (160, 160)


@pytest.mark.parametrize("mode", ["center", "squash"])
def test_what_timm_only_normalises_is_said_to_be_plain(mode: str) -> None:
    """The device's way gives timm's own numbers, bit for bit."""
    config: dict[str, Any] = {"input_size": (3, 32, 32), "interpolation": "bicubic", "mean": (0.5, 0.4, 0.3)}
    config |= {"std": (0.2, 0.3, 0.4), "crop_pct": 1.0, "crop_mode": mode}
    preprocess, described = timm_family._transform(config)
    image = picture("L").resize((32, 32))
    raw = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(1, 32, 32)
    assert described.is_normalise_only(32, 32)
    assert torch.equal(normalise(raw, described)[0], preprocess(image))
    config["crop_pct"] = 0.9
    assert not timm_family._transform(config)[1].plain


def test_transformers_classifiers_have_the_names_of_their_configuration(folder: Path) -> None:
    model = load("transformers-classifier:{}/named", folder)
    network = ViTForImageClassification.from_pretrained(folder / "named").eval()
    pixels = model.preprocess(picture("L"))[None]
    with torch.no_grad():
        hidden = network.vit(pixels).last_hidden_state[:, 0]
        assert torch.equal(model.classify(pixels), network(pixels).logits)
        assert torch.equal(model.encode_images(pixels), hidden)
    assert model.outputs == tuple(NAMES)
    assert load("transformers-classifier:{}/unnamed+classes={}/names.yaml", folder).outputs == tuple(NAMES)


def test_a_vision_model_of_transformers_is_an_encoder(folder: Path) -> None:
    """Its features are what the library calls the pooled output."""
    model = load("transformers:{}/encoder", folder)
    network = ViTModel.from_pretrained(folder / "encoder").eval()
    pixels = model.preprocess(picture())[None]
    with torch.no_grad():
        assert torch.equal(model.encode_images(pixels), network(pixels).pooler_output)
    assert not hasattr(model, "encode_texts")
    assert isinstance(model, ImageEncoder)


def edited(change: Callable[[dict[str, Any]], None], network: Any, path: Path) -> None:
    state = dict(network.state_dict())
    change(state)
    save_file(state, path)


REFUSED = {
    "no network of torchvision": ("torchvision:resnet5@{}/w", ConfigError, "did you mean 'resnet50'"),
    "weights that are none": (
        "torchvision:resnet50.V9@{}/w",
        ConfigError,
        "weights of torchvision's resnet50",
    ),
    "no path": ("timm:resnet50", ConfigError, "names no weights: write timm:NAME@PATH"),
    "another input": ("torchvision:googlenet@{}/w", ConfigError, "use medimeta_c.wrap"),
    "a name on the Hub": ("timm:hf-hub:org/name@{}/w", ConfigError, "unknown timm network"),
    "no tag of the network": ("timm:test_resnet.zz@{}/headless.safetensors", ModelError, "timm cannot build"),
    "no file": ("timm:test_resnet@{}/nothing.pt", ModelError, "there is no checkpoint at"),
    "outputs without names": ("timm:test_resnet@{}/timm.pt", ModelError, "does not name the 3 outputs"),
    "default names": ("transformers-classifier:{}/unnamed", ModelError, "add +classes=FILE to the model"),
    "no head of the network": (
        "torchvision:shufflenet_v2_x0_5@{}/timm.pt+classes={}/names.yaml",
        ModelError,
        "do not fit the model's architecture",
    ),
    "names of no head": (
        "timm:test_resnet@{}/headless.safetensors+classes={}/names.yaml",
        ModelError,
        "has no head",
    ),
    "names that are too few": (
        "timm:test_resnet@{}/timm.pt+classes={}/two.yaml",
        ModelError,
        "names 2 outputs",
    ),
    "names that are none": (
        "timm:test_resnet@{}/timm.pt+classes={}/wrong.yaml",
        ModelError,
        "no list of names",
    ),
    "an encoder of text": ("transformers-classifier:{}/bert", ModelError, "has no image classifier of"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_one_sentence(case: str, folder: Path) -> None:
    (folder / "two.yaml").write_text("[a, b]")
    (folder / "wrong.yaml").write_text("[a, b, 3]")
    (folder / "bert").mkdir(exist_ok=True)
    (folder / "bert" / "config.json").write_text('{"model_type": "distilbert"}')
    save_file({"a": torch.zeros(1)}, folder / "bert" / "model.safetensors")
    spec, error, message = REFUSED[case]
    with pytest.raises(error) as caught:
        load(spec, folder)
    assert message in str(caught.value)


@pytest.mark.parametrize("change", ["missing", "left over", "another shape"])
def test_weights_load_wholly_or_not_at_all(change: str, folder: Path, tmp_path: Path) -> None:
    edits: dict[str, Callable[[dict[str, Any]], None]] = {
        "missing": lambda state: state.pop("conv1.0.weight"),
        "left over": lambda state: state.update(extra=torch.zeros(1)),
        "another shape": lambda state: state.update({"fc.bias": torch.zeros(4)}),
    }
    edited(edits[change], tiny_timm(3), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="do not fit the model's architecture"):
        load(f"timm:test_resnet@{tmp_path}/w.safetensors+classes={{}}/names.yaml", folder)


def test_constants_of_a_checkpoint_are_the_network_s_own(tmp_path: Path) -> None:
    """Integers are in no digest, so those that decide the output may not differ."""
    network = torchvision.models.swin_t(num_classes=2)
    key = "features.1.0.attn.relative_position_index"
    edited(lambda state: state.update({key: state[key].flip(0)}), network, tmp_path / "w.safetensors")
    (tmp_path / "n.yaml").write_text("[a, b]")
    with pytest.raises(ModelError, match=r"other constants features\.1\.0\.attn\.relative_position_index"):
        load("torchvision:swin_t@{}/w.safetensors+classes={}/n.yaml", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    ["timm:test_resnet@{}/headed.safetensors+classes={}/names.json", "transformers-classifier:{}"],
)
def test_equal_identity_means_equal_outputs(spec: str, folder: Path, tmp_path: Path) -> None:
    """One bit flipped in a file: refused, or known to be another model, or nothing changes."""
    if spec.startswith("timm"):
        save_file(tiny_timm(3).state_dict(), tmp_path / "headed.safetensors")
        shutil.copy(folder / "names.json", tmp_path)
    else:
        shutil.copytree(folder / "named", tmp_path, dirs_exist_ok=True)

    def known(model: Any) -> list[Any]:
        return [model.identity, model.preprocessing, model.outputs]

    def answers(model: Any) -> Any:
        pixels = torch.stack([model.preprocess(picture(mode)) for mode in ("L", "RGB")])
        return torch.cat([model.classify(pixels), model.encode_images(pixels)], dim=1)

    before = load(spec, tmp_path)
    draw = random.Random(1)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for _ in range(12):
            at, bit = draw.randrange(len(whole)), draw.randrange(7)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            try:
                other = load(spec, tmp_path)
                same = known(other) != known(before) or torch.equal(answers(other), answers(before))
                assert same, f"{path.name}, byte {at}, bit {bit}: {whole[max(0, at - 20) : at + 20]!r}"
            except MediMetaError:
                continue
        path.write_bytes(whole)


def test_described_transforms_are_whole() -> None:
    """Every size that torchvision's presets have can be recorded."""
    from medimeta_c.models.classifiers import torchvision as family

    names = torchvision.models.list_models(module=torchvision.models)
    found = [family._transform(family._preset(name, ""))[1] for name in names]
    assert all(isinstance(one, Preprocessing) for one in found)
    assert {one.size[0] for one in found} >= {224, 518}
