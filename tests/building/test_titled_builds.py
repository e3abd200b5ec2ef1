"""A build's title, given, kept and followed by what it writes; and the folder a build goes to by default."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.cli.benchmark.places import default_out
from medimeta_c.errors import ConfigError, ManifestError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.manifest.file import read_manifest, write_manifest

Small = Callable[..., BuildConfig]
RUNNER = CliRunner()


@pytest.fixture
def small(build_config: Callable[..., BuildConfig]) -> Small:
    """Configure a build of two sets."""

    def configure(**changes: object) -> BuildConfig:
        return build_config(
            **{"datasets": ("rays",), "corruptions": ("contrast",), "severities": (1,), **changes}
        )

    return configure


def test_a_computed_title_is_not_written(small: Small) -> None:
    """Without a title the manifest has no such field and is of schema 1; the card has the dataset's."""
    root = build(small()).root
    values = json.loads((root / "manifest.json").read_text("utf-8"))
    assert "title" not in values
    assert (values["benchmark"], values["schema_version"]) == ("MediMeta-C", 1)
    assert open_benchmark(root).title == "rays"
    assert "\n# rays\n" in (root / "README.md").read_text("utf-8")


def test_a_given_title_is_kept_until_another_is_given(small: Small) -> None:
    """In the manifest, the card and eval.yaml; a build that goes on keeps it; another renders nothing."""
    root = build(small(title="Rays of Ulm")).root
    more = build(small(severities=(1, 3)))
    assert (more.manifest.title, more.manifest.schema_version) == ("Rays of Ulm", 2)
    assert DatasetCard.load(root / "README.md").data["pretty_name"] == "Rays of Ulm"
    renamed = build(small(title="Rays"))
    assert (renamed.built, renamed.manifest.title) == ((), "Rays")
    assert renamed.manifest.sets == more.manifest.sets
    assert yaml.safe_load((root / "eval.yaml").read_text("utf-8"))["name"] == "Rays 1.0"
    assert verify(root, jobs=1).ok
    result = RUNNER.invoke(app, ["verify", str(root), "--jobs", "1"])
    assert "title Rays\n" in result.stdout


def test_an_interrupted_build_keeps_its_title(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is gone on with by a command that names none."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("medimeta_c.building.assembly.write_card", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(small(title="Rays of Ulm"))
    assert build(small()).manifest.title == "Rays of Ulm"


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("MediMeta-C", r"the title 'MediMeta-C' is not for rays: MediMeta-C is the title of the core suite"),
        ("two\nlines", "title 'two lines' cannot be shown: text must not contain control"),
        ("x" * 121, "longer than 120 letters"),
    ],
)
def test_a_title_that_cannot_be_is_refused(small: Small, title: str, message: str) -> None:
    """Before anything is rendered."""
    with pytest.raises(ConfigError, match=message):
        build(small(title=title))
    assert not small().out.exists()


def test_a_manifest_with_a_title_that_cannot_be_shown_is_refused(small: Small) -> None:
    """Whoever wrote it: the text is checked where it is read."""
    report = build(small())
    write_manifest(report.root, report.manifest.model_copy(update={"title": "a\u202eb"}))
    with pytest.raises(ManifestError, match="title"):
        read_manifest(report.root / "manifest.json")


def test_a_title_is_text_wherever_it_stands(small: Small) -> None:
    """Markdown, YAML and mathematics in it are shown as they were typed."""
    title = "--- a: *b* | `c` [d](javascript:e) # $f_g$ & \"h\" 'i' {{ 7 * 7 }}"
    root = build(small(title=title)).root
    card = DatasetCard.load(root / "README.md")
    assert card.data["pretty_name"] == title
    page = MarkdownIt("commonmark").render(str(card.text))
    assert f"<h1>{html.escape(title, quote=False)}</h1>" in page.replace("&quot;", '"')
    assert yaml.safe_load((root / "eval.yaml").read_text("utf-8"))["name"] == f"{title} 1.0"
    assert verify(root, jobs=1).ok


def test_a_tree_with_the_name_of_earlier_versions_verifies(small: Small) -> None:
    """They called every build MediMeta-C in eval.yaml."""
    root = build(small()).root
    path = root / "eval.yaml"
    path.write_text(path.read_text("utf-8").replace("name: rays 1.0", "name: MediMeta-C 1.0"), "utf-8")
    assert "name: MediMeta-C 1.0" in path.read_text("utf-8")
    assert verify(root, jobs=1).ok


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_build_goes_to_the_slug_of_its_title(here: Path, clean_dir: Path) -> None:
    """The core suite's datasets to MediMeta-C; others to a folder of their own title."""
    own = {"data_dir": clean_dir, "source": "imagefolder"}
    assert default_out(["rays"], **own) == Path("rays")
    assert default_out(["rays", "cells"], **own) == Path("cells-and-rays")
    assert default_out(["all"], data_dir=here, source="phantoms") == Path("medimeta-c-phantoms")
    for name in ("pbc", "octmnist"):
        (here / "data" / name).mkdir(parents=True)
        (here / f"data/{name}.npz").touch()
    assert default_out(["pbc"], data_dir=here / "data") == Path("MediMeta-C")
    assert default_out(["octmnist"], data_dir=here / "data") == Path("medmnist-corrupted")
    clinical = {"suite": "clinical", "data_dir": here / "data"}
    assert default_out(["pbc"], **clinical) == Path("MediMeta-C-clinical")
    assert default_out(["pbc"], **clinical, source="phantoms") == Path("medimeta-c-clinical-phantoms")


def test_the_title_is_that_of_the_notes(here: Path) -> None:
    """No picture has been looked at yet; a folder that is the dataset itself has notes too."""
    (here / "slides/a").mkdir(parents=True)
    (here / "slides/info.yaml").write_text("title: Our Slides (2026)\n")
    asked = {"source": "imagefolder", "data_dir": here}
    assert default_out(["slides"], **asked) == Path("our-slides-2026")
    whole = {**asked, "data_dir": here / "slides"}
    assert default_out(["mine"], **whole, data_is_dataset=True) == Path("our-slides-2026")


@pytest.mark.parametrize("data", [".", "rays"])
def test_a_build_never_goes_into_the_data(here: Path, clean_dir: Path, data: str) -> None:
    """Where the dataset's folder has the title's name itself, the benchmark's gets two letters more."""
    (here / "rays").symlink_to(clean_dir / "rays")
    assert default_out(["rays"], data_dir=Path(data), source="imagefolder") == Path("rays-c")


def test_what_was_begun_in_medimeta_c_goes_on_there(here: Path, small: Small) -> None:
    """Every build went there by default once; a command given again finds its sets."""
    config = small(out=here / "MediMeta-C")
    options = ["--source", "imagefolder", "--data", str(config.data_dir), "--severity", "1", "--jobs", "1"]
    command = ["build", "--dataset", "rays", "--corruption", "contrast", *options]
    build(config)
    result = RUNNER.invoke(app, command)
    assert "MediMeta-C: 0 sets built, 2 kept" in result.stdout, result.output
    # Another dataset does not join it, nor does one of the same name that is other data.
    assert default_out(["cells"], data_dir=config.data_dir, source="imagefolder") == Path("cells")
    assert default_out(["all"], data_dir=here, source="phantoms") == Path("medimeta-c-phantoms")
    # Nor does what has been built under its own name meanwhile.
    build(dataclasses.replace(config, out=here / "rays"))
    assert default_out(["rays"], data_dir=config.data_dir, source="imagefolder") == Path("rays")


def test_an_unfinished_build_in_medimeta_c_goes_on_there(here: Path, small: Small) -> None:
    """Its state says what it is of; a damaged one is nobody's place, and stops nobody."""
    config = small(out=here / "MediMeta-C")
    root = build(config).root
    (root / "manifest.json").rename(root / ".medimeta-c" / "manifest.json")
    asked = {"data_dir": config.data_dir, "source": "imagefolder"}
    assert default_out(["rays"], **asked) == Path("MediMeta-C")
    (root / ".medimeta-c" / "manifest.json").write_text("{}")
    assert default_out(["rays"], **asked) == Path("rays")


def test_a_part_with_a_refused_title_begins_nothing(small: Small) -> None:
    """What may be no title of the whole is refused before there is a folder."""
    config = small(title="MediMeta-C", part="1/2")
    with pytest.raises(ConfigError, match=r"the title 'MediMeta-C' is not for rays"):
        build(config)
    assert not config.out.exists()
