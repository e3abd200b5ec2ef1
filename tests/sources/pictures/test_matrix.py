"""Every kind of picture file is read right, or refused with the sentence that the documentation names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import matrix
import numpy as np
import pytest
import written

from medimeta_c.errors import SourceError
from medimeta_c.sources.pictures import Window, picture_channels, read_picture

CELLS = list(matrix.cells())
PAGE = Path(__file__).parents[3] / "docs/sources.md"


def says(text: str, *calls: Callable[[], object]) -> None:
    """Assert that each call refuses with one line that holds a text and gives no dangerous advice."""
    for call in calls:
        with pytest.raises(SourceError) as caught:
            call()
        message = str(caught.value)
        assert text in message, message
        assert "\n" not in message
        assert not re.search("delete|remove|erase|damaged|not defined|object has no", message), message


def linear(stored: np.ndarray, low: float, high: float) -> np.ndarray:
    """A window by whole numbers: exact, rounded half up."""
    scale = 1 if stored.dtype.kind != "f" else 1 << 24
    low, high = round(low * scale), round(high * scale)
    values = np.clip(np.rint(stored.astype(np.float64) * scale).astype(np.int64), low, high)
    return ((values - low) * 510 + (high - low)) // (2 * (high - low))


@pytest.mark.parametrize("cell", CELLS, ids=["-".join(cell[:4]) for cell in CELLS])
def test_cell(tmp_path: Path, cell: tuple[str, str, str, str, matrix.Rule]) -> None:
    """One kind of file has the fate that the table gives it."""
    *kind, rule = cell
    if rule.untested:
        pytest.skip("no library here writes it")
    if kind[0] == "DICOM":
        pytest.importorskip("pydicom")
    file = written.write(tmp_path, *kind)
    if rule.fate != "read":
        says(rule.text, lambda: picture_channels(file.path), lambda: read_picture(file.path))
    if rule.fate == "refused":
        says(rule.text, lambda: read_picture(file.path, window=Window.parse("0,1")))
        return
    limits = {"float": (0.25, 0.75), "12": (100, 3000), "16": (1000, 60_000)}.get(kind[1], (0, 255))
    window = Window.parse(f"{limits[0]},{limits[1]}") if rule.fate != "read" else None
    expected = file.stored if window is None else linear(file.stored, *limits)
    image = read_picture(file.path, window=window)
    assert (image.dtype, image.shape) == (np.uint8, expected.shape)
    assert picture_channels(file.path, window=window) == (1 if image.ndim == 2 else 3)
    assert np.abs(image.astype(int) - expected).max() <= file.off
    assert image.flags.writeable
    if "alpha" in kind[2] or kind[2] == "RGBA":
        file = written.write(tmp_path, *kind, opaque=False)
        says("is partly transparent", lambda: read_picture(file.path))


def test_page() -> None:
    """The documentation's table is this one; ``python tests/sources/pictures/matrix.py`` prints it."""
    assert matrix.page() in PAGE.read_text()


def test_every_rule_holds_for_some_file() -> None:
    """No rule is hidden behind those before it."""
    assert {cell[-1] for cell in CELLS} == set(matrix.RULES)
