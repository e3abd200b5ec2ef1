"""Parts of a build: built apart, in any order, they merge to the bytes of an undivided build."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_source import FakeSource
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from trees import tree
from typer.testing import CliRunner

import medimeta_c
from medimeta_c.building import render
from medimeta_c.building.build import BuildConfig, build, preview
from medimeta_c.building.merge import merge
from medimeta_c.building.parts import beginning
from medimeta_c.building.parts.division import rows_of_part
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ConfigError, ManifestError
from medimeta_c.format import png, shards
from medimeta_c.format.keys import SetKey
from medimeta_c.format.parts import part_folder, part_folders
from medimeta_c.format.shards import ShardWriter
from medimeta_c.io.files import write_atomic
from medimeta_c.sources.folders import ids
from medimeta_c.sources.folders.ids import ids_key

FEW = FakeSource(splits={"test": 7})
MANY = FakeSource(dataset="oct", channels=1, splits={"test": 230}, shape=(9, 8))


class PaddedSource(FakeSource):
    """Every third image has a row of zeros at the top."""

    def image(self, split: str, image_id: str) -> NDArray[np.uint8]:
        image = super().image(split, image_id)
        image[0] *= int(image_id) % 3 > 0
        return image


def config(out: Path, **changes: Any) -> BuildConfig:
    """Eight sets: more than parts."""
    values: dict[str, Any] = {
        "datasets": (FEW, FakeSource(dataset="oct", channels=1)),
        "corruptions": ("gaussian_noise", "contrast"),
        "severities": (1, 3),
        "out": out,
        "jobs": 1,
    }
    return BuildConfig(**{**values, **changes})


def large(out: Path, **changes: Any) -> BuildConfig:
    """Two sets of 230 images: fewer sets than five parts."""
    return config(out, **{"datasets": MANY, "corruptions": "gaussian_noise", "severities": 3, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undivided build. Read only."""
    out = tmp_path_factory.mktemp("whole") / "out"
    build(config(out))
    return out


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of part 2 of 5. Read only."""
    out = tmp_path_factory.mktemp("part") / "out"
    build(config(out, part="2/5"))
    return out


def everything(root: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


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


@pytest.mark.parametrize("of", [1, 2, 5])
@pytest.mark.parametrize("places", ["one directory", "several"])
def test_merged_parts_are_the_undivided_build(whole: Path, tmp_path: Path, of: int, places: str) -> None:
    """Every byte of every file, in any order of parts."""
    outs = [tmp_path / ("out" if places == "one directory" else f"part{n}") for n in range(1, of + 1)]
    for number in range(of, 0, -1):
        report = build(config(outs[number - 1], part=f"{number}/{of}"))
        assert report.manifest.part is not None
        assert report.manifest.part.name == f"part {number} of {of}"
    out = tmp_path / "out"
    report = merge(dict.fromkeys(reversed(outs)), out)
    assert len(report.built) == 10
    assert everything(out) == everything(whole)


@pytest.mark.parametrize(
    ("of", "limits"), [(2, {}), (5, {}), (5, {"ROW_GROUP_BYTES": 3000}), (5, {"max_bytes": 7000})], ids=repr
)
def test_sets_that_are_cut_are_joined_to_the_same_shards(
    tmp_path: Path, of: int, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where row groups and shards end by size, elsewhere than parts do."""
    if "max_bytes" in limits:

        def small(root: Path, key: SetKey, names: Sequence[str], *, max_bytes: int) -> ShardWriter:
            return ShardWriter(root, key, names, max_bytes=limits["max_bytes"])

        monkeypatch.setattr(render, "ShardWriter", small)
    elif limits:
        monkeypatch.setattr(shards, "ROW_GROUP_BYTES", limits["ROW_GROUP_BYTES"])
    build(large(tmp_path / "whole"))
    for number in range(1, of + 1):
        build(large(tmp_path / "parts", part=f"{number}/{of}"))
    merge(tmp_path / "parts", tmp_path / "parts")
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")
    assert ("max_bytes" in limits) == (len(list((tmp_path / "parts").rglob("*.parquet"))) > 3)
    assert verify(tmp_path / "parts", jobs=1).ok


def test_more_parts_than_blocks_leave_some_empty(tmp_path: Path) -> None:
    """They merge as the others; each is built by several processes if asked."""
    build(large(tmp_path / "whole"))
    for number in range(1, 10):
        build(large(tmp_path / "parts", part=f"{number}/9", jobs=2 if number == 1 else 1))
    merge(tmp_path / "parts", tmp_path / "parts")
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


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
from test_parts import build, config
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


def test_an_interrupted_merge_resumes(whole: Path, tmp_path: Path) -> None:
    """A set that is merged stays; parts are removed only in the end."""
    out = tmp_path / "out"
    for number in (1, 2):
        build(config(out, part=f"{number}/2"))

    def stop(now: medimeta_c.building.build.BuildProgress) -> None:
        if now.sets_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(out, out, on_progress=stop)
    assert len(part_folders(out)) == 2
    with pytest.raises(ManifestError):
        medimeta_c.open_benchmark(out)
    assert len(merge(out, out).kept) == 3
    assert everything(out) == everything(whole)


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


def test_of_a_part_that_is_there_twice_the_first_is_kept(whole: Path, tmp_path: Path) -> None:
    """If both have the same pixels."""
    for number in (1, 2):
        build(config(tmp_path / f"p{number}", part=f"{number}/2"))
    shutil.copytree(tmp_path / "p2", tmp_path / "again")
    damaged = next((tmp_path / "again").rglob("*.parquet"))
    damaged.write_bytes(b"never read")
    merge([tmp_path / "p2", tmp_path / "again", tmp_path / "p1"], tmp_path / "out")
    assert everything(tmp_path / "out") == everything(whole)
    assert part_folders(tmp_path / "p1")


def test_a_benchmark_gets_the_sets_of_merged_parts(whole: Path, tmp_path: Path) -> None:
    """What it had stays; other pixels of a set that it has are refused."""
    out = tmp_path / "out"
    build(config(out, severities=(1,)))
    for number in (1, 2):
        build(config(tmp_path / "parts", part=f"{number}/2"))
    report = merge(tmp_path / "parts", out)
    assert (len(report.built), len(report.kept)) == (4, 6)
    assert everything(out) == everything(whole)


class TestMergedInPlace:
    """Parts in the benchmark's own directory are removed; whenever that ends, the merge can be run again."""

    def parts(self, out: Path) -> Path:
        for number in (1, 2):
            build(large(out, part=f"{number}/2"))
        return out

    def test_again_it_changes_nothing(self, tmp_path: Path) -> None:
        out = self.parts(tmp_path / "out")
        first = merge(out, out)
        before = tree(out)
        again = merge(out, out)
        assert (again.built, again.kept) == ((), tuple(sorted(first.built)))
        assert again.manifest == first.manifest
        assert tree(out) == before
        assert not part_folders(out)

    def test_killed_while_it_removes_the_parts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever is left of them, it is no part that looks unfinished."""

        remove = shutil.rmtree

        def killed(path: Path, **options: Any) -> None:
            manifest = next(path.rglob("1-of-2/manifest.json"), None)
            if manifest is None:
                remove(path, **options)
            else:
                manifest.unlink()
                raise KeyboardInterrupt

        out = self.parts(tmp_path / "out")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(shutil, "rmtree", killed)
            merge(out, out)
        assert len(merge(out, out).kept) == 2
        assert not [*out.rglob("parts")]
        assert verify(out).ok


def test_parts_of_other_encoders_list_theirs_by_set(whole: Path, tmp_path: Path) -> None:
    """The manifest has that of the first part; pixels, and so fingerprints, are the same."""
    from medimeta_c.format.manifest.file import read_manifest, write_manifest

    for number in (1, 2):
        build(config(tmp_path / f"p{number}", part=f"{number}/2"))
    other = part_folder(tmp_path / "p2", 2, 2)
    manifest = read_manifest(other / "manifest.json", of_part=True)
    write_manifest(other, manifest.model_copy(update={"encoder": "png/other"}))
    merged = merge([tmp_path / "p1", tmp_path / "p2"], tmp_path / "out").manifest
    undivided = medimeta_c.open_benchmark(whole).manifest
    assert merged.fingerprint == undivided.fingerprint
    assert merged.encoder == undivided.encoder
    assert {record.encoder for record in merged.sets} == {None, "png/other"}
    assert {record.key for record in merged.sets if record.encoder} == {one.key for one in manifest.sets}


def test_on_the_command_line(clean_dir: Path, tmp_path: Path) -> None:
    """Built, merged and verified against the clean data, whose place the parts noted."""
    run = CliRunner()
    told = ["build", "--dataset", "rays", "--source", "imagefolder", "--data", str(clean_dir), "--jobs", "1"]
    told += ["--severity", "3", "--quiet"]
    outs = [str(tmp_path / name) for name in ("p1", "p2")]
    for number, out in enumerate(outs, 1):
        shown = run.invoke(app, [*told, "--part", f"{number}/2", "--out", out, "--json"])
        assert shown.exit_code == 0, shown.stderr
        assert json.loads(shown.stdout)["part"] == number
    shown = run.invoke(app, [*told, "--part", "2/2", "--out", outs[1]])
    assert "part 2 of 2, 0 sets built, 4 kept, 32 images" in shown.stdout
    merged = str(tmp_path / "out")
    shown = run.invoke(app, ["merge", *outs, "--out", merged])
    assert "8 sets merged, 0 kept" in shown.stdout
    shown = run.invoke(app, ["verify", merged, "--jobs", "1", "--rebuild", "1"])
    assert shown.exit_code == 0, shown.stderr
    shown = run.invoke(app, ["merge", merged])
    assert (shown.exit_code, "is a whole benchmark" in shown.stderr) == (1, True)


def test_numbered_images_have_the_same_ids_in_every_part(tmp_path: Path) -> None:
    """Of known patients: the key is made once, groups are merged, and the ids can be traced back."""
    for index, name in enumerate(("a/A/1", "a/B/1", "b/B/2")):
        path = tmp_path / f"data/scans/test/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), index * 40, np.uint8)).save(path)
    changes = {"datasets": "scans", "data_dir": tmp_path / "data", "source": "imagefolder"}
    for number in (2, 1):
        build(config(tmp_path / "out", part=f"{number}/2", **changes))
    merge(tmp_path / "out", tmp_path / "out")
    assert verify(tmp_path / "out", rebuild=3, jobs=1).ok
    build(config(tmp_path / "whole", ids=tmp_path / "out.ids", **changes))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert (tmp_path / "out/stats/groups.parquet").is_file()
    build(config(tmp_path / "apart", part="1/2", **changes))
    build(config(tmp_path / "apart2", part="2/2", **changes))
    with pytest.raises(BuildError, match="its checksum of scans is 'sha256:"):
        merge([tmp_path / "apart", tmp_path / "apart2"], tmp_path / "other")


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


def test_another_suite_merges_with_what_it_counts(tmp_path: Path) -> None:
    """Padded images of a clean set that was cut are added up."""
    scans = PaddedSource(dataset="oct", channels=1, splits={"test": 230}, class_names=("a", "b"))
    changes = {"datasets": scans, "suite": "clinical", "corruptions": "oct_speckle", "severities": (0,)}
    build(config(tmp_path / "whole", **changes))
    for number in (1, 2, 3):
        build(config(tmp_path / "out", part=f"{number}/3", **changes))
    [clean] = merge(tmp_path / "out", tmp_path / "out").manifest.sets
    assert clean.padded == 77
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


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
