"""Export to PEFT: the library itself loads the folder and gives the same embeddings."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_towers import RESNETS, TOWERS, build, pixels, size_of, trained, wrap
from model_factories import make_biomedclip_folder
from torch import nn
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.lora import ATTENTION, CENTRES, CONVOLUTIONS, LoraConfig, Target
from medimeta_c.lora.adapterfile import write_adapter
from medimeta_c.lora.adapters import Adapters, attach
from medimeta_c.lora.peft import export_peft
from medimeta_c.models import load_model
from medimeta_c.models.torch_model import TorchModel

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


def test_centres_of_kernels_are_kernels_to_peft(tmp_path: Path) -> None:
    """A is a kernel of the convolution's size, zero but for its centre."""
    kind, images = "torchvision ResNet", pixels()
    adapters = tuned(kind, CENTRES, alpha=6.0)
    export_peft(tmp_path, adapters)
    base = build(kind)
    loaded_by_peft(base.module, tmp_path)
    expected = adapters.model.encode_images(images)
    torch.testing.assert_close(base.encode_images(images), expected, rtol=1e-4, atol=1e-5)


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


@pytest.fixture
def run_on_biomedclip(tmp_path: Path) -> Path:
    """A folder as fine-tuning leaves it, on a base of BiomedCLIP's structure."""
    base = load_model(f"local-dir:{make_biomedclip_folder(tmp_path / 'base')}")
    assert isinstance(base, TorchModel)
    adapters = attach(base, LoraConfig(rank=2), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    write_adapter(tmp_path / "run", adapters)
    return tmp_path / "run"


def test_the_command_exports_what_finetune_wrote(run_on_biomedclip: Path, tmp_path: Path) -> None:
    """From the folder of a run to what PEFT loads onto the base, giving the adapted model's embeddings."""
    spec = f"robustmedclip:{run_on_biomedclip}"
    result = CliRunner().invoke(app, ["export-peft", spec, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    base, adapted = load_model(f"local-dir:{tmp_path / 'base'}"), load_model(spec)
    assert isinstance(base, TorchModel)
    loaded_by_peft(base.module, tmp_path / "out")
    images = pixels(size=224)
    torch.testing.assert_close(
        base.encode_images(images), adapted.encode_images(images), rtol=1e-4, atol=1e-5
    )


def test_the_command_says_what_it_cannot_export(run_on_biomedclip: Path, tmp_path: Path) -> None:
    """Usage errors are one sentence, and a folder in use is left as it is."""
    (tmp_path / "published").mkdir()
    (tmp_path / "published/lora_weights.safetensors").write_bytes(b"")
    cases = {
        ("rmc", "out"): "not of the form robustmedclip:PATH_OR_REPO",
        (f"robustmedclip:{tmp_path / 'published'}", "out"): "published with the paper",
        (f"robustmedclip:{run_on_biomedclip}", "base"): "not an empty folder",
    }
    for (spec, out), message in cases.items():
        result = CliRunner().invoke(app, ["export-peft", spec, "--out", str(tmp_path / out)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()
