"""Small models of real architectures with seeded random weights, saved in the formats real ones come in."""

from __future__ import annotations

import io
import json
import math
import string
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import sentencepiece
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)

SENTENCES = ("a photo of a benign cell", "retina", "an x-ray image")
WORDS = ("a", "photo", "of", "an", "image", "the", "benign", "malignant", "normal", "retina", "blood", "cell")

TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}

TINY_BERT: dict[str, Any] = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 1,
    "intermediate_size": 96,
    "max_position_embeddings": 300,
}


def seeded(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Fill every parameter from a generator of its own, at scales that keep activations alive."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("logit_scale"):
                parameter.fill_(math.log(20))
            elif parameter.ndim >= 2:
                parameter.copy_(noise / math.sqrt(max(parameter[0].numel(), 1)))
            else:
                parameter.copy_(0.1 * noise + (1.0 if name.endswith("weight") else 0.0))
    return module.eval()


def picture(height: int, width: int, *, grey: bool = False, seed: int = 0) -> Image.Image:
    """A smooth gradient with noise: not constant, not square unless asked."""
    rng = np.random.Generator(np.random.Philox(seed))
    ramp = np.linspace(0, 200, width)[None, :, None] * np.linspace(0.3, 1, height)[:, None, None]
    pixels = (ramp + rng.integers(0, 56, (height, width, 3))).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if grey else pixels)


def write_bert_tokenizer(folder: Path) -> int:
    """Write a WordPiece tokenizer that can spell any word; returns the size of its vocabulary."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters)]
    tokens += [word for word in WORDS if word not in tokens]
    folder.mkdir(parents=True, exist_ok=True)
    BertTokenizerFast(vocab={token: index for index, token in enumerate(tokens)}).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return len(tokens)


def write_bert(folder: Path, seed: int, **settings: Any) -> BertModel:
    """Write a tiny BERT with its configuration, weights and tokenizer, as transformers saves it."""
    vocabulary = write_bert_tokenizer(folder)
    model = seeded(BertModel(BertConfig(**{**TINY_BERT, "vocab_size": vocabulary, **settings})), seed)
    model.save_pretrained(folder)
    return model


def make_open_clip_folder(path: Path, seed: int = 0, *, image_size: int = 224) -> Path:
    """Write a tiny open_clip ViT with the byte-pair tokenizer, as a folder for ``local-dir:`` or the Hub."""
    model_cfg: dict[str, Any] = {
        "embed_dim": 32,
        "vision_cfg": {
            "image_size": image_size,
            "layers": 2,
            "width": 64,
            "head_width": 32,
            "patch_size": image_size // 7,
        },
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 2},
    }
    module = seeded(open_clip.CLIP(**model_cfg), seed)
    return _write_open_clip(path, model_cfg, module.state_dict(), "open_clip_model.safetensors")


def make_biomedclip_folder(path: Path, seed: int = 0, *, text_tower: str = "text") -> Path:
    """Write BiomedCLIP's structure in small: a timm ViT trunk, a BERT text tower with an MLP, and tokenizer.

    The weights are a torch file with the ``position_ids`` that older transformers saved, as BiomedCLIP's are.

    Parameters
    ----------
    path : Path
        The folder to write.
    seed : int
        Seed of the weights.
    text_tower : str
        What the configuration calls the text tower. ``"text"`` is a folder inside; under any other name only
        the tokenizer is written, beside the weights.
    """
    beside = path / text_tower if text_tower == "text" else path
    vocabulary = write_bert_tokenizer(beside)
    tower = {**TINY_BERT, "vocab_size": vocabulary}
    config_folder = beside if text_tower == "text" else path / "scratch"
    config_folder.mkdir(exist_ok=True)
    (config_folder / "config.json").write_text(json.dumps(tower), encoding="utf-8")
    model_cfg: dict[str, Any] = {
        "embed_dim": 48,
        "vision_cfg": {
            "timm_model_name": "vit_tiny_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": text_tower,
            "hf_tokenizer_name": text_tower,
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 256,
        },
    }
    text_cfg = {**model_cfg["text_cfg"], "hf_model_name": str(config_folder), "hf_model_pretrained": False}
    module = seeded(open_clip.CustomTextCLIP(**{**model_cfg, "text_cfg": text_cfg}), seed)
    state = module.state_dict()
    state["text.transformer.embeddings.position_ids"] = torch.arange(TINY_BERT["max_position_embeddings"])[
        None
    ]
    if config_folder != beside:
        (config_folder / "config.json").unlink()
        config_folder.rmdir()
    return _write_open_clip(path, model_cfg, state, "open_clip_pytorch_model.bin")


def _write_open_clip(
    path: Path, model_cfg: dict[str, Any], state: dict[str, torch.Tensor], name: str
) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    preprocess = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "interpolation": "bicubic"}
    config = {"model_cfg": model_cfg, "preprocess_cfg": {**preprocess, "resize_mode": "shortest"}}
    (path / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    state = {key: tensor.clone().contiguous() for key, tensor in state.items()}
    if name.endswith(".safetensors"):
        save_file(state, path / name)
    else:
        torch.save(state, path / name)
    return path


def write_sentencepiece(folder: Path) -> int:
    """SigLIP's kind of tokenizer, spiece.model, trained on the spot; returns the size of its vocabulary."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SENTENCES, string.ascii_lowercase, string.digits] * 20),
        model_writer=model,
        vocab_size=80,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(model.getvalue())
    settings = {"tokenizer_class": "SiglipTokenizer", "model_max_length": 64, "do_lower_case": True}
    special = {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | special))
    return int(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).vocab_size())


def write_siglip(folder: Path) -> Path:
    """A tiny SiglipModel; its text tower reads 64 tokens, always all of them."""
    vocabulary = write_sentencepiece(folder)
    config = SiglipConfig(
        text_config={**TOWER, "vocab_size": vocabulary, "max_position_embeddings": 64, "projection_size": 32},
        vision_config={**TOWER, "image_size": 224, "patch_size": 32},
    )
    module = seeded(SiglipModel(config), 4)
    with torch.no_grad():
        module.logit_bias.fill_(-9.5)
    module.save_pretrained(folder)
    SiglipImageProcessor().save_pretrained(folder)
    return folder
