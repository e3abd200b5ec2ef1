"""Releases: frozen once, built again byte for byte, never overwritten; and the list of what changed."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up_boards import HOSTILE, board
from made_up_predictions import evaluated
from submissions_on_disk import PLAIN, edit_json, place, replace_text
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, MediMetaError, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.records import canonical_json
from medimeta_c.leaderboard import SiteConfig, build_site
from medimeta_c.leaderboard.releases.changes import Change, changes, history, history_markdown
from medimeta_c.leaderboard.releases.freezing import ReleaseConfig, release
from medimeta_c.leaderboard.releases.plain import from_plain, to_plain
from medimeta_c.leaderboard.releases.record import (
    Release,
    SubmissionDigest,
    check_name,
    frozen_boards,
    read_releases,
)
from medimeta_c.leaderboard.site.entries import Board, Edition, Entry
from medimeta_c.leaderboard.site.paper import paper_entries
from medimeta_c.leaderboard.site.versions import versions_of
from medimeta_c.leaderboard.submission import described

DAY = datetime.date(2026, 11, 28)


@pytest.fixture(scope="module")
def frozen_once(slides: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board's repository with two entries, and its release v1. Read only."""
    out = tmp_path_factory.mktemp("frozen")
    for seed, name in enumerate(("Good", "Weak")):
        weights = {"weights_sha256": f"{seed}a" * 32}
        result = evaluated(out / name, slides, skill=2.0 - 2 * seed, seed=seed, model=weights)
        place(out / "board", result, described({**PLAIN, "name": name}, declared=True))
    freeze("v1", out / "board")
    return out / "board"


@pytest.fixture
def released(frozen_once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(frozen_once, tmp_path / "board"))


@pytest.fixture
def repository(released: Path) -> Path:
    """The same without a release."""
    shutil.rmtree(released / "releases")
    return released


def freeze(name: str, repository: Path, *, on_progress: Any = None, **values: Any) -> Path:
    """Freeze the board of a repository without a baseline; return the file."""
    config = ReleaseConfig(name=name, results=repository, **{"baseline": "none", "day": DAY, **values})
    return release(config, on_progress=on_progress).path


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def built(repository: Path, out: Path) -> Path:
    """The site of a repository."""
    build_site(SiteConfig(results=repository, out=out, baseline="none"))
    return out


def test_a_frozen_board_is_built_again_byte_for_byte(released: Path, tmp_path: Path) -> None:
    """Whatever becomes of the entries, the pages at its address are the same."""
    first = files(built(released, tmp_path / "first") / "releases/v1")
    shutil.rmtree(next((released / "results").rglob("good")))
    again = built(released, tmp_path / "again")
    assert files(again / "releases/v1") == first
    assert {"index.html", "scoring.html", "downloads.html", "downloads/board.json"} <= first.keys()
    frozen, now = ((again / name / "index.html").read_text() for name in ("releases/v1", ""))
    assert "frozen release v1 of 2026-11-28" in frozen
    assert ">Good</a>" in frozen
    assert ">Good</a>" not in now
    assert "frozen release" not in now


def test_the_numbers_frozen_are_the_boards(released: Path, tmp_path: Path) -> None:
    """Apart from what says which edition it is, the frozen pages have the current board's tables."""
    site = built(released, tmp_path / "site")
    frozen, now = (
        json.loads((site / folder / "downloads/board.json").read_text()) for folder in ("releases/v1", "")
    )
    assert frozen["boards"] == now["boards"]
    assert frozen["versions"]["Board"] == "release v1 of 2026-11-28"
    assert now["versions"]["Board"] == "current, not a release"


def test_every_page_shows_the_versions(released: Path, tmp_path: Path) -> None:
    """Of board, package and benchmark; a frozen page has those of its release."""
    path = released / "releases/v1/release.json"
    values = json.loads(path.read_text())
    values["package_version"] = "0.0.7"
    path.write_text(json.dumps(resigned(values)))
    site = built(released, tmp_path / "site")
    for page in site.rglob("*.html"):
        text = page.read_text()
        is_frozen = "releases" in page.relative_to(site).parts
        assert ("Package: medimeta-c 0.0.7." in text) == is_frozen
        assert ("Board: release v1 of 2026-11-28." in text) == is_frozen
        assert "Benchmark: " in text


def resigned(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a release with a digest that is right again."""
    rest = {name: value for name, value in values.items() if name != "sha256"}
    return {**values, "sha256": hashlib.sha256(canonical_json(rest).encode()).hexdigest()}


def test_a_name_is_used_once(released: Path) -> None:
    """A second release of that name changes nothing, also where a link has taken the name."""
    path = released / "releases/v1/release.json"
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="the release v1 exists"):
        freeze("v1", released)
    assert path.read_bytes() == before
    (path.parents[1] / "v2").symlink_to(released / "nowhere")
    with pytest.raises(ConfigError, match="the release v2 exists"):
        freeze("v2", released)
    assert not (released / "nowhere").exists()


def test_of_two_releases_at_once_one_stands(repository: Path) -> None:
    """Both compute; one takes the name, whole, the other is refused, and nothing is left beside."""
    together = threading.Barrier(2)
    said: list[str] = []

    def run() -> None:
        def wait(done: int, total: int) -> None:
            if done == total:
                together.wait(60)

        try:
            freeze("v1", repository, on_progress=wait)
            said.append("done")
        except MediMetaError as error:
            said.append(str(error).partition(" (")[0])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(said) == ["done", "the release v1 exists"]
    assert [one.name for one in (repository / "releases").iterdir()] == ["v1"]
    (only,) = read_releases(repository / "releases")
    assert only.release.name == "v1"


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a..b", ".hidden", "x.", "A", "a b", "a\x1b[2J", "é", "x" * 61, "a\n", "-"]
)
def test_a_name_is_a_plain_folder(repository: Path, name: str) -> None:
    """No part of a path, no control character, nothing that addresses must escape."""
    with pytest.raises(ConfigError, match="cannot name a release") as refused:
        freeze(name, repository)
    assert "\x1b" not in str(refused.value)
    assert not (repository / "releases").exists()


@pytest.mark.parametrize("name", ["2026-11", "v1.0", "1", "a" * 60])
def test_ordinary_names_are_taken(name: str) -> None:
    """Dates and versions."""
    assert check_name(name) == name


def _edit_a_number(folder: Path) -> None:
    replace_text(folder / "v1/release.json", '"package_version": "', '"package_version": "9')


def _link_the_file(folder: Path) -> None:
    (folder / "v1/release.json").rename(folder.parent / "elsewhere.json")
    (folder / "v1/release.json").symlink_to(folder.parent / "elsewhere.json")


def _link_the_release(folder: Path) -> None:
    (folder / "v1").rename(folder.parent / "elsewhere")
    (folder / "v1").symlink_to(folder.parent / "elsewhere")


def _link_all(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def _add_a_file(folder: Path) -> None:
    (folder / "v1/evil.html").write_text("<script>")


def _add_beside(folder: Path) -> None:
    (folder / "evil.html").write_text("<script>")


def _move(folder: Path) -> None:
    (folder / "v1").rename(folder / "v2")


def _empty(folder: Path) -> None:
    (folder / "v0").mkdir()


def _be_another(folder: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        values["boards"][0]["unheard_of"] = 1
        values |= resigned(values)

    edit_json(folder / "v1/release.json", change)


def _be_a_script(folder: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        values["name"] = "../../x"
        values |= resigned(values)

    edit_json(folder / "v1/release.json", change)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_edit_a_number, "was edited after it was frozen"),
        (_link_the_file, "is not a regular file, or is a link"),
        (_link_the_release, "is not the folder of a release, or is a link"),
        (_link_all, "is not a folder, or is a link"),
        (_add_a_file, "must hold release.json and nothing else"),
        (_add_beside, "is not the folder of a release"),
        (_move, "is the release v1: its folder must have that name"),
        (_empty, "must hold release.json"),
        (_be_another, "Board has no field unheard_of"),
        (_be_a_script, "is not valid at name"),
    ],
)
def test_a_release_that_is_not_whole_is_refused(
    released: Path, tmp_path: Path, change: Callable[[Path], None], sentence: str
) -> None:
    """The site is not built, and no other release is made, from folders that were changed."""
    change(released / "releases")
    with pytest.raises(ResultError, match=sentence):
        built(released, tmp_path / "site")
    with pytest.raises(ResultError, match=sentence):
        freeze("v3", released)
    assert not (tmp_path / "site").exists()


def test_a_board_without_entries_is_not_frozen(tmp_path: Path) -> None:
    """There is nothing to freeze."""
    with pytest.raises(ResultError, match="there is nothing to freeze"):
        freeze("v1", tmp_path)


def test_plain_values_keep_every_bit_of_a_board() -> None:
    """Of made-up entries, of hostile ones and of the paper's, through JSON and back."""
    made = board(3, *paper_entries("MediMeta-C"))
    made = replace(
        made, entries=(replace(made.entries[0], name=HOSTILE, facts={HOSTILE: "é\u2028"}), *made.entries[1:])
    )
    text = json.dumps(to_plain(made))
    back = from_plain(Board, json.loads(text))
    assert back == made
    assert json.dumps(to_plain(back)) == text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"severities": "12345"}, "str in place of"),
        ({"severities": [1.5]}, "float in place of int"),
        ({"severities": [True]}, "bool in place of int"),
        ({"ranked_by": "chance"}, "str in place of"),
        ({"entries": [{}]}, "Entry lacks the field adaptation"),
        ({"phantoms": 1}, "int in place of bool"),
        ({"entries": {"0": 1}}, "dict in place of"),
    ],
)
def test_plain_values_of_another_type_are_refused(change: dict[str, Any], sentence: str) -> None:
    """Nothing is converted silently."""
    with pytest.raises(ValueError, match=sentence):
        from_plain(Board, {**to_plain(board(1)), **change})


def test_a_field_added_later_changes_no_digest() -> None:
    """What has its default is not written."""
    assert "pictures" not in to_plain(board(1))["entries"][0]
    assert "marks" not in to_plain(board(1))["entries"][0]


def digest(place: str, **changes: str) -> SubmissionDigest:
    """A submission of made-up digests."""
    contents = {"submission.yaml": "a", "result.json": "b", "predictions.parquet": "c", **changes}
    hashes = {name: content * 64 for name, content in contents.items()}
    return SubmissionDigest(place=f"results/{place}", name=place, organisation="Lab", date=None, files=hashes)


def test_changes_are_told_apart() -> None:
    """Added, withdrawn, corrected numbers, and a description alone; what is equal is no change."""
    old = [digest("same"), digest("gone"), digest("wrong"), digest("worded")]
    new = [
        digest("same"),
        digest("new"),
        digest("wrong", **{"predictions.parquet": "d", "result.json": "e", "submission.yaml": "f"}),
        digest("worded", **{"submission.yaml": "d"}),
    ]
    assert [(one.kind, one.name) for one in changes(old, new)] == [
        ("added", "new"),
        ("corrected", "wrong"),
        ("described", "worded"),
        ("withdrawn", "gone"),
    ]
    assert changes(old, old) == ()


def test_the_changes_are_a_page_and_markdown(released: Path, tmp_path: Path, slides: Benchmark) -> None:
    """Newest first: since the last release, then release by release."""
    shutil.rmtree(next((released / "results").rglob("weak")))
    third = evaluated(tmp_path / "third", slides, skill=1.0, seed=7, model={"weights_sha256": "ef" * 32})
    place(released, third, described({**PLAIN, "name": "Third *one*"}, declared=True))
    site = built(released, tmp_path / "site")
    text = (site / "changelog.md").read_text()
    assert text.index("## Since v1") < text.index("## Release v1, 2026-11-28")
    new, first = text.split("## Release v1")
    assert "**Added**\n\n- Third \\*one\\* (Example Laboratory)\n" in new
    assert "**Withdrawn**\n\n- Weak (Example Laboratory)\n" in new
    assert "- Good (Example Laboratory)\n- Weak (Example Laboratory)" in first
    page = (site / "changelog.html").read_text()
    assert '<a href="releases/v1/index.html">Open the frozen board</a>' in page
    assert "<li>Third *one* (Example Laboratory)</li>" in page
    assert (site / "releases/v1/index.html").is_file()


def test_hostile_names_stay_text_in_the_list_of_changes(repository: Path) -> None:
    """Neither Markdown nor HTML of theirs has an effect."""
    of = history(repository)
    one = Change(kind="added", name=HOSTILE, organisation="[x](javascript:1)", place="results/x")
    text = history_markdown(replace(of, chapters=(replace(of.chapters[0], changes=(one,)),)))
    assert "<script" not in text
    assert "<img" not in text
    assert "[x](" not in text


def test_the_command_says_what_it_froze(released: Path) -> None:
    """As text and as JSON; a taken name is one sentence."""
    command = ["leaderboard", "release", "--baseline", "none"]
    again = CliRunner().invoke(app, [*command, "v1", str(released)])
    assert again.exit_code == 2
    assert again.stderr.strip().count("\n") == 0
    assert "and releases never change: choose another NAME" in again.stderr
    done = CliRunner().invoke(app, [*command, "v2", str(released)])
    assert "2 submissions frozen" in done.stdout, done.output
    other = CliRunner().invoke(app, [*command, "v3", str(released / "results"), "--json"])
    said = json.loads(other.stdout)
    assert said["path"] == str(released / "releases/v3/release.json")
    assert len(said["submissions"]) == 2


def test_versions_are_of_the_release_on_frozen_boards() -> None:
    """One function gives them to every page."""
    made = board(1)
    assert versions_of([made])["Board"] == "current, not a release"
    frozen = replace(made, release=Edition(name="v1", date="2026-11-28", package_version="0.0.7"))
    assert versions_of([frozen]) == {
        "Board": "release v1 of 2026-11-28",
        "Package": "medimeta-c 0.0.7",
        "Benchmark": "MediMeta-C 1.0 (fingerprint 5f5f5f5f5f5f)",
    }


def test_a_release_keeps_no_images() -> None:
    """Images have licences of their own; a release is numbers and digests."""
    made = Release.of("v1", DAY, [board(1)], [digest("x")])
    assert "data:image" not in made.model_dump_json()
    assert frozen_boards(made, "here")[0].release == made.edition
    assert isinstance(frozen_boards(made, "here")[0].entries[0], Entry)
