"""Export to PEFT: the library itself loads the folder and gives the same embeddings."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_towers import RESNETS, TOWERS, build, pixels, size_of, trained, wrap
from torch import nn

from medimeta_c.errors import ConfigError
from medimeta_c.lora import ATTENTION, CONVOLUTIONS, LoraConfig, Target
from medimeta_c.lora.adapters import Adapters, attach
from medimeta_c.lora.peft import export_peft

peft = pytest.importorskip("peft", reason="needs PEFT: pip install peft")

EXPRESSIBLE = [name for name in TOWERS if name not in ("open_clip in_proj", "torch encoder", "timm EVA")]


def tuned(kind: str, targets: tuple[Target, ...], alpha: float) -> Adapters:
    """Adapters that training has moved."""
    adapters = attach(build(kind), LoraConfig(rank=4, alpha=alpha, targets=targets), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    return adapters


def loaded_by_peft(module: nn.Module, folder: Path) -> Any:
    """The module with the folder's adapters on, put there by PEFT."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        return peft.PeftModel.from_pretrained(module, str(folder)).eval()


@pytest.mark.parametrize("kind", EXPRESSIBLE)
def test_peft_gives_the_same_embeddings(kind: str, tmp_path: Path) -> None:
    """On a fresh base, with another scale than 1; a fused qkv as one pair of three times the rank."""
    targets = CONVOLUTIONS if kind in RESNETS else ATTENTION
    adapters, images = tuned(kind, targets, alpha=6.0), pixels(size=size_of(kind))
    export_peft(tmp_path, adapters)
    base = build(kind)
    before = base.encode_images(images)
    loaded_by_peft(base.module, tmp_path)
    found = base.encode_images(images)  # PEFT replaces the layers inside the module
    assert float((found - before).abs().max()) > 1e-2
    torch.testing.assert_close(found, adapters.model.encode_images(images), rtol=1e-4, atol=1e-5)


def test_queries_and_values_alone_of_a_fused_layer(tmp_path: Path) -> None:
    """The rows of k get zeros."""
    adapters = tuned("timm fused qkv", ("q", "v"), alpha=4.0)
    export_peft(tmp_path, adapters)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 8)
    base = build("timm fused qkv")
    loaded_by_peft(base.module, tmp_path)
    images = pixels(size=size_of("timm fused qkv"))
    expected = adapters.model.encode_images(images)
    torch.testing.assert_close(base.encode_images(images), expected, rtol=1e-4, atol=1e-5)


def test_the_export_names_its_base(tmp_path: Path) -> None:
    """As transformers names it, without our prefix."""
    name, make, _ = TOWERS["transformers CLIP"]
    model = wrap(name, make(), spec="transformers:openai/clip-vit-base-patch16")
    export_peft(tmp_path, attach(model, LoraConfig(rank=4), seed=0))
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "openai/clip-vit-base-patch16"


@pytest.mark.parametrize("kind", ["open_clip in_proj", "torch encoder"])
def test_multihead_attention_is_refused(kind: str, tmp_path: Path) -> None:
    """PEFT has no form for q, k and v of in_proj_weight alone; nothing is written."""
    with pytest.raises(ConfigError, match=r"PEFT cannot express.*MultiheadAttention.*output projection"):
        export_peft(tmp_path / "out", tuned(kind, ATTENTION, alpha=4.0))
    assert not (tmp_path / "out").exists()


def test_weights_that_are_read_past_their_layer_are_refused(tmp_path: Path) -> None:
    """timm's EVA multiplies with qkv.weight itself: a layer of PEFT's in its place would change nothing."""
    with pytest.raises(ConfigError, match=r"PEFT.*qkv.*never called"):
        export_peft(tmp_path / "out", tuned("timm EVA", ATTENTION, alpha=4.0))
    assert not (tmp_path / "out").exists()


def test_grouped_convolutions_are_refused(tmp_path: Path) -> None:
    """So are they; nothing is written."""
    model = wrap("visual", nn.Sequential(nn.Conv2d(3, 3, 3, groups=3)))
    with pytest.raises(ConfigError, match=r"grouped or dilated convolutions \(visual\.0\)"):
        export_peft(tmp_path / "out", attach(model, LoraConfig(rank=2, targets=CONVOLUTIONS), seed=0))
    assert not (tmp_path / "out").exists()
