"""Models in the files that their authors publish: small ones of the same settings, names and layouts.

Sizes and weights are ours; keys of configurations, names of tensors and files are those of the repositories
that `ALIASES` names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from clip_words import MERGES, clip_vocabulary, write_clip_words
from hub_server import HubServer, hub_environment, run_client
from model_factories import (
    SENTENCES,
    TINY_BERT,
    TOWER,
    make_biomedclip_folder,
    make_open_clip_folder,
    picture,
    seeded,
    write_bert_tokenizer,
    write_sentencepiece,
)
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizerFast, SiglipConfig, SiglipModel

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import bert, load_model

TEXTS = list(SENTENCES)
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]

# What transformers 4.16 to 4.24 wrote of each tower, beside its sizes.
OLD_TOWER: dict[str, Any] = {
    **{"_name_or_path": "", "add_cross_attention": False, "architectures": None, "attention_dropout": 0.0},
    **{
        "bad_words_ids": None,
        "chunk_size_feed_forward": 0,
        "decoder_start_token_id": None,
        "do_sample": False,
    },
    **{"diversity_penalty": 0.0, "dropout": 0.0, "early_stopping": False, "finetuning_task": None},
    **{"forced_bos_token_id": None, "hidden_act": "quick_gelu", "id2label": {"0": "LABEL_0", "1": "LABEL_1"}},
    **{"initializer_factor": 1.0, "initializer_range": 0.02, "is_decoder": False, "layer_norm_eps": 1e-05},
    **{"label2id": {"LABEL_0": 0, "LABEL_1": 1}, "length_penalty": 1.0, "max_length": 20, "num_beams": 1},
    **{"output_attentions": False, "pruned_heads": {}, "return_dict": True, "sep_token_id": None},
    **{"temperature": 1.0, "tie_word_embeddings": True, "tokenizer_class": None, "top_k": 50, "top_p": 1.0},
    **{"torch_dtype": None, "torchscript": False, "transformers_version": "4.24.0", "use_bfloat16": False},
}


def write_clip_tokenizer(folder: Path) -> CLIPTokenizerFast:
    """CLIP's kind of tokenizer, in one file and in the two of earlier versions."""
    tokenizer = CLIPTokenizerFast(vocab=clip_vocabulary(), merges=MERGES, model_max_length=77)
    tokenizer.save_pretrained(folder)
    write_clip_words(folder)
    return tokenizer


def old_clip(folder: Path) -> tuple[CLIPModel, CLIPTokenizerFast]:
    """Write PubMedCLIP's layout: the files of OpenAI's CLIP as transformers 4 saved them in 2022."""
    tokenizer = write_clip_tokenizer(folder)
    sizes = {**OLD_TOWER, **TOWER}
    text = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "vocab_size": len(tokenizer)}
    config = {
        "_name_or_path": "openai/clip-vit-base-patch32",
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": 24,
        "text_config": {**sizes, **text, "model_type": "clip_text_model", "max_position_embeddings": 77},
        "text_config_dict": {**TOWER, **text},
        "torch_dtype": "float32",
        "transformers_version": None,
        "vision_config": {**sizes, "image_size": 224, "patch_size": 32, "model_type": "clip_vision_model"},
        "vision_config_dict": {**TOWER, "patch_size": 32},
    }
    (folder / "config.json").write_text(json.dumps(config))
    edge = {"content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False}
    edges = {
        "unk_token": {**edge, "normalized": True, "__type": "AddedToken"},
        "bos_token": {**edge, "content": "<|startoftext|>", "normalized": True, "__type": "AddedToken"},
        "eos_token": {**edge, "normalized": True, "__type": "AddedToken"},
        "pad_token": "<|endoftext|>",
    }
    settings = {"add_prefix_space": False, "errors": "replace", "do_lower_case": True, "model_max_length": 77}
    names = {"name_or_path": "openai/clip-vit-base-patch32", "tokenizer_class": "CLIPTokenizer"}
    cached = {"special_tokens_map_file": "/home/someone/.cache/huggingface/transformers/18a5.cce1"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**edges, **settings, **names, **cached}))
    extractor = {
        "feature_extractor_type": "CLIPFeatureExtractor",
        "resample": 3,
        "crop_size": 224,
        "size": 224,
    }
    steps = dict.fromkeys(("do_center_crop", "do_normalize", "do_resize"), True)
    written = {**extractor, **steps, "image_mean": MEAN, "image_std": STD}
    (folder / "preprocessor_config.json").write_text(json.dumps(written))
    module = seeded(CLIPModel(CLIPConfig.from_dict(config)), 3)
    state = dict(module.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    state["vision_model.embeddings.position_ids"] = torch.arange(50)[None]
    torch.save(state, folder / "pytorch_model.bin")
    return module, tokenizer


def plip(folder: Path) -> tuple[CLIPModel, CLIPTokenizerFast]:
    """PLIP has the same, with the tokenizer in one file."""
    written = old_clip(folder)
    for name in ("vocab.json", "merges.txt"):
        (folder / name).unlink()
    return written


def monet(folder: Path) -> tuple[CLIPModel, CLIPTokenizerFast]:
    """MONET has the names of transformers 4.30: short settings, safetensors that still hold the positions."""
    module, tokenizer = old_clip(folder)
    sizes = {"dropout": 0.0, "hidden_act": "quick_gelu", **TOWER}
    config = json.loads((folder / "config.json").read_text())
    text = {"model_type": "clip_text_model", "projection_dim": 24, "vocab_size": len(tokenizer)}
    text["eos_token_id"] = tokenizer.eos_token_id  # 49407, the default, in its own vocabulary
    vision = {"model_type": "clip_vision_model", "projection_dim": 24, "patch_size": 32}
    config |= {"text_config": {**sizes, **text}, "vision_config": {**sizes, **vision}}
    config = {name: value for name, value in config.items() if not name.endswith("config_dict")}
    (folder / "config.json").write_text(json.dumps({**config, "transformers_version": "4.30.2"}))
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    (folder / "pytorch_model.bin").unlink()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    extractor = json.loads((folder / "preprocessor_config.json").read_text())
    sides = {"crop_size": {"height": 224, "width": 224}, "size": {"shortest_edge": 224}}
    kind = {"image_processor_type": "CLIPImageProcessor", "do_convert_rgb": True, "do_rescale": True}
    extractor |= {**kind, **sides, "rescale_factor": 1 / 255}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    return module, tokenizer


@pytest.mark.parametrize("write", [old_clip, plip, monet], ids=["pubmedclip", "plip", "monet"])
def test_clip_models_of_earlier_transformers(
    write: Callable[[Path], tuple[CLIPModel, CLIPTokenizerFast]], tmp_path: Path, offline: list[Any]
) -> None:
    """PubMedCLIP, PLIP and MONET: the vectors and the transform of transformers, every tensor used."""
    module, tokenizer = write(tmp_path)
    ours = load_model(f"transformers:{tmp_path}")
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        images = module.get_image_features(pixel_values=pixels).pooler_output
        texts = module.get_text_features(**tokenizer(TEXTS, padding=True, return_tensors="pt")).pooler_output
    torch.testing.assert_close(ours.encode_images(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.encode_texts(TEXTS), texts, atol=1e-5, rtol=0)
    record = ours.preprocessing
    assert (record.size, record.resize, record.center_crop) == ((224, 224), "shortest", True)
    assert (record.interpolation, record.mean, record.std) == ("bicubic", tuple(MEAN), tuple(STD))
    assert ours.context_length == 77
    assert ours.identity.parameters == sum(one.numel() for one in module.parameters())
    assert offline == []


def test_medsiglip(tmp_path: Path, offline: list[Any]) -> None:
    """Its layout: 448 pixels in patches of 14, 64 tokens of spiece.model, a bias on the logits."""
    vocabulary = write_sentencepiece(tmp_path)
    config = SiglipConfig(
        text_config={**TOWER, "vocab_size": vocabulary, "projection_size": 32},
        vision_config={**TOWER, "image_size": 448, "patch_size": 14},
    )
    module = seeded(SiglipModel(config), 4)
    written = config.to_dict()
    written |= {"architectures": ["SiglipModel"], "initializer_factor": 1.0, "torch_dtype": "float32"}
    (tmp_path / "config.json").write_text(json.dumps(written))
    save_file(module.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    processor = {
        **dict.fromkeys(("do_normalize", "do_rescale", "do_resize"), True),
        **{"do_convert_rgb": None, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2},
        **{"image_processor_type": "SiglipImageProcessor", "processor_class": "SiglipProcessor"},
        **{"rescale_factor": 1 / 255, "size": {"height": 448, "width": 448}},
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    ours = load_model(f"transformers:{tmp_path}")
    pixels = torch.stack([ours.preprocess(picture(300, 260)), ours.preprocess(picture(448, 448, grey=True))])
    with torch.no_grad():
        theirs = module(pixel_values=pixels, **ours.tokenizer(TEXTS))  # type: ignore[attr-defined]
    normalize = torch.nn.functional.normalize
    cosine = normalize(ours.encode_images(pixels)) @ normalize(ours.encode_texts(TEXTS)).T
    logits = ours.logit_scale * cosine + (ours.logit_bias or math.nan)
    torch.testing.assert_close(logits, theirs.logits_per_image, atol=1e-4, rtol=0)
    assert (ours.preprocessing.size, ours.preprocessing.interpolation) == ((448, 448), "bilinear")
    assert ours.context_length == 64
    assert offline == []


def open_clip_folder(folder: Path, patch: int) -> Path:
    """QuiltNet-B-32's and -B-16's layout, and DermLIP's: open_clip's ViT, with a tokenizer nobody names."""
    make_open_clip_folder(folder, seed=5)
    file = folder / "open_clip_config.json"
    config = json.loads(file.read_text())
    vision = {"image_size": 224, "layers": 2, "width": 64, "patch_size": patch}
    config["model_cfg"] |= {"vision_cfg": vision}
    file.write_text(json.dumps({**config, "preprocess_cfg": {"mean": MEAN, "std": STD}}))
    module = seeded(open_clip.CLIP(**config["model_cfg"]), 5)
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(module.state_dict(), folder / "open_clip_pytorch_model.bin")
    write_clip_tokenizer(folder)
    return folder


@pytest.mark.parametrize("patch", [32, 16])
def test_open_clip_models_with_a_tokenizer_beside_them(
    patch: int, tmp_path: Path, offline: list[Any]
) -> None:
    """QuiltNet-B-32, QuiltNet-B-16 and DermLIP are read with open_clip's own tokenizer, as open_clip does."""
    ours = load_model(f"local-dir:{open_clip_folder(tmp_path, patch)}")
    theirs = open_clip.create_model(f"local-dir:{tmp_path}").eval()
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        images, texts = theirs.encode_image(pixels), theirs.encode_text(open_clip.tokenize(TEXTS))
    torch.testing.assert_close(ours.encode_images(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.encode_texts(TEXTS), texts, atol=1e-5, rtol=0)
    assert ours.preprocessing.mean == tuple(MEAN)
    assert ours.context_length == 77
    assert offline == []


def test_a_transformers_configuration_beside_an_open_clip_model_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[Any]
) -> None:
    """QuiltNet-B-16-PMB has BiomedCLIP's structure, and a config.json that describes a CLIPModel."""
    name = "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract"
    vocabulary = write_bert_tokenizer(tmp_path / "probe")
    monkeypatch.setitem(bert.KNOWN_CONFIGS, name, {**TINY_BERT, "vocab_size": vocabulary})
    folder = make_biomedclip_folder(tmp_path / "model", seed=2, text_tower=name)
    before = load_model(f"local-dir:{folder}")
    towers = {"text_config": {"model_type": "clip_text_model"}, "vision_config": {"patch_size": 16}}
    (folder / "config.json").write_text(
        json.dumps({"architectures": ["CLIPModel"], "model_type": "clip", **towers})
    )
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "x", "size": 224}))
    after = load_model(f"local-dir:{folder}")
    assert torch.equal(after.encode_texts(TEXTS), before.encode_texts(TEXTS))
    assert after.identity == before.identity
    assert after.context_length == 256
    assert offline == []


def test_dermlips_panderm_variant_is_refused(tmp_path: Path) -> None:
    """Its image tower is built by its authors' fork of open_clip, from a setting open_clip does not have."""
    folder = open_clip_folder(tmp_path, 16)
    file = folder / "open_clip_config.json"
    config = json.loads(file.read_text())
    config["model_cfg"]["vision_cfg"]["pretrain_path"] = "data/pretrain_weight/panderm-base-vit.pth"
    file.write_text(json.dumps(config))
    with pytest.raises(
        ModelError, match=r"open_clip cannot build the architecture .*pretrain_path"
    ) as caught:
        load_model(f"local-dir:{folder}")
    assert "\n" not in str(caught.value)


@pytest.fixture
def small_arch(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An architecture of open_clip's registry, small, that OpenAI has published too."""
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 2}
    vision = {"image_size": 224, "layers": 2, "width": 64, "head_width": 32, "patch_size": 32}
    return {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}


def test_bmc_clip_is_a_training_checkpoint_of_an_architecture(
    small_arch: dict[str, Any], tmp_path: Path
) -> None:
    """BMC-CLIP is one file on the Hub, of open_clip's training; it is fetched, or named where it lies."""
    module: Any = seeded(open_clip.CLIP(**small_arch), 7)
    state = {f"module.{key}": value for key, value in module.state_dict().items()}
    optimizer = {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    checkpoint = {"epoch": 9, "name": "BMC_CLIP_CF", "state_dict": state, "optimizer": optimizer}
    torch.save(checkpoint, tmp_path / "BMC_CLIP_CF.pt")
    script = """
    import open_clip
    open_clip.factory._MODEL_CONFIGS["ViT-tiny"] = json.loads(arguments[0])
    from medimeta_c.errors import MediMetaError
    from medimeta_c.models import load_model
    model = load_model("ViT-tiny-gelu/hf-hub:BIOMEDICA/BMC_CLIP_CF/BMC_CLIP_CF.pt@main")
    here = load_model("ViT-tiny-gelu/" + arguments[1])
    said = []
    for tag in ("hf-hub:BIOMEDICA/BMC_CLIP_CF/none.pt", "hf-hub:BIOMEDICA/BMC_CLIP_CF"):
        try:
            load_model("ViT-tiny-gelu/" + tag)
        except MediMetaError as error:
            said.append(str(error))
    texts = model.encode_texts(["retina"]).tolist()
    alike = model.identity.weights_sha256 == here.identity.weights_sha256
    report([model.identity.spec, model.identity.revision, texts, alike, said])
    """
    with HubServer() as hub:
        repo = hub.store.add_repo("model", "BIOMEDICA/BMC_CLIP_CF", {})
        head = repo.commit({"BMC_CLIP_CF.pt": (tmp_path / "BMC_CLIP_CF.pt").read_bytes()})
        environment = hub_environment(hub, tmp_path)
        spec, revision, texts, alike, said = run_client(
            script, environment, json.dumps(small_arch), tmp_path / "BMC_CLIP_CF.pt"
        )
    assert spec == "ViT-tiny-gelu/hf-hub:BIOMEDICA/BMC_CLIP_CF/BMC_CLIP_CF.pt@main"
    assert revision == head
    assert alike
    with torch.no_grad():
        expected = module.encode_text(open_clip.tokenize(["retina"]))
    torch.testing.assert_close(torch.tensor(texts), expected, atol=1e-5, rtol=0)
    assert "has none of none.pt" in said[0]
    assert "names no checkpoint on the Hub: use hf-hub:org/name/FILE" in said[1]


def test_the_activation_of_bmc_clips_architecture_must_be_said(tmp_path: Path) -> None:
    """Its base was trained by the name commonpool_xl_clip_s13b_b90k, with GELU; OpenAI's has QuickGELU."""
    tag = open_clip.get_pretrained_cfg("ViT-L-14", "commonpool_xl_clip_s13b_b90k")
    assert tag
    assert not tag.get("quick_gelu")
    (tmp_path / "x.pt").touch()
    with pytest.raises(ConfigError, match="ViT-L-14-gelu/PATH"):
        load_model(f"ViT-L-14/{tmp_path / 'x.pt'}")
