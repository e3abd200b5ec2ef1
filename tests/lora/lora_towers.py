"""Tiny image towers of every kind that adapters go on, each in a loaded model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import open_clip
import timm
import torch
from model_factories import seeded
from open_clip.timm_model import TimmModel
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    SiglipVisionConfig,
    SiglipVisionModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTModel,
)

from medimeta_c.models import ModelIdentity, Preprocessing
from medimeta_c.models.torch_model import TorchModel

PIXELS = 32
LAYER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": PIXELS,
    "patch_size": 16,
}


SMALL_EVA: dict[str, Any] = {"embed_dim": 192, "num_heads": 3}


class Towers(nn.Module):
    """An image tower under the name its library gives it, and a stand-in for a text tower."""

    def __init__(self, name: str, tower: nn.Module) -> None:
        super().__init__()
        setattr(self, name, tower)
        self.text = nn.Linear(2, 2)


class TorchEncoder(nn.Module):
    """Plain PyTorch encoder layers, which have a fused kernel of their own for inference."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 16, 16)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(32, 2, 48, batch_first=True, norm_first=True) for _ in range(2)
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.patches(pixels).flatten(2).transpose(1, 2)
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens.mean(1)


def timm_tower(name: str = "vit_tiny_patch16_224", size: int = PIXELS, **settings: Any) -> TimmModel:
    """An open_clip tower around a timm trunk, as BiomedCLIP's, with two blocks for small images."""
    tower = TimmModel("vit_tiny_patch16_224", embed_dim=24, pool="", proj="linear", pretrained=False)
    tower.trunk = timm.create_model(name, num_classes=0, img_size=size, depth=2, **settings)
    return tower


def clip_visual(layers: Any) -> nn.Module:
    """open_clip's own image tower: a transformer for a number, a ResNet for a tuple."""
    vision = {"image_size": PIXELS, "width": 32 if isinstance(layers, int) else 8, "layers": layers}
    kind = {"patch_size": 16, "head_width": 16} if isinstance(layers, int) else {"head_width": 32}
    text = {"context_length": 8, "vocab_size": 16, "width": 16, "heads": 1, "layers": 1}
    visual: nn.Module = open_clip.CLIP(24, {**vision, **kind}, text).visual
    return visual


def siglip() -> nn.Module:
    return SiglipVisionModel(SiglipVisionConfig(**LAYER))


def swin() -> nn.Module:
    shape = {"image_size": PIXELS, "patch_size": 4, "window_size": 2, "embed_dim": 16}
    return SwinModel(SwinConfig(**shape, depths=[1, 1], num_heads=[2, 2]))


TOWERS: dict[str, tuple[str, Callable[[], nn.Module], int]] = {
    "timm fused qkv": ("visual", timm_tower, 2),
    "timm EVA": ("visual", lambda: timm_tower("eva02_tiny_patch14_224", 28), 2),
    "timm separate": ("visual", lambda: timm_tower("eva02_base_patch14_224", 28, **SMALL_EVA), 2),
    "open_clip in_proj": ("visual", lambda: clip_visual(2), 2),
    "torch encoder": ("visual", TorchEncoder, 2),
    "transformers CLIP": (
        "vision_model",
        lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**LAYER, projection_dim=24)),
        2,
    ),
    "transformers SigLIP": ("vision_model", siglip, 2),
    "transformers ViT": ("vision", lambda: ViTModel(ViTConfig(**LAYER)), 2),
    "transformers Swin": ("vision", swin, 2),
    "open_clip ResNet": ("visual", lambda: clip_visual((1, 1, 1, 1)), 19),
    "torchvision ResNet": ("vision", lambda: ResNet(Bottleneck, [1, 1, 1, 1], num_classes=24), 17),
}
"""By name: what the tower is called in its model, the tower, and how many layers there are to adapt."""

RESNETS = ("open_clip ResNet", "torchvision ResNet")
TRANSFORMERS = tuple(name for name in TOWERS if name not in RESNETS)


def wrap(
    name: str, tower: nn.Module, *, seed: int = 0, spec: str = "local-dir:tiny", size: int = PIXELS
) -> TorchModel:
    """A loaded model around a tower, with seeded weights and a digest that follows from `seed`."""
    module = seeded(Towers(name, tower), seed)

    def embed(pixels: torch.Tensor) -> torch.Tensor:
        output = getattr(module, name)(pixels)
        return output if isinstance(output, torch.Tensor) else vectors(output)

    return TorchModel(
        module,
        embed_images=embed,
        embed_texts=lambda _: torch.zeros(0, 24),
        tokenizer=NoTokens(),
        preprocess=lambda _: torch.zeros(3, PIXELS, PIXELS),
        preprocessing=Preprocessing(
            size=(size, size),
            resize="squash",
            resize_size=(size, size),
            interpolation="bicubic",
            center_crop=False,
            mean=(0.5,) * 3,
            std=(0.5,) * 3,
            channels="rgb",
            implementation="none",
            plain=True,
        ),
        identity=ModelIdentity(
            spec=spec,
            family="test",
            revision=None,
            weights_sha256=f"{seed:064x}",
            architecture=type(tower).__name__,
            parameters=sum(one.numel() for one in module.parameters()),
        ),
        logit_scale=math.exp(3),
    )


class NoTokens:
    """A tokenizer for models that are asked for images only."""

    context_length = 8

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [0 for _ in texts]

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        return {"text": torch.zeros(len(texts), 1)}


def vectors(output: Any) -> torch.Tensor:
    """The image embedding in a transformers output."""
    found = output.image_embeds if "image_embeds" in output else output.pooler_output
    assert isinstance(found, torch.Tensor)
    return found


def build(kind: str, *, seed: int = 0) -> TorchModel:
    """A fresh model of one of the kinds."""
    name, make, _ = TOWERS[kind]
    return wrap(name, make(), seed=seed, size=size_of(kind))


def pixels(count: int = 2, size: int = PIXELS, seed: int = 9) -> torch.Tensor:
    """Seeded pixels."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def size_of(kind: str) -> int:
    """The pixels a side that a tower takes."""
    return 28 if kind in ("timm EVA", "timm separate") else PIXELS


def trained(state: dict[str, torch.Tensor], seed: int = 5) -> dict[str, torch.Tensor]:
    """The factors as training may leave them: every one of them moved."""
    generator = torch.Generator().manual_seed(seed)
    return {key: value + 0.05 * torch.randn(value.shape, generator=generator) for key, value in state.items()}
