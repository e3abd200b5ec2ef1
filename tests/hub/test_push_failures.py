"""What the Hub may answer a push with, as the user reads it; and answers that get lost."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, HubServer, hub_environment, run_client

Push = Callable[..., Any]

PUSHES = """
from medimeta_c.hub import PushConfig, push
from medimeta_c.errors import MediMetaError
root, *repos = arguments
said = {}
for repo in repos:
    try:
        done = push(PushConfig(root=pathlib.Path(root), repo_id=repo, jobs=1, partial=True))
        said[repo] = f"sent {len(done.plan.send)}, tagged {done.tagged is not None}"
    except MediMetaError as error:
        said[repo] = f"{type(error).__name__}: {error}"
report(said)
"""
AGAIN = "run the same command again"

# Repository → (path, method, status, headers) of the fault → what the user is told.
REFUSALS: dict[str, tuple[tuple[str, str, int, dict[str, str]], tuple[str, ...]]] = {
    "org/expired": (
        (
            "/api/datasets/org/expired$",
            "GET",
            401,
            {"X-Error-Message": "Invalid credentials in Authorization header"},
        ),
        ("does not accept the token (401", "/settings/tokens", "hf auth login"),
    ),
    "org/foreign": (
        ("/org/foreign/preupload/", "POST", 403, {}),
        ("the token may not do this to org/foreign (403", "permission for 'org'"),
    ),
    "org/vanished": (
        ("/org/vanished/preupload/", "POST", 404, {"X-Error-Code": "RepoNotFound"}),
        ("the Hub has no dataset 'org/vanished' that you may see", "check the name"),
    ),
    "org/clash": (("/org/clash/commit/", "POST", 409, {}), ("a conflict in org/clash (409", AGAIN)),
    "org/moved": (
        ("/org/moved/commit/", "POST", 412, {}),
        ("changed by somebody else meanwhile (412", AGAIN),
    ),
    "org/busy": (
        ("/org/busy/commit/", "POST", 429, {"Retry-After": "37"}),
        ("slow down (429", "wait 37 seconds", AGAIN, "not sent again"),
    ),
    "org/limited": (
        ("/api/datasets/org/limited$", "GET", 429, {"RateLimit": '"api";r=0;t=41'}),
        ("wait 41 seconds",),
    ),
    "org/broken": (
        ("/org/broken/commit/", "POST", 503, {}),
        ("an internal problem (503", "in a few minutes"),
    ),
    "org/full": (
        (
            "/org/full.git/info/lfs/objects/batch",
            "POST",
            413,
            {"X-Error-Message": f"no\x1b[31m room {TOKEN}"},
        ),
        ("refused the request for org/full (413: no [31m room *** ",),
    ),
    "org/storage": (("/storage/datasets/org/storage/", "PUT", 403, {}), ("(403",)),
}


def test_refusals(hub: HubServer, small: Path, tmp_path: Path) -> None:
    """Each status becomes a sentence on what is wrong and what to do; without the fault the push goes on."""
    for repo, ((path, method, status, headers), _) in REFUSALS.items():
        hub.store.add_repo("dataset", repo)
        hub.fail_next(path, status, headers=headers, method=method)
    environment = hub_environment(hub, tmp_path)
    said = run_client(PUSHES, environment, small, *REFUSALS)
    for repo, (_, parts) in REFUSALS.items():
        assert said[repo].startswith("PublishError: ")
        assert "\n" not in said[repo]
        assert TOKEN not in said[repo]
        for part in parts:
            assert part in said[repo], (repo, said[repo])
        assert hub.store.repo(repo).paths() == [".gitattributes"]
    said = run_client(PUSHES, environment, small, *REFUSALS)
    assert set(said.values()) == {"sent 10, tagged True"}


def test_lost_answers_and_broken_transfers(hub: HubServer, small: Path, tmp_path: Path) -> None:
    """A transfer cut off is tried again, a commit whose answer was lost is found; a rerun does the rest."""
    hub.store.add_repo("dataset", "org/ignoring", {".gitignore": "*.parquet\n"})
    hub.drop_next("/storage/datasets/org/cut/", method="PUT")
    hub.drop_next("/org/commit/commit/main", method="POST")
    hub.drop_next("/org/tag/tag/", method="POST")
    hub.drop_next("/api/repos/create", method="POST")
    repos = ["org/create", "org/cut", "org/commit", "org/tag", "org/ignoring"]
    said = run_client(PUSHES, hub_environment(hub, tmp_path), small, *repos)
    assert said["org/cut"] == said["org/commit"] == "sent 10, tagged True"
    assert hub.count("POST", "/org/commit/commit/main") == 1
    for repo in ("org/create", "org/tag"):
        assert f"the connection to the Hub at {hub.url} failed for {repo}" in said[repo]
        assert AGAIN in said[repo]
    assert "4 files of org/ignoring differ from what was pushed" in said["org/ignoring"]
    assert ".gitignore" in said["org/ignoring"]
    again = run_client(PUSHES, hub_environment(hub, tmp_path), small, "org/create", "org/tag")
    assert again == {"org/create": "sent 10, tagged True", "org/tag": "sent 0, tagged True"}


def test_somebody_else_creates_it_meanwhile(hub: HubServer, push: Push, small: Path) -> None:
    """A repository that was not there, and now is: a sentence, and the next run goes on with it."""
    hub.fail_next("/api/repos/create", 409, method="POST")
    refused = push(small, "--repo", "org/x")
    assert (refused.code, len(refused.stderr.strip().splitlines())) == (1, 1)
    assert "a conflict in org/x (409" in refused.stderr
    assert AGAIN in refused.stderr


def test_each_retry_is_told_once(hub: HubServer, push: Push, small: Path) -> None:
    """One line says why and how long, without the address, which may be signed for whoever has it."""
    hub.fail_next("/org/x.git/info/lfs/objects/batch", 503, method="POST")
    hub.fail_next("/storage/", 502, method="PUT", times=2)  # of five transfers at a time
    done = push(small, "--repo", "org/x")
    assert done.code == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"HTTP Error {status}: Retrying in 1s [Retry 1/5]." for status in (503, 502)
    ]


@pytest.mark.parametrize("path", ["/api/validate-yaml", "/api/datasets/org/x$", "/org/x/commit/"])
def test_a_hub_that_falls_silent(hub: HubServer, small: Path, tmp_path: Path, path: str) -> None:
    """A request without an answer ends, also those that the Hub's client sends without a limit."""
    respond, asked = hub.respond, threading.Event()

    def silent(request: Any) -> Any:
        if re.search(path, request.path):
            asked.wait(30)
        return respond(request)

    hub.respond = silent  # type: ignore[method-assign]
    said = run_client(
        "from medimeta_c.io.hub_client import settle_client\nsettle_client(silence_s=1)\n" + PUSHES,
        hub_environment(hub, tmp_path),
        small,
        "org/x",
        timeout=25,
    )
    asked.set()
    assert f"the connection to the Hub at {hub.url} failed for org/x (timed out)" in said["org/x"]
    assert AGAIN in said["org/x"]


def test_no_connection(hub: HubServer, push: Push, small: Path) -> None:
    """Offline a push says so; a dry run still lists what would go."""
    dead = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    refused = push(small, "--repo", "org/x", **dead)
    assert refused.code == 1
    assert "the connection to the Hub at http://127.0.0.1:9 failed for org/x (" in refused.stderr
    assert "HF_ENDPOINT" in refused.stderr
    forbidden = push(small, "--repo", "org/x", HF_HUB_OFFLINE="1")
    assert forbidden.code == 1
    assert "HF_HUB_OFFLINE is set: unset it" in forbidden.stderr
    listed = push(small, "--repo", "org/x", "--dry-run", **dead)
    assert listed.code == 0, listed.stderr
    assert "would send 10 files" in listed.stdout
    assert "not reached: every file is listed as new" in listed.stdout
    assert hub.requests == []


def test_tokens(hub: HubServer, push: Push, small: Path) -> None:
    """Without a token, or with a wrong one, a push says what to do; listing needs none."""
    missing = push(small, "--repo", "org/x", token=None)
    assert (missing.code, hub.requests) == (1, [])
    assert "there is no Hub token: run `hf auth login`, or set HF_TOKEN" in missing.stderr
    wrong = push(small, "--repo", "org/x", token="hf_" + "w" * 34, debug=True)
    assert wrong.code == 1
    assert "does not accept the token (401" in wrong.stderr
    assert "Traceback" in wrong.stderr
    # The token is sent also where it must not be sent unasked: a push asks for it.
    private = push(small, "--repo", "org/x", "--private", debug=True, HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
    assert private.code == 0, private.stderr
    unseen = push(small, "--repo", "org/x", "--dry-run", "--json", token=None)
    assert json.loads(unseen.stdout)["repository_existed"] is False
    hub.store.repo("org/x").private = False
    seen = push(small, "--repo", "org/x", "--dry-run", "--json", token=None)
    assert json.loads(seen.stdout)["unchanged"] == 10


def test_the_hub_finds_the_card_wrong(hub: HubServer, push: Push, small: Path, tmp_path: Path) -> None:
    """A header that the Hub refuses stops the push before a repository is made."""
    import shutil

    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    card = (copy / "README.md").read_text(encoding="utf-8")
    (copy / "README.md").write_text(card.replace("license: other", "license: mine"), encoding="utf-8")
    refused = push(copy, "--repo", "org/x")
    assert refused.code == 1
    assert "\"license\" must be one of the known ids, not 'mine'" in refused.stderr
    assert hub.store.repos == {}
