"""Folders of open_clip's models: read whole from their own files, or refused in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import (
    TINY_BERT,
    make_biomedclip_folder,
    write_bert_tokenizer,
)
from open_clip_vectors import TEXTS, edited
from safetensors.torch import load_file, save_file

from medimeta_c.errors import ModelError
from medimeta_c.models import bert, load_model


def test_a_known_text_tower_needs_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[Any]
) -> None:
    """BiomedCLIP's folder as downloaded names its text tower on the Hub; its shape is known here."""
    name = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
    assert bert.KNOWN_CONFIGS[name] == {"model_type": "bert", "architectures": ["BertModel"]}
    vocabulary = write_bert_tokenizer(tmp_path / "probe")
    monkeypatch.setitem(bert.KNOWN_CONFIGS, name, {**TINY_BERT, "vocab_size": vocabulary})
    folder = make_biomedclip_folder(tmp_path / "model", seed=2, text_tower=name)
    assert not list(folder.rglob("config.json"))
    model = load_model(f"local-dir:{folder}")
    assert model.encode_texts(TEXTS).shape == (3, 48)
    assert offline == []


def test_a_repository_that_a_configuration_names_is_not_fetched(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """A text tower, a tokenizer and a timm trunk: each is named, with what to do, and nobody is called."""
    folder = edited(biomed_folder, tmp_path / "m", hf_model_name="some-lab/their-bert")
    with pytest.raises(
        ModelError, match=r"names the repository some-lab/their-bert.*hf download .*config\.json"
    ):
        load_model(f"local-dir:{folder}")
    folder = edited(biomed_folder, tmp_path / "t", hf_tokenizer_name="some-lab/their-words")
    for file in (*folder.glob("tokenizer*"), *folder.glob("vocab*")):
        file.unlink()
    with pytest.raises(ModelError, match=r"names the repository some-lab/their-words.*hf download"):
        load_model(f"local-dir:{folder}")
    for trunk in ("hf-hub:some-lab/their-vit", "local-dir:/etc", "some-lab/their-vit"):
        folder = edited(biomed_folder, tmp_path / trunk.replace("/", "-").replace(":", "-"))
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["vision_cfg"]["timm_model_name"] = trunk
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        with pytest.raises(ModelError, match=rf"image tower from {trunk}, which is not fetched"):
            load_model(f"local-dir:{folder}")
    assert offline == []


def test_a_text_tower_outside_the_folder_is_not_read(biomed_folder: Path, tmp_path: Path) -> None:
    """A name that climbs out of the model's folder, or starts at the root, is not followed."""
    outside = shutil.copytree(biomed_folder / "text", tmp_path / "models" / "outside")
    for index, name in enumerate(("../outside", str(outside))):
        folder = edited(biomed_folder, tmp_path / "models" / str(index), hf_model_name=name)
        with pytest.raises(ModelError, match="neither a local folder nor a Hub name"):
            load_model(f"local-dir:{folder}")


@pytest.mark.parametrize("setting", ["trust_remote_code", "cache_dir", "vocab_file", "tokenizer_name"])
def test_a_tokenizer_may_not_run_code(biomed_folder: Path, tmp_path: Path, setting: str) -> None:
    """A configuration sets what open_clip's own tokenizers take, not what is handed on to transformers."""
    folder = edited(biomed_folder, tmp_path / "m", tokenizer_kwargs={"clean": "lower", setting: "x"})
    with pytest.raises(ModelError, match=rf"could run code or read other files \({setting}\)"):
        load_model(f"local-dir:{folder}")


def test_a_text_tower_of_another_kind_is_not_built(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """Some of transformers' kinds fetch a backbone that they name, when their configuration is read."""
    folder = edited(biomed_folder, tmp_path / "m")
    tower = {"model_type": "upernet", "backbone": "some-lab/their-vit", "use_pretrained_backbone": True}
    (folder / "text" / "config.json").write_text(json.dumps(tower))
    with pytest.raises(ModelError, match=r"its model_type is 'upernet', not one of roberta"):
        load_model(f"local-dir:{folder}")
    assert offline == []


def test_the_silent_projection_is_an_error_with_its_cure(biomed_folder: Path, tmp_path: Path) -> None:
    """Weights without a text projection and no hf_proj_type: open_clip would add a random one."""
    folder = edited(biomed_folder, tmp_path / "m", hf_proj_type=None)
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    torch.save({key: value for key, value in state.items() if not key.startswith("text.proj.")}, weights)
    with pytest.raises(ModelError, match=r"2 missing \(text\.proj\.0\.weight.*\"hf_proj_type\": null"):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape or type", "quantised"])
def test_weights_load_whole_or_not_at_all(biomed_folder: Path, tmp_path: Path, kind: str) -> None:
    """A tensor too few, too many, of another shape or of integers is named."""
    folder = edited(biomed_folder, tmp_path / "m")
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    name = "visual.head.proj.weight"
    if kind == "missing":
        del state[name]
    elif kind == "unexpected":
        name = "visual.extra"
        state[name] = torch.zeros(2)
    else:
        state[name] = state[name][:, :5] if kind == "of another shape or type" else state[name].long()
    torch.save(state, weights)
    kind = kind.replace("quantised", "of another shape or type")
    with pytest.raises(ModelError, match=rf"1 {kind} \({name}\)"):
        load_model(f"local-dir:{folder}")


def test_position_ids_are_dropped_only_when_they_are_positions(biomed_folder: Path, tmp_path: Path) -> None:
    """The old constant is accepted by its values, not by its name."""
    folder = edited(biomed_folder, tmp_path / "m")
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    state["text.transformer.embeddings.position_ids"] += 1
    torch.save(state, weights)
    with pytest.raises(ModelError, match=r"1 unexpected \(text\.transformer\.embeddings\.position_ids\)"):
        load_model(f"local-dir:{folder}")


def test_position_embeddings_are_not_stretched(clip_folder: Path, tmp_path: Path) -> None:
    """A checkpoint of another image size is refused; open_clip would interpolate it."""
    folder = edited(clip_folder, tmp_path / "m")
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = 256
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"of another shape or type \(visual\.positional_embedding\)"):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "open_clip_config.json").unlink(), "transformers:PATH"),
        (lambda folder: (folder / "open_clip_config.json").write_text("{}"), "not valid at model_cfg"),
        (lambda folder: (folder / "open_clip_config.json").write_text('{"model_cfg": {}}'), "embed_dim"),
        (
            lambda folder: (folder / "open_clip_config.json").write_text("[" * 99_999),
            "is not valid JSON",
        ),
        (lambda folder: (folder / "open_clip_model.safetensors").unlink(), "none of the weight files"),
        (lambda folder: (folder / "open_clip_model.safetensors").write_bytes(b"no"), "damaged"),
    ],
    ids=["no config", "empty config", "no settings", "deep config", "no weights", "damaged weights"],
)
def test_a_broken_folder_says_what_is_wrong(
    clip_folder: Path, tmp_path: Path, spoil: Any, message: str
) -> None:
    """Each missing or damaged file has its sentence."""
    folder = edited(clip_folder, tmp_path / "m")
    spoil(folder)
    with pytest.raises(ModelError, match=message):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("part", "setting", "message"),
    [
        ("vision_cfg", None, "cannot build the architecture"),
        ("text_cfg", "x", "cannot build the architecture"),
        ("vision_cfg", {"image_size": 224, "patch_size": 0}, "cannot build the architecture"),
        ("text_cfg", {"tokenizer_kwargs": [1]}, "cannot build the tokenizer"),
        ("text_cfg", {"hf_tokenizer_name": 5}, "cannot build the tokenizer"),
        ("preprocess_cfg", [1], "preprocessing settings"),
        ("preprocess_cfg", {"resize_mode": "odd"}, "preprocessing settings"),
        ("preprocess_cfg", {"mean": [0.5, 0.5]}, "three numbers"),
        ("preprocess_cfg", {"std": [0, 0, 0]}, "std above 0"),
    ],
    ids=str,
)
def test_a_damaged_setting_is_one_sentence(
    clip_folder: Path, tmp_path: Path, part: str, setting: Any, message: str
) -> None:
    """Whatever the library trips over in the configuration."""
    folder = edited(clip_folder, tmp_path / "m")
    config = json.loads((folder / "open_clip_config.json").read_text())
    holder = config if part == "preprocess_cfg" else config["model_cfg"]
    holder[part] = holder[part] | setting if isinstance(setting, dict) else setting
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(f"local-dir:{folder}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), 1000.0], ids=["NaN", "infinite"])
def test_a_logit_scale_that_is_no_number_is_refused(clip_folder: Path, tmp_path: Path, value: float) -> None:
    """Every probability would be NaN."""
    folder = edited(clip_folder, tmp_path / "m")
    state = load_file(folder / "open_clip_model.safetensors")
    save_file({**state, "logit_scale": torch.tensor(value)}, folder / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=r"logit scale of local-dir:.* is (nan|inf): check the weights"):
        load_model(f"local-dir:{folder}")


def test_an_unknown_setting_is_one_sentence(clip_folder: Path, tmp_path: Path) -> None:
    """A setting that open_clip does not know gives no traceback."""
    folder = edited(clip_folder, tmp_path / "m", wings=2)
    with pytest.raises(ModelError, match=r"open_clip cannot build.*wings"):
        load_model(f"local-dir:{folder}")
