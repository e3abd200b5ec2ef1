"""Two evaluations into one result, by one process and by several: the result is that of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")


from medimeta_c.errors import ResultError  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402


def files(saved: SavedResult) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in saved.path.iterdir() if path.is_file()}


def test_one_process_never_waits_for_itself(small: Path, tiny: Path, tmp_path: Path) -> None:
    """A second evaluation is tried after every batch and before the first, and once more at the end."""

    def config(out: str) -> EvaluateConfig:
        return EvaluateConfig(
            model=f"local-dir:{tiny}",
            benchmark=str(small),
            out=tmp_path / out,
            baseline="none",
            device="cpu",
            workers=0,
        )

    refused: list[str] = []

    def second(_: Any) -> None:
        with pytest.raises(ResultError) as caught:
            evaluate(config("shared"))
        refused.append(str(caught.value))

    first = evaluate(config("shared"), on_progress=second)
    assert len(refused) > 2
    assert set(refused) == {
        f"this process is already evaluating into {first.path}: wait until it ends, or choose another `out`"
    }
    before = files(first)
    assert evaluate(config("shared")).path == first.path
    assert files(first) == before == files(evaluate(config("alone")))
    assert json.loads(before["result.json"])["complete"] is True
