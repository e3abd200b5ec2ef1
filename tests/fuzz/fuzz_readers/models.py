"""Readers of models' files: weights, adapters, configurations, tokenizers."""

from __future__ import annotations

from fuzz_readers.entry import calls, entry, of_models

_CHECKPOINT = "read_checkpoint read_saved named_tensors _is_safetensors _read_safetensors"

READERS = (
    entry(
        "adapter-record",
        "json",
        "adapter/adapter.json",
        calls("lora.adapterfile:read_adapter", "adapter"),
        code={"lora.adapterfile": "read_adapter"},
        models=True,
    ),
    entry(
        "adapter",
        "safetensors",
        "adapter/adapter.safetensors",
        calls("lora.adapterfile:read_adapter", "adapter"),
        code={"lora.adapterfile": "read_adapter", "models.weights": f"{_CHECKPOINT} weights_sha256"},
        models=True,
    ),
    entry(
        "few-shot",
        "json",
        "adapter/fewshot_ids.json",
        calls("finetuning.fewshot:read_few_shot", "adapter"),
        code={"finetuning.fewshot": "read_few_shot FewShot._parts_fit"},
    ),
    entry(
        "checkpoint",
        "safetensors",
        "weights/model.safetensors",
        calls("models.weights:read_checkpoint", "weights/model.safetensors"),
        code={"models.weights": _CHECKPOINT},
        models=True,
    ),
    *(
        entry(
            f"{name}-checkpoint",
            container,
            f"checkpoints/{file}",
            calls("models.weights:read_checkpoint", f"checkpoints/{file}"),
            code={"models.weights": "read_checkpoint _read_torch _would_run_code _globals"},
            models=True,
        )
        for name, container, file in (("torch", "zip", "model.pth"), ("legacy", "bytes", "legacy.pth"))
    ),
    entry(
        "training-checkpoint",
        "safetensors",
        "checkpoints/run/.finetune/checkpoint.safetensors",
        of_models("read_training"),
        code={"finetuning.state": "read_state _refuse_other"},
        models=True,
    ),
    entry(
        "head-classes",
        "yaml",
        "weights/classes.yaml",
        calls("models.heads:_read", "weights/classes.yaml"),
        code={"models.heads": "_read"},
        models=True,
    ),
    entry(
        "published-adapters",
        "safetensors",
        "published-adapters/lora_weights.safetensors",
        of_models("read_adapters"),
        code={
            "lora.published": "fold_published default_base _fold_factors _fold_query_and_value "
            "_require_factors _replace_projection"
        },
        models=True,
    ),
    entry(
        "open-clip-config",
        "json",
        "open_clip/open_clip_config.json",
        of_models("read_open_clip"),
        also=("open_clip/open_clip_tower.json",),
        code={
            "models.families.open_clip_build": "build_module build_transform _text_tower _local_places "
            "_has_two_towers _checked"
        },
        models=True,
    ),
    entry(
        "transformers-config",
        "json",
        "transformers/config.json",
        of_models("read_transformers"),
        code={"models.families.transformers_clip": "configuration_of _build refuse_remote"},
        models=True,
    ),
    entry(
        "image-processor",
        "json",
        "transformers/preprocessor_config.json",
        of_models("read_processor"),
        code={"models.families.transformers_clip": "processor_of _describe _resizing _interpolation"},
        models=True,
    ),
    entry(
        "tokenizer-settings",
        "json",
        "transformers/tokenizer_config.json",
        of_models("read_tokens"),
        also=("transformers/other_tokenizer_config.json",),
        code={"models.tokenizers": "read_tokenizer _named_files HfTokens vocabulary_of _quiet_ids"},
        models=True,
    ),
    entry(
        "tokenizer",
        "json",
        "transformers/tokenizer.json",
        of_models("read_tokens"),
        code={"models.tokenizers": "read_tokenizer HfTokens vocabulary_of _quiet_ids"},
        models=True,
    ),
    entry(
        "vocabulary",
        "txt",
        "wordpiece/vocab.txt",
        of_models("read_vocabulary"),
        code={"models.tokenizers": "read_wordpiece"},
        models=True,
    ),
)
