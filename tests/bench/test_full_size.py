"""`scripts/bench/full_size.py`: its made-up data, what it watches, and that a build keeps no file open."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.format.shards import ROW_GROUP_ROWS, row_group_rows
from medimeta_c.sources import open_source

pytest.importorskip("psutil", reason="needs psutil, which the extra dask brings")

IMAGES = 230


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return open_source("phantoms", "oct", tmp_path_factory.mktemp("phantoms"))


def test_a_stand_in_is_a_medimeta_folder_of_the_size_asked_for(phantoms: Any, tmp_path: Path) -> None:
    splits = {"val": 3, "test": len(phantoms.ids("train")) * 4}
    import_module("stand_in").write_stand_in(phantoms, splits, tmp_path / "oct")
    made = open_source("medimeta", "oct", tmp_path)
    assert made.info.splits == splits
    assert made.info.class_names == phantoms.info.class_names
    assert {made.label("test", one) for one in made.ids("test")} == set(range(4))
    pixels = {made.image("test", one).tobytes() for one in made.ids("test")}
    assert len(pixels) > 0.9 * splits["test"]


def test_a_variant_has_the_columns_of_its_image_in_another_order() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    made = import_module("stand_in").variant(image, np.random.Generator(np.random.Philox(key=3)))
    assert sorted(map(tuple, np.sort(made, axis=0).T)) == sorted(map(tuple, np.sort(image, axis=0).T))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to see open files")
def test_a_build_has_as_many_files_open_after_its_last_set_as_after_its_first(
    phantoms: Any, tmp_path: Path
) -> None:
    import_module("stand_in").write_stand_in(phantoms, {"test": IMAGES}, tmp_path / "data/oct")
    opened: list[int] = []
    config = BuildConfig(
        datasets=("oct",),
        source="medimeta",
        data_dir=tmp_path / "data",
        out=tmp_path / "out",
        corruptions=("contrast",),
        jobs=1,
    )
    build(config, on_progress=lambda now: opened.append(len(list(Path("/proc/self/fd").iterdir()))))
    assert len(opened) > 5
    assert max(opened[1:]) <= opened[1] + 1
    shards = list((tmp_path / "out").rglob("*.parquet"))
    groups = [row_group_rows(path) for path in shards if path.parent.name != "stats"]
    assert groups == [(ROW_GROUP_ROWS, ROW_GROUP_ROWS, IMAGES - 2 * ROW_GROUP_ROWS)] * 6


def test_images_are_finished_when_their_set_has_its_name(tmp_path: Path) -> None:
    for name in ("clean/severity-0-00000-of-00001", "contrast/severity-1-00000-of-00002"):
        path = tmp_path / f"data/oct/test/{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "data/oct/test/contrast/severity-1-00001-of-00002.parquet").touch()
    (tmp_path / "data/oct/test/contrast/severity-2.part").touch()
    assert import_module("full_size").finished(tmp_path, {"oct": 7, "pbc": 5}) == 14


def test_figures_at_a_share_of_the_images_are_of_the_first_sample_that_has_them() -> None:
    watched = import_module("full_size").Watched(samples=[(1, 0, 5, 3), (2, 60, 9, 4), (3, 100, 7, 4)])
    assert watched.at(0.5, 100) == (2, 60, 9, 4)
    assert watched.at(0.0, 100) == (1, 0, 5, 3)
    assert watched.peak == 9
