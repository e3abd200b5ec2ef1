"""The spectrum figure draws the manifest's profiles and names every line."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from fake_build import fake_build
from fake_source import FakeSource
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from medimeta_c.figures.drawing.canvas import Canvas, Line, Words
from medimeta_c.figures.drawing.looks import corruption_looks
from medimeta_c.figures.drawing.sizes import CLEAN_COLOUR
from medimeta_c.figures.profile_panel import _LABEL_SPACING, Panel, Profile, limits_of, spread_apart
from medimeta_c.figures.spectra import spectra
from medimeta_c.format.display import display_name, shown_record, side_by_side
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.spectrum import PROFILE_BINS
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


def drawing_of(manifest: Manifest) -> Canvas:
    """The drawing of every dataset of one build."""
    builds = {"": manifest}
    return spectra(builds, side_by_side(builds))


def profiles_of(canvas: Canvas) -> list[Line]:
    """The lines that carry a name of their own."""
    return [mark for mark in canvas.marks if isinstance(mark, Line) and mark.name]


def test_a_panel_a_dataset_with_clean_and_each_corruption(manifest: Manifest) -> None:
    """Each line is the mean profile of its set at severity 3, on a logarithmic axis all panels share."""
    canvas = drawing_of(manifest)
    titles = [mark.text for mark in canvas.marks if isinstance(mark, Words) and mark.bold]
    assert titles == ["Microscopy", "b", "Microscopy"]
    under = [text for text in canvas.texts() if "images" in text]
    assert under == ["a, 4 images", "4 images", "c (phantoms), 2 images"]
    assert any("corruptions at severity 3" in text for text in canvas.texts())
    kinds = ("gaussian_noise", "contrast", "pixelate", "clean")
    lines = iter(profiles_of(canvas))
    for dataset in "ab":
        logs: list[float] = []
        heights: list[float] = []
        for kind in kinds:
            record = shown_record(manifest, dataset, kind, 0 if kind == "clean" else 3)
            assert record is not None
            powers = np.array(record.spectrum.profile)
            own = np.log(powers[powers > 0])
            drawn: list[float] = []
            while len(drawn) < len(own):  # one piece or more
                line = next(lines)
                assert line.name == display_name(kind)
                drawn += [y for _, y in line.points]
            logs += own.tolist()
            heights += drawn
        # Where one power is so many times another, it is so much higher.
        assert np.corrcoef(logs, heights)[0, 1] == pytest.approx(-1)


def test_bins_without_power_are_gaps(manifest: Manifest) -> None:
    """Small images have bins without coefficients: the line is in pieces, and none goes there."""
    record = shown_record(manifest, "c", "clean", 0)
    assert record is not None
    known = np.array(record.spectrum.profile) > 0
    assert not known.all()
    canvas = Canvas(width=PROFILE_BINS, height=10, dpi=72)
    look = corruption_looks([])["clean"]
    profile = Profile(
        name="Clean",
        heights=np.where(known, np.maximum(record.spectrum.profile, 1e-9), np.nan),
        look=look,
        width=1,
    )
    panel = Panel(canvas=canvas, left=0, top=0, wide=PROFILE_BINS, high=10, limits=limits_of([profile]))
    panel.draw_line(profile)
    drawn = {int(x) for line in profiles_of(canvas) for x, _ in line.points}
    assert drawn <= set(np.flatnonzero(known))
    assert all(np.diff([int(x) for x, _ in line.points]).max() == 1 for line in profiles_of(canvas))


def test_clean_is_black_and_every_line_is_named_beside_it(manifest: Manifest) -> None:
    """Colours are the style's, and each name stands as text beside the panel."""
    canvas = drawing_of(manifest)
    colours = {line.name: line.colour for line in profiles_of(canvas)}
    assert colours["Clean"] == CLEAN_COLOUR
    assert colours["Pixelate"] == CORRUPTIONS["pixelate"].colour
    assert set(colours) <= set(canvas.texts())


def test_every_label_is_inside_the_picture(manifest: Manifest) -> None:
    """No text is cut off by the picture's edge."""
    figure = drawing_of(manifest).drawn()
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 <= box.y0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_a_constant_image_has_no_line_and_no_error(tmp_path: Path) -> None:
    """Images without AC energy leave the panel empty."""
    flat = FakeSource("flat", channels=1, shape=(1, 1), splits={"test": 1})
    canvas = drawing_of(fake_build(tmp_path, [flat], corruptions=("contrast",)))
    assert profiles_of(canvas) == []
    assert Image.open(io.BytesIO(canvas.png())).mode == "L"


@given(st.lists(st.floats(1e-12, 1e12), max_size=4))
def test_an_axis_holds_all_powers_and_has_two_ticks_or_more(powers: list[float]) -> None:
    """Whatever the powers are: none, one, or of many decades."""
    heights = np.full(PROFILE_BINS, np.nan)
    heights[: len(powers)] = powers
    limits = limits_of([Profile(name="", heights=heights, look=corruption_looks([])["clean"], width=1)])
    panel = Panel(canvas=Canvas(width=1, height=1, dpi=1), left=0, top=0, wide=1, high=1, limits=limits)
    assert all(limits[0] <= power * 1.000001 and power <= limits[1] * 1.000001 for power in powers)
    assert 2 <= len(panel.ticks()) <= 7


@given(st.lists(st.floats(-0.2, 1.2), max_size=10).map(sorted))
def test_labels_keep_their_order_and_distance(places: list[float]) -> None:
    """Spread labels are at least a label apart, in the lines' order."""
    spread = spread_apart(places)
    assert len(spread) == len(places)
    assert all(after - before >= _LABEL_SPACING - 1e-9 for before, after in itertools.pairwise(spread))
