"""What goes wrong on a hub reaches real clients in the form they know, and the server itself is strict."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub_server import READER_TOKEN, TOKEN, HubServer

HEADER = {"key": "header", "value": {"summary": "A commit", "description": ""}}


def test_refusals(hub: HubServer, run: Callable[..., Any]) -> None:
    """Missing rights, a bad card and injected statuses reach the caller as the client's own exceptions."""
    hub.store.add_repo("dataset", "org/open", {"a.txt": "a"})
    hub.store.add_repo("dataset", "org/private", {"a.txt": "a"}, private=True)
    hub.store.add_repo("dataset", "org/gated", {"a.txt": "a"}, gated=True)
    hub.fail_next(r"/commit/main$", 503, times=1)
    hub.fail_next(r"/api/datasets/org/open$", 500)
    hub.fail_next(r"/api/datasets/org/open$", 429, headers={"RateLimit": '"api";r=0;t=9'})
    hub.fail_next(r"/resolve/main/a.txt$", 429, headers={"Retry-After": "0"})
    script = """
        import warnings
        from huggingface_hub import DatasetCard, HfApi
        owner, reader = HfApi(token=arguments[0]), HfApi(token=arguments[1])
        nobody, wrong = HfApi(token=False), HfApi(token="hf_wrong")
        def get(api, repo):
            return outcome(api.hf_hub_download, repo, "a.txt", repo_type="dataset")
        def push(api, path="a.txt", content=b"b"):
            args = {"path_or_fileobj": content, "path_in_repo": path}
            return outcome(api.upload_file, repo_id="org/open", repo_type="dataset", **args)
        def warning():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                push(owner, "README.md", b"no metadata")
            return "empty or missing" in str(caught[-1].message)
        two = [{"config_name": n, "data_files": f"{n}.csv", "default": True} for n in "ab"]
        card = f"---\\n{json.dumps({'configs': two})}\\n---\\n"
        retried = get(owner, "org/open")
        fails = [outcome(owner.dataset_info, "org/open") for _ in range(2)]
        report({
            "two defaults": outcome(DatasetCard(card).validate, repo_type="dataset"),
            "licence": push(owner, "README.md", b"---\\nlicense: mine\\n---\\n"),
            "503": push(owner), "then": push(owner), "warned": warning(),
            "read-only": push(reader), "anonymous push": push(nobody),
            "anonymous": get(nobody, "org/open"), "bad token": outcome(wrong.whoami),
            "bad token read": outcome(wrong.dataset_info, "org/open"),
            "private": outcome(nobody.dataset_info, "org/private"),
            "private reader": outcome(reader.dataset_info, "org/private"),
            "private owner": get(owner, "org/private"),
            "gated": outcome(reader.auth_check, "org/gated", repo_type="dataset"),
            "gated owner": get(owner, "org/gated"),
            "500": fails[0], "429": fails[1], "retried": retried,
            "missing": outcome(nobody.dataset_info, "org/nothing"),
            "namespace": outcome(reader.create_repo, "org/mine"),
        })
    """
    assert run(script, TOKEN, READER_TOKEN) == {
        "warned": True,
        "two defaults": "ValueError",
        "licence": "ValueError",
        "503": "HfHubHTTPError 503",
        "then": "done",
        "read-only": "HfHubHTTPError 403",
        "anonymous push": "HfHubHTTPError 401",
        "anonymous": "done",
        "bad token": "HfHubHTTPError 401",
        "bad token read": "HfHubHTTPError 401",
        "private": "RepositoryNotFoundError 401",
        "private reader": "RepositoryNotFoundError 404",
        "private owner": "done",
        "gated": "GatedRepoError 403",
        "gated owner": "done",
        "500": "HfHubHTTPError 500",
        "429": "HfHubHTTPError 429",
        "retried": "done",
        "missing": "RepositoryNotFoundError 401",
        "namespace": "HfHubHTTPError 403",
    }


def test_broken_transfers(hub: HubServer, run: Callable[..., Any]) -> None:
    """A download cut off resumes where it stopped; a failed LFS transfer is tried again."""
    chunk = 10 * 2**20  # what the client asks of its connection at once, and so what it can resume from
    big = bytes(range(256)) * (2 * chunk // 256) + b"end"
    hub.store.add_repo("dataset", "org/bench", {"big.parquet": big})
    hub.drop_next("/storage/", after_bytes=chunk + 1000, method="GET")
    hub.fail_next("/storage/", 503, method="PUT")
    script = """
        import hashlib, pathlib
        from huggingface_hub import HfApi
        api, dataset = HfApi(), {"repo_id": "org/bench", "repo_type": "dataset"}
        path = pathlib.Path(api.hf_hub_download(filename="big.parquet", **dataset))
        api.upload_file(path_or_fileobj=b"new", path_in_repo="new.parquet", **dataset)
        report(hashlib.sha256(path.read_bytes()).hexdigest())
    """
    assert run(script) == hashlib.sha256(big).hexdigest()
    gets = [e for e in hub.requests if e.method == "GET" and e.path.startswith("/storage/")]
    assert [(e.range, e.status, e.sent) for e in gets] == [
        (None, 200, chunk + 1000),
        (f"bytes={chunk}-", 206, len(big) - chunk),
    ]
    assert [e.status for e in hub.requests if e.method == "PUT"] == [503, 200]
    assert hub.store.repo("org/bench").read("new.parquet") == b"new"


def test_no_other_host(hub: HubServer, run: Callable[..., Any]) -> None:
    """A client that reaches for another host is stopped, and the attempt is on record."""
    script = """
        import urllib.request
        report([outcome(urllib.request.urlopen, url) for url in ("https://huggingface.co/a", "http://example.org/b")])
    """
    assert run(script) == ["URLError", "HTTPError"]
    assert hub.outside == ["huggingface.co:443", "example.org"]


def ask(hub: HubServer, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
    """One request without any client library: status, headers and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)
    try:
        connection.request(method, path, body or None, {n.replace("_", "-"): v for n, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("asked", "status", "content", "span"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
    ],
)
def test_ranges(hub: HubServer, asked: str, status: int, content: bytes | None, span: str | None) -> None:
    """One range of bytes is served as asked; none, or one past the end, as HTTP says."""
    hub.store.add_repo("model", "org/m", {"digits.txt": "0123456789"})
    got = ask(hub, "GET", "/org/m/resolve/main/digits.txt", Range=asked)
    assert (got[0], got[1]["Content-Range"]) == (status, span)
    assert content is None or got[2] == content


def test_heads_of_files(hub: HubServer) -> None:
    """HEAD tells commit, size and id; for an LFS file, those of the object it redirects to."""
    repo = hub.store.add_repo("dataset", "org/d", {"a.txt": "hello", "b.bin": b"\0" * 9})
    status, small, body = ask(hub, "HEAD", "/datasets/org/d/resolve/main/a.txt")
    assert (status, body, small["Content-Length"], small["X-Repo-Commit"]) == (200, b"", "5", repo.head.oid)
    # What `git hash-object` says of "hello".
    assert small["ETag"] == '"b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"'
    status, large, _ = ask(hub, "HEAD", "/datasets/org/d/resolve/refs%2Fheads%2Fmain/b.bin")
    digest = hashlib.sha256(b"\0" * 9).hexdigest()
    assert (status, large["X-Linked-Size"], large["X-Linked-ETag"]) == (302, "9", f'"{digest}"')
    assert large["Location"].startswith(f"http://localhost:{hub.port}/storage/datasets/org/d/{digest}?")
    status, missing, _ = ask(hub, "HEAD", "/datasets/org/d/resolve/main/c.txt")
    assert (status, missing["X-Error-Code"], missing["X-Repo-Commit"]) == (
        404,
        "EntryNotFound",
        repo.head.oid,
    )


def test_storage_is_strict(hub: HubServer) -> None:
    """The object store takes no token, no unsigned address, and no object but the one announced."""
    hub.store.add_repo("dataset", "org/d", {"b.bin": b"\0" * 9})
    digest = hashlib.sha256(b"\0" * 9).hexdigest()
    path = f"/storage/datasets/org/d/{digest}"
    assert ask(hub, "GET", f"{path}?signature=test")[0] == 200
    assert ask(hub, "GET", path)[0] == 403
    assert ask(hub, "GET", f"{path}?signature=test", Authorization=f"Bearer {TOKEN}")[0] == 400
    other = hashlib.sha256(b"other").hexdigest()
    assert ask(hub, "PUT", f"/storage/datasets/org/d/{other}?size=5", b"OTHER")[0] == 400
    assert ask(hub, "PUT", f"/storage/datasets/org/d/{other}?size=5", b"other")[0] == 200


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "header line"),
        ([{"key": "file", "value": {"path": "a", "content": ""}}], "header line"),
        ([HEADER, {"key": "file", "value": {"path": "../a", "content": ""}}], "invalid path"),
        ([HEADER, {"key": "file", "value": {"path": ".git/config", "content": ""}}], "invalid path"),
        ([HEADER, {"key": "lfsFile", "value": {"path": "a.bin", "oid": "0" * 64}}], "not uploaded"),
        ([HEADER, {"key": "rename", "value": {"path": "a"}}], "unknown operation"),
    ],
    ids=["empty", "no header", "escape", "git folder", "no object", "unknown key"],
)
def test_bad_commits(hub: HubServer, lines: list[Any], message: str) -> None:
    """A commit that breaks the protocol is refused with the reason, and changes nothing."""
    repo = hub.store.add_repo("dataset", "org/d")
    before = repo.head
    body = "\n".join(json.dumps(line) for line in lines).encode()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    status, _, answer = ask(hub, "POST", "/api/datasets/org/d/commit/main", body, **headers)
    assert status == 400
    assert message in json.loads(answer)["error"]
    assert repo.head is before


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("a: [", "YAML Metadata Error"),
        ("- a", "not a mapping"),
        ("license: [mit, mine]", "'mine'"),
        ("language: English", "'English'"),
        ("configs: pbc", "list of mappings"),
        ("configs: [{data_files: a.csv}]", "config_name"),
        ("configs: [{config_name: a}, {config_name: a}]", "twice"),
        ("configs: [{config_name: a, data_files: [{split: test}]}]", "data_files"),
    ],
)
def test_bad_cards(hub: HubServer, metadata: str, message: str) -> None:
    """A card whose metadata the Hub cannot use is refused, saying which field is wrong."""
    card = {"content": f"---\n{metadata}\n---\n# Card\n", "repoType": "dataset"}
    status, _, body = ask(hub, "POST", "/api/validate-yaml", json.dumps(card).encode())
    errors = json.loads(body)["errors"]
    assert (status, len(errors)) == (400, 1)
    assert message in errors[0]["message"]


def test_ignored_files(hub: HubServer) -> None:
    """Preupload says which files a .gitignore leaves out."""
    hub.store.add_repo("dataset", "org/d", {".gitignore": "# made\n*.log\nbuild/\n"})
    paths = ["a.log", "data/b.log", "build/c.txt", "data/d.txt"]
    body = json.dumps({"files": [{"path": path, "size": 1, "sample": "YQ=="} for path in paths]}).encode()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = json.loads(ask(hub, "POST", "/api/datasets/org/d/preupload/main", body, **headers)[2])
    assert [file["path"] for file in answer["files"] if not file["shouldIgnore"]] == ["data/d.txt"]


def test_a_connection_cut_before_the_answer(hub: HubServer) -> None:
    """Cut before any answer, the request was still carried out: the caller cannot know."""
    hub.drop_next("/api/repos/create")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with pytest.raises(http.client.RemoteDisconnected):
        ask(hub, "POST", "/api/repos/create", b'{"name": "d", "type": "dataset"}', **headers)
    assert hub.store.get("dataset", "tester/d") is not None


def test_a_broken_server_fails_its_test() -> None:
    """An exception inside a handler is a failure of the test, not only a 500 for the client."""
    with pytest.raises(AssertionError, match="the test hub itself failed"), HubServer() as hub:
        hub.store = None  # type: ignore[assignment]
        assert ask(hub, "GET", "/api/datasets/org/d")[0] == 500


def test_seeding(hub: HubServer, tmp_path: Path) -> None:
    """A folder seeds a repository; its size, name or bytes decide what goes to LFS."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.parquet").write_bytes(b"PAR1")
    (tmp_path / "b.dat").write_bytes(b"\0")
    (tmp_path / "c.txt").write_text("text", encoding="utf-8")
    repo = hub.store.add_repo("dataset", "org/d", tmp_path)
    assert repo.paths() == [".gitattributes", "b.dat", "c.txt", "data/a.parquet"]
    assert [path for path, file in repo.head.files.items() if file.lfs] == ["b.dat", "data/a.parquet"]
    with pytest.raises(ValueError, match="org/name"):
        hub.store.add_repo("dataset", "name")
