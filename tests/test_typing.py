"""What a type checker sees of `import medimeta_c`: what may be passed, and what comes out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]

PROGRAM = """
from pathlib import Path
import medimeta_c as mc

config = mc.BuildConfig(datasets="pbc", out="small", corruptions=["contrast"], severities=3, data_dir=Path())
reveal_type(config.datasets)  # tuple[str | Source, ...]
reveal_type(config.out)  # Path
reveal_type(config.severities)  # tuple[int, ...] | None
scored = mc.EvaluateConfig(model="a/b", benchmark=Path("small"), metrics="brier", baseline=Path("result"))
reveal_type(scored.benchmark)  # str
reveal_type(mc.open_benchmark(Path("small"))["pbc", "contrast", 3])  # ImageSet
reveal_type(mc.compare(["a", Path("b")]))  # Comparison
mc.BuildConfig(datasets=3, out="small")  # error
mc.verify(3)  # error
mc.nonsense  # error
"""


@pytest.mark.slow
def test_a_type_checker_knows_what_goes_in_and_comes_out(tmp_path: Path) -> None:
    """Each commented line has the type, or the error, that its comment says; no other line has any."""
    pytest.importorskip("mypy", reason="needs the 'dev' extra")
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(path)],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {}
    for line in done.stdout.splitlines():
        if match := re.search(r"program\.py:(\d+): (note|error): (.*)", line):
            text = match[3].removeprefix("Revealed type is ").strip('"')
            found[int(match[1])] = "error" if match[2] == "error" else re.sub(r"\b(\w+\.)+(?=\w)", "", text)
    wanted = {
        number: line.partition("# ")[2]
        for number, line in enumerate(PROGRAM.splitlines(), start=1)
        if "# " in line
    }
    assert found == wanted, done.stdout
