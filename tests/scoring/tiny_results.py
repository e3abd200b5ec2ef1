"""Results of a tiny model on ten sets: their files, and evaluations without reports."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from typer.testing import CliRunner

if TYPE_CHECKING:
    from medimeta_c import EvaluateConfig
    from medimeta_c.results.folder.saved import SavedResult
    from medimeta_c.results.paraphrases.record import PromptsSweep

CELLS = 10
TEMPLATES = ("{class}", "a scan of {class}", "{modality} that shows {class}", "impression: {class}")
SWEEP_FILES = ("prompts-sweep.json", "prompts-sweep.parquet")

Configure: TypeAlias = "Callable[..., EvaluateConfig]"
Score: TypeAlias = "Callable[..., SavedResult]"


@contextlib.contextmanager
def without_reports() -> Iterator[None]:
    """Leave reports out of evaluations in the block."""
    from medimeta_c.scoring.jobs import outcome

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outcome, "write_reports", lambda saved, benchmark: None)
        yield


def command(*arguments: object, code: int = 0) -> str:
    """Run ``medimeta-c``; return what it printed, or the last line of the error."""
    from medimeta_c.cli import app

    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr.strip().splitlines()[-1]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a result, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_sweep(saved: SavedResult) -> dict[str, bytes]:
    """The same without the files of a sweep over prompts."""
    return {name: data for name, data in files(saved.path).items() if name not in SWEEP_FILES}


def results_below(root: Path) -> list[Path]:
    return sorted(root.rglob("result.json"))


def copied(saved: SavedResult, root: Path) -> Path:
    """The folder of a copy, below a root of results of its own."""
    target = root / saved.path.parent.name / saved.path.name
    shutil.copytree(saved.path, target)
    return target


def sweep_of(saved: SavedResult) -> PromptsSweep:
    from medimeta_c.results.paraphrases.record import read_prompts_sweep

    found = read_prompts_sweep(saved.path, saved.result)
    assert found is not None
    return found


def sweep_bytes(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in SWEEP_FILES]
