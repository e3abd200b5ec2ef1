"""The published checkpoints: the forward they were trained with, written out plainly, against ours."""

from __future__ import annotations

import copy
import logging
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_factories import make_biomedclip_folder, picture, seeded, write_bert
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models import resnet50

from medimeta_c.errors import ModelError
from medimeta_c.models import load_model
from medimeta_c.models.torch_model import TorchModel

TEXTS = ["a photo of a benign cell", "retina"]
BLOCKS, WIDTH, OUT = 12, 192, 48


class PlainQkv(nn.Module):
    """W·x, with B·A·x added to the thirds of q, k and v."""

    def __init__(self, qkv: nn.Module, rank: int) -> None:
        super().__init__()
        self.qkv = qkv
        for part in "qkv":
            setattr(self, f"linear_a_{part}", nn.Linear(WIDTH, rank, bias=False))
            setattr(self, f"linear_b_{part}", nn.Linear(rank, WIDTH, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        thirds = self.qkv(x).split(WIDTH, dim=-1)
        updates = [getattr(self, f"linear_b_{part}")(getattr(self, f"linear_a_{part}")(x)) for part in "qkv"]
        return torch.cat([third + update for third, update in zip(thirds, updates, strict=True)], dim=-1)


class PlainConvolution(nn.Module):
    """A convolution, with B·A·x added at its stride: A and B are matrices, or 1x1 kernels."""

    def __init__(self, conv: nn.Conv2d, rank: int, *, kernels: bool) -> None:
        super().__init__()
        self.conv = conv
        self.linear_a: nn.Module
        self.linear_b: nn.Module
        if kernels:
            self.linear_a = nn.Conv2d(conv.in_channels, rank, 1, bias=False)
            self.linear_b = nn.Conv2d(rank, conv.out_channels, 1, bias=False)
        else:
            self.linear_a = nn.Linear(conv.in_channels, rank, bias=False)
            self.linear_b = nn.Linear(rank, conv.out_channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(x)
        down, right = self.conv.stride
        thinned = x[:, :, ::down, ::right]
        if isinstance(self.linear_a, nn.Conv2d):
            update: torch.Tensor = self.linear_b(self.linear_a(thinned))
        else:
            update = self.linear_b(self.linear_a(thinned.movedim(1, -1))).movedim(-1, 1)
        return out + update


class Named(nn.Module):
    """Modules under given names, so that a state dict gets the published keys."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)


def loaded(spec: str) -> TorchModel:
    model = load_model(spec)
    assert isinstance(model, TorchModel)
    return model


def shrunk(module: nn.Module) -> nn.Module:
    """Bring seeded adapters to the size that training leaves them at."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if ".linear_" in name:
                parameter.mul_(0.3)
    return module


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_biomedclip_folder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module", params=[8, 16], ids=["rank8", "rank16"])
def published(
    request: pytest.FixtureRequest, base_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, nn.Module]:
    """A checkpoint's folder, whose every weight is another than the base's, and the module it came from."""
    model = loaded(f"local-dir:{base_folder}").module
    visual, text = copy.deepcopy(model.visual), copy.deepcopy(model.text)
    assert isinstance(visual, nn.Module) and isinstance(text, nn.Module)
    for block in visual.trunk.blocks:  # type: ignore[union-attr]
        block.attn.qkv = PlainQkv(block.attn.qkv, request.param)
    whole = shrunk(seeded(Named(lora_vit=Named(lora_vit=visual), text_encoder=text), 11))
    folder = tmp_path_factory.mktemp("published")
    torch.save(whole.state_dict(), folder / "model.pth")
    layers = [block.attn.qkv for block in visual.trunk.blocks]  # type: ignore[union-attr]
    factors = {
        f"w_{kind}_{2 * index + offset:03d}": getattr(layer, f"linear_{kind}_{part}").weight
        for index, layer in enumerate(layers)
        for offset, part in enumerate("qv")
        for kind in "ab"
    }
    projection = visual.head.proj.weight  # type: ignore[union-attr]
    tensors = {**factors, f"fc_{WIDTH}in_{OUT}out": projection}
    save_file(
        {key: value.detach().clone() for key, value in tensors.items()}, folder / "lora_weights.safetensors"
    )
    return folder, whole


@pytest.fixture
def images(base_folder: Path) -> torch.Tensor:
    preprocess = load_model(f"local-dir:{base_folder}").preprocess
    return torch.stack([preprocess(picture(200, 240, seed=seed)) for seed in (0, 1)])


def test_the_synthetic_checkpoint_has_the_published_layout(published: tuple[Path, nn.Module]) -> None:
    """Key by key as the facts list them; the safetensors without k."""
    state = torch.load(published[0] / "model.pth", weights_only=True)
    block = "lora_vit.lora_vit.trunk.blocks.{}.attn.qkv.{}.weight"
    parts = ["qkv", *(f"linear_{kind}_{part}" for part in "qkv" for kind in "ab")]
    assert {block.format(index, part) for index in range(BLOCKS) for part in parts} <= state.keys()
    assert "lora_vit.lora_vit.head.proj.weight" in state
    assert all(re.match(r"lora_vit\.lora_vit\.|text_encoder\.(transformer|proj)\.", key) for key in state)
    names = {f"w_{kind}_{index:03d}" for kind in "ab" for index in range(2 * BLOCKS)}
    tensors = load_file(published[0] / "lora_weights.safetensors")
    assert set(tensors) == names | {"fc_192in_48out"}
    assert tensors["w_a_001"].shape == state[block.format(0, "linear_a_v")].shape
    assert torch.equal(tensors["w_b_002"], state[block.format(1, "linear_b_q")])


def test_the_whole_checkpoint_is_the_formula(
    published: tuple[Path, nn.Module], base_folder: Path, images: torch.Tensor
) -> None:
    """Every weight comes from model.pth, q, k and v updated unscaled; the logit scale is the base's."""
    folder, whole = published
    model = loaded(f"robustmedclip:{folder}+base=local-dir:{base_folder}")
    base = loaded(f"local-dir:{base_folder}")
    with torch.no_grad():
        expected = whole.lora_vit.lora_vit(images)  # type: ignore[union-attr, operator]
        texts = whole.text_encoder(base.tokenizer(TEXTS)["text"])  # type: ignore[operator]
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.encode_texts(TEXTS), texts, rtol=1e-4, atol=1e-5)
    assert model.logit_scale == base.logit_scale == pytest.approx(20)
    assert model.identity.architecture.endswith("RobustMedCLIP's adapters on q, k, v of 12 layers")
    assert model.identity.family == "robustmedclip"


def test_the_adapters_of_q_and_v_alone_say_that_k_is_missing(
    published: tuple[Path, nn.Module],
    base_folder: Path,
    images: torch.Tensor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """lora_weights.safetensors: q, v and the projection are new, k is the base's, and a warning says so."""
    folder, whole = published
    with caplog.at_level(logging.WARNING):
        model = loaded(f"robustmedclip:{folder / 'lora_weights.safetensors'}+base=local-dir:{base_folder}")
    assert "those of k, which the model was trained with, are missing" in caplog.text
    assert "k-adapters missing" in model.identity.architecture
    base = loaded(f"local-dir:{base_folder}")
    visual: Any = copy.deepcopy(base.module.visual)
    trained: Any = whole.lora_vit.lora_vit  # type: ignore[union-attr]
    for block, other in zip(visual.trunk.blocks, trained.trunk.blocks, strict=True):
        adapted = copy.deepcopy(other.attn.qkv)
        adapted.qkv = block.attn.qkv
        adapted.linear_b_k.weight.data.zero_()
        block.attn.qkv = adapted
    visual.head.proj = trained.head.proj
    with torch.no_grad():
        expected = visual(images)
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(model.encode_texts(TEXTS), base.encode_texts(TEXTS))


def test_the_whole_checkpoint_comes_first_and_says_nothing(
    published: tuple[Path, nn.Module], base_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder with both files means model.pth; the two are different models."""
    folder, _ = published
    spec = f"robustmedclip:{{}}+base=local-dir:{base_folder}"
    digests = [
        load_model(spec.format(place)).identity.weights_sha256
        for place in (folder, folder / "model.pth", folder / "lora_weights.safetensors", folder)
    ]
    assert digests[0] == digests[1] == digests[3] != digests[2]
    assert len(caplog.records) == 1


def test_without_a_base_biomedclip_is_asked_for(published: tuple[Path, nn.Module], impatient: None) -> None:
    """Offline, the message names it and how to name another place."""
    with pytest.raises(ModelError, match=r"BiomedCLIP-PubMedBERT.*did not load.*\+base=SPEC"):
        load_model(f"robustmedclip:{published[0]}")


LAYER = "lora_vit.lora_vit.trunk.blocks.3.attn.qkv"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop(f"{LAYER}.linear_a_k.weight"), r"1 missing .*blocks\.3\.attn\.qkv\.linear_a_k"),
        (lambda s: s.pop(f"{LAYER}.qkv.weight"), "unexpected|missing"),
        (lambda s: s.update({"extra.weight": torch.zeros(1)}), r"1 unexpected \(extra\.weight\)"),
        (lambda s: s.update({f"{LAYER}.linear_b_q.weight": torch.zeros(WIDTH, 3)}), "do not fit its weight"),
        (lambda s: s.update({f"{LAYER}.qkv.weight": torch.zeros(3, 3)}), "do not fit its weight"),
        (lambda s: s.update({"text_encoder.more": torch.zeros(1)}), r"unexpected \(text\.more\)"),
    ],
    ids=["no k", "no weight", "stray", "rank", "width", "text"],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    published: tuple[Path, nn.Module],
    base_folder: Path,
    tmp_path: Path,
    change: Callable[..., object],
    says: str,
) -> None:
    """Nothing is filled in or left out in silence."""
    state = torch.load(published[0] / "model.pth", weights_only=True)
    change(state)
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(ModelError, match=says) as caught:
        load_model(f"robustmedclip:{tmp_path}+base=local-dir:{base_folder}")
    assert "+base=SPEC" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("w_a_023"), "has 47 factors, and the 12 attention layers .* take 48"),
        (lambda s: s.pop("fc_192in_48out"), r"projection \(none\)"),
        (lambda s: s.update({"fc_192in_48out": torch.zeros(3, 3)}), "projection .* does not fit"),
        (lambda s: s.update({"w_b_005": torch.zeros(WIDTH, 3)}), "of another shape"),
        (lambda s: s.update({"more": torch.zeros(1)}), r"1 unexpected \(more\)"),
    ],
    ids=["count", "no projection", "projection", "rank", "stray"],
)
def test_factors_that_do_not_fit_are_refused(
    published: tuple[Path, nn.Module],
    base_folder: Path,
    tmp_path: Path,
    change: Callable[..., object],
    says: str,
) -> None:
    """The safetensors file is as strict."""
    tensors = load_file(published[0] / "lora_weights.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "lora_weights.safetensors")
    with pytest.raises(ModelError, match=says):
        load_model(f"robustmedclip:{tmp_path}+base=local-dir:{base_folder}")


def test_a_pickle_that_runs_code_is_not_opened(base_folder: Path, tmp_path: Path) -> None:
    """model.pth is read by the restricted unpickler."""
    torch.save({"lora_vit.x": Path("x")}, tmp_path / "model.pth")
    with pytest.raises(ModelError, match="would run code"):
        load_model(f"robustmedclip:{tmp_path}+base=local-dir:{base_folder}")


def write_medclip(folder: Path) -> Path:
    """MedCLIP's ResNet-50 with random weights, as the package medclip lays it out."""
    write_bert(folder, 1, hidden_size=768, num_attention_heads=12, intermediate_size=128)
    bert = load_file(folder / "model.safetensors")
    resnet = resnet50(weights=None)
    resnet.fc = nn.Linear(2048, 512, bias=False)
    seeded(resnet, 3)
    text_head = torch.randn(512, 768, generator=torch.Generator().manual_seed(2)) / math.sqrt(768)
    state = {f"vision_model.model.{key}": value for key, value in resnet.state_dict().items()}
    state |= {f"text_model.model.{key}": value for key, value in bert.items()}
    state |= {"text_model.projection_head.weight": text_head, "logit_scale": torch.tensor(3.0)}
    torch.save(state, folder / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="module")
def medclip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_medclip(tmp_path_factory.mktemp("medclip"))


@pytest.fixture(scope="module", params=["all", "kernels", "inner"])
def published_resnet(
    request: pytest.FixtureRequest, medclip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A checkpoint's folder, as today's code and as older code saves it, and the ResNet it came from."""
    base = torch.load(medclip / "pytorch_model.bin", weights_only=True)
    resnet: Any = resnet50(weights=None)
    resnet.fc = nn.Linear(2048, 512, bias=False)
    seeded(resnet, 3)
    names = ("conv2",) if request.param == "inner" else ("conv1", "conv2", "conv3")
    blocks = [block for part in range(1, 5) for block in getattr(resnet, f"layer{part}")]
    places = [(block, name) for block in blocks for name in names]
    if request.param != "inner":
        places.insert(0, (resnet, "conv1"))
    for module, name in places:
        kernels = request.param == "kernels"
        setattr(module, name, PlainConvolution(getattr(module, name), 4, kernels=kernels))
    layers = [getattr(module, name) for module, name in places]
    generator = torch.Generator().manual_seed(5)
    for layer in layers:
        for factor in (layer.linear_a.weight, layer.linear_b.weight):
            factor.data = torch.randn(factor.shape, generator=generator) * 0.3 / math.sqrt(factor[0].numel())
    resnet.fc.weight.data *= 1.5
    state = Named(lora_resnet=Named(lora_medclip=Named(model=resnet))).state_dict()
    for index, layer in enumerate(layers):
        state[f"lora_resnet.w_As.{index}.weight"] = layer.linear_a.weight.detach()
        state[f"lora_resnet.w_Bs.{index}.weight"] = layer.linear_b.weight.detach()
    state |= {
        key.replace("text_model.", "text_encoder."): value
        for key, value in base.items()
        if key.startswith("text_model.")
    }
    folder = tmp_path_factory.mktemp(request.param)
    torch.save(state, folder / "model.pth")
    factors = {
        f"w_{kind}_{index:03d}": getattr(layer, f"linear_{kind}").weight.detach().clone()
        for index, layer in enumerate(layers)
        for kind in "ab"
    }
    projection = {"fc_2048in_512out": resnet.fc.weight.detach().clone()}
    save_file(factors | projection, folder / "lora_weights.safetensors")
    return folder, resnet.eval()


@pytest.mark.parametrize("name", ["model.pth", "lora_weights.safetensors"])
def test_the_resnet_variant_is_the_formula(
    published_resnet: tuple[Path, Any], medclip: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """MedCLIP's ResNet-50 with adapters beside its convolutions, strides included, whichever file is read."""
    folder, resnet = published_resnet
    count = sum(isinstance(one, PlainConvolution) for one in resnet.modules())
    assert count == len(load_file(folder / "lora_weights.safetensors")) // 2 in (16, 49)
    model = loaded(f"robustmedclip:{folder / name}+base=medclip:resnet@{medclip}")
    images = torch.stack([model.preprocess(picture(200, 240, seed=seed)) for seed in (0, 1)])
    with torch.no_grad():
        expected, found = resnet(images), model.encode_images(images)
    assert float((found - expected).norm() / expected.norm()) < 1e-5
    assert model.logit_scale == pytest.approx(math.exp(3))
    assert f"adapters on {count} convolutions" in model.identity.architecture
    assert ("batch normalisation" in caplog.text) == (name != "model.pth")


def test_the_resnet_reads_images_as_it_was_trained(published_resnet: tuple[Path, Any], medclip: Path) -> None:
    """RGB with CLIP's mean and std, where MedCLIP itself reads grey; the description says so."""
    model = loaded(f"robustmedclip:{published_resnet[0]}+base=medclip:resnet@{medclip}")
    image = picture(224, 224)
    mean, std = (torch.tensor(getattr(model.preprocessing, name))[:, None, None] for name in ("mean", "std"))
    pixels = torch.from_numpy(np.asarray(image).copy()).movedim(2, 0).float() / 255
    torch.testing.assert_close(model.preprocess(image), (pixels - mean) / std)
    assert model.preprocessing.mean == (0.48145466, 0.4578275, 0.40821073)
    assert model.preprocessing.channels == "rgb"
    assert loaded(f"medclip:resnet@{medclip}").preprocessing.channels == "luma"


def test_a_checkpoint_of_the_other_encoder_says_so(
    published: tuple[Path, nn.Module], published_resnet: tuple[Path, Any], medclip: Path, base_folder: Path
) -> None:
    """The true cause, not a count or a missing key."""
    factors = "lora_weights.safetensors"
    resnet, base = published_resnet[0], f"+base=local-dir:{base_folder}"
    with pytest.raises(ModelError, match=r"MedCLIP's ResNet-50, not local-dir"):
        load_model(f"robustmedclip:{resnet / 'model.pth'}{base}")
    with pytest.raises(ModelError, match="adapters of a ResNet, fine-tuned from medclip:resnet"):
        load_model(f"robustmedclip:{resnet / factors}{base}")
    with pytest.raises(ModelError, match="adapters of a ViT, fine-tuned from hf-hub:microsoft/BiomedCLIP"):
        load_model(f"robustmedclip:{published[0] / factors}+base=medclip:resnet@{medclip}")
    with pytest.raises(ModelError, match=r"base model medclip:resnet of .* did not load.*no MedCLIP weights"):
        load_model(f"robustmedclip:{resnet / factors}")


def test_factors_of_a_resnet_that_do_not_fit_are_refused(
    published_resnet: tuple[Path, Any], medclip: Path, tmp_path: Path
) -> None:
    """A number of convolutions that the ResNet does not have, and a shape that is none of theirs."""
    tensors = load_file(published_resnet[0] / "lora_weights.safetensors")
    spec = f"robustmedclip:{tmp_path}+base=medclip:resnet@{medclip}"
    save_file({k: v for k, v in tensors.items() if k != "w_b_003"}, tmp_path / "lora_weights.safetensors")
    with pytest.raises(ModelError, match=r"factors, and the 49 convolutions of .* take 98 or 32"):
        load_model(spec)
    save_file(tensors | {"w_b_003": torch.zeros(7, 4)}, tmp_path / "lora_weights.safetensors")
    with pytest.raises(ModelError, match="adapters of w_a_003 have shapes that do not fit"):
        load_model(spec)
