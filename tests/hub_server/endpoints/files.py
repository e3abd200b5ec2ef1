"""Reading files: tree, paths-info, resolve, and the storage host that LFS files redirect to."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..objects import Commit, File
from ..store import Repo
from ..web import HubError, Request, Response, parse_range, route

if TYPE_CHECKING:
    from ..server import HubServer


@route("GET", "/api/{kind}/{repo}/tree/{rev}[/{path}]", "read")
def tree(hub: HubServer, request: Request, repo: Repo, rev: str, path: str = "") -> Response:
    commit = repo.resolve(rev)
    entries = commit.entries(path, recursive=request.flag("recursive"))
    if path and not entries:
        raise HubError(404, f"{path} does not exist on {rev!r}", "EntryNotFound", X_Repo_Commit=commit.oid)
    expand = request.flag("expand")
    listed = [_entry(commit, name, file, expand=expand) for name, file in entries.items()]
    return hub.page(request, listed, {"X-Repo-Commit": commit.oid})


@route("POST", "/api/{kind}/{repo}/paths-info/{rev}", "read")
def paths_info(hub: HubServer, request: Request, repo: Repo, rev: str) -> Response:
    commit = repo.resolve(rev)
    form = request.form()
    everything = commit.entries()
    expand = form.get("expand", [""])[0].lower() == "true"
    # Paths that do not exist are left out, not an error.
    found = [
        _entry(commit, path, everything[path], expand=expand)
        for path in (wanted.strip("/") for wanted in form.get("paths", []))
        if path in everything
    ]
    return hub.page(request, found, {"X-Repo-Commit": commit.oid})


@route("GET", "/{repo}/resolve/{rev}/{path}", "read")
@route("GET", "/{kind}/{repo}/resolve/{rev}/{path}", "read")
def resolve(hub: HubServer, request: Request, repo: Repo, rev: str, path: str) -> Response:
    """Serve a small file; redirect to the storage host for an LFS file."""
    hub.check_gate(request, repo)
    commit, file = repo.file(rev, path)
    headers = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(PurePosixPath(path).name)}",
    }
    if not file.lfs:
        return _content(request, file.content, {"Content-Type": "text/plain; charset=utf-8", **headers})
    headers["X-Linked-ETag"] = f'"{file.sha256}"'
    headers["X-Linked-Size"] = str(len(file.content))
    headers["Location"] = f"{hub.storage_url}/storage/{repo.kind}s/{repo.id}/{file.sha256}?signature=test"
    return Response(302, b"Found. Redirecting to storage", headers)


@route("GET", "/storage/{kind}/{repo}/{oid}", "anyone")
def download_object(hub: HubServer, request: Request, kind: str, repo: str, oid: str) -> Response:
    """Serve an LFS object the way the object store behind the Hub does: by signed URL alone."""
    content = hub.stored_object(request, kind, repo, oid)
    return _content(request, content, {"Content-Type": "binary/octet-stream", "ETag": f'"{oid}"'})


def _content(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    headers["Accept-Ranges"] = "bytes"
    span = parse_range(request.headers.get("range"), len(content))
    if span is None:
        return Response(200, content, headers)
    first, last = span
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(206, content[first : last + 1], headers)


def _entry(commit: Commit, path: str, file: File | None, *, expand: bool) -> dict[str, Any]:
    """A tree entry as the Hub lists it; `expand` adds the last commit, which is costly to find."""
    if file is None:
        entry: dict[str, Any] = {"type": "directory", "oid": commit.tree_id(path), "size": 0, "path": path}
    else:
        entry = {"type": "file", "oid": file.blob_id, "size": len(file.content), "path": path}
    if file is not None and file.lfs:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": len(file.pointer)}
    if expand:
        last = commit.last_change(path)
        entry["lastCommit"] = {"id": last.oid, "title": last.title, "date": last.date}
    return entry
