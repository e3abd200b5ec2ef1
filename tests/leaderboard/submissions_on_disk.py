"""Submissions in a board's tree, and ways to spoil them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from made_up_predictions import identity, result_of

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.submission import Submission, described, submission_path, write_submission
from medimeta_c.results.folder.adding import open_result_folder
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions

PLAIN = {
    "name": "Tiny CLIP",
    "organisation": "Example Laboratory",
    "contact": "someone@example.org",
    "backbone": "ViT-B/32",
    "adaptation": "base",
    "kind": "medical",
    "description": "made-up images",
    "overlap": "none",
    "statement": "Nothing was trained, so that nothing can overlap.",
    "code": "https://example.org/code",
}
"""The fields that describe a submission."""


def place(root: Path, saved: SavedResult, submission: Submission) -> Path:
    """Copy a result to where its submission belongs; return the folder."""
    folder = root / submission_path(submission, saved.result.run)
    folder.mkdir(parents=True)
    for name in ("result.json", "predictions.parquet"):
        shutil.copy(saved.path / name, folder)
    write_submission(folder / "submission.yaml", submission)
    return folder


def resubmitted(
    benchmark: Benchmark, root: Path, cells: Mapping[SetKey, CellPredictions], **changes: Any
) -> Path:
    """A submission whose numbers all follow from these predictions."""
    with open_result_folder(root / "run", identity(benchmark, **changes)) as folder:
        for cell in cells.values():
            folder.save(cell)
        made = folder.finish(result_of(benchmark, cells, **changes), cells)
    return place(root, made, described(PLAIN, declared=True))


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change the values of a JSON file in place."""
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace text that is there in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
