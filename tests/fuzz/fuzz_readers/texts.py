"""Readers of settings that people write (prompts, sweeps, pins), and of what a server answers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fuzz_readers.entry import calls, entry


def _paraphrases(root: Path) -> None:
    """Read a file of paraphrases; and one of a run's prompts, whose words then stand in the shipped ones."""
    from medimeta_c.prompts.paraphrases import PARAPHRASES, load_paraphrases, paraphrases_of
    from medimeta_c.prompts.templates import load_prompts

    path, classes = root / "texts/paraphrases.yaml", ("class0", "class1")
    paraphrases_of(load_paraphrases(path, load_prompts("paper")), "rays", classes, modality="x-ray")
    load_paraphrases(PARAPHRASES, load_prompts(path))


def _sweep(root: Path) -> None:
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.sweep import configs_of

    configs_of(root / "texts/sweep.yaml", lambda **given: EvaluateConfig(**{"benchmark": "x", **given}))


class _Answering:
    """A server that answers with a file."""

    base = "https://zenodo.org"

    def __init__(self, body: bytes) -> None:
        self._body = body

    def persist(self, attempt: Callable[[], Any]) -> Any:
        return attempt()

    def answer(self, url: str, headers: dict[str, str]) -> Any:
        del url, headers
        return contextlib.nullcontext(SimpleNamespace(iter_raw=lambda: iter([self._body])))


def _zenodo(root: Path) -> None:
    from medimeta_c.download.zenodo import read_record
    from medimeta_c.errors import DownloadError

    body = (root / "texts/zenodo.json").read_bytes()
    if not body:  # which is asked again
        raise DownloadError("nothing was answered")
    read_record(_Answering(body), "1").file("oct.zip")  # type: ignore[arg-type]


READERS = (
    entry(
        "prompts",
        "yaml",
        "texts/prompts.yaml",
        calls("prompts.files:read_prompt_file", "texts/prompts.yaml"),
        code={
            "prompts.files": "read_prompt_file _refuse_bare_keys _each_once PromptSet._has_templates",
            "io.reading": "_parse_yaml _StrictLoader _count _refusal",
        },
    ),
    entry(
        "paraphrases",
        "yaml",
        "texts/paraphrases.yaml",
        _paraphrases,
        code={"prompts.paraphrases": "load_paraphrases paraphrases_of normalised"},
    ),
    entry("sweep", "yaml", "texts/sweep.yaml", _sweep, code={"scoring.sweep": "configs_of"}, models=True),
    entry(
        "zenodo",
        "json",
        "texts/zenodo.json",
        _zenodo,
        code={"download.zenodo": "Record.file read_record _body _entries"},
    ),
    entry(
        "pins",
        "json",
        "texts/download.lock.json",
        calls("download.pins:read_pins", "texts"),
        code={"download.pins": "read_pins"},
    ),
)
