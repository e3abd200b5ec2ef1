"""Merges that are refused: a sentence names the file, and nothing looks finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parted_builds import config
from typer.testing import CliRunner

from medimeta_c.building.build import build
from medimeta_c.building.merge import merge
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ManifestError
from medimeta_c.format.parts import part_folder


class TestMergeRefuses:
    """A sentence that names the file, and nothing that looks finished."""

    @pytest.fixture
    def outs(self, tmp_path: Path) -> list[Path]:
        for number in (1, 2):
            build(config(tmp_path / f"p{number}", part=f"{number}/2"))
        return [tmp_path / "p1", tmp_path / "p2"]

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda path: path.write_bytes(path.read_bytes()[:-9]), "bytes, not"),
            (lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]), "its SHA-256 differs"),
            (lambda path: path.unlink(), "it is missing"),
        ],
        ids=["truncated", "changed", "missing"],
    )
    def test_a_damaged_shard(
        self, outs: list[Path], tmp_path: Path, damage: Callable[[Path], None], message: str
    ) -> None:
        shard = sorted(outs[1].rglob("*.parquet"))[2]
        damage(shard)
        with pytest.raises(BuildError, match=message) as caught:
            merge(outs, tmp_path / "out")
        assert str(caught.value).startswith(f"{shard} is not what part 2 of 2 wrote (")
        assert not (tmp_path / "out/manifest.json").exists()

    def test_an_edited_manifest(self, outs: list[Path], tmp_path: Path) -> None:
        path = part_folder(outs[1], 2, 2) / "manifest.json"
        path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
        with pytest.raises(ManifestError, match=f"{path} was edited"):
            merge(outs, tmp_path / "out")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seed": 1}, "its seed is 1, not 0"),
            ({"part": "2/3"}, "its number of parts is 3, not 2"),
            ({"title": "Another"}, "its title is 'Another', not None"),
            ({"severities": (1, 2)}, "its list of sets is "),
        ],
        ids=repr,
    )
    def test_a_part_of_another_build(
        self, outs: list[Path], tmp_path: Path, changes: dict[str, Any], message: str
    ) -> None:
        build(config(tmp_path / "other", **{"part": "2/2", **changes}))
        with pytest.raises(BuildError, match=f"other/.*manifest.json is of another build than .*: {message}"):
            merge([outs[0], tmp_path / "other"], tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_missing_parts(self, tmp_path: Path) -> None:
        build(config(tmp_path / "p", part="3/5"))
        with pytest.raises(BuildError, match=r"4 of the 5 parts of this build are missing \(1, 2, 4, 5\)"):
            merge(tmp_path / "p", tmp_path / "out")

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda path: None, "is no directory"),
            (lambda path: path.mkdir(), "holds no part of a build"),
            (lambda path: build(config(path)), "is a whole benchmark"),
        ],
        ids=["nothing", "empty", "whole"],
    )
    def test_what_is_no_part(self, tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
        make(tmp_path / "p")
        with pytest.raises(BuildError, match=message):
            merge(tmp_path / "p", tmp_path / "out")

    def test_a_folder_in_the_directory(self, second: Path, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=f"2-of-5 is one part's own folder: give {second}"):
            merge(part_folder(second, 2, 5), tmp_path / "out")

    def test_parts_that_are_left_out(self, outs: list[Path]) -> None:
        with pytest.raises(BuildError, match="p2 holds parts of a build, too"):
            merge([outs[0]], outs[1])

    def test_no_directory_on_the_command_line(self, outs: list[Path]) -> None:
        result = CliRunner().invoke(app, ["merge", *map(str, outs)])
        assert (result.exit_code, "are merged: give --out" in result.stderr) == (2, True)
