"""Features carry their datasets' modalities, which the feature map shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from medimeta_c.figures.drawing.looks import corruption_looks
from medimeta_c.figures.feature_map import feature_map
from medimeta_c.results.featurefile import Features, read_features, write_features

KNOWN = Features(
    model="local-dir:tiny",
    phantoms=("pbc",),
    rows=(("pbc", "clean", 0, "000000", 0), ("own", "clean", 0, "000000", 1)),
    vectors=np.eye(2, dtype=np.float32),
    modalities={"pbc": "Cell Microscopy"},
)


def test_a_panel_is_named_by_modality_and_id() -> None:
    """A dataset without a known modality keeps its id alone."""
    place = {name: (np.array([index]), np.zeros((1, 2))) for index, name in enumerate(KNOWN.datasets)}
    figure = feature_map(KNOWN, place, corruption_looks({"clean"}))
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert titles == ["Cell Microscopy\npbc (phantoms)", "own"]


@pytest.mark.parametrize("modalities", [{"pbc": "Cell Microscopy", "own": "Œil"}, {}])
def test_modalities_are_read_back(modalities: dict[str, str], tmp_path: Path) -> None:
    """Without any, the file has no word of them, as files of earlier versions."""
    path = tmp_path / "features.parquet"
    write_features(path, replace(KNOWN, modalities=modalities))
    assert read_features(path).modalities == modalities
    assert (b"medimeta-c modalities" in pq.read_schema(path).metadata) == bool(modalities)
