"""The script for SLURM: an array of parts and a merge, on a real cluster of one node and without one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm_cluster import slurm
from trees import tree

from medimeta_c.building.build import BuildConfig, build

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SLURM and its scripts are for Linux")
SCRIPT = Path(__file__).parents[2] / "scripts/slurm/build.sbatch"


@pytest.fixture
def told(clean_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of the build; `medimeta-c` is that of this Python, and the current folder a new one."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    told = ["--dataset", "rays", "--source", "imagefolder", "--data", str(clean_dir), "--quiet"]
    return [*told, "--corruption", "contrast", "--severity", "1,3", "--out", "merged"]


@pytest.fixture
def undivided(build_config: Callable[..., BuildConfig]) -> dict[str, str]:
    """Digest of every file of the same build on one machine."""
    config = build_config(datasets="rays", corruptions="contrast", severities=(1, 3))
    build(config)
    return tree(config.out)


@pytest.mark.slow
def test_an_array_and_a_merge_on_a_cluster(
    told: list[str], undivided: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The commands of docs/scale.md: the merge waits for all parts."""
    with slurm(tmp_path_factory.mktemp("slurm")) as environment:
        sbatch = [environment["SBATCH"], "--parsable", "--cpus-per-task=1", "--mem-per-cpu=100"]
        array = [*sbatch, "--array=1-2", str(SCRIPT), "2", *told]
        job = subprocess.run(array, env=environment, check=True, capture_output=True, text=True).stdout
        merge = [*sbatch, f"--dependency=afterok:{job.strip()}", "--wait", "--output=merge.log"]
        merge += ["--wrap", "medimeta-c merge merged && medimeta-c verify merged --jobs 1"]
        done = subprocess.run(
            merge, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    logs = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.log")}
    assert done.returncode == 0, (done.stderr, logs)
    assert sorted(logs) == [f"medimeta-c-{job.strip()}_1.log", f"medimeta-c-{job.strip()}_2.log", "merge.log"]
    assert "3 sets, 24 images, all match the manifest" in logs["merge.log"]
    assert tree(tmp_path / "merged") == undivided


@pytest.mark.slow
def test_the_script_takes_its_part_from_the_array(
    told: list[str], undivided: dict[str, str], tmp_path: Path
) -> None:
    """As SLURM runs it, in whatever order."""
    for number in ("2", "1"):
        environment = {**os.environ, "SLURM_ARRAY_TASK_ID": number, "SLURM_CPUS_PER_TASK": "1"}
        subprocess.run(["bash", str(SCRIPT), "2", *told], env=environment, check=True)
    subprocess.run(["medimeta-c", "merge", "merged"], check=True, capture_output=True)
    assert tree(tmp_path / "merged") == undivided


@pytest.mark.parametrize(
    ("arguments", "message"), [([], "give the number of parts"), (["4"], "sbatch --array=1-4")]
)
def test_outside_an_array_it_says_how_to_submit_it(arguments: list[str], message: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_ARRAY_TASK_ID"}
    done = subprocess.run(
        ["bash", str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert message in done.stderr
