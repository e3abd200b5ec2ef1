"""Real clients push to the loopback Hub and read back what they pushed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub_server import READER_TOKEN, TOKEN, HubServer

PARQUET = b"PAR1" + bytes(range(256)) * 40 + b"PAR1"
CARD = "---\nlicense: cc-by-sa-4.0\n---\n# A benchmark\n"
FILES = {"README.md": CARD, "data/a b/0.parquet": PARQUET, "data/notes.json": "{}"}


def write_folder(folder: Path) -> Path:
    """The files of FILES on disk."""
    for path, content in FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_push_and_read_back(hub: HubServer, run: Callable[..., Any], tmp_path: Path) -> None:
    """A folder pushed is the folder listed and downloaded; large files went through LFS, once."""
    hub.page_size = 2
    script = """
        import pathlib
        from huggingface_hub import HfApi
        api, dataset, [folder] = HfApi(), {"repo_id": "org/bench", "repo_type": "dataset"}, arguments
        url = api.create_repo(**dataset)
        taken = outcome(api.create_repo, **dataset)
        api.create_repo(**dataset, exist_ok=True)
        first = api.upload_folder(folder_path=folder, **dataset)
        second = api.upload_folder(folder_path=folder, **dataset)
        tree = list(api.list_repo_tree(recursive=True, expand=True, **dataset))
        top = [entry.path for entry in api.list_repo_tree(**dataset)]
        inside = [entry.path for entry in api.list_repo_tree(path_in_repo="data/a b", **dataset)]
        parquet = api.hf_hub_download(filename="data/a b/0.parquet", **dataset)
        snapshot = pathlib.Path(api.snapshot_download(allow_patterns="data/*", **dataset))
        info = api.dataset_info("org/bench", files_metadata=True)
        known = api.get_paths_info("org/bench", ["data", "README.md", "missing"], repo_type="dataset")
        report({
            "user": api.whoami()["name"], "url": url.url, "taken": taken, "same": first.oid == second.oid,
            "tree": {entry.path: entry.last_commit.title for entry in tree}, "top": top, "inside": inside,
            "parquet": pathlib.Path(parquet).read_bytes().hex(),
            "snapshot": sorted(p.relative_to(snapshot).as_posix() for p in snapshot.rglob("*.*")),
            "head": info.sha == first.oid, "licence": info.card_data.license,
            "sizes": {s.rfilename: [s.size, s.lfs is not None] for s in info.siblings},
            "only": vars(api.dataset_info("org/bench", expand=["private"]))["siblings"],
            "known": [entry.path for entry in known],
        })
    """
    answer = run(script, write_folder(tmp_path / "source"))
    new = "Upload folder using huggingface_hub"
    assert answer["user"] == "tester"
    assert answer["url"] == f"{hub.url}/datasets/org/bench"
    assert answer["taken"] == "HfHubHTTPError 409"
    assert answer["same"]
    assert answer["tree"] == {
        ".gitattributes": "initial commit",
        "README.md": new,
        "data": new,
        "data/a b": new,
        "data/a b/0.parquet": new,
        "data/notes.json": new,
    }
    assert answer["top"] == [".gitattributes", "README.md", "data"]
    assert answer["inside"] == ["data/a b/0.parquet"]
    assert bytes.fromhex(answer["parquet"]) == PARQUET
    assert answer["snapshot"] == ["data/a b/0.parquet", "data/notes.json"]
    assert answer["head"]
    assert answer["licence"] == "cc-by-sa-4.0"
    assert answer["sizes"]["data/a b/0.parquet"] == [len(PARQUET), True]
    assert answer["sizes"]["data/notes.json"] == [2, False]
    assert answer["only"] is None
    assert answer["known"] == ["data", "README.md"]
    # One object sent although the folder was pushed twice, and one commit made of it.
    assert hub.count("PUT", "/storage/") == 1
    assert hub.count("POST", "/commit/main") == 1
    assert hub.store.repo("org/bench").read("data/a b/0.parquet") == PARQUET
    # The token never left the Hub's own host, and nobody reached for another one.
    storage = [exchange for exchange in hub.requests if exchange.path.startswith("/storage/")]
    assert len(storage) == 2
    assert not any(exchange.authorized for exchange in storage)
    assert hub.outside == []


def test_revisions(hub: HubServer, run: Callable[..., Any]) -> None:
    """Tags and branches name commits, can be read at, and are refused where git would refuse them."""
    repo = hub.store.add_repo("dataset", "org/bench", {"data.txt": "one"})
    first = repo.head.oid
    script = """
        import pathlib
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
        api, dataset, [first] = HfApi(), {"repo_id": "org/bench", "repo_type": "dataset"}, arguments
        def read(revision):
            path = api.hf_hub_download(filename="data.txt", revision=revision, **dataset)
            return pathlib.Path(path).read_text()
        api.create_tag(tag="v1", **dataset)
        api.create_branch(branch="next/one", **dataset)
        api.upload_file(path_or_fileobj=b"two", path_in_repo="data.txt", revision="next/one", **dataset)
        operations = [CommitOperationAdd("new/x.txt", b"x"), CommitOperationDelete("data.txt")]
        api.create_commit(operations=operations, commit_message="Replace", parent_commit=first, **dataset)
        refs = api.list_repo_refs(**dataset)
        def commit(**more):
            added = [CommitOperationAdd("y", b"")]
            api.create_commit(operations=added, commit_message="m", **dataset, **more)
        failures = {
            "tag taken": outcome(api.create_tag, tag="v1", **dataset),
            "no revision": outcome(read, "nowhere"),
            "no entry": outcome(read, "main"),
            "no folder": outcome(lambda: list(api.list_repo_tree(path_in_repo="nothing", **dataset))),
            "on a tag": outcome(commit, revision="v1"),
            "stale": outcome(commit, parent_commit=first),
            "no file": outcome(api.delete_file, path_in_repo="data.txt", **dataset),
            "no tag": outcome(api.delete_tag, tag="v2", **dataset),
        }
        contents = [read(revision) for revision in ("v1", "next/one", first, first[:8])]
        api.delete_folder(path_in_repo="new", **dataset)
        api.delete_tag(tag="v1", **dataset)
        api.delete_branch(branch="next/one", **dataset)
        report({
            "contents": contents, "tags": [tag.name for tag in refs.tags], "failures": failures,
            "branches": [branch.name for branch in refs.branches],
            "left": [tag.name for tag in api.list_repo_refs(**dataset).tags],
            "history": [commit.title for commit in api.list_repo_commits(**dataset)],
        })
    """
    answer = run(script, first)
    assert answer["contents"] == ["one", "two", "one", "one"]
    assert (answer["tags"], answer["branches"]) == (["v1"], ["main", "next/one"])
    assert answer["left"] == []
    assert answer["history"] == [
        "Delete folder new with huggingface_hub",
        "Replace",
        "Add files",
        "initial commit",
    ]
    assert answer["failures"] == {
        "tag taken": "HfHubHTTPError 409",
        "no revision": "RevisionNotFoundError 404",
        "no entry": "RemoteEntryNotFoundError 404",
        "no folder": "RemoteEntryNotFoundError 404",
        "on a tag": "BadRequestError 400",
        "stale": "HfHubHTTPError 412",
        "no file": "RemoteEntryNotFoundError 404",
        "no tag": "RevisionNotFoundError 404",
    }


def test_pull_requests(hub: HubServer, run: Callable[..., Any]) -> None:
    """Who may not push may propose; the owner sees the change, merges it, and cannot merge a conflict."""
    hub.store.add_repo("dataset", "org/results", {"README.md": CARD, "a.txt": "old\n"})
    script = """
        import pathlib
        from huggingface_hub import HfApi
        owner, reader = HfApi(token=arguments[0]), HfApi(token=arguments[1])
        results = {"repo_id": "org/results", "repo_type": "dataset"}
        def upload(api, content, **more):
            return api.upload_file(path_or_fileobj=content, path_in_repo="a.txt", **results, **more)
        forbidden = outcome(upload, reader, b"new")
        good = upload(reader, b"good\\n", create_pr=True, commit_message="Good")
        clash = upload(reader, b"clash\\n", create_pr=True, commit_message="Clash")
        upload(reader, b"better\\n", revision=good.pr_revision)
        proposed = owner.hf_hub_download(filename="a.txt", revision=good.pr_revision, **results)
        before = owner.get_discussion_details(discussion_num=1, **results)
        not_owner = outcome(reader.merge_pull_request, discussion_num=1, **results)
        reader.comment_discussion(discussion_num=1, comment="please", **results)
        owner.merge_pull_request(discussion_num=1, comment="thanks", **results)
        after = owner.get_discussion_details(discussion_num=1, **results)
        conflict = owner.get_discussion_details(discussion_num=2, **results)
        refused = outcome(owner.merge_pull_request, discussion_num=2, **results)
        draft = reader.create_pull_request(title="Later", **results)
        unready = outcome(owner.merge_pull_request, discussion_num=draft.num, **results)
        reader.change_discussion_status(discussion_num=2, new_status="closed", **results)
        listed = list(owner.get_repo_discussions(**results))
        report({
            "forbidden": forbidden, "pr": [good.pr_url, good.pr_revision, good.pr_num],
            "proposed": pathlib.Path(proposed).read_text(), "diff": before.diff.splitlines()[-2:],
            "not_owner": not_owner, "status": after.status,
            "head": after.merge_commit_oid == owner.repo_info(**results).sha,
            "said": [e.content for e in after.events if e.type == "comment"][1:],
            "conflict": conflict.conflicting_files, "refused": refused, "unready": unready,
            "listed": [[d.num, d.title, d.author, d.status] for d in listed],
            "open": [d.num for d in owner.get_repo_discussions(discussion_status="open", **results)],
            "prs": len(owner.list_repo_refs(include_pull_requests=True, **results).pull_requests),
        })
    """
    answer = run(script, TOKEN, READER_TOKEN)
    assert answer["forbidden"] == "HfHubHTTPError 403"
    assert answer["pr"] == [f"{hub.url}/datasets/org/results/discussions/1", "refs/pr/1", 1]
    assert answer["proposed"] == "better\n"
    assert answer["diff"] == ["-old", "+better"]
    assert answer["not_owner"] == "HfHubHTTPError 403"
    assert (answer["status"], answer["head"]) == ("merged", True)
    assert answer["said"] == ["please", "thanks"]
    assert answer["conflict"] == ["a.txt"]
    assert answer["refused"] == "HfHubHTTPError 409"
    assert answer["unready"] == "HfHubHTTPError 403"
    assert answer["listed"] == [
        [3, "Later", "reader", "draft"],
        [2, "Clash", "reader", "closed"],
        [1, "Good", "reader", "merged"],
    ]
    assert answer["open"] == [3]
    assert answer["prs"] == 3
    assert hub.store.repo("org/results").read("a.txt") == b"better\n"


def test_models_and_spaces(hub: HubServer, run: Callable[..., Any]) -> None:
    """Models have no path prefix, spaces need an SDK; files are copied and repositories deleted."""
    script = """
        import pathlib
        from huggingface_hub import CommitOperationCopy, HfApi
        api = HfApi()
        model = api.create_repo("org/model")
        api.upload_file(repo_id="org/model", path_or_fileobj=b"w" * 3000, path_in_repo="w.safetensors")
        copy = CommitOperationCopy("w.safetensors", "copy/w.safetensors")
        api.create_commit("org/model", [copy], commit_message="Copy")
        copied = pathlib.Path(api.hf_hub_download("org/model", "copy/w.safetensors")).stat().st_size
        space = api.create_repo("board", repo_type="space", space_sdk="static", private=True)
        page = {"path_or_fileobj": b"<p>", "path_in_repo": "index.html"}
        api.upload_file(repo_id="tester/board", repo_type="space", **page)
        info = api.space_info("tester/board")
        hidden = outcome(HfApi(token=arguments[0]).space_info, "tester/board")
        api.update_repo_settings("tester/board", repo_type="space", private=False)
        shown = outcome(HfApi(token=arguments[0]).space_info, "tester/board")
        api.delete_repo("tester/board", repo_type="space")
        report({
            "model": model.url, "copied": copied, "files": api.list_repo_files("org/model"),
            "space": space.url, "info": [info.sdk, info.private, [s.rfilename for s in info.siblings]],
            "hidden": hidden, "shown": shown, "gone": outcome(api.space_info, "tester/board"),
            "exists": api.repo_exists("org/model"),
        })
    """
    answer = run(script, READER_TOKEN)
    assert answer["model"] == f"{hub.url}/org/model"
    assert answer["copied"] == 3000
    assert answer["files"] == [".gitattributes", "copy/w.safetensors", "w.safetensors"]
    assert answer["space"] == f"{hub.url}/spaces/tester/board"
    assert answer["info"] == ["static", True, [".gitattributes", "index.html"]]
    assert answer["hidden"] == "RepositoryNotFoundError 404"
    assert answer["shown"] == "done"
    assert answer["gone"] == "RepositoryNotFoundError 404"
    assert answer["exists"]
