"""``vlm:PATH_OR_REPO[@REVISION]``: image-text-to-text models of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoConfig, AutoProcessor, GenerationConfig

from medimeta_c.errors import ModelError
from medimeta_c.io.reading import Reader
from medimeta_c.models.answering.prompting import Prompter
from medimeta_c.models.answering.torch_answerer import TorchAnswerer
from medimeta_c.models.families.transformers_clip import locate, read_state, refuse_remote
from medimeta_c.models.identity import identity_of
from medimeta_c.models.libraries import explained, local_only, quiet
from medimeta_c.models.tokenizers import read_tokenizer, vocabulary_of
from medimeta_c.models.weights import load_pretrained

__all__ = ["load_image_text"]

_MORE_FILES = (
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "video_preprocessor_config.json",
)
_READER = Reader(remedy="copy it again", error=ModelError)


def load_image_text(spec: str, target: str) -> TorchAnswerer:
    """Load ``vlm:PATH_OR_REPO``; a Hub name may end in ``@revision``.

    The weights must be safetensors, and fill the architecture exactly.

    Raises
    ------
    ModelError
        If the files are not to be had, need their own code, do not fit, have no chat template, or are not of
        a model that answers in words.
    """
    folder, revision = locate(target, more=_MORE_FILES, pickles=False)
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder} has no weights in safetensors files: convert them, or choose another revision"
        )
    state = read_state(folder)
    with quiet(), local_only():
        with explained(f"transformers cannot load the model in {folder}", "copy its files again"):
            values = _READER.values(folder / "config.json")
            refuse_remote(values, folder)
            config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
            kind = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING.get(type(config), None)
            if kind is None:
                raise ModelError(
                    f"{folder} holds a model of type {config.model_type}, which does not answer in words: "
                    "choose an image-text-to-text model"
                )
            module = load_pretrained(kind, config, state, folder)
        with explained(f"{folder} holds no usable processor", "copy its files from the model's page"):
            read_tokenizer(folder)  # refuses settings that open files elsewhere
            processor = AutoProcessor.from_pretrained(
                str(folder), trust_remote_code=False, local_files_only=True
            )
            if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
                raise ModelError(
                    f"{folder} has no processor of images and texts: copy preprocessor_config.json and the "
                    "tokenizer from the model's page"
                )
        prompter = Prompter(processor, folder)
        return TorchAnswerer(
            module,
            prompter,
            stops=_stops(module.generation_config, prompter.end),
            identity=identity_of(
                spec=spec,
                family="vlm",
                revision=revision,
                what=f"transformers {type(module).__name__}",
                module=module,
                state=state,
                settings={
                    "configuration": module.config.to_diff_dict(),
                    "images": processor.image_processor.to_dict(),
                    "template": prompter.template,
                    "stops": _stops(module.generation_config, prompter.end),
                },
                tokenizer=_Spelling(processor.tokenizer),
            ),
        )


class _Spelling:
    """What a tokenizer makes of texts, for the identity alone."""

    context_length = 0

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(ids) for ids in self._tokenizer(list(texts))["input_ids"]]

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the tokens of all texts, one after the other."""
        found = self._tokenizer(list(texts))["input_ids"]
        return {"input_ids": torch.tensor([one for ids in found for one in ids])}

    def vocabulary(self) -> Any:
        """Return the tokens with their ids, and the merges or scores that cut words."""
        return vocabulary_of(self._tokenizer)


def _stops(generation: GenerationConfig | None, end: int) -> list[int]:
    """Return the tokens that end an answer: the end of the turn, and those of the model's settings."""
    named = getattr(generation, "eos_token_id", None)
    more = named if isinstance(named, list) else [] if named is None else [named]
    return sorted({end, *map(int, more)})
