"""`scripts/clinical-strips`: a picture for every clinical corruption, and sheets that stay small."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from medimeta_corruptions import CORRUPTIONS
from medimeta_corruptions.clinical import CLINICAL

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader(
        "clinical_strips", str(REPO / "scripts" / "clinical-strips")
    )
    spec = importlib.util.spec_from_loader("clinical_strips", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_corruption_has_a_phantom_of_its_kind(script: ModuleType) -> None:
    for record in CLINICAL:
        shown = script.picture(record.name, None)
        assert shown.ndim == 3 or record.channels != "colour", record.name
        assert shown.ndim == 2 or record.channels != "grey", record.name


def test_a_sheet_has_a_row_for_each_corruption_and_stays_below_the_limit(script: ModuleType) -> None:
    [(name, data)] = script.sheets(["dermatoscopy"], None)
    assert name == "dermatoscopy"
    with Image.open(io.BytesIO(data)) as sheet:
        assert sheet.size == (6 * 112 + 5 * 2, 3 * (112 + script.LABEL_PX))
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    assert len(script.encoded(Image.fromarray(noise))) <= script.LIMIT_BYTES


def test_a_label_that_does_not_fit_on_one_line_goes_on_on_the_next(script: ModuleType) -> None:
    """Parameters are never cut off at the edge."""
    lines = {
        name: script.row(CORRUPTIONS[name], script.picture(name, None)).height - 112
        for name in ("window_level", "jpeg")
    }
    assert lines == {"window_level": 2 * script.LABEL_PX, "jpeg": script.LABEL_PX}


def test_pictures_of_a_folder_come_before_phantoms(script: ModuleType, tmp_path: Path) -> None:
    own = np.full((40, 50, 3), 90, np.uint8)
    Image.fromarray(own).save(tmp_path / "derm.png")
    assert np.array_equal(script.picture("hair", tmp_path), own)
    assert script.picture("he_stain", tmp_path).shape == (224, 224, 3)
