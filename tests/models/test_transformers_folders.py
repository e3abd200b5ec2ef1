"""Folders of transformers' models: loaded strictly from their own files, or refused in one sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import TOWER, write_bert, write_siglip
from safetensors.torch import load_file, save_file
from transformers_folders import copied, is_siglip, write_clip

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families import transformers_clip


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape or type", "quantised"])
def test_weights_load_whole_or_not_at_all(saved_folder: Path, tmp_path: Path, kind: str) -> None:
    """Where transformers warns and initialises at random, we stop and name the tensor."""
    spoilt = copied(saved_folder, tmp_path / "m")
    state = load_file(saved_folder / "model.safetensors")
    name = "text_model.final_layer_norm.bias"
    if kind == "missing":
        del state[name]
    elif kind == "unexpected":
        name = "text_model.extra"
        state[name] = torch.zeros(2)
    else:
        state[name] = torch.zeros(7) if kind == "of another shape or type" else state[name].long()
    save_file(state, spoilt / "model.safetensors", metadata={"format": "pt"})
    kind = kind.replace("quantised", "of another shape or type")
    with pytest.raises(ModelError, match=rf"1 {kind} \({name}\)"):
        load_model(f"transformers:{spoilt}")


def test_a_text_model_alone_is_no_clip(tmp_path: Path) -> None:
    """A BERT loads, and is refused for what it cannot do."""
    write_bert(tmp_path, seed=1)
    with pytest.raises(ModelError, match=r"BertModel.*does not embed images and texts"):
        load_model(f"transformers:{tmp_path}")


def test_a_model_with_its_own_code_is_refused(saved_folder: Path, tmp_path: Path) -> None:
    """No question at the terminal, no code from the folder: one sentence."""
    spoilt = copied(saved_folder, tmp_path / "m")
    config = json.loads((spoilt / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (spoilt / "config.json").write_text(json.dumps(config))
    (spoilt / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelError, match="cannot load the model"):
        load_model(f"transformers:{spoilt}")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "needs config.json"),
        ("model.safetensors", "needs config.json and model.safetensors"),
        ("preprocessor_config.json", "preprocessor_config.json"),
        ("tokenizer.json", "no tokenizer in"),
    ],
)
def test_a_missing_file_is_named(saved_folder: Path, tmp_path: Path, file: str, message: str) -> None:
    """Each file a model needs has its sentence when it is not there."""
    spoilt = copied(saved_folder, tmp_path / "m")
    (spoilt / ("spiece.model" if is_siglip(saved_folder) and file == "tokenizer.json" else file)).unlink()
    (spoilt / "vocab.txt").unlink(missing_ok=True)
    with pytest.raises(ModelError, match=message):
        load_model(f"transformers:{spoilt}")


@pytest.mark.parametrize(
    ("file", "setting", "message"),
    [
        ("config.json", {"vision_config": [1]}, "cannot load the model"),
        ("config.json", {"text_config": {**TOWER, "num_attention_heads": 5}}, "cannot load the model"),
        ("config.json", {"vision_config": {**TOWER, "patch_size": 0}}, "cannot load the model"),
        ("preprocessor_config.json", {"size": {"shortest_edge": -3}}, "no usable preprocessor_config.json"),
        ("preprocessor_config.json", {"resample": 99}, "no usable preprocessor_config.json"),
        ("preprocessor_config.json", {"image_std": [0, 0, 0]}, "std above 0"),
        ("preprocessor_config.json", {"image_mean": [0.5]}, "three numbers"),
        (
            "preprocessor_config.json",
            {"size": {"height": 64, "width": 64}, "do_center_crop": False},
            "does not read",
        ),
        ("tokenizer_config.json", {"model_max_length": "x"}, "names no length"),
    ],
    ids=str,
)
def test_a_damaged_setting_is_one_sentence(
    saved_folder: Path, tmp_path: Path, file: str, setting: dict[str, Any], message: str
) -> None:
    """Whatever the library trips over, when it loads the model or sends the first image through."""
    spoilt = copied(saved_folder, tmp_path / "m")
    values = json.loads((spoilt / file).read_text()) | setting
    (spoilt / file).write_text(json.dumps(values))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(f"transformers:{spoilt}")
    assert "\n" not in str(caught.value)


def test_an_unreachable_hub_is_one_sentence(impatient: None) -> None:
    """A name that is no folder is looked up on the Hub, which is not there."""
    with pytest.raises(ModelError, match=r"cannot be reached.*name its path"):
        load_model("transformers:nobody/nothing")


@pytest.mark.parametrize(("module", "library"), [("sentencepiece",) * 2, ("google.protobuf", "protobuf")])
def test_a_tokenizers_missing_library_is_our_extra(module: str, library: str, tmp_path: Path) -> None:
    """Not upstream's page of installation, nor the advice to copy files again: the line that installs it."""
    script = (
        f"import sys\nsys.modules[{module!r}] = None\nfrom medimeta_c.models import load_model\n"
        f"try:\n    load_model('transformers:{write_siglip(tmp_path)}')\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    remedy = (
        "it needs the 'evaluate' extra: in a clone of the repository, pip install ./corruptions '.[evaluate]'"
    )
    assert run.stdout.strip() == f"the tokenizer in {tmp_path} cannot be read without {library}: {remedy}"


def test_an_image_tower_elsewhere_is_not_fetched(tmp_path: Path, offline: list[Any]) -> None:
    """A configuration may name timm's architecture on the Hub: nobody is called, and it is one sentence."""
    write_clip(tmp_path)
    vision = {"model_type": "timm_wrapper", "architecture": "hf-hub:some-lab/their-vit"}
    text = {"model_type": "clip_text_model", **TOWER}
    config = {"model_type": "vision-text-dual-encoder", "vision_config": vision, "text_config": text}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="architecture from hf-hub:some-lab/their-vit, which is not"):
        load_model(f"transformers:{tmp_path}")
    assert offline == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"attn_implementation": "some-lab/their-kernel"}, "attn_implementation from some-lab/their-kernel"),
        ({"text_config": {**TOWER, "_attn_implementation": "a/b:c"}}, "_attn_implementation from a/b:c"),
        (
            {
                "model_type": "vision-text-dual-encoder",
                "vision_config": {"model_type": "timm_wrapper", "architecture": "local-dir:/elsewhere"},
                "text_config": {"model_type": "clip_text_model", **TOWER},
            },
            "architecture from local-dir:/elsewhere",
        ),
    ],
    ids=["kernel", "text kernel", "image tower"],
)
def test_a_configuration_does_not_choose_what_else_is_read(
    tmp_path: Path, offline: list[Any], settings: dict[str, Any], named: str
) -> None:
    """Kernels to run and towers to build from, in the Hub's cache or on this disk, are refused by name."""
    write_clip(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(values | settings))
    with pytest.raises(ModelError, match=f"{named}, which is not fetched and not read"):
        load_model(f"transformers:{tmp_path}")
    assert offline == []


def test_a_model_of_another_kind_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which kind a configuration means is known before its code runs."""
    write_bert(tmp_path, seed=1)
    monkeypatch.setattr(f"{transformers_clip.__name__}.load_pretrained", lambda *_: pytest.fail("built"))
    with pytest.raises(ModelError, match=r"BertModel.*does not embed images and texts"):
        load_model(f"transformers:{tmp_path}")


@pytest.mark.parametrize(
    "setting", ["vocab", "merges", "gguf_file", "init_inputs", "vocab_file", "tokenizer_file"]
)
def test_a_tokenizer_outside_the_folder_is_not_read(tmp_path: Path, setting: str) -> None:
    """Each of these settings makes some version of transformers open the file that it names."""
    folder, outside = write_clip(tmp_path / "m"), tmp_path / "secret.txt"
    outside.write_text("a\nb\n")
    file = folder / "tokenizer_config.json"
    value = [str(outside)] if setting == "init_inputs" else str(outside)
    file.write_text(json.dumps(json.loads(file.read_text()) | {setting: value}))
    with pytest.raises(ModelError, match=rf"{setting} from the file .*secret\.txt, which is not read"):
        load_model(f"transformers:{folder}")


def test_settings_that_only_say_where_files_were_are_read(
    saved_folder: Path, saved_model: Model, tmp_path: Path
) -> None:
    """Tokenizers saved by older transformers hold paths of the machine that saved them, and own names."""
    other = copied(saved_folder, tmp_path / "m")
    (tmp_path / "map.json").write_text("{}")
    file = other / "tokenizer_config.json"
    paths = {"special_tokens_map_file": str(tmp_path / "map.json"), "vocab_file": "/elsewhere/vocab.json"}
    more = {"name_or_path": "some-lab/other", "tokenizer_file": "tokenizer.json"}
    file.write_text(json.dumps(json.loads(file.read_text()) | paths | more))
    assert load_model(f"transformers:{other}").identity.architecture == saved_model.identity.architecture


def test_an_index_reads_no_other_file_and_a_tensor_is_there_once(
    saved_folder: Path, saved_model: Model, tmp_path: Path
) -> None:
    """The digest is of the shards in the folder; two shards of two checkpoints are not mixed."""
    other = copied(saved_folder, tmp_path / "m")
    state = load_file(other / "model.safetensors")
    shard = (other / "model.safetensors").rename(other / "model-00001-of-00001.safetensors")
    save_file({key: value + 1 for key, value in state.items()}, tmp_path / "evil.safetensors")
    index = {"weight_map": dict.fromkeys(state, "../evil.safetensors")}
    (other / "model.safetensors.index.json").write_text(json.dumps(index))
    assert load_model(f"transformers:{other}").identity.weights_sha256 == saved_model.identity.weights_sha256
    shutil.copy(shard, other / "model-00001-of-00002.safetensors")
    with pytest.raises(ModelError, match=r"tensor .* in model-00001-of-00002.* and in another file"):
        load_model(f"transformers:{other}")
