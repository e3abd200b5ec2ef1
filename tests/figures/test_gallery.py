"""Every figure and table: made from its input, whole, and with the numbers it shows beside it."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_build import fake_build
from fake_source import FakeSource
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

from medimeta_c.errors import ConfigError
from medimeta_c.figures import FIGURES
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.modellooks import model_looks, short_names
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, file_word, name_builds
from medimeta_c.figures.gallery import exhibits, make
from medimeta_c.figures.scores.severity import severity
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE, paper_order
from medimeta_c.io.tables.table import Table


def entry(name: str, inputs: Inputs) -> list[Picture | Table]:
    return list(exhibits(name, inputs))


def assert_printable(figure: Figure) -> None:
    """Nothing is cut off, a page is wide enough, no legend entry hides another, type is 6 pt or more."""
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    drawn = figure.get_tightbbox(renderer)  # in inches: everything visible
    wide, high = figure.get_size_inches()
    assert wide <= style.PAGE_INCHES + 0.01
    assert drawn.x0 >= -0.01 and drawn.y0 >= -0.01
    assert drawn.x1 <= wide + 0.01 and drawn.y1 <= high + 0.01
    words = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    assert min(one.get_fontsize() for one in words) >= 6
    entries = [one for legend in figure.findobj(Legend) for one in legend.get_texts()]
    boxes = [one.get_window_extent(renderer) for one in entries]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    for axis in (axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)):
        labels = [one for one in axis.get_ticklabels() if one.get_visible() and one.get_text()]
        places = [one.get_window_extent(renderer) for one in labels]
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(places))


@pytest.mark.parametrize("name", FIGURES)
def test_each_entry_draws_what_its_data_says(name: str, inputs: Inputs, tmp_path: Path) -> None:
    """An entry yields exhibits with captions and complete data; nothing is cut off; the files open."""
    exhibits = entry(name, inputs)
    assert exhibits
    for exhibit in exhibits:
        assert exhibit.caption.endswith(".")
        if isinstance(exhibit, Table):
            continue
        assert exhibit.rows
        assert all(len(row) == len(exhibit.header) for row in exhibit.rows)
        assert_printable(exhibit.drawn())
    made = make(inputs, tmp_path, only=(name,))
    endings = {"png", "svg", "pdf", "csv"} if isinstance(exhibits[0], Picture) else {"md", "csv", "tex"}
    for exhibit in exhibits:
        files = {path for path in made.files if path.stem == exhibit.name}
        assert {path.suffix[1:] for path in files} == endings
        assert all(path.stat().st_size for path in files)
        if isinstance(exhibit, Picture):
            with Image.open(tmp_path / f"{exhibit.name}.png") as picture:
                assert min(picture.size) > 100
            vector = (tmp_path / f"{exhibit.name}.svg").read_text()
            assert vector.count("<svg") == 1
            assert "</text>" in vector  # text, not outlines
            page = (tmp_path / f"{exhibit.name}.pdf").read_bytes()
            assert page.startswith(b"%PDF")
            assert b"/Type3" not in page  # whose letters some journals refuse
        with (tmp_path / f"{exhibit.name}.csv").open(newline="") as stream:
            assert len(list(csv.reader(stream))) > 1


@pytest.mark.parametrize("name", FIGURES)
def test_each_entry_says_what_it_lacks(name: str, tmp_path: Path) -> None:
    """Without input an entry raises `Lacking`; asked for by name, that is the user's mistake."""
    with pytest.raises(Lacking, match="give ") as caught:
        entry(name, Inputs())
    assert str(caught.value) == FIGURES[name].needs
    with pytest.raises(ConfigError, match=f"{name} cannot be drawn: give "):
        make(Inputs(), tmp_path, only=(name,))
    assert not any(tmp_path.iterdir())


def test_the_manual_lists_every_figure() -> None:
    """Under its title, with the name that `--only` takes."""
    page = (Path(__file__).parents[2] / "docs/paper.md").read_text(encoding="utf-8")
    for name, figure in FIGURES.items():
        assert figure.name == name
        assert f"| {figure.title} | `{name}` |" in page


def test_two_collections_are_drawn_side_by_side(inputs: Inputs, clean_dir: Path, tmp_path: Path) -> None:
    """Spectra and densities share a picture, the rest has one for each; files name which it is."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path / "rays only"
    build(
        BuildConfig(
            datasets=("rays",), source="imagefolder", data_dir=clean_dir, out=out, severities=(2,), jobs=1
        )
    )
    (first,) = inputs.benchmarks.values()
    both = Inputs(benchmarks=name_builds([first, open_benchmark(out)]), images=4)
    names = ("cells and rays", "rays")
    assert tuple(both.benchmarks) == names
    for name in ("spectrum", "pixel_density"):
        (picture,) = entry(name, both)
        assert isinstance(picture, Picture)
        assert {row[:2] for row in picture.rows} == {
            (names[0], "cells"),
            (names[0], "rays"),
            (names[1], "rays"),
        }
        assert_printable(picture.drawn())
    for name in ("sample_grid", "frequency_bands", "frequency_effects"):
        made = [one.name for one in entry(name, both)]
        assert len(set(made)) == len(made)
        assert f"{name}_rays" in made
    with pytest.raises(ConfigError, match="duplicate benchmark"):
        name_builds([first, first])
    again = Benchmark("elsewhere/copy", first.manifest, Path)
    assert list(name_builds([first, again])) == [
        f"cells and rays ({Path(first.name).name})",
        "cells and rays (copy)",
    ]


def test_thirteen_models_with_long_names_are_drawn_whole(inputs: Inputs) -> None:
    """Every name stands in the legend, inside the figure; each model has a look of its own."""
    (result,) = inputs.results["BiomedCLIP_tiny"]
    names = [f"some-organisation-vision-language-model-{one}-patch16-224-pretrained" for one in range(13)]
    many = dict.fromkeys(names, (result,))
    scores = tuple(
        replace(row, model=name, backbone=f"ViT-{name[-4:]}-{place}")
        for place, name in enumerate(names)
        for row in inputs.scores[:1]
    )
    crowd = Inputs(results=many, scores=scores)
    for name in ("severity", "severity_mce", "robustness_accuracy", "evaluation", "backbones"):
        for picture in entry(name, crowd):
            assert isinstance(picture, Picture)
            assert_printable(picture.drawn())
            if name != "backbones":  # which has the names beside its lines
                (legend,) = picture.drawn().legends
                shown = [text.get_text() for text in legend.get_texts()]
                assert shown[:13] == list(short_names(names).values())


def test_means_of_other_datasets_are_not_compared(inputs: Inputs) -> None:
    """A model scored on one dataset of two has no mean, and the captions say so."""
    part = replace(inputs, scores=inputs.scores[:-1])
    model = inputs.scores[-1].model
    for name, words in (("robustness_accuracy", "scored on all"), ("backbones", "not scored on all")):
        (picture,) = entry(name, part)
        assert isinstance(picture, Picture)
        own = [row for row in picture.rows if model in row and "cells" not in row and "rays" not in row]
        labels = picture.header.index("clean_accuracy")
        assert [row[labels:] for row in own] == [(None,) * (len(picture.header) - labels)]
        assert words in picture.caption
    with pytest.raises(Lacking, match="no model was scored on all"):
        entry("backbones", replace(inputs, scores=(inputs.scores[0], inputs.scores[-1])))


def test_many_datasets_take_several_pages(tmp_path: Path) -> None:
    """No picture is higher than a page, and together they show every dataset once, long names whole."""
    names = [f"skin_lesions_of_hospital_{one:02d}" for one in range(13)]
    sources = [FakeSource(name, channels=1, shape=(28, 28), splits={"test": 2}) for name in names]
    fake_build(tmp_path, sources, corruptions=("gaussian_noise", "brightness"), severities=(3,))
    many = Inputs(benchmarks=name_builds([open_benchmark(tmp_path)]))
    for name in ("spectrum", "frequency_bands", "frequency_effects", "pixel_density", "sample_grid"):
        pages = [one for one in entry(name, many) if one.name.startswith(f"{name}-")]
        assert len(pages) > 1
        seen: list[str] = []
        for number, picture in enumerate(pages, 1):
            assert isinstance(picture, Picture)
            assert picture.name == f"{name}-{number}"
            assert picture.drawn().get_figheight() <= 234 / 25.4
            assert_printable(picture.drawn())
            column = picture.header.index("dataset")
            shown = list(dict.fromkeys(str(row[column]) for row in picture.rows))
            drawn = " ".join(one.get_text() for one in picture.drawn().findobj(Text)).replace("\n", "")
            assert all(dataset in drawn for dataset in shown)
            seen += shown
        assert seen == names


def test_names_beside_rows_do_not_touch(tmp_path: Path) -> None:
    """Long names of datasets are broken where their row is too low for them."""
    names = [f"a_collection_of_long_names_{one}" for one in range(2)]
    fake_build(tmp_path, [FakeSource(name, channels=1, shape=(28, 28)) for name in names])
    two = Inputs(benchmarks=name_builds([open_benchmark(tmp_path)]))
    for name in ("frequency_bands", "frequency_effects", "pixel_density"):
        (picture,) = entry(name, two)
        assert isinstance(picture, Picture)
        renderer = FigureCanvasAgg(picture.drawn()).get_renderer()  # type: ignore[no-untyped-call]
        picture.drawn().draw(renderer)
        labels = [one.yaxis.label for one in picture.drawn().axes if one.get_ylabel()]
        assert len(labels) == 2
        first, second = (one.get_window_extent(renderer) for one in labels)
        assert not first.overlaps(second), name


def test_sized_datasets_stand_beside_their_kin() -> None:
    """`octmnist_64` sorts with `octmnist`, so that two collections meet row by row."""
    names = ["retinamnist_64", "octmnist_64", "bloodmnist_64", "pneumoniamnist_64", "breastmnist_64"]
    found = sorted(names, key=lambda name: paper_order("MedMNIST-C", name))
    assert [name.removesuffix("_64") for name in found] == list(CORE.headline["medmnist"])


def test_builds_that_differ_in_their_script_have_files_of_their_own() -> None:
    """Letters beyond Latin and dots stay in files' names: no picture replaces another."""
    names = ["Phantoms (\u7532)", "Phantoms (\u4e59)", "Phantoms (a.b)", "Phantoms (a-b)"]
    assert len({file_word(name) for name in names}) == 4


def test_letters_without_a_font_are_told_of_once(
    inputs: Inputs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A name no font here can draw becomes boxes without a flood of warnings: one sentence says so."""
    (result,) = inputs.results["BiomedCLIP_tiny"]
    name = "\U00012000 model"
    scores = tuple(replace(one, model=name) for one in inputs.scores)
    make(Inputs(results={name: (result,)}, scores=scores), tmp_path, only=("robustness_accuracy",))
    (record,) = caplog.records
    assert "no font here has the letters \U00012000 of a model's name" in record.getMessage()
    assert name in (tmp_path / "robustness_accuracy.svg").read_text()


def test_little_data_still_has_labelled_axes(tmp_path: Path) -> None:
    """One dataset, one corruption, one severity: every logarithmic axis has two labels or more."""
    fake_build(
        tmp_path, [FakeSource("oct", channels=1, shape=(28, 28))], corruptions=("contrast",), severities=(2,)
    )
    little = Inputs(benchmarks=name_builds([open_benchmark(tmp_path)]))
    for name in ("spectrum", "frequency_bands", "frequency_effects", "pixel_density", "sample_grid"):
        for picture in entry(name, little):
            assert isinstance(picture, Picture)
            assert_printable(picture.drawn())
            for panel in picture.drawn().axes:
                for axis in (panel.xaxis, panel.yaxis):
                    low, high = sorted(axis.get_view_interval())
                    ticks = [one for one in axis.get_majorticklocs() if low <= one <= high]
                    assert axis.get_scale() != "log" or len(ticks) > 1, (name, axis)


def test_a_missing_cell_leaves_a_gap(inputs: Inputs) -> None:
    """The line of a model stops before a cell that was not scored, and goes on after it."""
    (result,) = inputs.results["ViT-B-16/openai"]
    kept = tuple(one for one in result.scores.cells if (one.corruption, one.severity) != ("contrast", 3))
    part = result.model_copy(update={"scores": result.scores.model_copy(update={"cells": kept})})
    figure = severity({"a": part}, "cells", model_looks(["a"]), {"a": "a"})
    for panel in figure.axes[:7]:
        (line,) = [one for one in panel.get_lines() if one.get_marker() == model_looks(["a"])["a"].marker]
        drawn = np.isfinite(np.asarray(line.get_ydata(), dtype=np.float64)).tolist()
        assert drawn == [True, True, True, panel.get_title(loc="left") != "Contrast", True, True]


def test_what_has_no_input_is_left_out_and_named(inputs: Inputs, tmp_path: Path) -> None:
    """Everything else is made, and the captions are those of what was made."""
    made = make(Inputs(fewshot=inputs.fewshot), tmp_path)
    assert set(made.left_out) == set(FIGURES) - {"fewshot", "fewshot_modalities", "table6"}
    captions = (tmp_path / "captions.md").read_text()
    assert captions.count("**") == 6
    assert captions.count("ine-tuning on a share of the train split") == 3
    of_val = Inputs(fewshot=tuple(replace(one, split="val") for one in inputs.fewshot))
    make(of_val, tmp_path / "val")
    assert (tmp_path / "val" / "captions.md").read_text().count("on a share of the val split") == 3


def test_nothing_to_draw_and_unknown_names_are_refused(tmp_path: Path) -> None:
    """Both name the way out."""
    with pytest.raises(ConfigError, match="give a built benchmark, `results`, `ablation` or `paper=True`"):
        make(Inputs(), tmp_path)
    with pytest.raises(ConfigError, match="severity"):
        make(Inputs(), tmp_path, only=("severiti",))


def test_the_same_input_gives_the_same_bytes(inputs: Inputs, tmp_path: Path) -> None:
    """Files carry no time, no random ids and no software version."""
    for folder in ("a", "b"):
        make(inputs, tmp_path / folder, only=("fewshot",))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_bands_are_quantiles_of_the_columns(inputs: Inputs) -> None:
    """The distribution figure's data are the shards' own shares."""
    (picture,) = entry("frequency_bands", inputs)
    assert isinstance(picture, Picture)
    (benchmark,) = inputs.benchmarks.values()
    key = SetKey("cells", "test", "contrast", 3)
    shares = np.concatenate([t["dct_mid"].to_numpy() for t in benchmark.tables(key, ("dct_mid",))])
    (row,) = [r for r in picture.rows if r[:4] == ("cells", "contrast", 3, "mid")]
    assert row[4] == len(shares)
    assert row[5:] == pytest.approx(np.quantile(shares.astype(float), (0.05, 0.25, 0.5, 0.75, 0.95)))


def test_pixel_density_shifts_as_the_corruption_says(inputs: Inputs) -> None:
    """Brightness raises mean luma with severity; contrast narrows the distribution; densities add up to 1."""
    (picture,) = entry("pixel_density", inputs)
    assert isinstance(picture, Picture)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _, dataset, kind, level, luma, density in picture.rows:
        if dataset == "rays":
            found.setdefault((str(kind), int(level or 0)), []).append((float(luma or 0), float(density or 0)))
    means, spreads = {}, {}
    for key, points in found.items():
        luma, density = np.array(points).T
        assert density.sum() == pytest.approx(1)
        means[key] = float(luma @ density)
        spreads[key] = float(np.sqrt((luma - means[key]) ** 2 @ density))
    levels = [means["clean", 0], *(means["brightness", severity] for severity in range(1, 6))]
    assert levels == sorted(levels)
    widths = [spreads["clean", 0], *(spreads["contrast", severity] for severity in range(1, 6))]
    assert widths == sorted(widths, reverse=True)


def test_severity_grows_darker() -> None:
    """Severities print in grey in their order."""

    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    levels = [lightness(style.severity_colour(severity)) for severity in range(1, 6)]
    assert levels == sorted(levels, reverse=True)
    assert style.severity_colour(0) == style.CLEAN_COLOUR
