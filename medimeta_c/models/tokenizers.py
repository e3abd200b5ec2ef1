"""Tokenizers with one interface; over-long prompts raise, and files outside their folder are not read."""

from __future__ import annotations

import json
import os.path
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoTokenizer, BertConfig, BertTokenizerFast

from medimeta_c.errors import ModelError, short
from medimeta_c.io.reading import Reader
from medimeta_c.models import hub_files
from medimeta_c.models.libraries import explained, local_only, quiet

__all__ = [
    "TOKENIZER_FILES",
    "HfTokens",
    "OpenClipTokens",
    "bert_tokens",
    "has_tokenizer",
    "names_a_class",
    "read_tokenizer",
    "read_wordpiece",
    "refuse_larger_vocabulary",
    "tokenizer_folder",
    "vocabulary_of",
]

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.model",
    "config.json",
)
"""What a Hub repository may hold of a tokenizer; ``config.json`` says which class reads it."""

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_SETTINGS = "tokenizer_config.json"
_READER = Reader(remedy="copy it again", error=ModelError)

_OF_WORDPIECE = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")

_OPENED = ("vocab", "merges", "gguf_file", "init_inputs")
"""Settings whose value transformers opens as a file, relative to the current folder."""

_NEVER_OPENED = "special_tokens_map_file"
"""Older transformers wrote into it where the file was on the machine that saved the tokenizer."""

_UNUSABLE = ("the tokenizer cannot split texts into tokens", "copy its files again")


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder holds a vocabulary."""
    return any(any(folder.glob(pattern)) for pattern in _VOCABULARIES)


def tokenizer_folder(name: str, *beside: Path, fetch: bool = True, revision: str | None = None) -> Path:
    """Return a local folder with the tokenizer called `name`.

    Parameters
    ----------
    name : str
        A Hub repository, used when no folder below holds a tokenizer.
    *beside : Path
        Local folders to look in first, in order.
    fetch : bool, optional
        Whether it may come from the Hub, and not only from its cache.
    revision : str or None, optional
        Of the repository.

    Raises
    ------
    ModelError
        If it is in none of these places and the Hub does not have it.
    """
    for folder in beside:
        if has_tokenizer(folder):
            return folder
    try:
        return hub_files.named_folder(name, TOKENIZER_FILES, fetch=fetch, revision=revision)
    except ModelError as error:
        if not beside:
            raise
        raise ModelError(
            f"there is no tokenizer in {beside[0]} (tokenizer.json or vocab.txt), and {short(name)} did not "
            f"come from the Hub: {error}"
        ) from error


def read_tokenizer(folder: Path, kind: Any = AutoTokenizer) -> Any:
    """Open the transformers tokenizer of a local folder; a bare ``vocab.txt`` is read as BERT's.

    Parameters
    ----------
    folder : Path
        Where its files are.
    kind : type, optional
        The tokenizer's class, where a family has but one; by default the files say it.

    Raises
    ------
    ModelError
        If transformers cannot read it without running code from the folder, its settings name a file outside
        the folder, or there is no vocabulary: transformers 5 would make up one of five tokens, and every
        prompt would be the same.
    """
    if not has_tokenizer(folder):
        raise ModelError(
            f"there is no tokenizer in {folder} (tokenizer.json, vocab.txt, …): copy its files there"
        )
    for name, value in _named_files(folder):
        raise ModelError(
            f"{folder / _SETTINGS} takes the setting {short(name)} from the file {short(value)}, which is "
            "not read: copy that file into the folder if you trust it, and remove the setting"
        )
    with explained(f"the tokenizer in {folder} cannot be read", "copy its files again"), local_only():
        if not names_a_class(folder) and (folder / "vocab.txt").is_file():
            return read_wordpiece(folder)
        _refuse_scattered(folder / "tokenizer.json")
        return kind.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)


def _refuse_scattered(file: Path) -> None:
    """Refuse tokens whose numbers go far beyond their count: the library takes memory for every number."""
    values = json.loads(file.read_bytes()) if file.is_file() else {}
    vocabulary = values.get("model", {}).get("vocab", {})
    numbers = [] if isinstance(vocabulary, list) else list(vocabulary.values())
    numbers += [token["id"] for token in values.get("added_tokens", ())]
    largest = max((number for number in numbers if isinstance(number, int)), default=0)
    if largest > 2 * (len(vocabulary) + len(numbers)) + 1000:
        raise ModelError(
            f"{file} numbers {len(vocabulary)} tokens up to {largest}: copy the model's own tokenizer again"
        )


def names_a_class(folder: Path) -> bool:
    """Return whether the files of a tokenizer, or the configuration beside it, say what reads it."""
    if any((folder / name).is_file() for name in ("tokenizer.json", _SETTINGS)):
        return True
    file = folder / "config.json"
    settings = _READER.values(file) if file.is_file() else {}
    return isinstance(settings, dict) and "model_type" in settings  # FLAIR's, for one, has none


def read_wordpiece(folder: Path) -> Any:
    """Open ``vocab.txt`` as BERT's tokenizer, whatever class the folder's settings name.

    Of ``tokenizer_config.json``, if there is one, only what BERT's tokenizer does to letters is read.

    Raises
    ------
    ModelError
        If the vocabulary is missing, or cannot be read.
    """
    file = folder / "vocab.txt"
    if not file.is_file():
        raise ModelError(f"there is no vocabulary at {file}: copy the tokenizer's files there")
    settings = _READER.values(folder / _SETTINGS) if (folder / _SETTINGS).is_file() else {}
    given = settings if isinstance(settings, dict) else {}
    chosen = {name: given[name] for name in _OF_WORDPIECE if isinstance(given.get(name), bool)}
    with explained(f"{file} cannot be read", "copy it again"):
        lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        return BertTokenizerFast(vocab={token: index for index, token in enumerate(lines)}, **chosen)


def refuse_larger_vocabulary(tokens: int, embeddings: int, where: object) -> None:
    """Refuse a tokenizer that has more tokens than the text tower has embeddings.

    Raises
    ------
    ModelError
        If it is another model's.
    """
    if tokens > embeddings:
        raise ModelError(
            f"the tokenizer {where} has {tokens} tokens, and the text tower knows {embeddings}: copy the "
            "model's own tokenizer"
        )


def _named_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings of a tokenizer that name a file which transformers would open outside its folder."""
    file = folder / _SETTINGS
    settings = _READER.values(file) if file.is_file() else {}
    for name, value in settings.items() if isinstance(settings, dict) else ():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and name in _OPENED:
                yield name, text
            elif isinstance(text, str) and name.endswith("_file") and name != _NEVER_OPENED:
                place = Path(os.path.normpath(folder / text))  # links in the folder belong to the Hub's cache
                if place.exists() and not place.is_relative_to(folder):
                    yield name, text


@dataclass(slots=True)
class HfTokens:
    """A transformers tokenizer.

    Parameters
    ----------
    tokenizer : transformers tokenizer
        As `read_tokenizer` opens it.
    context_length : int
        The most tokens the text tower reads.
    padding : {"longest", "max_length"}
        SigLIP was trained on, and needs, texts padded to the full length.
    names : tuple of str
        Which of the tokenizer's outputs the text tower takes.
    """

    tokenizer: Any
    context_length: int
    padding: Literal["longest", "max_length"] = "longest"
    names: tuple[str, ...] = ("input_ids", "attention_mask")

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(ids) for ids in _quiet_ids(self.tokenizer, list(texts))]

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the padded tensors."""
        limit = self.context_length if self.padding == "max_length" else None
        with explained(*_UNUSABLE):
            batch = self.tokenizer(list(texts), padding=self.padding, max_length=limit, return_tensors="pt")
        return {name: batch[name] for name in self.names if name in batch}

    def vocabulary(self) -> Any:
        """Return the tokens with their ids, and the merges or scores that cut words."""
        return vocabulary_of(self.tokenizer)


def bert_tokens(name: str, folder: Path, config: BertConfig, limit: int, **options: Any) -> HfTokens:
    """Return the tokenizer of a checkpoint's BERT.

    Parameters
    ----------
    name : str
        The repository it comes from, if its files are not beside the checkpoint.
    folder : Path
        Where the checkpoint is.
    config : BertConfig
        The text tower's.
    limit : int
        The most tokens that its authors gave it.
    **options : object
        Of `HfTokens`.

    Raises
    ------
    ModelError
        If the files are nowhere or cannot be read, or are of a larger vocabulary than the tower's.
    """
    source = tokenizer_folder(name, folder)
    tokenizer = read_tokenizer(source)
    refuse_larger_vocabulary(len(tokenizer), config.vocab_size, f"in {source}")
    return HfTokens(tokenizer, min(limit, config.max_position_embeddings), **options)


@dataclass(slots=True)
class OpenClipTokens:
    """An open_clip tokenizer: its own byte-pair one, or its wrapper of a transformers one."""

    tokenizer: Any
    context_length: int

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens included."""
        if hasattr(self.tokenizer, "encode"):  # the byte-pair tokenizer; start and end of text are added
            return [len(self.tokenizer.encode(text)) + 2 for text in texts]
        cleaned = [self.tokenizer.clean_fn(text) for text in texts]
        extra = 0
        if self.tokenizer.tokenizer_mode == "clips":  # begin, end and a class token instead of its own two
            extra = 3 - self.tokenizer.tokenizer.num_special_tokens_to_add()
        return [len(ids) + extra for ids in _quiet_ids(self.tokenizer.tokenizer, cleaned)]

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the token ids, padded to the context length."""
        return {"text": self.tokenizer(list(texts), context_length=self.context_length)}

    def vocabulary(self) -> Any:
        """Return the tokens with their ids, and the merges or scores that cut words."""
        if hasattr(self.tokenizer, "encode"):
            return [sorted(self.tokenizer.encoder.items()), list(self.tokenizer.bpe_ranks)]
        return vocabulary_of(self.tokenizer.tokenizer)


def vocabulary_of(tokenizer: Any) -> Any:
    """Return what two versions of the libraries say alike of a transformers tokenizer."""
    tokens = sorted(tokenizer.get_vocab().items())
    backend = getattr(tokenizer, "backend_tokenizer", None)
    model = {} if backend is None else json.loads(backend.to_str())["model"]
    merges = [one if isinstance(one, str) else " ".join(one) for one in model.get("merges") or ()]
    return [tokens, merges, model["vocab"] if isinstance(model.get("vocab"), list) else []]


def _quiet_ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Return untruncated token ids, without transformers' warning about their length."""
    with quiet(), explained(*_UNUSABLE):
        ids: list[list[int]] = tokenizer(texts, truncation=False, padding=False, verbose=False)["input_ids"]
    return ids
