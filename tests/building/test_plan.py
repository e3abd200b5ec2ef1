"""What a build is asked for: refused before anything is written, or planned in canonical order."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.plan import plan_sets
from medimeta_c.errors import BuildError, ConfigError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.sources import open_source

Configure = Callable[..., BuildConfig]


def test_a_directory_of_something_else_is_refused(build_config: Configure) -> None:
    """A directory with foreign files, or a file, is not written into."""
    config = build_config()
    config.out.mkdir()
    (config.out / "thesis.tex").write_text("precious")
    with pytest.raises(BuildError, match=r"not a MediMeta-C build \(it holds 'thesis.tex'\)"):
        build(config)
    with pytest.raises(BuildError, match="is a file, not a folder"):
        build(dataclasses.replace(config, out=config.out / "thesis.tex"))
    assert [path.name for path in config.out.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruptions": ("motion_blurr",)}, "unknown corruption 'motion_blurr': did you mean 'motion_blur'"),
        ({"severities": (6,)}, "unknown severity 6"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"jobs": 0}, "jobs must be at least 1"),
        ({"splits": ("../x",)}, "split name"),
        ({"datasets": ()}, "no dataset given"),
        ({"corruptions": ()}, "no corruption given"),
        ({"datasets": ("rays", "rays")}, "duplicate dataset: rays"),
        ({"channels": "cmyk"}, "channels"),
        ({"engine": "spark"}, "engine"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "the engine loky takes no scheduler"),
    ],
)
def test_wrong_configurations_are_refused(
    build_config: Configure, changes: dict[str, object], message: str
) -> None:
    """Unknown names come with the nearest match; nothing is created."""
    with pytest.raises(ConfigError, match=message):
        build(build_config(**changes))
    assert not build_config().out.exists()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"splits": ("trian",)}, ConfigError, "trian"),
        ({"datasets": ("nothing_here",)}, SourceError, "nothing_here"),
        ({"datasets": ("all",)}, ConfigError, "not defined for the source imagefolder"),
        (
            {"datasets": ("all",), "source": None},
            SourceError,
            "lacks pbc, mammo_calc, pneumonia, fundus, oct",
        ),
        ({"datasets": ("available",), "source": None}, SourceError, "holds no dataset"),
        ({"datasets": ("all", "pbc"), "source": None}, ConfigError, "cannot be combined"),
        ({"datasets": ("pbcc",), "source": None}, ConfigError, "did you mean 'pbc'"),
        ({"datasets": ("pbc",), "source": None}, SourceError, "`medimeta-c download`"),
        ({"source": "medimetta"}, ConfigError, "did you mean 'medimeta'"),
        ({"datasets": ("bloodmnst",), "source": None}, ConfigError, "did you mean 'bloodmnist'"),
    ],
)
def test_missing_data_is_named_before_anything_is_written(
    build_config: Configure, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    """What is missing, where it was looked for and the way out; the output directory is not created."""
    with pytest.raises(error, match=message):
        build(build_config(**changes))
    assert not build_config().out.exists()


def test_a_plan_is_in_canonical_order_whatever_the_request(build_config: Configure, clean_dir: Path) -> None:
    """Clean sets come along, duplicates do not."""
    config = build_config(severities=(3, 1, 3), corruptions=("zoom_blur", "contrast"))
    sources = {name: open_source("imagefolder", name, clean_dir) for name in config.datasets}
    keys = list(plan_sets(config, sources))
    assert keys == sorted(set(keys))
    assert len(keys) == 2 * (1 + 2 * 2)


def test_all_splits_are_those_of_each_dataset(tmp_path: Path, clean_dir: Path) -> None:
    """``all`` is every split that a dataset has, be it one or two, and stands alone."""
    shutil.copytree(clean_dir / "rays", tmp_path / "rays")
    shutil.copytree(clean_dir / "cells", tmp_path / "cells/train")
    shutil.copytree(clean_dir / "cells", tmp_path / "cells/test")
    values = {
        "datasets": ("cells", "rays"),
        "source": "imagefolder",
        "corruptions": "contrast",
        "severities": 1,
    }
    sources = {name: open_source("imagefolder", name, tmp_path) for name in ("cells", "rays")}
    config = BuildConfig(**values, out=tmp_path / "out", data_dir=tmp_path, splits="all", jobs=1)  # type: ignore[arg-type]
    assert {(key.dataset, key.split) for key in plan_sets(config, sources)} == {
        ("cells", "train"),
        ("cells", "test"),
        ("rays", "test"),
    }
    assert len(open_benchmark(build(config).root).sets) == 6
    with pytest.raises(ConfigError, match="'all' cannot be combined with other splits"):
        BuildConfig(**values, out=tmp_path / "out", splits=["all", "test"])  # type: ignore[arg-type]
