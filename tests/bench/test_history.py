"""`scripts/bench/history.py` and ratios/: which ratios moved, and how they are read from tables."""

import statistics
import subprocess
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

results = pytest.importorskip("asv.results", reason="needs asv: pip install asv")

TABLE = """
| corruption | ours, ms | reference, ms | ratio |
|---|---:|---:|---:|
| zoom_blur | 2.00 | 50.0 | 25.0 |
<!-- wanted: 2 -->
| **all** | 4.00 | 8.0 | **2.0** |

| dataset | set | bytes |
|---|---|---:|
| pbc | clean | 4 |

| dataset | set | ratio | kB |
|---|---|---:|---:|
| pbc | clean | 4 | 60 |
"""


def save(history: Path, commit: str, date: int, share: float) -> None:
    """Keep one commit's ratio, as asv does."""
    one = results.Results({"machine": "here"}, {}, commit * 40, date, "3.11", "existing-py", {})
    benchmark = {"name": "corruptions.Corruptions.track_share", "version": "1", "params": [["'zoom_blur'"]]}
    found = import_module("asv.runner").BenchmarkResult([share], [None], [None], 0, "", None)
    one.add_result(benchmark, found)
    one.save(str(history))
    (history / "here/machine.json").write_text('{"machine": "here", "version": 1}')


def test_ratios_are_read_from_every_table_that_has_them() -> None:
    read = import_module("ratios.tables").ratios
    assert read(TABLE) == {"zoom_blur": 0.04, "all": 0.5, "pbc clean": 0.25}
    assert read(TABLE, "kB") == {"pbc clean": 1 / 60}


@settings(deadline=None)  # the first example imports asv
@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=8), st.floats(0, 0.099))
def test_a_ratio_within_a_tenth_of_the_usual_did_not_move(before: list[float], share: float) -> None:
    ratio = import_module("history").Ratio("one", (1 + share) * statistics.median(before), tuple(before))
    assert not ratio.moved(0.1)


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        ((), 1.0, False),
        ((0.50,), 0.54, False),  # less than a tenth
        ((0.50,), 0.56, True),
        ((0.50, 0.51, 0.49), 0.40, True),
        ((0.3, 0.5, 0.7), 0.9, False),  # it has always varied as much
    ],
)
def test_a_ratio_moved_if_it_is_beyond_a_tenth_and_beyond_noise(
    before: tuple[float, ...], now: float, moved: bool
) -> None:
    assert import_module("history").Ratio("one", now, before).moved(0.1) is moved


def test_the_last_commit_is_compared_with_those_before(tmp_path: Path) -> None:
    report: Any = import_module("history").report
    save(tmp_path, "b", 2, 0.05)
    save(tmp_path, "a", 1, 0.04)
    assert list(report(tmp_path, 0.1)) == [
        "here, bbbbbbbb (commits before it: 1)",
        "  slower corruptions.Corruptions.track_share zoom_blur: 0.050, before 0.040 within 0.000",
    ]
    assert list(report(tmp_path, 0.5))[1:] == ["  nothing moved"]


def test_what_is_measured_is_kept_with_commit_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = import_module("history")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path))
    for command in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run([*git, *command], check=True)
    config = (history.HERE / "asv.conf.json").read_text()
    (tmp_path / "asv.conf.json").write_text(config.replace('../.."', f'{tmp_path}"'))
    (tmp_path / "ratios").mkdir()
    (tmp_path / "ratios/__init__.py").touch()
    (tmp_path / "ratios/one.py").write_text("def track_share():\n    return 0.25\n")
    monkeypatch.setenv("HOME", str(tmp_path))  # where asv notes the machine
    monkeypatch.setattr(history, "HERE", tmp_path)
    monkeypatch.setattr(history, "HISTORY", tmp_path / ".asv")
    history.measure()
    (found,) = results.iter_results(str(tmp_path / ".asv"))
    assert history.values(found) == {"one.track_share": 0.25}
    assert found.params["numpy"] == version("numpy")
    assert [line.strip() for line in history.report(tmp_path / ".asv", 0.1)][1:] == [
        "new    one.track_share: 0.250"
    ]


def test_a_history_without_ratios_says_what_to_do(tmp_path: Path) -> None:
    (line,) = import_module("history").report(tmp_path, 0.1)
    assert line.endswith("holds no ratios: run this with `measure`")
