"""The published checkpoints: the forward they were trained with, written out plainly, against ours."""

from __future__ import annotations

import copy
import logging
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import make_biomedclip_folder, picture, seeded, write_bert
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import interpolate
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
    """A convolution, with B·A·x of every pixel added, thinned to the convolution's stride."""

    def __init__(self, conv: nn.Conv2d, rank: int) -> None:
        super().__init__()
        self.conv = conv
        self.linear_a = nn.Linear(conv.in_channels, rank, bias=False)
        self.linear_b = nn.Linear(rank, conv.out_channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(x)
        update = self.linear_b(self.linear_a(x.movedim(1, -1))).movedim(-1, 1)
        return out + interpolate(update, size=out.shape[-2:], mode="nearest")


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


def test_the_resnet_variant_is_the_formula(tmp_path: Path) -> None:
    """MedCLIP's ResNet-50 with adapters beside its 3x3 convolutions, strides included."""
    write_bert(tmp_path / "bert", 1, hidden_size=768, num_attention_heads=12, intermediate_size=128)
    bert = {f"text_model.model.{k}": v for k, v in load_file(tmp_path / "bert/model.safetensors").items()}
    resnet = resnet50(weights=None)
    resnet.fc = nn.Linear(2048, 512, bias=False)
    text_head = torch.randn(512, 768, generator=torch.Generator().manual_seed(2)) / math.sqrt(768)
    rest = {"text_model.projection_head.weight": text_head, "logit_scale": torch.tensor(3.0)}
    base = tmp_path / "medclip"
    base.mkdir()
    seeded(resnet, 3)
    vision = {f"vision_model.model.{key}": value for key, value in resnet.state_dict().items()}
    torch.save({**vision, **bert, **rest}, base / "pytorch_model.bin")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tmp_path / "bert" / name, base / name)

    for layer in (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4):
        for block in layer:
            block.conv2 = PlainConvolution(block.conv2, 4)
    shrunk(seeded(resnet, 4))
    state = Named(lora_resnet=Named(lora_medclip=Named(model=resnet))).state_dict()
    convolutions = [module for module in resnet.modules() if isinstance(module, PlainConvolution)]
    for index, module in enumerate(convolutions):
        state[f"lora_resnet.w_As.{index}.weight"] = module.linear_a.weight.detach()
        state[f"lora_resnet.w_Bs.{index}.weight"] = module.linear_b.weight.detach()
    state |= {key.replace("text_model.", "text_encoder."): value for key, value in bert.items()}
    state["text_encoder.projection_head.weight"] = text_head
    torch.save(state, tmp_path / "model.pth")

    model = load_model(f"robustmedclip:{tmp_path / 'model.pth'}+base=medclip:resnet@{base}")
    images = torch.stack([model.preprocess(picture(200, 240, seed=seed)) for seed in (0, 1)])
    with torch.no_grad():
        expected = resnet(images)
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-4)
    assert model.logit_scale == pytest.approx(math.exp(3))
    assert model.identity.architecture.endswith("adapters on 16 convolutions")
    with pytest.raises(ModelError, match=r"MedCLIP's ResNet-50, not local-dir"):
        load_model(
            f"robustmedclip:{tmp_path / 'model.pth'}+base=local-dir:{make_biomedclip_folder(tmp_path / 'b')}"
        )
