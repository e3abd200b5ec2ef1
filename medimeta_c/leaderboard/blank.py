"""Write a commented submission.yaml with blanks to fill in; what the result knows is filled in already."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.io.files import writing
from medimeta_c.io.text import flaw_of_line
from medimeta_c.leaderboard.fields import FIELDS, FieldAsked
from medimeta_c.leaderboard.submission import SUBMISSION_NAME
from medimeta_c.results.result import RESULT_NAME, Result, read_result

__all__ = ["blank_submission", "init_submission"]

_WIDTH = 100
_HEAD = (
    "A submission to a MediMeta-C leaderboard. Fill in what is blank. A field that is not required may stay "
    "blank. Remove no field that is required."
)
_HUB_MODEL = re.compile(r"(?:hf-hub|transformers):([\w.-]+/[\w.-]+)(?:@.*)?")
_ROBUSTMEDCLIP = "robustmedclip"


def init_submission(folder: Path, path: Path | None = None, *, name: str | None = None) -> Path:
    """Write a commented ``submission.yaml`` for a result; return its path.

    Parameters
    ----------
    folder : Path
        A result's folder.
    path : Path, optional
        The file to write; by default ``submission.yaml`` in the folder.
    name : str, optional
        The model's name on the board.

    Raises
    ------
    ResultError
        If the result cannot be read.
    ConfigError
        If the file exists: it is never overwritten.
    WriteError
        If it cannot be written.
    """
    target = folder / SUBMISSION_NAME if path is None else path
    text = blank_submission(known_facts(folder, read_result(folder), name))
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8", newline="\n") as stream:  # also refuses a link
                stream.write(text)
        except FileExistsError:
            raise ConfigError(
                f"{target} exists, and is not overwritten",
                remedy=[Remedy("edit it"), Remedy("give another file with {submission}")],
            ) from None
    return target


def known_facts(folder: Path, result: Result, name: str | None = None) -> dict[str, Any]:
    """Return by field what a result and its folder say of the submission."""
    run = result.run
    spec = run.model.spec
    hub = _HUB_MODEL.fullmatch(spec)
    shown = name or (hub[1].rpartition("/")[2] if hub else run.model.slug) + run.added
    written = datetime.fromtimestamp((folder / RESULT_NAME).stat().st_mtime, timezone.utc)
    facts: dict[str, Any] = {
        "name": shown if flaw_of_line(shown) is None else None,
        "third_party": False,
        "date": written.date().isoformat(),
        "model": f"https://huggingface.co/{hub[1]}" if hub else None,
    }
    if run.head is not None:
        titles = [entry.title for entry in run.benchmark.datasets if flaw_of_line(entry.title) is None]
        facts |= {
            "adaptation": "fine-tuned" if run.head.shots is None else "few-shot",
            "training_data.overlap": "train",
            "trained_on": titles,
        }
    elif run.model.family == _ROBUSTMEDCLIP:
        facts |= {"adaptation": "few-shot", "training_data.overlap": "train"}
    return facts


def blank_submission(facts: Mapping[str, Any]) -> str:
    """Return the text of the file: every field with what is expected, an example, and its value if known."""
    lines = [*_comment(_HEAD), "schema_version: 2"]
    group = ""
    for field in FIELDS:
        own, _, name = field.name.rpartition(".")
        indent = "  " if own else ""
        lines.append("")
        if own != group and own:
            lines.append(f"{own}:")
        group = own
        lines += [indent + line for line in _comments(field)]
        value = facts.get(field.name)
        lines.append(f"{indent}{name}: {_scalar(field, value)}".rstrip())
    return "\n".join(lines) + "\n"


def _comments(field: FieldAsked) -> list[str]:
    needed = "" if field.required else " (not required)"
    lines = _comment(f"{field.asks[0].upper()}{field.asks[1:]}{needed}.")
    lines += [f"#   {option}: {meaning}" for option, meaning in (field.options or {}).items()]
    return [*lines, f"# Example: {field.example}"]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 4)]


def _scalar(field: FieldAsked, value: Any) -> str:
    """Return a value as JSON, which is YAML too; nothing for a blank."""
    if value is None:
        return "[]" if field.name == "trained_on" else ""
    return json.dumps(value, ensure_ascii=False)
