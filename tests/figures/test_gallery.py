"""Every figure and table: made from its input, whole, and with the numbers it shows beside it."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from medimeta_c.errors import ConfigError
from medimeta_c.figures import GALLERY, style
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, PrintedTable
from medimeta_c.figures.gallery import make


def entry(name: str, inputs: Inputs) -> list[Picture | PrintedTable]:
    module, function = GALLERY[name].split(":")
    return list(getattr(import_module(module), function)(inputs))


@pytest.mark.parametrize("name", GALLERY)
def test_each_entry_draws_what_its_data_says(name: str, inputs: Inputs, tmp_path: Path) -> None:
    """An entry yields exhibits with captions and complete data; nothing is cut off; the files open."""
    exhibits = entry(name, inputs)
    assert exhibits
    for exhibit in exhibits:
        assert exhibit.caption.endswith(".")
        if isinstance(exhibit, PrintedTable):
            continue
        assert exhibit.rows
        assert all(len(row) == len(exhibit.header) for row in exhibit.rows)
        renderer = FigureCanvasAgg(exhibit.figure).get_renderer()  # type: ignore[no-untyped-call]
        exhibit.figure.draw(renderer)
        drawn = exhibit.figure.get_tightbbox(renderer)  # in inches: everything visible
        wide, high = exhibit.figure.get_size_inches()
        assert drawn.x0 >= -0.01 and drawn.y0 >= -0.01
        assert drawn.x1 <= wide + 0.01 and drawn.y1 <= high + 0.01
    made = make(inputs, tmp_path, only=(name,))
    endings = {"png", "svg", "pdf", "csv"} if isinstance(exhibits[0], Picture) else {"md", "csv", "tex"}
    for exhibit in exhibits:
        files = {path for path in made.files if path.stem == exhibit.name}
        assert {path.suffix[1:] for path in files} == endings
        assert all(path.stat().st_size for path in files)
        if isinstance(exhibit, Picture):
            with Image.open(tmp_path / f"{exhibit.name}.png") as picture:
                assert min(picture.size) > 100
            assert (tmp_path / f"{exhibit.name}.svg").read_text().count("<svg") == 1
            assert (tmp_path / f"{exhibit.name}.pdf").read_bytes().startswith(b"%PDF")
        with (tmp_path / f"{exhibit.name}.csv").open(newline="") as stream:
            assert len(list(csv.reader(stream))) > 1


@pytest.mark.parametrize("name", GALLERY)
def test_each_entry_says_what_it_lacks(name: str, tmp_path: Path) -> None:
    """Without input an entry raises `Lacking`; asked for by name, that is the user's mistake."""
    with pytest.raises(Lacking, match="give "):
        entry(name, Inputs())
    with pytest.raises(ConfigError, match=f"{name} cannot be drawn: give "):
        make(Inputs(), tmp_path, only=(name,))
    assert not any(tmp_path.iterdir())


def test_what_has_no_input_is_left_out_and_named(inputs: Inputs, tmp_path: Path) -> None:
    """Everything else is made, and the captions are those of what was made."""
    made = make(Inputs(fewshot=inputs.fewshot), tmp_path)
    assert set(made.left_out) == set(GALLERY) - {"fewshot", "table6"}
    captions = (tmp_path / "captions.md").read_text()
    assert captions.count("**") == 4
    assert captions.startswith("**fewshot.** ")


def test_nothing_to_draw_and_unknown_names_are_refused(tmp_path: Path) -> None:
    """Both name the way out."""
    with pytest.raises(ConfigError, match="give a built benchmark, --results, --ablation or --paper"):
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
    assert inputs.benchmark is not None
    key = next(
        k for k in inputs.benchmark.sets if (k.dataset, k.corruption, k.severity) == ("cells", "contrast", 3)
    )
    shares = np.concatenate([t["dct_mid"].to_numpy() for t in inputs.benchmark.tables(key, ("dct_mid",))])
    (row,) = [r for r in picture.rows if r[:4] == ("cells", "contrast", 3, "mid")]
    assert row[4] == len(shares)
    assert row[5:] == pytest.approx(np.quantile(shares.astype(float), (0.05, 0.25, 0.5, 0.75, 0.95)))


def test_pixel_density_shifts_as_the_corruption_says(inputs: Inputs) -> None:
    """Brightness raises mean luma with severity; contrast narrows the distribution; densities add up to 1."""
    (picture,) = entry("pixel_density", inputs)
    assert isinstance(picture, Picture)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for dataset, kind, severity, luma, density in picture.rows:
        if dataset == "rays":
            found.setdefault((str(kind), int(severity or 0)), []).append(
                (float(luma or 0), float(density or 0))
            )
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


def test_a_model_looks_the_same_in_every_figure() -> None:
    """Looks depend on the list of models alone, and no two are alike."""
    names = ["CLIP", "MedCLIP", "BioMedCLIP", "UniMedCLIP", "RobustMedCLIP", "mine", "yours", "RMC-ResNet"]
    looks = style.model_looks(names)
    assert looks == style.model_looks(names)
    assert len({(one.colour, one.marker) for one in looks.values()}) == len(names)
    assert len({one.marker for one in looks.values()}) == len(names)
    again = style.model_looks(["hf-hub:microsoft/BiomedCLIP-PubMedBERT_256", "other"])
    assert again["hf-hub:microsoft/BiomedCLIP-PubMedBERT_256"] == looks["BioMedCLIP"]


def test_severity_grows_darker() -> None:
    """Severities print in grey in their order."""

    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    levels = [lightness(style.severity_colour(severity)) for severity in range(1, 6)]
    assert levels == sorted(levels, reverse=True)
    assert style.severity_colour(0) == style.CLEAN_COLOUR
