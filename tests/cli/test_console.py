"""What the command line prints on terminals of any width."""

from __future__ import annotations

import pytest

from medimeta_c.cli import console


@pytest.mark.parametrize("columns", ["0", "20", "40", "60"])
def test_a_narrow_terminal_loses_no_cell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """A number without its last digits is another number: lines are longer than the terminal instead."""
    monkeypatch.setenv("COLUMNS", columns)
    rows = [("organs_sagittal", "73421/13103/25596", "Histopathology: class", "yes")]
    console.table("Data", ("dataset", "images", "modality", "here"), rows, whole=2)
    assert {"organs_sagittal", "73421/13103/25596", "Histopathology:", "yes"} <= set(
        capsys.readouterr().out.split()
    )
