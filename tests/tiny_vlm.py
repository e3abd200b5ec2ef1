"""Tiny image-text-to-text models of three architectures, with a tokenizer trained on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from model_factories import seeded
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessor,
    Gemma3Processor,
    GenerationConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

SENTENCES = (
    "What does this image show? Answer with one of these options and nothing else.",
    "How sure are you, from 0 to 100? class0 class1 class2 benign malignant normal cell retina",
    "user assistant model a an the of in with is are 0 1 2 3 4 5 6 7 8 9 10 20 50 90 100",
)
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 2048,
}
TOWER: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_ROLES = "{% for m in messages %}{{ START + m['role'] + '\n' }}{% for c in m['content'] %}"
_PARTS = "{% if c['type'] == 'image' %}{{ IMAGE }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
_ENDS = "{{ END + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ START + 'assistant\n' }}{% endif %}"
TEMPLATE = _ROLES + _PARTS + _ENDS
"""One of the shape that Qwen's and Gemma's have, with the names of their tokens left open."""

JOINED = (
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{{ ' ' if m['role'] == 'user' else '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT: ' }}{% endif %}"
)
"""One of the shape that LLaVA's has: the answer follows on the same line, after a space."""


def template(start: str, end: str, image: str) -> str:
    """A chat template with these tokens."""
    return TEMPLATE.replace("START", repr(start)).replace("END", repr(end)).replace("IMAGE", repr(image))


def trained_tokenizer(special: Sequence[str], **named: Any) -> PreTrainedTokenizerFast:
    """A byte-level byte-pair tokenizer with a few merges, and these special tokens first."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=len(special) + 340,
            special_tokens=list(special),
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, additional_special_tokens=list(special), **named)


def write_qwen2_vl(folder: Path, seed: int = 0) -> Path:
    """A tiny Qwen2VLForConditionalGeneration: rotary positions in three dimensions."""
    vision = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokens = trained_tokenizer(
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *vision),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )
    ids = {name: tokens.convert_tokens_to_ids(name) for name in vision}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    config = Qwen2VLConfig(
        text_config={**TEXT, "vocab_size": len(tokens), "rope_parameters": rope, "pad_token_id": 0},
        vision_config={
            "depth": 1,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 7,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    sizes = {"patch_size": 7, "merge_size": 2, "min_pixels": 28 * 28, "max_pixels": 28 * 28}
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(**sizes),
        tokens,
        Qwen2VLVideoProcessor(**sizes),
        chat_template=template("<|im_start|>", "<|im_end|>", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    return _written(folder, Qwen2VLForConditionalGeneration(config), processor, seed)


def write_llava(folder: Path, seed: int = 0) -> Path:
    """A tiny LlavaForConditionalGeneration: CLIP's image tower before Llama."""
    tokens = trained_tokenizer(
        ("<unk>", "<s>", "</s>", "<image>", "<pad>"),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
    )
    config = LlavaConfig(
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(tokens)},
        vision_config={**TOWER, "model_type": "clip_vision_model", "projection_dim": 16},
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_seq_length=4,
    )
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokens,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=JOINED,
    )
    return _written(folder, LlavaForConditionalGeneration(config), processor, seed)


def write_gemma3(folder: Path, seed: int = 0) -> Path:
    """A tiny Gemma3ForConditionalGeneration: image tokens see each other, and every other layer a window."""
    tokens = trained_tokenizer(
        (
            "<pad>",
            "<eos>",
            "<bos>",
            "<start_of_turn>",
            "<end_of_turn>",
            "<start_of_image>",
            "<end_of_image>",
            "<image_soft_token>",
        ),
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    names = ("<start_of_image>", "<end_of_image>", "<image_soft_token>")
    start, end, image = (tokens.convert_tokens_to_ids(name) for name in names)
    config = Gemma3Config(
        text_config={
            **TEXT,
            "vocab_size": len(tokens),
            "head_dim": 16,
            "query_pre_attn_scalar": 16,
            "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        vision_config={**TOWER, "model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=4,
        boi_token_index=start,
        eoi_token_index=end,
        image_token_index=image,
    )
    processor = Gemma3Processor(
        Gemma3ImageProcessor(size={"height": 28, "width": 28}),
        tokens,
        chat_template="{{ bos_token }}" + template("<start_of_turn>", "<end_of_turn>", "<start_of_image>"),
        image_seq_length=4,
    )
    return _written(folder, Gemma3ForConditionalGeneration(config), processor, seed)


WRITERS: dict[str, Callable[..., Path]] = {
    "qwen2_vl": write_qwen2_vl,
    "llava": write_llava,
    "gemma3": write_gemma3,
}
"""By architecture, what writes a folder for ``vlm:PATH``."""


def _written(folder: Path, module: torch.nn.Module, processor: Any, seed: int) -> Path:
    model: Any = seeded(module, seed)
    eos = processor.tokenizer.eos_token_id
    # As published models have it: settings of sampling, which a greedy answer must not take.
    model.generation_config = GenerationConfig(
        eos_token_id=[eos], pad_token_id=processor.tokenizer.pad_token_id, do_sample=True, temperature=0.1
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
