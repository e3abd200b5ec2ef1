"""Sample grids show stored pixels, in the right cell, grey where grey."""

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
from numpy.typing import NDArray
from PIL import Image

from medimeta_c import figures
from medimeta_c.building.render import render
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.montage import CARD_PX, PRINT_PX, fit, montage
from medimeta_c.figures.drawing.sizes import PAGE_INCHES
from medimeta_c.figures.sample_grid import dataset_grid, overview_grid
from medimeta_c.format.display import shown_datasets
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import Manifest, Protocol
from medimeta_corruptions import CORRUPTIONS, Pixels

GREY = FakeSource("oct", channels=1, shape=(28, 28))
COLOUR = FakeSource("pbc", shape=(224, 224), splits={"test": 2})
PROTOCOL = Protocol(benchmark_version="1.0", seed=0, channels="source")


def rendered(source: FakeSource, key: SetKey) -> Pixels:
    """The first image of a set, as the builder makes it."""
    return render(source, key, "000000", PROTOCOL, CORRUPTIONS.get(key.corruption))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A tree of a small grey and a large colour dataset."""
    root = tmp_path_factory.mktemp("tree")
    return root, fake_build(root, [GREY, COLOUR])


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def places(picture: NDArray[np.uint8], part: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Top-left corners at which `part` occurs exactly in `picture`."""
    height, width = part.shape[:2]
    first = np.argwhere(
        (picture[: len(picture) - height + 1, : picture.shape[1] - width + 1] == part[0, 0])
        .reshape(len(picture) - height + 1, picture.shape[1] - width + 1, -1)
        .all(axis=2)
    )
    return [
        (int(row), int(column))
        for row, column in first
        if np.array_equal(picture[row : row + height, column : column + width], part)
    ]


def test_every_cell_holds_its_set_exactly(built: tuple[Path, Manifest]) -> None:
    """Rows are corruptions in the paper's order, columns clean and severities; pixels are as stored."""
    root, manifest = built
    picture = np.asarray(opened(dataset_grid(root, manifest, "pbc").png()))
    assert picture.ndim == 3
    pitch = None
    for row, kind in enumerate(("gaussian_noise", "contrast", "pixelate")):
        corners = []
        for severity in (0, 1, 3):
            key = SetKey("pbc", "test", kind if severity else "clean", severity)
            found = places(picture, fit(rendered(COLOUR, key)))
            assert len(found) == (1 if severity else 3)
            corners.append(found[0] if severity else found[row])
        tops, lefts = zip(*corners, strict=True)
        assert len(set(tops)) == 1
        assert lefts[1] - lefts[0] == lefts[2] - lefts[1] > CARD_PX
        assert pitch in (None, lefts[0])
        pitch = lefts[0]


def test_in_print_every_pixel_is_there(built: tuple[Path, Manifest]) -> None:
    """The grid for print holds whole images, and is as wide as a page or less."""
    root, manifest = built
    drawn = dataset_grid(root, manifest, "pbc", PRINT_PX)
    picture = np.asarray(opened(drawn.png()))
    for severity in (1, 3):
        key = SetKey("pbc", "test", "contrast", severity)
        assert len(places(picture, rendered(COLOUR, key))) == 1
    assert drawn.drawn().get_figwidth() <= PAGE_INCHES


@pytest.mark.parametrize("side", [CARD_PX, PRINT_PX])
@pytest.mark.parametrize("letters", range(0, 30, 3))
def test_no_pixel_is_lost_whatever_the_labels(side: int, letters: int) -> None:
    """The resolution follows from the labels' width, and the raster stays exact for all of them."""
    draw = np.random.default_rng(letters)
    images = [draw.integers(0, 256, (90 + letters, 31 * index + 9, 3), np.uint8) for index in range(5)]
    canvas = montage([images], corner="x" * letters, rows=["row"], columns=["a"] * 5, side=side)
    for data in (canvas.png(), style.png(canvas.drawn())):
        picture = np.asarray(opened(data))
        assert all(len(places(picture, fit(image, side))) == 1 for image in images)


def test_grey_is_stored_as_grey(built: tuple[Path, Manifest]) -> None:
    """A grid of grey images is a grey PNG, unstretched: 28-pixel images show each pixel four times four."""
    root, manifest = built
    image = opened(dataset_grid(root, manifest, "oct").png())
    assert image.mode == "L"
    clean = GREY.image("test", "000000")
    assert len(places(np.asarray(image), np.kron(clean, np.ones((4, 4), dtype=np.uint8)))) == 3


def test_the_overview_shows_each_dataset_at_one_severity(built: tuple[Path, Manifest]) -> None:
    """Grey and colour datasets side by side, at severity 3 where it was built."""
    root, manifest = built
    picture = np.asarray(opened(overview_grid(root, manifest, shown_datasets(manifest)).png()))
    key = SetKey("pbc", "test", "contrast", 3)
    assert len(places(picture, fit(rendered(COLOUR, key)))) == 1
    grey = fit(rendered(GREY, SetKey("oct", "test", "contrast", 3)))
    assert len(places(picture, np.repeat(grey[..., None], 3, axis=2))) == 1


def test_without_severity_3_the_highest_is_shown(tmp_path: Path) -> None:
    """A tree of severities 1 and 2 shows severity 2."""
    manifest = fake_build(tmp_path, [GREY], corruptions=("contrast",), severities=(1, 2))
    picture = np.asarray(opened(overview_grid(tmp_path, manifest, shown_datasets(manifest)).png()))
    for severity in (1, 2):
        image = fit(rendered(GREY, SetKey("oct", "test", "contrast", severity)))
        assert len(places(picture, image)) == severity - 1


def test_a_set_that_was_not_built_leaves_its_cell_empty(built: tuple[Path, Manifest]) -> None:
    """The cell of a missing set is white; its neighbours stay where they are."""
    root, manifest = built
    whole = np.asarray(opened(dataset_grid(root, manifest, "oct").png()))
    missing = SetKey("oct", "test", "contrast", 3)
    part = manifest.model_copy(
        update={"sets": tuple(record for record in manifest.sets if record.key != missing)}
    )
    picture = np.asarray(opened(dataset_grid(root, part, "oct").png()))
    assert picture.shape == whole.shape
    image = fit(rendered(GREY, missing))
    [(top, left)] = places(whole, image)
    assert (picture[top : top + CARD_PX, left : left + CARD_PX] == 255).all()
    changed = np.argwhere(picture != whole)
    assert changed.min(axis=0).tolist() >= [top - 1, left - 1]
    assert changed.max(axis=0).tolist() <= [top + CARD_PX, left + CARD_PX]


def test_phantoms_are_called_so_in_the_picture(tmp_path: Path) -> None:
    """A grid of generated images carries the word, so that it does not pass for medical without its card."""
    phantoms = FakeSource(
        "oct_with_a_long_name", channels=1, splits={"test": 1}, info_changes={"kind": "phantoms"}
    )
    manifest = fake_build(tmp_path, [phantoms], corruptions=("contrast",))
    for picture in (
        dataset_grid(tmp_path, manifest, "oct_with_a_long_name"),
        overview_grid(tmp_path, manifest, shown_datasets(manifest)),
    ):
        figure = picture.drawn()
        renderer = FigureCanvasAgg(figure).get_renderer()
        assert all(text.get_window_extent(renderer).x0 >= 0 for text in figure.texts)
        assert any("oct" in text.get_text() and "(phantoms)" in text.get_text() for text in figure.texts)


def test_rows_are_named_by_modality_and_id(tmp_path: Path) -> None:
    """A dataset without a modality keeps its id alone."""
    sources = [
        FakeSource("known", splits={"test": 1}, info_changes={"modality": "Fundoscopy"}),
        FakeSource("own", splits={"test": 1}, info_changes={"modality": ""}),
    ]
    manifest = fake_build(tmp_path, sources, corruptions=("contrast",))
    overview = overview_grid(tmp_path, manifest, shown_datasets(manifest)).drawn()
    assert {"Fundoscopy\nknown", "own"} <= {text.get_text() for text in overview.texts}
    for name, corner in (("known", "Fundoscopy\nknown"), ("own", "own")):
        one = dataset_grid(tmp_path, manifest, name)
        assert corner in {text.get_text() for text in one.drawn().texts}
        assert f" of {corner.replace(chr(10), ' ')}, clean" in one.caption


def test_the_lines_of_a_label_stay_inside_a_low_row() -> None:
    """Of many columns rows are low: their labels are wider, and do not touch."""
    images = [[np.zeros((28, 28), np.uint8)] * 20] * 3
    figure = montage(
        images, corner="", rows=["Cell Microscopy\npbc\n(phantoms)"] * 3, columns=[str(n) for n in range(20)]
    ).drawn()
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts if "pbc" in text.get_text()]
    assert len(boxes) == 3
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(boxes))
    assert all(box.x0 >= 0 for box in boxes)


@given(height=st.integers(1, 300), width=st.integers(1, 300), channels=st.sampled_from([None, 3]))
def test_fit_only_picks_pixels(height: int, width: int, channels: int | None) -> None:
    """The long side becomes a cell's, the shape is kept, and every pixel is one of the image's, in order."""
    grid = np.add.outer(np.arange(height) % 16 * 16, np.arange(width) % 16).astype(np.uint8)
    image = grid if channels is None else np.repeat(grid[..., None], 3, axis=2)
    shown = fit(image)
    assert max(shown.shape[:2]) == CARD_PX
    assert shown.ndim == image.ndim
    assert abs(shown.shape[0] * width - shown.shape[1] * height) <= max(height, width)
    assert np.isin(shown, image).all()


def test_fit_of_a_large_image_is_every_second_pixel() -> None:
    """224 pixels a side become 112, at a regular step."""
    image = COLOUR.image("test", "000000")
    assert np.array_equal(fit(image), image[1::2, 1::2])


def test_real_images_make_modest_files(sample_dir: Path, tmp_path: Path) -> None:
    """The full grid of a real colour dataset stays below 1.5 MB, and is not grey."""
    from medimeta_c.sources import open_source

    real = open_source("medimeta", "pbc", sample_dir)
    first = real.image("test", real.ids("test")[0])

    class One(FakeSource):
        def image(self, split: str, image_id: str) -> NDArray[np.uint8]:
            return first

    from medimeta_corruptions.core import CORE

    source = One("pbc", splits={"test": 1}, shape=first.shape[:2])
    names = tuple(record.name for record in CORE)
    manifest = fake_build(tmp_path, [source], corruptions=names, severities=(1, 2, 3, 4, 5))
    drawn = dict(figures.draw(tmp_path, manifest))
    assert set(drawn) == {"sample_grid.png", "sample_grid_pbc.png", "spectrum.png"}
    assert all(len(data) < 1_500_000 for data in drawn.values())
    assert opened(drawn["sample_grid_pbc.png"]).mode == "RGB"
