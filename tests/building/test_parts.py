"""Parts of a build: each is built apart, resumed and refused where it does not belong."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_source import FakeSource
from hypothesis import given
from hypothesis import strategies as st
from parted_builds import FEW, config, everything
from typer.testing import CliRunner

import medimeta_c
from medimeta_c.building.build import BuildConfig, build, preview
from medimeta_c.building.merge import merge
from medimeta_c.building.parts import beginning
from medimeta_c.building.parts.division import rows_of_part
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ConfigError, ManifestError
from medimeta_c.format import png
from medimeta_c.format.keys import SetKey
from medimeta_c.format.parts import part_folder
from medimeta_c.io.files import write_atomic
from medimeta_c.sources.folders import ids
from medimeta_c.sources.folders.ids import ids_key


@given(
    rows=st.dictionaries(
        st.builds(SetKey, st.sampled_from("abc"), st.just("test"), st.just("contrast"), st.integers(1, 5)),
        st.integers(1, 720),
        min_size=1,
        max_size=9,
    ),
    of=st.integers(1, 12),
)
def test_every_row_is_in_exactly_one_part(rows: Mapping[SetKey, int], of: int) -> None:
    """In order, cut at multiples of 100 and only where there are fewer sets than parts."""
    parts = [rows_of_part(rows, number, of) for number in range(1, of + 1)]
    for key, count in rows.items():
        pieces = [part[key] for part in parts if key in part]
        assert list(itertools.chain(*pieces)) == list(range(count))
        assert all(piece.start % 100 == 0 for piece in pieces)
        assert len(pieces) == 1 or len(rows) < of


class TestAPartIsNoBenchmark:
    """What reads benchmarks says that it is a part, and to merge."""

    @pytest.mark.parametrize(
        "command",
        [
            ["verify"],
            ["push", "--repo", "org/name"],
            ["evaluate", "--model", "python:nothing:here", "--benchmark"],
        ],
        ids=lambda command: command[0],
    )
    @pytest.mark.parametrize("inner", [False, True])
    def test_on_the_command_line(self, second: Path, command: list[str], inner: bool) -> None:
        folder = part_folder(second, 2, 5) if inner else second
        first, *more = command
        words = [first, *more, str(folder)] if more[-1:] == ["--benchmark"] else [first, str(folder), *more]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 1
        assert result.stderr == (
            f"medimeta-c: {folder} is not a whole benchmark but part 2 of 5 of a build: merge all parts with "
            "`medimeta-c merge`\n"
        )

    def test_in_python(self, second: Path) -> None:
        with pytest.raises(ManifestError, match="not a whole benchmark but part 2 of 5"):
            medimeta_c.open_benchmark(second)

    def test_no_loader_finds_a_shard(self, second: Path) -> None:
        """Everything is in a hidden folder."""
        assert [path.name for path in second.iterdir()] == [".medimeta-c"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another number": ({"part": "1/3"}, "with the number of parts 2, this build has 3"),
    "another seed": ({"seed": 1}, "with seed 0, this build has 1"),
    "another suite": ({"suite": "imagenet_c", "corruptions": "fog"}, "with the suite core"),
    "a trial": ({"limit": 2}, "with limited None, this build has 2"),
    "other data": ({"datasets": (FEW, FakeSource(dataset="oct", channels=1, shape=(9, 9)))}, "oct checksum"),
    "other sets": ({"severities": (1,)}, "holds parts of a build of other sets"),
    "no part": ({"part": None}, "holds a build of 2 parts: merge its parts"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parts_of_another_build_are_refused_in_one_directory(tmp_path: Path, case: str) -> None:
    """Before anything is rendered."""
    changes, message = REFUSED[case]
    build(config(tmp_path, part="2/2"))
    before = everything(tmp_path)
    with pytest.raises(BuildError, match=message):
        build(config(tmp_path, **{"part": "1/2", **changes}))
    assert everything(tmp_path) == before


def test_a_benchmark_takes_no_single_part(whole: Path) -> None:
    before = everything(whole)
    with pytest.raises(BuildError, match="holds a benchmark, to which parts of a build are not added"):
        build(config(whole, part="1/2"))
    assert everything(whole) == before


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2", "01/2", " 1/2"])
def test_a_part_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="not valid: give `part` as i/n, with i from 1 to n"):
        config(tmp_path, part=text)


def test_the_same_part_is_built_once_at_a_time_and_others_beside_it(tmp_path: Path) -> None:
    """Each part has a lock of its own."""
    out = tmp_path / "out"

    def meanwhile(now: object) -> None:
        with pytest.raises(BuildError, match=r"another build is writing to .*1-of-2"):
            build(config(out, part="1/2"))
        build(config(out, part="2/2"))
        with pytest.raises(BuildError, match=r"part 1 of 2 in .* is not finished"):
            merge(out, out)

    build(config(out, part="1/2"), on_progress=lambda now: None if now.sets_done != 1 else meanwhile(now))
    merge(out, out)


KILLED = """
import os, signal, sys
from pathlib import Path
from medimeta_c.building.build import build
from parted_builds import config
build(config(Path(sys.argv[1]), part="1/2"),
      on_progress=lambda now: now.sets_done == 2 and os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_part_resumes(whole: Path, tmp_path: Path) -> None:
    """Finished sets are kept, and the merged bytes are the same."""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(out)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    build(config(out, part="2/2"))
    with pytest.raises(BuildError, match=r"part 1 of 2 in .* is not finished: run its build again"):
        merge(out, out)
    assert sum(split.kept for split in preview(config(out, part="1/2")).splits) == 2
    report = build(config(out, part="1/2"))
    assert (len(report.built), len(report.kept)) == (3, 2)
    merge(out, out)
    assert everything(out) == everything(whole)


def test_two_parts_that_start_together_use_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second to write it takes the first one's."""
    others = []

    def meanwhile(*arguments: Any, **more: Any) -> None:
        monkeypatch.undo()
        others.append(ids_key(tmp_path / "ids", new=True))
        write_atomic(*arguments, **more)

    monkeypatch.setattr(ids, "write_atomic", meanwhile)
    assert [ids_key(tmp_path / "ids", new=True)] == others
    assert [path.name for path in (tmp_path / "ids").iterdir()] == ["key"]


def test_parts_keep_to_the_encoder_that_the_first_one_chose(
    build_config: Callable[..., BuildConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a later part's machine would choose."""
    out = tmp_path / "out"
    monkeypatch.setattr(beginning, "preferred_encoder", lambda: png.OPENCV)
    build(build_config(out=out, severities=(3,), part="1/2"))
    monkeypatch.setattr(beginning, "preferred_encoder", lambda: png.COMPILED)
    build(build_config(out=out, severities=(3,), part="2/2"))
    merged = merge([out], out).manifest
    assert merged.encoder == png.OPENCV
    assert {record.encoder for record in merged.sets} == {None}
