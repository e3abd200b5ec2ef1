"""Corruptions and sources that are not ours: of another distribution, or given in Python."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import plugins
import pytest
from fake_source import FakeSource
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.card.dataset_card import CARD_NAME
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.display import phantom_datasets
from medimeta_c.format.manifest.file import read_manifest, write_manifest
from medimeta_c.format.manifest.records import PluginRecord, SetRecord
from medimeta_c.format.suites import CORE, SUITES
from medimeta_c.sources import SOURCES, collection_of, family_of
from medimeta_c.sources.catalog import catalog
from medimeta_corruptions import CORRUPTIONS, Corruption, Pixels

Configure = Callable[..., BuildConfig]
RUNNER = CliRunner()


def darken(image: Pixels, parameter: float, rng: object) -> Pixels:
    return (image // int(parameter)).astype("uint8")


DARKEN = Corruption(
    name="darken",
    category="illumination",
    description="Darker.",
    parameter="divisor",
    parameters=(2, 3, 4, 5, 6),
    stochastic=False,
    function=darken,
)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of the plug-in's source and corruption, made through the command line. The plug-in is there."""
    plugins.install(tmp_path / "site", monkeypatch)
    out = tmp_path / "out"
    told = ["build", "--dataset", "toy_one", "--corruption", "invert,contrast", "--severity", "2"]
    result = RUNNER.invoke(app, [*told, "--jobs", "1", "--out", str(out), "--data", str(tmp_path)])
    assert result.exit_code == 0, result.output
    return out


def test_a_distribution_of_two_files_works_throughout(toys: Path) -> None:
    """Its source and corruption are built, recorded, described on the card and rendered again."""
    manifest = read_manifest(toys / "manifest.json")
    assert manifest.plugins == tuple(
        PluginRecord(name=name, distribution="toy-plugin", version="1.2") for name in ("invert", "toys")
    )
    assert {record.corruption for record in manifest.sets} == {"clean", "contrast", "invert"}
    assert verify(toys, rebuild=2, jobs=1).ok
    card = (toys / CARD_NAME).read_text()
    assert "Toys (drawn)" in card
    assert "Synthetic images, not medical data" in card
    assert phantom_datasets(manifest) == ("toy_one",)
    assert collection_of("toys") == "Toys-C"
    assert family_of("toy_two") is SOURCES["toys"]


def test_without_the_distribution_verify_names_it(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install, and in which version; the files are still checked without it."""
    monkeypatch.setattr("sys.path", [path for path in sys.path if not path.endswith("site")])
    plugins.forget(monkeypatch)
    result = RUNNER.invoke(app, ["verify", str(toys), "--rebuild", "1", "--jobs", "1"])
    assert result.exit_code == 1
    assert "'invert' of toy-plugin 1.2, which is not installed here" in " ".join(result.output.split())
    assert verify(toys, jobs=1).ok


def test_a_distribution_that_fails_to_import_stops_no_check_of_files(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is needed to check files; where it is, one sentence says what is wrong with it."""
    next(Path(one) for one in sys.path if one.endswith("site")).joinpath("toy_plugin.py").write_text("1 / 0")
    monkeypatch.delitem(sys.modules, "toy_plugin")
    plugins.forget(monkeypatch)
    importlib.invalidate_caches()
    told = ["verify", str(toys), "--jobs", "1"]
    assert RUNNER.invoke(app, told).exit_code == 0
    assert RUNNER.invoke(app, ["build", "--help"]).exit_code == 0
    refused = RUNNER.invoke(app, [*told, "--rebuild", "1"])
    assert refused.exit_code != 0
    text = " ".join(refused.output.split())
    assert "of toy-plugin 1.2 cannot be loaded (ZeroDivisionError: division by zero): repair" in text


def test_a_corruption_of_nobody_is_named(small: Path, tmp_path: Path) -> None:
    """A forged manifest that says not whose its corruption is: no clean images pass for it unseen."""
    root = Path(shutil.copytree(small, tmp_path / "copy"))
    manifest = read_manifest(root / "manifest.json")

    def renamed(record: SetRecord) -> SetRecord:
        if record.corruption != "contrast":
            return record
        (shard,) = record.shards
        shard = shard.model_copy(update={"path": shard.path.replace("contrast", "xray")})
        return record.model_copy(update={"corruption": "xray", "shards": (shard,)})

    write_manifest(root, manifest.model_copy(update={"sets": tuple(map(renamed, manifest.sets))}))
    with pytest.raises(SourceError, match="sets of the corruption 'xray', which is not installed here"):
        verify(root, rebuild=1, jobs=1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_objects_are_built_without_any_registration(tmp_path: Path, jobs: int) -> None:
    """A source and a corruption given in Python, in worker processes too; the manifest says whose."""
    source = FakeSource(dataset="mine", info_changes={"kind": "made_up"})
    config = BuildConfig(
        datasets=(source,), corruptions=(DARKEN, "contrast"), severities=(1,), out=tmp_path / "b", jobs=jobs
    )
    manifest = build(config).manifest
    assert [(one.name, one.distribution, one.version) for one in manifest.plugins] == [
        ("darken", f"python:{__name__}", "unknown"),
        ("made_up", "python:fake_source", "unknown"),
    ]
    assert len(manifest.sets) == 3
    with pytest.raises(SourceError, match=r"'darken' of python:.*, which is not installed here"):
        verify(tmp_path / "b", rebuild=1, jobs=1)
    assert verify(tmp_path / "b", jobs=1).ok


def test_what_is_only_for_names_is_refused_for_objects(tmp_path: Path) -> None:
    """A window that nothing applied would be recorded."""
    source = FakeSource(dataset="mine", info_changes={"kind": "made_up"})
    options = {"window": "0,9", "classes_are": ("a",), "source": "medmnist", "task": "t", "ids": tmp_path}
    for name, value in {**options, "data_is_dataset": True}.items():
        with pytest.raises(ConfigError, match=rf"^{name} applies only to datasets given by name"):
            BuildConfig(datasets=(source,), out=tmp_path / "b", **{name: value})  # type: ignore[arg-type]


def test_a_name_given_in_both_ways_is_refused(sample_dir: Path, tmp_path: Path) -> None:
    """Otherwise one of the two sources would be lost."""
    sources = ("available", FakeSource(dataset="pbc"))
    with pytest.raises(ConfigError, match=r"duplicate dataset, by name and as an object: pbc"):
        build(BuildConfig(datasets=sources, out=tmp_path / "b", data_dir=sample_dir))


def test_a_later_build_keeps_what_took_part(build_config: Configure) -> None:
    """Sets of the user's corruption stay in the directory, and so does the record of whose they are."""
    config = build_config(datasets=("rays",), severities=(1,), corruptions=(DARKEN,))
    first = build(config).manifest
    later = build(replace(config, corruptions=("contrast",))).manifest
    assert first.plugins == later.plugins
    assert [one.name for one in first.plugins] == ["darken"]


def test_what_is_ours_is_not_recorded(built: Path) -> None:
    """A build of this package's own corruptions and sources is written as it always was."""
    assert read_manifest(built / "manifest.json").plugins == ()
    assert '"plugins"' not in (built / "manifest.json").read_text()


def test_a_name_is_one_corruption(build_config: Configure) -> None:
    """Another corruption cannot pass for a registered one, nor for the clean images."""
    for name in ("contrast", "clean"):
        with pytest.raises(ConfigError, match=f"the name '{name}' belongs to another corruption"):
            build_config(corruptions=(replace(DARKEN, name=name),))


def test_what_is_merely_registered_is_not_demanded(
    build_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All corruptions are the suite's; registering one changes no build that does not name it."""
    before = {name: suite.digest for name, suite in SUITES.items()}
    plugins.install(tmp_path / "site", monkeypatch)
    assert "invert" in CORRUPTIONS
    report = build(build_config(datasets=("rays",), severities=(1,)))
    assert {key.corruption for key in report.built} == {"clean", *CORE.corruptions}
    assert {name: suite.digest for name, suite in SUITES.items()} == before


def test_suites_name_what_is_published_and_registered() -> None:
    """Every dataset of a suite is in the catalogue, and every corruption of it is registered."""
    for suite in SUITES.values():
        assert set(suite.datasets) <= set(catalog())
        assert set(suite.corruptions) <= set(CORRUPTIONS)
    assert len(catalog()) == 31
    assert {kind for suite in SUITES.values() for kind in suite.headline} <= {*SOURCES, "medimetac"}
