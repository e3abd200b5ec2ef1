"""Pushing a build to the loopback Hub: what goes, what stays, what is tagged, and going on after a kill."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_server import READER_TOKEN, TOKEN, HubServer, hub_environment

from medimeta_c.format.manifest.file import read_manifest

REPO = "org/MediMeta-C"
Push = Callable[..., Any]


def published(root: Path) -> dict[str, bytes]:
    """What a repository must hold besides .gitattributes."""
    manifest = read_manifest(root / "manifest.json")
    paths = ["README.md", "eval.yaml", "manifest.json", "stats/spectrum.parquet"]
    paths += [path.relative_to(root).as_posix() for path in (root / "assets").glob("*.png")]
    paths += [shard.path for one in manifest.sets for shard in one.shards]
    return {path: (root / path).read_bytes() for path in sorted(paths)}


def held(hub: HubServer, revision: str = "main") -> dict[str, bytes]:
    """What the repository holds besides .gitattributes."""
    repo = hub.store.repo(REPO)
    return {path: repo.read(path, revision) for path in repo.paths(revision) if path != ".gitattributes"}


def changing(hub: HubServer) -> list[str]:
    """Requests that change something on the Hub."""
    wanted = ("/create", "/commit/", "/tag/", "/preupload/", "/objects/batch")
    return [
        f"{one.method} {one.path}"
        for one in hub.requests
        if one.method == "PUT" or any(w in one.path for w in wanted)
    ]


def test_push_and_push_again(hub: HubServer, push: Push, built: Path, tmp_path: Path) -> None:
    """Dry run, push, push again: the list, one commit with exactly the build and a tag, and then nothing."""
    (built / ".medimeta-c").mkdir(exist_ok=True)
    dry = push(built, "--repo", REPO, "--dry-run")
    assert (dry.code, changing(hub)) == (0, [])
    lines = [line.split() for line in dry.stdout.splitlines() if line.startswith("send ")]
    assert [line[-1] for line in lines] == list(published(built))
    assert "would send 80 files" in dry.stdout
    assert f"to {hub.url}/datasets/{REPO} (would be created), tag v1.0" in dry.stdout

    # With stderr in a file the Hub's client draws no bars there either.
    first = push(built, "--repo", REPO, HF_HUB_DISABLE_PROGRESS_BARS=None)
    assert (first.code, first.stderr.strip()) == (0, "")
    assert held(hub) == published(built)
    repo = hub.store.repo(REPO)
    assert [commit.title.split(",")[0] for commit in repo.head.history()] == [
        "cells and rays 1.0",
        "initial commit",
    ]
    assert repo.refs["refs/tags/v1.0"] == repo.head.oid
    assert not repo.private
    said = first.stdout.splitlines()
    assert said[0].startswith("sent 80 files, ")
    assert f"tag v1.0 at commit {repo.head.oid[:12]}" in said
    assert said[-1] == f"{hub.url}/datasets/{REPO}"

    hub.requests.clear()
    again = json.loads(push(built, "--repo", REPO, "--json").stdout)
    assert changing(hub) == []
    assert (again["sent"], again["removed"], again["unchanged"]) == ([], [], 80)
    assert again["tagged_commit"] == again["commit"] == repo.head.oid

    # The token is in no file, and no other host was asked.
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)
    assert hub.outside == []


def test_killed_and_run_again(hub: HubServer, push: Push, built: Path, tmp_path: Path) -> None:
    """Killed among uploads, the repository shows nothing; run again, what had arrived is not sent again."""
    command = [sys.executable, "-m", "medimeta_c", "push", str(built), "--repo", REPO, "--jobs", "1"]
    process = subprocess.Popen(
        command, env=hub_environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    respond = hub.respond

    def respond_and_kill(request: Any) -> Any:
        answer = respond(request)
        if request.method == "PUT" and len(hub.store.repo(REPO).lfs) >= 20:
            process.send_signal(signal.SIGKILL)
        return answer

    hub.respond = respond_and_kill  # type: ignore[method-assign]
    _, said = process.communicate(timeout=60)
    hub.respond = respond  # type: ignore[method-assign]
    assert (process.returncode, TOKEN.encode() in said) == (-signal.SIGKILL, False)
    repo = hub.store.repo(REPO)
    assert repo.paths() == [".gitattributes"]
    arrived = set(repo.lfs)
    assert 20 <= len(arrived) < 77
    hub.requests.clear()
    assert push(built, "--repo", REPO).code == 0
    resent = {one.path.rpartition("/")[2] for one in hub.requests if one.method == "PUT"}
    assert resent
    assert not resent & arrived
    assert held(hub) == published(built)


def test_what_an_older_push_left(hub: HubServer, push: Push, small: Path) -> None:
    """Files in the build's folders that it does not list go with the same commit; others stay."""
    strays = {
        "data/rays/test/contrast/old.parquet": b"PAR1",
        "assets/old.png": b"png",
        "stats/old.json": b"{}",
    }
    others = {"NOTES.md": "mine\n", "LICENSE": "terms\n", "README.md": "# Old\n"}
    hub.store.add_repo("dataset", REPO, {**strays, **others})
    done = push(small, "--repo", REPO, "--tag", "v1.0-phantoms")
    assert done.code == 0, done.stderr
    assert "removed 3;" in done.stdout
    assert "other files, not changed: LICENSE, NOTES.md" in done.stdout
    kept = {path: others[path].encode() for path in ("NOTES.md", "LICENSE")}
    assert held(hub) == {**published(small), **kept}
    assert hub.store.repo(REPO).refs["refs/tags/v1.0-phantoms"] == hub.store.repo(REPO).head.oid


def test_the_hub_learns_what_the_tasks_are(hub: HubServer, push: Push, small: Path, tmp_path: Path) -> None:
    """eval.yaml goes with the build; who deletes it from the folder publishes without touching the Hub's."""
    assert push(small, "--repo", REPO).code == 0
    tasks = yaml.safe_load(hub.store.repo(REPO).read("eval.yaml"))["tasks"]
    assert tasks == [{"id": "rays", "config": "rays", "split": "test"}]
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    (copy / "eval.yaml").unlink()
    report = json.loads(push(copy, "--repo", REPO, "--json").stdout)
    assert (report["sent"], report["removed"]) == ([], [])
    assert "eval.yaml" in report["left_alone"]


def test_a_tag_marks_one_build_for_ever(
    hub: HubServer, push: Push, small: Path, built: Path, tmp_path: Path
) -> None:
    """A corrected card is pushed and the tag stays; another build is refused before anything is sent."""
    assert push(small, "--repo", REPO).code == 0
    tagged = hub.store.repo(REPO).head.oid
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    with (copy / "README.md").open("a", encoding="utf-8") as card:
        card.write("\nErratum.\n")
    hub.requests.clear()
    report = json.loads(push(copy, "--repo", REPO, "--json").stdout)
    assert [file["path"] for file in report["sent"]] == ["README.md"]
    assert report["tagged_commit"] == tagged != report["commit"]
    assert hub.count("PUT") == 0

    hub.requests.clear()
    refused = push(built, "--repo", REPO)
    assert (refused.code, changing(hub)) == (1, [])
    assert "the tag v1.0 of org/MediMeta-C marks another build" in refused.stderr
    assert "choose another --tag" in refused.stderr


def test_an_older_build_does_not_undo_a_newer_one(
    hub: HubServer, push: Push, small: Path, built: Path
) -> None:
    """Pushed once more, a tagged build that another one followed stays behind its tag."""
    assert push(small, "--repo", REPO).code == 0
    assert push(built, "--repo", REPO, "--tag", "v1.1").code == 0
    hub.requests.clear()
    refused = push(small, "--repo", REPO)
    assert (refused.code, changing(hub)) == (1, [])
    newer = read_manifest(built / "manifest.json").fingerprint[:12]
    assert f"already has this build as v1.0, and a newer one ({newer})" in refused.stderr
    assert held(hub) == published(built)


def test_private_is_never_public(hub: HubServer, push: Push, small: Path) -> None:
    """--private creates a private repository, and refuses one that is public."""
    assert push(small, "--repo", "org/closed", "--private").code == 0
    assert hub.store.repo("org/closed").private
    hub.store.add_repo("dataset", "org/open")
    refused = push(small, "--repo", "org/open", "--private")
    assert refused.code == 1
    assert "org/open exists and is public" in refused.stderr
    assert hub.store.repo("org/open").paths() == [".gitattributes"]


def test_pull_requests(hub: HubServer, push: Push, small: Path) -> None:
    """Who may not write proposes, once; when it is merged, a push only tags."""
    refused = push(small, "--repo", REPO, "--pr", token=READER_TOKEN)
    assert refused.code == 1
    assert "push without --pr to create it" in refused.stderr
    repo = hub.store.add_repo("dataset", REPO, {"data/stray.parquet": b"PAR1"})
    opened = push(small, "--repo", REPO, "--pr", token=READER_TOKEN)
    assert opened.code == 0, opened.stderr
    assert f"pull request {hub.url}/datasets/{REPO}/discussions/1" in opened.stdout
    assert held(hub) == {"data/stray.parquet": b"PAR1"}
    assert held(hub, "refs/pr/1") == published(small)
    report = json.loads(push(small, "--repo", REPO, "--pr", "--json", token=READER_TOKEN).stdout)
    assert report["pull_request"].endswith("/discussions/1")
    assert (report["tag"], report["tagged_commit"]) == (None, None)
    assert (report["sent"], report["removed"], report["unchanged"]) == ([], [], 10)
    again = push(small, "--repo", REPO, "--pr", token=READER_TOKEN)
    assert "nothing to send: an open pull request already proposes all " in again.stdout
    assert list(repo.discussions) == [1]

    forbidden = push(small, "--repo", REPO, token=READER_TOKEN)
    assert forbidden.code == 1
    assert "(403: you don't have write access to org/MediMeta-C)" in forbidden.stderr
    assert "proposed as a pull request" in forbidden.stderr

    repo.refs["refs/heads/main"] = repo.refs["refs/pr/1"]
    hub.requests.clear()
    assert "nothing to send" in push(small, "--repo", REPO).stdout
    assert [one.split("/")[-2] for one in changing(hub)] == ["tag"]
    assert repo.refs["refs/tags/v1.0"] == repo.head.oid


@pytest.mark.parametrize("damage", ["shard", "unfinished", "no card", "no picture", "link"])
def test_nothing_is_sent_of_a_build_that_is_not_whole(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """Damage, an unfinished build, a missing card or picture stop a push before the Hub is asked."""
    import huggingface_hub
    from typer.testing import CliRunner

    from medimeta_c.cli import app

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub, "HfApi", None)  # whoever gets as far as asking fails otherwise
    message, act = _DAMAGES[damage]
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    act(copy)
    result = CliRunner().invoke(app, ["push", str(copy), "--repo", REPO, "--jobs", "1", "--partial"])
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (1, 1)
    assert message in result.stderr


def _flip_a_byte(root: Path) -> None:
    path = next(root.glob("data/rays/test/clean/*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _link_a_picture(root: Path) -> None:
    secret = root.parent / "secret.png"
    secret.write_bytes(b"secret")
    (root / "assets/spectrum.png").unlink()
    (root / "assets/spectrum.png").symlink_to(secret)


_DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "shard": ("is not what its manifest says (1 problem, first data/rays/test/clean", _flip_a_byte),
    "unfinished": ("this is not a finished build", lambda root: (root / "manifest.json").unlink()),
    "no card": ("README.md is missing", lambda root: (root / "README.md").unlink()),
    "no picture": ("spectrum.png is missing", lambda root: (root / "assets/spectrum.png").unlink()),
    "link": ("spectrum.png: it is a link to", _link_a_picture),
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--repo", "MediMeta-C"], "'MediMeta-C' is not a repository id: write it as ORG/NAME"),
        (["--repo", "../x"], "not a repository id"),
        (["--repo", REPO, "--tag", "a b"], "'a b' is not a valid tag"),
        (["--repo", REPO, "--tag", "main"], "'main' is not a valid tag"),
        (["--repo", REPO, "--pr", "--private"], "choose one"),
        (["--repo", REPO, "--pr", "--tag", "v1"], "a pull request is not tagged"),
    ],
)
def test_wrong_requests_exit_2(small: Path, options: list[str], message: str) -> None:
    """Names and combinations that cannot be are refused before anything is read."""
    from typer.testing import CliRunner

    from medimeta_c.cli import app

    result = CliRunner().invoke(app, ["push", str(small), *options])
    assert result.exit_code == 2
    assert message in result.stderr
