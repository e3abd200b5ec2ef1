"""Run a script of the folder above, and read a column of the Markdown tables that it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["measured", "ratios"]

SCRIPTS = Path(__file__).resolve().parents[1]
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def measured(script: str, *arguments: str, column: str = "ratio") -> dict[str, float]:
    """Return the ratios that a script prints, as `ratios` reads them."""
    run = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"{script}: {run.stderr.strip().splitlines()[-1]}")
    return ratios(run.stdout, column)


def ratios(text: str, column: str = "ratio") -> dict[str, float]:
    """Return the ratios of all tables of a text, turned over: our time as a share of the reference's.

    Parameters
    ----------
    text : str
        Markdown.
    column : str, optional
        Which has how many times as long the reference takes; tables without it are passed over.

    Returns
    -------
    dict of str to float
        By what stands in the columns before the first number, joined by spaces.
    """
    found: dict[str, float] = {}
    place: int | None = None
    for line in text.splitlines():
        if line.startswith("<!--"):
            continue
        if not line.startswith("|"):
            place = None
            continue
        cells = [cell.strip(" *`") for cell in line.strip("| ").split("|")]
        if place is None:
            place = cells.index(column) if column in cells else None
        elif place < len(cells) and _NUMBER.fullmatch(cells[place]):
            first = next(index for index, cell in enumerate(cells) if _NUMBER.fullmatch(cell))
            found[" ".join(cells[:first])] = 1 / float(cells[place])
    return found
