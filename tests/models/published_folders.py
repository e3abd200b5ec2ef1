"""Small models of published families on disk, under their published file names: one writer each."""

from __future__ import annotations

import json
import math
import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import torch
import torchvision
import yaml
from clip_words import write_clip_words
from model_factories import seeded, write_bert, write_bert_tokenizer
from safetensors.torch import load_file, save_file
from seeded_weights import lively_state, small_state
from torch import nn
from transformers import SwinConfig, SwinModel
from upstream_numbers import FOLDER, read_numbers, read_shapes, write_vocabulary

__all__ = [
    "BIOVIL_T_IMAGE",
    "CONCH_TOKENIZER",
    "CXR_CLIP_RESNET",
    "KEEP_CONFIG",
    "MEDIMAGEINSIGHT_WEIGHTS",
    "MEDIMAGEINSIGHT_WORDS",
    "PUBLISHED",
    "UNIMEDCLIP",
    "biovil_t_image_state",
    "biovil_t_text_state",
    "medclip_state",
    "spoilt",
    "unimedclip_module",
    "unimedclip_state",
    "write_biovil_t",
    "write_conch",
    "write_cxr_clip",
    "write_flair",
    "write_keep",
    "write_medclip",
    "write_medclip_towers",
    "write_medimageinsight",
    "write_musk",
    "write_pmc_clip",
    "write_unimedclip",
]

State = dict[str, torch.Tensor]

BIOVIL_T_IMAGE = "biovil_t_image_model_proj_size_128.pt"
CONCH_TOKENIZER = "conch_byte_level_bpe_uncased.json"
CXR_CLIP_RESNET = {"base": {"image_size": 224}, "model": {"image_encoder": {"name": "resnet"}}}
MEDIMAGEINSIGHT_WEIGHTS = "vision_model/medimageinsigt-v1.0.0.pt"
MEDIMAGEINSIGHT_WORDS = "language_model/clip_tokenizer_4.16.2"

KEEP_CONFIG: dict[str, Any] = {
    "model_type": "keep",
    "architectures": ["KEEPModel"],
    "auto_map": {"AutoConfig": "modeling_keep.KEEPConfig", "AutoModel": "modeling_keep.KEEPModel"},
    "projection_dim": 128,
    "text_config": {
        **read_numbers("keep")["text_config"],
        "_name_or_path": "elsewhere",
        "classifier_dropout": None,
    },
}

UNIMEDCLIP: dict[str, dict[str, Any]] = {
    "vit-b-16": {"file": "unimed_clip_vit_b16.pt", "size": 64, "patch": 16, "embed": 32, "text": 64},
    "vit-l-14": {
        "file": "unimed_clip_vit_l14_large_text_encoder.pt",
        "size": 84,
        "patch": 14,
        "embed": 48,
        "text": 128,
    },
}
"""By variant: the names and patches are the published ones; only widths and depths are small."""


def _state(family: str, changes: dict[str, torch.Tensor | None]) -> State:
    """The small model's weights, some of them changed; one given as None is left out."""
    state = {**small_state(read_numbers(family)["small_shapes"]), **changes}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


def spoilt(state: State, name: str, how: str, *shape: int) -> State:
    """Weights without a tensor ("missing"), with one more ("unexpected", of a shape), or a misshapen one."""
    changed = dict(state)
    if how == "missing":
        del changed[name]
    else:
        changed[name] = torch.zeros(shape) if how == "unexpected" else torch.zeros(*state[name].shape, 1)
    return changed


def write_conch(folder: Path, **changes: torch.Tensor | None) -> Path:
    """The weights, and the tokenizer of the authors' code beside them."""
    torch.save(_state("conch", changes), folder / "pytorch_model.bin")
    shutil.copy(FOLDER / "conch_tokenizer.json", folder / CONCH_TOKENIZER)
    return folder


def write_keep(folder: Path, config: Any = KEEP_CONFIG, **changes: torch.Tensor | None) -> Path:
    """The weights, their configuration, and BERT's kind of tokenizer."""
    torch.save(_state("keep", changes), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 1000000}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    vocabulary = read_numbers("keep")["vocabulary"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return folder


def write_musk(folder: Path, **changes: torch.Tensor | None) -> Path:
    """The weights, and sentencepiece's model beside them."""
    save_file(_state("musk", changes), folder / "model.safetensors")
    shutil.copy(FOLDER / "musk_tokenizer.spm", folder / "tokenizer.spm")
    return folder


def write_flair(folder: Path, state: State | None = None, name: str = "model.safetensors") -> Path:
    """The files of the repository on the Hub, with a tokenizer beside the weights."""
    numbers = read_numbers("flair")
    (folder / "config.json").write_text(json.dumps(numbers["config"]), encoding="utf-8")
    write_vocabulary(folder)
    _save(state or lively_state(numbers["shapes"]), folder / name)
    return folder


def write_pmc_clip(folder: Path, state: State | None = None) -> Path:
    """A checkpoint as upstream's training saves it, with a tokenizer beside it."""
    write_vocabulary(folder)
    state = state or lively_state(read_numbers("pmc_clip")["shapes"])
    named = {f"module.{name}": tensor for name, tensor in state.items()}  # from parallel training
    optimizer = {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    torch.save(
        {"epoch": 1, "name": "x", "state_dict": named, "optimizer": optimizer}, folder / "checkpoint.pt"
    )
    return folder


def write_cxr_clip(folder: Path, state: State, config: object = CXR_CLIP_RESNET) -> Path:
    """A checkpoint as upstream's training saves it, with a tokenizer beside it; return its file."""
    write_vocabulary(folder)
    file = folder / "model-best.tar"
    torch.save({"model": OrderedDict(state), "config": config, "epoch": 3, "train_loss": 0.5}, file)
    return file


def biovil_t_image_state() -> State:
    """The image model's weights, as scripts/upstream/biovil_t.py makes them."""
    shapes = {name: shape for name, shape in read_shapes("biovil-t").items() if name.startswith("image.")}
    state = lively_state({name.removeprefix("image."): shape for name, shape in shapes.items()})
    state["encoder.backbone_to_vit.weight"] *= 64
    return state


def biovil_t_text_state() -> State:
    """The text model's weights; the published file has BERT's pooling and positions too."""
    state = lively_state(read_numbers("biovil-t")["text_shapes"])
    hidden = state["bert.embeddings.word_embeddings.weight"].shape[1]
    state["bert.pooler.dense.weight"] = torch.ones(hidden, hidden)
    state["bert.pooler.dense.bias"] = torch.ones(hidden)
    state["bert.embeddings.position_ids"] = torch.arange(512)[None]
    return state


def write_biovil_t(folder: Path) -> Path:
    """The files of the repository, with code that must not run."""
    torch.save(biovil_t_image_state(), folder / BIOVIL_T_IMAGE)
    torch.save(biovil_t_text_state(), folder / "pytorch_model.bin")
    write_vocabulary(folder)
    code = {"AutoModel": "modeling_cxrbert.CXRBertModel", "AutoConfig": "configuration_cxrbert.CXRBertConfig"}
    config = {"architectures": ["CXRBertModel"], "auto_map": code, "projection_size": 128}
    (folder / "config.json").write_text(json.dumps(config))
    words = {"do_lower_case": True, "tokenizer_class": "CXRBertTokenizer", "strip_accents": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    for name in ("modeling_cxrbert", "configuration_cxrbert"):
        (folder / f"{name}.py").write_text("raise SystemExit('ran')")
    return folder


def write_medimageinsight(
    folder: Path, state: State | None = None, config: dict[str, Any] | None = None
) -> Path:
    """A release's folder as its mirror on the Hub has it: the weights are safetensors called .pt."""
    numbers = read_numbers("medimageinsight")
    for name in (MEDIMAGEINSIGHT_WORDS, "vision_model"):
        (folder / name).mkdir(parents=True)
    words = folder / MEDIMAGEINSIGHT_WORDS
    write_clip_words(words)
    edge = {"content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False}
    edge = {**edge, "normalized": True, "__type": "AddedToken"}
    ends = {"unk_token": edge, "eos_token": edge, "bos_token": {**edge, "content": "<|startoftext|>"}}
    settings = {"pad_token": "<|endoftext|>", "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    where = {"tokenizer_file": "/home/someone/.cache/x", "special_tokens_map_file": "/home/someone/.cache/y"}
    (words / "tokenizer_config.json").write_text(json.dumps({**ends, **settings, **where}))
    training = {"TASK": "UniCLTask", "FP16": True, "LOSS": {"LOSS": "UniCL"}}
    (folder / "config.yaml").write_text(yaml.safe_dump({**training, **(config or numbers["config"])}))
    save_file(state or lively_state(numbers["shapes"]), folder / MEDIMAGEINSIGHT_WEIGHTS)
    return folder


def write_medclip_towers(folder: Path) -> Path:
    """The two towers as the Hub has them: Swin-T as it is, and a small BERT 768 wide with its tokenizer."""
    width = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 128}
    write_bert(folder / "bert", 1, **width)
    seeded(SwinModel(SwinConfig()), 2).save_pretrained(folder / "swin")
    return folder


def medclip_state(towers: Path, variant: str) -> State:
    """The state dict that medclip 0.0.3 publishes: old tensor names, old constants included."""
    state = {"logit_scale": torch.tensor(5.0), "text_model.projection_head.weight": _layer(512, 768, 3)}
    bert = load_file(towers / "bert" / "model.safetensors")
    state |= {f"text_model.model.{key}": value for key, value in bert.items()}
    state["text_model.model.embeddings.position_ids"] = torch.arange(300)[None]
    if variant == "vit":
        swin = load_file(towers / "swin" / "model.safetensors")
        state |= {f"vision_model.model.{key}": value for key, value in swin.items()}
        index = next(one for name, one in SwinModel(SwinConfig()).named_buffers() if "position_index" in name)
        for table in [key for key in state if key.endswith("relative_position_bias_table")]:
            state[table.replace("bias_table", "index")] = index.clone()
        state["vision_model.projection_head.weight"] = _layer(512, 768, 4)
        return state
    resnet = torchvision.models.resnet50(weights=None)
    resnet.fc = nn.Linear(2048, 512, bias=False)
    return state | {
        f"vision_model.model.{key}": value for key, value in seeded(resnet, 5).state_dict().items()
    }


def write_medclip(folder: Path, towers: Path, variant: str) -> Path:
    """A folder as the package downloads it, with the tokenizer's files beside the weights."""
    torch.save(medclip_state(towers, variant), folder / "pytorch_model.bin")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(towers / "bert" / name, folder / name)
    return folder


def unimedclip_module(variant: str, tower: Path) -> Any:
    """open_clip's model with UniMedCLIP's settings: QuickGELU, BERT's first token, two-layer projection."""
    sizes = UNIMEDCLIP[variant]
    write_bert(tower, 1, hidden_size=sizes["text"], num_attention_heads=sizes["text"] // 64)
    model = open_clip.CustomTextCLIP(
        embed_dim=sizes["embed"],
        quick_gelu=True,
        vision_cfg={"image_size": sizes["size"], "layers": 3, "width": 128, "patch_size": sizes["patch"]},
        text_cfg={
            "hf_model_name": str(tower),
            "hf_model_pretrained": False,
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "hf_proj_type": "mlp",
        },
    )
    return seeded(model, 6)


def unimedclip_state(module: Any, prefix: str = "module.") -> State:
    """The state dict under UniMedCLIP's names: `text_encoder` for `text`, from parallel training."""
    state = {
        key.replace("text.", "text_encoder.", 1) if key.startswith("text.") else key: value
        for key, value in module.state_dict().items()
    }
    state["text_encoder.transformer.embeddings.position_ids"] = torch.arange(300)[None]
    return {prefix + key: value for key, value in state.items()}


def write_unimedclip(folder: Path, module: Any, variant: str) -> Path:
    """A published checkpoint, with a tokenizer beside it."""
    content = {"epoch": 1, "name": variant, "state_dict": unimedclip_state(module)}
    torch.save(content, folder / UNIMEDCLIP[variant]["file"])
    write_bert_tokenizer(folder)
    return folder


def _save(state: State, file: Path) -> None:
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state, file)


def _layer(out: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(out, width, generator=torch.Generator().manual_seed(seed)) / math.sqrt(width)


def _writer(form: str, write: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return a function that writes a model into a new folder and returns its spec."""

    def written(folder: Path) -> str:
        folder.mkdir(parents=True)
        write(folder)
        return form.format(folder)

    return written


def _medclip(variant: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        towers = write_medclip_towers(folder.with_name("towers"))
        return write_medclip(folder, towers, variant)

    return write


def _cxr_clip(kind: str) -> Callable[[Path], Path]:
    return lambda folder: write_cxr_clip(folder, lively_state(read_numbers(f"cxr_clip_{kind}")["shapes"]), {})


def _unimedclip(folder: Path) -> Path:
    module = unimedclip_module("vit-b-16", folder.with_name("tower"))
    return write_unimedclip(folder, module, "vit-b-16")


def _medimageinsight(folder: Path) -> Path:
    return write_medimageinsight(folder / "2024.09.27")


PUBLISHED: dict[str, Callable[[Path], str]] = {
    "biovil-t": _writer("biovil-t:{}", write_biovil_t),
    "conch": _writer("conch:{}", write_conch),
    "cxr-clip resnet": _writer("cxr-clip:{}", _cxr_clip("resnet")),
    "cxr-clip swin": _writer("cxr-clip:{}", _cxr_clip("swin")),
    "flair": _writer("flair:{}", write_flair),
    "keep": _writer("keep:{}", write_keep),
    "medclip resnet": _writer("medclip:resnet@{}", _medclip("resnet")),
    "medclip vit": _writer("medclip:vit@{}", _medclip("vit")),
    "medimageinsight": _writer("medimageinsight:{}", _medimageinsight),
    "musk": _writer("musk:{}", write_musk),
    "pmc-clip": _writer("pmc-clip:{}", write_pmc_clip),
    "unimedclip": _writer("unimedclip:vit-b-16@{}", _unimedclip),
}
"""By family: writes a small model into a folder and returns its spec."""
