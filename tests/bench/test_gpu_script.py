"""`scripts/bench/gpu.py`, prepared for a machine that is seldom at hand: here every part runs on the CPU."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

for needed in ("open_clip", "sklearn", "timm", "transformers"):
    pytest.importorskip(needed, reason=f"needs {needed}, which the extra evaluate brings")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


@pytest.fixture
def dry(work: Path) -> Any:
    setting = import_module("gpu_parts").Setting(work, seconds=1, dry_run=True)
    if not (work / "benchmark").exists():
        import_module("gpu_parts").data(setting)
    return setting


def test_parts_of_a_dry_run_have_the_figures_of_the_table(dry: Any) -> None:
    parts = import_module("gpu_parts")
    script = import_module("gpu")
    found = [
        (part, parts.PARTS[part.name](dry, *part.arguments))
        for part in script.PARTS
        if part.title not in ("data", "evaluate ViT-B-16 bf16", "evaluate ViT-L-14 fp32", "finetune fp32")
    ]
    text = script.table(found)
    assert text.count("| ViT-") == 2
    assert "| bf16 | 4 | 4 |" in text  # fine-tuning
    assert "batch of 4" in text
    assert "became 2," in text
    assert "8 of 8 predictions are equal" in text
    for part, one in found:
        if part.name == "evaluate":
            assert one["images"] >= 8
            assert one["of_bare"] > 0
            assert 0 <= one["waits"] < 1


def test_a_part_that_fails_is_named_and_the_other_figures_stay() -> None:
    script = import_module("gpu")
    built, tuned = script.Part("data", (), 1), script.Part("finetune", ("fp32",), 1)
    text = script.table([(built, {"images": 5, "seconds": 1.0}), (tuned, {"failed": "no memory"})])
    assert "5 images built" in text
    assert "`finetune fp32` failed: no memory" in text


def test_a_part_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    script = import_module("gpu")
    failed = script.measured(script.Part("data", (), 90), tmp_path, 0.05, dry_run=True)
    assert failed == {"failed": "it took more than 0 s"}


def test_a_part_that_is_no_part_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = import_module("gpu")
    (tmp_path / "gpu_parts.py").write_text("raise SystemExit('no such device')")
    monkeypatch.setattr(script, "HERE", tmp_path)
    assert script.measured(script.PARTS[0], tmp_path, 60, dry_run=True) == {"failed": "no such device"}


def test_all_parts_fit_their_time() -> None:
    script = import_module("gpu")
    assert sum(part.seconds for part in script.PARTS) <= script.LIMIT_S < 480


def test_wheels_are_pinned_to_releases_that_the_package_accepts() -> None:
    from packaging.requirements import Requirement

    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    tomllib = pytest.importorskip(name, reason="needs Python 3.11, or tomli: pip install tomli")
    script = import_module("gpu")
    project = tomllib.loads((script.ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["evaluate"]]
    wanted = {one.name.replace("_", "-"): one.specifier for one in map(Requirement, texts)}
    lines = [line for line in (script.HERE / "gpu-wheels.txt").read_text().splitlines() if line[0] != "#"]
    for line in lines:
        name, _, version = line.partition("==")
        assert version, line
        assert version in wanted.get(name.replace("_", "-"), Requirement("any>=0").specifier), line
