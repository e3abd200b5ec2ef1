"""The files of a small tokenizer of CLIP's kind; needs no transformers, as `upstream_numbers`."""

from __future__ import annotations

import json
import string
from pathlib import Path

__all__ = ["MERGES", "clip_vocabulary", "write_clip_words"]

MERGES = [("t", "h"), ("th", "e</w>")]


def clip_vocabulary() -> dict[str, int]:
    """Return tokens that can spell any word of small letters and digits; the last one ends a text."""
    letters = [*string.ascii_lowercase, *string.digits, *",.-"]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "th", "the</w>"]
    return {token: index for index, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}


def write_clip_words(folder: Path) -> None:
    """Write vocab.json and merges.txt, as OpenAI's CLIP has them."""
    (folder / "vocab.json").write_text(json.dumps(clip_vocabulary()), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in MERGES)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
