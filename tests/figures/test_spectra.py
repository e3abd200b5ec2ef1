"""The spectrum figure draws the manifest's profiles and names every line."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from fake_build import fake_build
from fake_source import FakeSource
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.spectra import _LABEL_SPACING, _spread, spectra
from medimeta_c.format.display import shown_record, side_by_side
from medimeta_c.format.manifest.records import Manifest
from medimeta_corruptions import CORRUPTIONS


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Three datasets, one without a modality, one of phantoms too small to fill every bin."""
    sources = [
        FakeSource("a", channels=1),
        FakeSource("b", info_changes={"modality": ""}),
        FakeSource("c", shape=(5, 5), splits={"test": 2}, info_changes={"kind": "phantoms"}),
    ]
    return fake_build(tmp_path_factory.mktemp("tree"), sources)


def figure_of(manifest: Manifest) -> Figure:
    """The figure of every dataset of one build."""
    builds = {"": manifest}
    return spectra(builds, side_by_side(builds))


def named(panel: object) -> dict[str, object]:
    """The lines of a panel that carry a name of their own, by that name."""
    lines = panel.get_lines()  # type: ignore[attr-defined]
    return {line.get_label(): line for line in lines if not line.get_label().startswith("_")}


def test_a_panel_a_dataset_with_clean_and_each_corruption(manifest: Manifest) -> None:
    """Each line is the mean profile of its set at severity 3, on a logarithmic axis all panels share."""
    panels = figure_of(manifest).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["Microscopy", "b", "Microscopy"]
    under = [[text.get_text() for text in panel.texts if "images" in text.get_text()] for panel in panels]
    assert under == [["a, 4 images"], ["4 images"], ["c (phantoms), 2 images"]]
    assert any("corruptions at severity 3" in text.get_text() for text in figure_of(manifest).texts)
    assert len({panel.get_ylim() for panel in panels}) == 1
    for panel, dataset in zip(panels, "abc", strict=True):
        assert panel.get_yscale() == "log"
        lines = named(panel)
        assert set(lines) == {"Clean", "Gaussian noise", "Contrast", "Pixelate"}
        for name, kind in (("Clean", "clean"), ("Contrast", "contrast")):
            record = shown_record(manifest, dataset, kind, 3 if kind != "clean" else 0)
            assert record is not None
            profile = np.array(record.spectrum.profile)
            drawn = lines[name].get_ydata()  # type: ignore[attr-defined]
            assert np.array_equal(drawn[profile > 0], profile[profile > 0])
            assert np.isnan(drawn[profile <= 0]).all()


def test_clean_is_black_and_every_line_is_named_beside_it(manifest: Manifest) -> None:
    """Colours are the style's, and each name stands as text in the panel."""
    panel = figure_of(manifest).axes[0]
    lines = named(panel)
    assert lines["Clean"].get_color() == style.CLEAN_COLOUR  # type: ignore[attr-defined]
    assert lines["Pixelate"].get_color() == CORRUPTIONS["pixelate"].colour  # type: ignore[attr-defined]
    assert set(lines) <= {text.get_text() for text in panel.texts}


def test_every_label_is_inside_the_picture(manifest: Manifest) -> None:
    """No text is cut off by the picture's edge."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = figure_of(manifest)
    renderer = FigureCanvasAgg(figure).get_renderer()
    titles = [panel._left_title for panel in figure.axes]
    for text in [*figure.texts, *titles, *(text for panel in figure.axes for text in panel.texts)]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 <= box.y0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_a_constant_image_has_no_line_and_no_error(tmp_path: Path) -> None:
    """Images without AC energy leave the panel empty."""
    flat = FakeSource("flat", channels=1, shape=(1, 1), splits={"test": 1})
    figure = figure_of(fake_build(tmp_path, [flat], corruptions=("contrast",)))
    assert all(np.isnan(line.get_ydata()).all() for line in named(figure.axes[0]).values())  # type: ignore[attr-defined]
    assert style.png(figure).startswith(b"\x89PNG")


@given(st.lists(st.floats(-0.2, 1.2), max_size=10).map(sorted))
def test_labels_keep_their_order_and_distance(places: list[float]) -> None:
    """Spread labels are at least a label apart, in the lines' order."""
    spread = _spread(places)
    assert len(spread) == len(places)
    assert all(after - before >= _LABEL_SPACING - 1e-9 for before, after in itertools.pairwise(spread))
