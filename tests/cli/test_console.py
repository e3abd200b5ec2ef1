"""What the command line prints on terminals of any width."""

from __future__ import annotations

import pytest

from medimeta_c.cli import console
from medimeta_c.io.tables.table import Column, Table, texts


@pytest.mark.parametrize("columns", ["0", "20", "40", "60"])
def test_a_narrow_terminal_loses_no_cell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """A number without its last digits is another number: lines are longer than the terminal instead."""
    monkeypatch.setenv("COLUMNS", columns)
    rows = (texts("organs_sagittal", "73421/13103/25596", "Histopathology: class", "yes"),)
    heads = (Column("dataset", "label"), Column("images"), Column("modality", "text"), Column("here", "text"))
    console.show(Table(name="Data", columns=heads, rows=rows))
    assert {"organs_sagittal", "73421/13103/25596", "Histopathology:", "yes"} <= set(
        capsys.readouterr().out.split()
    )
