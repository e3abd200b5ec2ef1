"""Adapters: the identity before training, W + (alpha/r)·BA after it, on every kind of image tower."""

from __future__ import annotations

import re

import pytest
import torch
from lora_towers import RESNETS, TOWERS, TRANSFORMERS, build, clip_visual, pixels, size_of, trained, wrap
from open_clip.timm_model import TimmModel
from torch import nn
from torchvision.models import resnet50

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.lora import ATTENTION, CENTRES, CONVOLUTIONS, LoraConfig
from medimeta_c.lora.adapters import attach
from medimeta_c.lora.parametrisation import initial_factor
from medimeta_c.lora.targets import default_targets
from medimeta_c.models.torch_model import TorchModel


def config_for(kind: str, **settings: float) -> LoraConfig:
    """Rank 4 on what a kind of tower has."""
    return LoraConfig(rank=4, targets=CONVOLUTIONS if kind in RESNETS else ATTENTION, **settings)  # type: ignore[arg-type]


def update_by_hand(model: TorchModel, state: dict[str, torch.Tensor], scale: float) -> None:
    """Add every update to the weights of an untouched model, written out from the keys alone."""
    for key, a in state.items():
        match = re.fullmatch(r"(.+)\.(q|k|v|conv)\.lora_a", key)
        if match is None:
            continue
        path, part = match.groups()
        update = scale * state[f"{path}.{part}.lora_b"] @ a
        module = model.module.get_submodule(path)
        weight = getattr(module, "in_proj_weight", None)
        weight = module.weight if weight is None else weight
        assert isinstance(weight, torch.Tensor)
        third = len(weight) // 3
        start = "qkv".index(part) * third if len(update) == third else 0
        weight.data[start : start + len(update)] += update.reshape(-1, *weight.shape[1:])


@pytest.mark.parametrize("kind", TOWERS)
def test_untrained_adapters_change_no_bit(kind: str) -> None:
    """Every layer is adapted, and every embedding stays what it was."""
    model, images = build(kind), pixels(size=size_of(kind))
    before = model.encode_images(images)
    adapters = attach(model, config_for(kind), seed=3)
    assert adapters.report().layers == TOWERS[kind][2]
    assert torch.equal(model.encode_images(images), before)
    torch.testing.assert_close(model.features(images).detach(), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", TOWERS)
def test_trained_adapters_are_the_formula(kind: str) -> None:
    """Embeddings are those of W + (alpha/r)·BA, written out by hand; on PyTorch's fused kernels too."""
    model, images = build(kind), pixels(size=size_of(kind))
    adapters = attach(model, config_for(kind, alpha=6.0), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    plain = build(kind)
    base = plain.encode_images(images)
    update_by_hand(plain, adapters.state_dict(), 6 / 4)
    expected = plain.encode_images(images)
    assert float((expected - base).abs().max()) > 1e-2
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.features(images).detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TOWERS)
def test_gradients_reach_the_adapters_alone(kind: str) -> None:
    """Only adapters are trained; at the start A has no gradient, for B is zero."""
    model, images = build(kind), pixels(size=size_of(kind))
    adapters = attach(model, config_for(kind), seed=3)
    assert {id(one) for one in model.module.parameters() if one.requires_grad} == set(
        map(id, adapters.parameters())
    )
    model.features(images).square().sum().backward()
    state = adapters.state_dict()
    moved = dict(zip(state, adapters.parameters(), strict=True))
    assert all(bool(one.grad.any()) == key.endswith("lora_b") for key, one in moved.items())  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", TOWERS)
def test_merging_keeps_the_embeddings(kind: str) -> None:
    """Merged, the model is plain again: same names of weights, same embeddings, another identity."""
    model, images = build(kind), pixels(size=size_of(kind))
    names = set(model.module.state_dict())
    adapters = attach(model, config_for(kind), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    before, report, state = model.encode_images(images), adapters.report(), adapters.state_dict()
    adapters.merge()
    assert set(model.module.state_dict()) == names
    torch.testing.assert_close(model.encode_images(images), before, rtol=1e-5, atol=1e-5)
    assert adapters.report() == report
    assert all(torch.equal(value, state[key]) for key, value in adapters.state_dict().items())
    assert model.identity.weights_sha256 != adapters.base.weights_sha256
    with pytest.raises(ModelError, match="merged or detached"):
        adapters.merge()


@pytest.mark.parametrize("kind", TOWERS)
def test_detaching_gives_the_base_back(kind: str) -> None:
    """Weights and their names are those from before, bit for bit, and nothing requires a gradient."""
    model = build(kind)
    weights = {key: value.clone() for key, value in model.module.state_dict().items()}
    adapters = attach(model, config_for(kind), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    adapters.detach()
    after = model.module.state_dict()
    assert set(after) == set(weights)
    assert all(torch.equal(after[key], weights[key]) for key in weights)
    assert not any(one.requires_grad for one in model.module.parameters())


def test_biomedclip_at_rank_16_is_the_papers_size() -> None:
    """BiomedCLIP's ViT-B/16: 12 layers, 884,736 trainable parameters, 1.02 % of 87 M, as Table 6 has it."""
    tower = TimmModel("vit_base_patch16_224", embed_dim=512, pool="", proj="linear", pretrained=False)
    model = wrap("visual", tower)
    report = attach(model, LoraConfig(rank=16), seed=0).report()
    assert (report.layers, report.trainable_parameters) == (12, 884_736)
    assert (round(report.total_parameters / 1e6), round(report.percent, 2)) == (87, 1.02)
    assert str(report) == "12 layers adapted, 884,736 of 87.1 M parameters trainable (1.02 %)"


def test_each_projection_has_factors_of_its_own() -> None:
    """In one fused weight, moving k's factors changes k's rows alone."""
    model = build("timm fused qkv")
    adapters = attach(model, LoraConfig(rank=2), seed=0)
    state = adapters.state_dict()
    first = "visual.trunk.blocks.0.attn.qkv"
    state[f"{first}.k.lora_b"] += 1
    layer = model.module.get_submodule(first)
    before = layer.weight.detach().clone()  # type: ignore[operator]
    adapters.load_state_dict(state)
    changed = (layer.weight != before).any(dim=1)  # type: ignore[union-attr]
    assert changed.nonzero().flatten().tolist() == list(range(192, 384))


def test_queries_and_values_alone_leave_keys_as_they_are() -> None:
    """With targets q and v, the rows between them are the base's."""
    model = build("open_clip in_proj")
    base = build("open_clip in_proj").module.get_parameter(
        "visual.transformer.resblocks.0.attn.in_proj_weight"
    )
    adapters = attach(model, LoraConfig(rank=2, targets=("q", "v")), seed=0)
    adapters.load_state_dict(trained(adapters.state_dict()))
    changed = (model.module.visual.transformer.resblocks[0].attn.in_proj_weight != base).all(1)  # type: ignore[union-attr, index]
    assert changed.tolist() == [True] * 32 + [False] * 32 + [True] * 32


def test_the_start_depends_on_the_seed_and_the_name_alone() -> None:
    """Same seed, same numbers, whatever torch's global generator holds and leaves; B is zero, A is not."""
    torch.manual_seed(1)
    kept = torch.get_rng_state()
    first = attach(build("open_clip in_proj"), LoraConfig(rank=4), seed=7).state_dict()
    torch.manual_seed(2)
    second = attach(build("open_clip in_proj", seed=1), LoraConfig(rank=4), seed=7).state_dict()
    other = attach(build("open_clip in_proj"), LoraConfig(rank=4), seed=8).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert all(bool(value.any()) == key.endswith("lora_a") for key, value in first.items())
    starts = [value for key, value in first.items() if key.endswith("lora_a")]
    assert len({tuple(start.flatten().tolist()) for start in starts}) == len(starts)
    assert not any(torch.equal(first[key], other[key]) for key in first if key.endswith("lora_a"))
    torch.set_rng_state(kept)
    values = initial_factor(64, 256, seed=0, name="x")
    assert float(values.abs().max()) <= 1 / 16
    assert float(values.std()) == pytest.approx(1 / 16 / 3**0.5, rel=0.02)


def test_drawing_the_start_leaves_the_global_generator_alone() -> None:
    """Attaching takes no number from it."""
    model = build("open_clip in_proj")
    before = torch.get_rng_state()
    attach(model, LoraConfig(rank=4), seed=7)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["timm fused qkv", "open_clip in_proj", "transformers CLIP"])
def test_half_precision_inference_follows_the_weights(kind: str) -> None:
    """Adapters apply in bfloat16 too, whether the weights are moved to it or the products run in it."""
    model, images = build(kind), pixels()
    adapters = attach(model, LoraConfig(rank=4), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    full = model.encode_images(images)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.encode_images(images)
    half = model.to("cpu", torch.bfloat16).encode_images(images)
    base = build(kind).encode_images(images)
    for one in (mixed, half):
        assert one.dtype == torch.float32
        assert float((one - full).norm()) < 0.25 * float((base - full).norm())


@pytest.mark.parametrize("kind", TOWERS)
def test_default_targets_are_the_papers(kind: str) -> None:
    """Attention in transformers, the centres of kernels in ResNets."""
    assert default_targets(build(kind)) == (CENTRES if kind in RESNETS else ATTENTION)


@pytest.mark.parametrize(("kind", "count"), [("open_clip ResNet", 15), ("torchvision ResNet", 13)])
def test_centres_of_kernels_are_convolutions_beside_them(kind: str, count: int) -> None:
    """All but those of shortcuts get B·A·x added at their stride, A of rank x inputs."""
    model, images = build(kind), pixels()
    adapters = attach(model, LoraConfig(rank=4, alpha=6.0, targets=CENTRES), seed=3)
    before = build(kind).encode_images(images)
    assert torch.equal(model.encode_images(images), before)
    assert adapters.report().layers == count
    adapters.load_state_dict(trained(adapters.state_dict()))
    plain = build(kind)
    for name, factor in adapters.state_dict().items():
        path, _, last = name.rpartition(".conv-centre.")
        if last == "lora_a":
            assert "downsample" not in path
            add_beside(plain.module.get_submodule(path), factor, adapters.state_dict()[name[:-1] + "b"], 1.5)
    expected = plain.encode_images(images)
    assert float((expected - before).norm()) > 1e-2
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-5)
    adapters.merge()
    torch.testing.assert_close(model.encode_images(images), expected, rtol=1e-4, atol=1e-5)


def add_beside(module: nn.Module, a: torch.Tensor, b: torch.Tensor, scale: float) -> None:
    """Add a 1x1 convolution, in two steps, to what a convolution gives."""
    assert isinstance(module, nn.Conv2d)
    assert a.shape == (4, module.in_channels)

    def hook(conv: nn.Module, inputs: tuple[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.conv2d(inputs[0], a[:, :, None, None], stride=conv.stride)  # type: ignore[arg-type]
        return out + scale * nn.functional.conv2d(inner, b[:, :, None, None])

    module.register_forward_hook(hook)


def test_medclips_resnet_gets_the_papers_parameters() -> None:
    """694,320 in 49 convolutions at rank 16: 1.39 % where frozen weights count twice, as in the paper."""
    tower = resnet50(weights=None)
    tower.fc = nn.Linear(2048, 512, bias=False)
    model = wrap("vision", tower)
    size = attach(model, LoraConfig(rank=16, targets=default_targets(model)), seed=0).report()
    assert (size.layers, size.trainable_parameters) == (49, 694_320)
    frozen = size.total_parameters - size.trainable_parameters
    assert round(100 * size.trainable_parameters / (2 * frozen + size.trainable_parameters), 2) == 1.39


@pytest.mark.parametrize("kind", RESNETS)
def test_a_tower_without_attention_blocks_says_what_was_looked_for(kind: str) -> None:
    """No target found is an error that names the forms known and the way out; CLIP's pooling is no block."""
    with pytest.raises(ModelError, match=r"no attention layer.*qkv.*in_proj_weight.*q_proj.*convolutions"):
        attach(build(kind), LoraConfig(), seed=0)


def test_a_tower_without_convolutions_is_refused() -> None:
    """So are convolutions in a tower that has none."""
    with pytest.raises(ModelError, match="no 2-D convolution"):
        attach(wrap("visual", nn.Linear(3, 3)), LoraConfig(targets=CONVOLUTIONS), seed=0)


def test_attention_of_an_unknown_form_is_not_passed_over() -> None:
    """Where some layers can be adapted and others cannot, none is."""

    class OddAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixed = nn.Linear(4, 12)

    tower = clip_visual(1)
    tower.add_module("extra", OddAttention())
    with pytest.raises(ModelError, match=r"1 attention layers.*visual\.extra"):
        attach(wrap("visual", tower), LoraConfig(), seed=0)


def test_a_model_without_an_image_tower_is_refused() -> None:
    """A module that has no tower under a known name, or no module at all, is named in the message."""
    with pytest.raises(ModelError, match=r"local-dir:tiny has no image tower.*visual, vision_model, vision"):
        attach(wrap("eyes", nn.Linear(2, 2)), LoraConfig(), seed=0)


def test_adapters_go_on_once() -> None:
    """A second set is refused while the first is on, and welcome after."""
    model = build("open_clip in_proj")
    adapters = attach(model, LoraConfig(), seed=0)
    with pytest.raises(ModelError, match="has adapters already"):
        attach(model, LoraConfig(), seed=0)
    adapters.detach()
    attach(model, LoraConfig(), seed=0)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda s: {k: v[:2] if k.endswith("a") else v[:, :2] for k, v in s.items()}, "of rank 2.*of rank 4"),
        (lambda s: {k: v for k, v in s.items() if "resblocks.0" in k}, "for 3 weights.*has 6"),
        (lambda s: s | {k.replace("blocks.1", "blocks.2"): v for k, v in s.items()}, "for 9 weights.*has 6"),
        (lambda s: {k.replace("visual", "vision"): v for k, v in s.items()}, "missing.*unexpected"),
        (lambda s: {k: v[:-1] if k.endswith("b") else v for k, v in s.items()}, "of another shape"),
        (lambda s: {k: v / 0 for k, v in s.items()}, "not finite"),
    ],
    ids=["rank", "shallower", "deeper", "names", "shape", "nan"],
)
def test_factors_that_do_not_fit_change_nothing(changed: object, says: str) -> None:
    """A wrong state is refused in one sentence, and the factors stay as they were."""
    adapters = attach(build("open_clip in_proj"), LoraConfig(rank=4), seed=0)
    before = adapters.state_dict()
    with pytest.raises(ModelError, match=says) as caught:
        adapters.load_state_dict(changed(trained(before)))  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in adapters.state_dict().items())


@pytest.mark.parametrize(
    "values",
    [
        {"rank": 0},
        {"rank": 5000},
        {"rank": True},
        {"alpha": 0.0},
        {"alpha": float("nan")},
        {"targets": ()},
        {"targets": ("v", "q")},
        {"targets": ("q", "conv")},
        {"targets": ("q", "q")},
    ],
    ids=str,
)
def test_a_configuration_out_of_range_is_refused(values: dict[str, object]) -> None:
    """Ranks, scales and targets are checked before anything is loaded."""
    with pytest.raises(ConfigError, match=f"LoRA {next(iter(values))}"):
        LoraConfig(**values)  # type: ignore[arg-type]


def test_the_scale_is_alpha_over_rank() -> None:
    """Without alpha, updates are not scaled, whatever the rank."""
    assert LoraConfig(rank=16).scale == 1
    assert LoraConfig(rank=16, alpha=32).scale == 2


def test_every_transformer_kind_is_covered() -> None:
    """The table above holds the forms promised: fused, in_proj, separate and kernels."""
    forms = {site.form for kind in TOWERS for site in attach(build(kind), config_for(kind), seed=0).sites}
    assert forms == {"fused", "in_proj", "separate", "conv"}
    assert len(TRANSFORMERS) == 9
