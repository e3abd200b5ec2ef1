"""Every recipe of docs/extending.md works as a separate package, from the build to the board."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipe_shell import Shell

pytestmark = pytest.mark.slow

BUILD = ("build", "--source", "twofiles", "--dataset", "photos", "--jobs", 2)
CAST = ("--corruption", "colour_cast,contrast")
PLUGINS = [
    {"name": "colour_cast", "distribution": "my-plugins", "version": "1.2.0"},
    {"name": "twofiles", "distribution": "my-plugins", "version": "1.2.0"},
]


def read(path: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads(path.read_text())
    return values


@pytest.fixture(scope="module")
def built(shell: Shell) -> Path:
    """A build by two processes of the source and the corruption of the recipes."""
    shell(*BUILD, *CAST, "--out", "photos-c")
    return shell.folder / "photos-c"


@pytest.fixture(scope="module")
def scored(shell: Shell, built: Path) -> Path:
    """The recipes' model, asked with their template set, scored by their metric too."""
    shell(
        *("evaluate", "--model", "colours:mean", "--benchmark", built, "--prompts", "short"),
        *("--metrics", "worst_group_error", "--baseline", "none", "--out", "results"),
    )
    (result,) = (shell.folder / "results").glob("*/*/result.json")
    return result.parent


def test_help_lists_what_is_registered(shell: Shell) -> None:
    """Names are listed without importing the package, and not without it."""
    listed = shell("build", "--help") + shell("evaluate", "--help")
    for name in ("colour_cast", "twofiles", "worst_group_error", "short"):
        assert name in listed
    assert "colours" in shell("evaluate", "--help")
    assert "twofiles" not in shell("build", "--help", plugins=False)
    broken = "import sys; sys.modules['my_source'] = None; sys.argv[1:] = ['build', '--help']; "
    assert "twofiles" in shell.python("-c", broken + "from medimeta_c.cli import main; main()")


def test_a_build_records_what_took_part(built: Path) -> None:
    """The manifest is of schema 2 and names distribution and version."""
    manifest = read(built / "manifest.json")
    assert manifest["schema_version"] == 2
    assert manifest["plugins"] == PLUGINS
    assert "two files" in (built / "README.md").read_text()


@pytest.mark.filterwarnings("default")
def test_one_fingerprint_on_either_engine(shell: Shell, built: Path) -> None:
    """Dask's workers find the package as loky's do, and render the same pixels."""
    pytest.importorskip("distributed", reason="needs the dask extra")
    shell(*BUILD, *CAST, "--engine", "dask", "--out", "by-dask")
    found = read(shell.folder / "by-dask" / "manifest.json")["fingerprint"]
    assert found == read(built / "manifest.json")["fingerprint"]


def test_verification_renders_again(shell: Shell, built: Path) -> None:
    shell("verify", built, "--rebuild", 2)


def test_the_suite_stays_what_it_was(shell: Shell) -> None:
    """A corruption that is merely registered is not part of `all`."""
    shell(*BUILD, "--severity", "1", "--out", "plain")
    manifest = read(shell.folder / "plain" / "manifest.json")
    sets = manifest["sets"]
    assert isinstance(sets, list)
    assert "colour_cast" not in {record["corruption"] for record in sets}
    assert [plugin["name"] for plugin in manifest["plugins"]] == ["twofiles"]  # type: ignore[attr-defined]


def test_a_result_names_its_metric_prompts_and_model(scored: Path) -> None:
    """Each cell has the metric: undefined, with its reason, where a benchmark knows no groups."""
    result = read(scored / "result.json")
    assert {plugin["name"] for plugin in result["plugins"]} >= {"worst_group_error"}  # type: ignore[attr-defined]
    assert result["run"]["prompts"]["name"] == "short"  # type: ignore[index]
    cells = result["scores"]["cells"]  # type: ignore[index]
    assert all("together" in cell["metrics"]["worst_group_error"]["reason"] for cell in cells)
    assert "Worst group" in (scored / "report.md").read_text()


def test_a_metric_gets_the_groups_that_a_benchmark_knows(shell: Shell) -> None:
    """Patients of a metadata.csv become groups, and the worst patient's error a number of every cell."""
    folder = shell.folder / "data" / "slides"
    folder.mkdir(parents=True)
    pixels = np.load(shell.folder / "data" / "photos" / "images.npy")
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{index}.png")
    lines = [
        f"{index}.png,{('dark', 'light')[index % 2]},patient {index // 4}" for index in range(len(pixels))
    ]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label,patient", *lines]) + "\n")
    build = ("build", "--source", "imagefolder", "--dataset", "slides", "--corruption", "contrast")
    shell(*build, "--severity", 1, "--jobs", 1, "--out", "slides-c")
    shell(
        *("evaluate", "--model", "colours:mean", "--benchmark", "slides-c", "--baseline", "none"),
        *("--metrics", "worst_group_error", "--out", "slides-results"),
    )
    (path,) = (shell.folder / "slides-results").glob("*/*/result.json")
    cells = read(path)["scores"]["cells"]  # type: ignore[index]
    for cell in cells:
        assert cell["metrics"]["worst_group_error"]["value"] >= 1 - cell["top1"]["value"]


def test_the_board_computes_it_again(shell: Shell, built: Path, scored: Path) -> None:
    """A submission is accepted and shown where the package is, and refused by name where it is not."""
    submitted = shell.folder / "board" / "results" / "us" / "mean-colour" / scored.name
    submitted.mkdir(parents=True)
    for name in ("result.json", "predictions.parquet"):
        (submitted / name).write_bytes((scored / name).read_bytes())
    (submitted / "submission.yaml").write_text(SUBMISSION)
    board = shell.folder / "board"
    shell("leaderboard", "accept", built, "--partial", "--accepted", board / "accepted.yaml")
    shell("leaderboard", "validate", board)
    shell("leaderboard", "build", board, "--out", "site", "--baseline", "none")
    pages = [path.read_text() for path in (shell.folder / "site" / "models").glob("*.html")]
    assert sum("Worst group" in page for page in pages) == 1  # ours, beside the paper's
    refused = shell("leaderboard", "validate", board, plugins=False, code=1)
    assert "worst_group_error" in refused
    assert "my-plugins 1.2.0" in refused


def test_the_figure_is_drawn(shell: Shell, scored: Path) -> None:
    shell("figures", "--results", "results", "--only", "error_bars", "--out", "figures")
    assert (shell.folder / "figures" / "error_bars.csv").read_text().startswith("model,clean_error")
    assert (shell.folder / "figures" / "error_bars.png").stat().st_size > 1000


def test_without_the_package_its_distribution_is_named(shell: Shell, built: Path) -> None:
    """The built benchmark stays readable; what needs the package says which one, in which version."""
    shell("verify", built, plugins=False)
    said = shell("verify", built, "--rebuild", 1, plugins=False, code=1)
    assert "my-plugins 1.2.0" in said
    assert len(said.strip().splitlines()) == 1


def test_a_name_that_is_taken_names_both(
    shell: Shell, install: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Two distributions under one name, or one of ours, are one sentence."""
    project = tmp_path / "other"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "other-plugins"\nversion = "0.1"\n'
        '[project.entry-points."medimeta_c.corruptions"]\ncolour_cast = "json:loads"\n'
        "[tool.setuptools]\npy-modules = []\n"
    )
    both = Shell(shell.folder, install(project))
    arguments = ["corrupt", "a.png", "--corruption", "colour_cast", "--severity", "1", "--out", "o"]
    script = f"import sys; sys.path.append({str(shell.site)!r}); sys.argv[1:] = {arguments}; "
    script += "from medimeta_c.cli import main; main()"
    said = both.python("-c", script, code=1)
    assert "'colour_cast' is registered by my-plugins and by other-plugins" in said


SUBMISSION = """\
schema_version: 1
name: Mean colour
organisation: Us
contact: someone@example.org
third_party: false
backbone: none
adaptation: base
training_data:
  kind: general
  description: none at all
  overlap: none
  statement: It was never trained on any image at all.
code: https://example.org/code
statements:
  not_chosen_on_test: true
  may_be_published: true
"""
