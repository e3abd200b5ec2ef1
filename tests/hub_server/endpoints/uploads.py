"""Writing files: card validation, preupload, LFS objects, commits."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from ..cards import validate_card, validate_eval
from ..objects import Commit, File, goes_to_lfs, is_ignored
from ..store import MAIN, Repo, check_path
from ..web import HubError, Request, Response, json_response, route
from .discussions import open_pull_request

if TYPE_CHECKING:
    from ..server import HubServer


@route("POST", "/api/validate-yaml", "anyone")
def validate_yaml(hub: HubServer, request: Request) -> Response:
    sent = request.json()
    errors, warnings = validate_card(sent.get("content", ""), sent.get("repoType", "model"))
    body = {"errors": [{"message": m} for m in errors], "warnings": [{"message": m} for m in warnings]}
    return json_response(body, 400 if errors else 200)


@route("POST", "/api/{kind}/{repo}/preupload/{rev}", "propose")
def preupload(hub: HubServer, request: Request, repo: Repo, rev: str) -> Response:
    """Say of each file whether it goes to LFS, and the id it has now, so that clients skip equal ones."""
    _require_push_right(hub, request, repo, rev)
    commit = repo.resolve(rev)
    sent = request.json()
    ignore = sent.get("gitIgnore")
    if ignore is None and ".gitignore" in commit.files:
        ignore = commit.files[".gitignore"].content.decode("utf-8", "replace")
    attributes = commit.files[".gitattributes"].content if ".gitattributes" in commit.files else b""
    answers = []
    for asked in sent["files"]:
        path = check_path(asked["path"])
        lfs = goes_to_lfs(attributes, path, asked["size"], base64.b64decode(asked["sample"]))
        answer = {
            "path": path,
            "uploadMode": "lfs" if lfs else "regular",
            "shouldIgnore": is_ignored(ignore or "", path),
        }
        if path in commit.files:
            answer["oid"] = commit.files[path].etag
        answers.append(answer)
    return json_response({"files": answers, "commitOid": commit.oid})


@route("POST", "/{repo}.git/info/lfs/objects/batch", "propose")
@route("POST", "/{kind}/{repo}.git/info/lfs/objects/batch", "propose")
def lfs_batch(hub: HubServer, request: Request, repo: Repo) -> Response:
    """Answer where to put each object; one already stored gets no actions, so it is not sent again."""
    objects = []
    for wanted in request.json()["objects"]:
        oid = wanted["oid"]
        answer = {"oid": oid, "size": wanted["size"]}
        if oid not in repo.lfs:
            target = f"{repo.kind}s/{repo.id}/{oid}"
            answer["actions"] = {
                "upload": {"href": f"{hub.storage_url}/storage/{target}?size={wanted['size']}", "header": {}},
                "verify": {"href": f"{hub.url}/lfs-verify/{target}", "header": {}},
            }
        objects.append(answer)
    return json_response({"transfer": "basic", "objects": objects})


@route("PUT", "/storage/{kind}/{repo}/{oid}", "anyone")
def upload_object(hub: HubServer, request: Request, kind: str, repo: str, oid: str) -> Response:
    target = hub.signed_repo(request, kind, repo)
    if hashlib.sha256(request.body).hexdigest() != oid or str(len(request.body)) != request.get("size"):
        raise HubError(400, "the object's size or SHA-256 is not what was announced")
    target.lfs[oid] = request.body
    return Response(200, b"", {"ETag": f'"{oid}"'})


@route("POST", "/lfs-verify/{kind}/{repo}/{oid}", "propose")
def verify_object(hub: HubServer, request: Request, repo: Repo, oid: str) -> Response:
    if oid not in repo.lfs or len(repo.lfs[oid]) != request.json().get("size"):
        raise HubError(404, "the object was not uploaded")
    return Response()


@route("POST", "/api/{kind}/{repo}/commit/{rev}", "propose")
def commit(hub: HubServer, request: Request, repo: Repo, rev: str) -> Response:
    _require_push_right(hub, request, repo, rev)
    create_pr = request.flag("create_pr")
    parent = repo.resolve(rev)
    ref = repo.ref_name(rev)
    if not create_pr and (ref is None or ref.startswith("refs/tags/")):
        raise HubError(400, f"{rev!r} is not a branch")
    header, changes = _read_operations(repo, parent, request.json_lines())
    if header.get("parentCommit") not in (None, parent.oid):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    tasks = changes.get("eval.yaml") if repo.kind == "dataset" else None
    if tasks is not None and (errors := validate_eval(tasks.content.decode())):
        raise HubError(400, "; ".join(errors))
    title, message = header["summary"], header.get("description", "")
    pull = None
    if create_pr:
        pull = open_pull_request(repo, request.user.name, title, message, base=parent)
        ref = pull.ref
    made = repo.add_commit(changes, title, message=message, author=request.user.name, ref=ref or MAIN)
    page = f"{hub.url}/{repo.url_path}"
    answer: dict[str, Any] = {
        "success": True,
        "commitOid": made.oid,
        "commitUrl": f"{page}/commit/{made.oid}",
        "hookOutput": "",
    }
    if pull:
        pull.add_event("commit", request.user.name, {"subject": title, "oid": made.oid})
        answer["pullRequestUrl"] = f"{page}/discussions/{pull.num}"
    return json_response(answer)


def _require_push_right(hub: HubServer, request: Request, repo: Repo, rev: str) -> None:
    """Proposing takes a token; writing to a branch takes the right to push to the namespace."""
    if not request.flag("create_pr") and not rev.startswith("refs/pr/"):
        hub.authorize(request, repo.kind, repo.id, "write")


def _read_operations(
    repo: Repo, parent: Commit, lines: list[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, File | None]]:
    """Turn the lines of a commit into its header and the changes it makes."""
    if not lines or lines[0].get("key") != "header" or not lines[0]["value"].get("summary"):
        raise HubError(400, "a commit starts with a header line that has a summary")
    changes: dict[str, File | None] = {}
    for line in lines[1:]:
        key, value = line.get("key"), line.get("value", {})
        path = check_path(value.get("path", "").rstrip("/"))
        if key == "file":
            changes[path] = _regular_file(value)
        elif key == "lfsFile":
            changes[path] = _lfs_file(repo, value)
        elif key == "deletedFile":
            if path not in parent.files:
                raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
            changes[path] = None
        elif key == "deletedFolder":
            below = [p for p in parent.files if p.startswith(f"{path}/")]
            if not below:
                raise HubError(404, "A folder with this name doesn't exist", "EntryNotFound")
            changes.update(dict.fromkeys(below))
        else:
            raise HubError(400, f"unknown operation {key!r}")
    return lines[0]["value"], changes


def _regular_file(value: dict[str, Any]) -> File:
    if value.get("encoding") != "base64":
        return File(value["content"].encode("utf-8"))
    try:
        return File(base64.b64decode(value["content"], validate=True))
    except binascii.Error as error:
        raise HubError(400, f"{value['path']}: the content is not base64") from error


def _lfs_file(repo: Repo, value: dict[str, Any]) -> File:
    content = repo.lfs.get(value["oid"])
    if content is None:
        raise HubError(400, f"LFS pointer {value['path']} points to an object that was not uploaded")
    return File(content, lfs=True)
