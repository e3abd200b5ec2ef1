"""The tutorial is a notebook that runs, offline, and is kept with the outputs of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from blocks import REPO

PATH = REPO / "docs" / "tutorial.ipynb"


def code_cells() -> list[dict[str, Any]]:
    return [
        cell for cell in json.loads(PATH.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ]


def test_it_was_kept_after_a_whole_run() -> None:
    """Cells are numbered in order; outputs name no folder of the machine; the file stays small."""
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell["outputs"]) for cell in cells) > len(cells) / 2
    text = PATH.read_text(encoding="utf-8")
    assert not [place for place in ("/tmp", "/home", "/root", "/Users", "\\\\") if f"{place}/" in text]
    assert len(text) < 500_000


@pytest.mark.slow
def test_it_runs_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell, in the kernel of this environment; the verdict of the comparison is that of the page."""
    nbformat = pytest.importorskip("nbformat", reason="needs the 'dev' extra")
    nbclient = pytest.importorskip("nbclient", reason="needs the 'dev' extra")
    pytest.importorskip("ipykernel", reason="needs the 'dev' extra")
    pytest.importorskip("open_clip", reason="needs the 'evaluate' extra")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPO), str(REPO / "corruptions")]))
    notebook = nbformat.read(PATH, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    now, kept = notebook["cells"][-2]["outputs"][0]["data"], code_cells()[-1]["outputs"][0]["data"]
    assert now["text/plain"] == "".join(kept["text/plain"])
