"""Formats never change unnoticed: what is written today is what scripts/golden_files.py wrote once."""

from __future__ import annotations

import difflib
import json
import math
import runpy
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "golden_files.py"))
FORMATS: Path = SCRIPT["FORMATS"]
_SHOWN = 200
MODELS = ("torch", "open_clip", "transformers")

needs_models = pytest.mark.skipif(
    any(find_spec(name) is None for name in MODELS), reason="needs the 'evaluate' extra"
)


def differences(golden: str, made: str, name: str) -> str:
    """What changed from one text to the other, as a diff; empty if nothing did."""
    lines = difflib.unified_diff(
        golden.splitlines(), made.splitlines(), f"golden {name}", f"made {name}", n=2
    )
    shown = list(lines)
    return "\n".join(shown[:200]) or ("" if golden == made else f"{name}: other line ends")


def settled(golden: Any, made: Any) -> Any:
    """JSON values as made, but the golden number where the two differ in the last digits of arithmetic."""
    if isinstance(golden, dict) and isinstance(made, dict):
        return {key: settled(golden.get(key), value) for key, value in made.items()}
    if isinstance(golden, list) and isinstance(made, list) and len(golden) == len(made):
        return [settled(one, other) for one, other in zip(golden, made, strict=True)]
    if isinstance(golden, float) and isinstance(made, float):
        return golden if math.isclose(golden, made, rel_tol=1e-9, abs_tol=1e-12) else made
    return made


def described(path: Path) -> str:
    """A Parquet file as text: columns, row groups, compression, metadata, and every row."""
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        head = [f"metadata {file.schema_arrow.metadata}"]
        head += [f"row group: {group.num_rows} rows, {group.column(0).compression}" for group in groups]
    return "\n".join([*head, SCRIPT["predictions_csv"](path).decode()])


@pytest.fixture(scope="module")
def phantoms_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where phantoms are drawn, once for all tests."""
    return tmp_path_factory.mktemp("phantoms")


@pytest.fixture
def unchanged(phantoms_dir: Path, tmp_path: Path) -> Callable[[str], None]:
    """Write a part of the golden files anew, elsewhere, and compare each file with the golden one."""

    def check(part: str) -> None:
        work = tmp_path / "work"
        work.mkdir()
        make: Callable[[Path, Path], dict[str, bytes]] = SCRIPT["PARTS"][part]
        for name, content in make(work, phantoms_dir).items():
            golden = FORMATS / name
            assert golden.is_file(), f"{name} was never written before"
            if name.endswith(".parquet"):
                made = tmp_path / "made.parquet"
                made.write_bytes(content)
                changes = differences(described(golden), described(made), name)
            elif name.endswith(".safetensors"):
                changes = "" if content == golden.read_bytes() else f"{name} has other tensors"
            else:
                held, text = golden.read_text(encoding="utf-8"), content.decode()
                if name.endswith(".json"):
                    text = SCRIPT["laid_out"](settled(json.loads(held), json.loads(text)))
                changes = differences(held, text, name)
            if changes:
                pytest.fail(changes, pytrace=False)

    return check


@pytest.mark.slow
def test_manifest_of_phantoms(unchanged: Callable[[str], None]) -> None:
    """Every dataset, set, row digest, spectrum and fingerprint, and the tasks in eval.yaml."""
    unchanged("phantoms")


@pytest.mark.slow
def test_manifest_of_real_images(sample_dir: Path, unchanged: Callable[[str], None]) -> None:
    """The same of real images, with the checksum of the files read."""
    unchanged("sample")


@needs_models
def test_results_and_predictions(unchanged: Callable[[str], None]) -> None:
    """A result without baseline and one that divides by it: every number, interval, reason and row."""
    unchanged("results")


@needs_models
@pytest.mark.slow
def test_submission_accepted_list_and_board(unchanged: Callable[[str], None]) -> None:
    """Results against the published figures, as submissions; and the data of the pages built from them."""
    unchanged("leaderboard")


@needs_models
def test_adapter_few_shot_images_and_ablation(unchanged: Callable[[str], None]) -> None:
    """Names and order of tensors, the record beside them, the images trained on, the table over seeds."""
    unchanged("adapter")


def test_only_what_varies_is_blanked() -> None:
    """Versions, the machine, and compressed bytes go; paths, rows and digests of pixels stay."""
    shard = {"path": "data/a.parquet", "bytes": 3, "sha256": "ab", "rows": 2}
    values: dict[str, Any] = {
        "package_version": "0.1.0",
        "libraries": {"numpy": "2.0"},
        "sets": [{"rows_sha256": "cd", "shards": [shard]}],
        "score": 1 / 3,
    }
    assert SCRIPT["blanked"](values) == {
        "package_version": "(blank)",
        "libraries": {"(blank)": "(blank)"},
        "sets": [
            {
                "rows_sha256": "cd",
                "shards": [{"path": "data/a.parquet", "bytes": "(blank)", "sha256": "(blank)", "rows": 2}],
            }
        ],
        "score": 0.333333333333,
    }


def test_another_layout_is_not_hidden(tmp_path: Path) -> None:
    """A file whose values are the same and whose spaces are not is refused, not laid out again."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"a": 1}, indent=2), encoding="utf-8")
    with pytest.raises(ValueError, match="not laid out"):
        SCRIPT["blanked_json"](path)
