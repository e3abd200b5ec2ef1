"""Accounts and repositories: who am I, create, delete, info, refs, branches, tags, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..cards import card_data
from ..objects import Commit
from ..store import Repo
from ..web import KINDS, HubError, Request, Response, json_response, route

if TYPE_CHECKING:
    from ..server import HubServer


@route("GET", "/api/whoami-v2", "user")
def whoami(hub: HubServer, request: Request) -> Response:
    user = request.user
    orgs = [{"name": name, "type": "org"} for name in sorted(user.writes or ()) if name != user.name]
    token = {"displayName": "test", "role": "write"}
    auth = {"type": "access_token", "accessToken": token}
    return json_response(
        {"type": "user", "name": user.name, "fullname": user.name, "orgs": orgs, "auth": auth}
    )


@route("POST", "/api/repos/create", "user")
def create(hub: HubServer, request: Request) -> Response:
    wanted = request.json()
    kind, repo_id = _named_repo(request, wanted)
    if not request.user.may_write(repo_id.split("/")[0]):
        raise HubError(403, f"You don't have the rights to create a {kind} under this namespace")
    if kind == "space" and not wanted.get("sdk"):
        raise HubError(400, "sdk is required for a space")
    existing = hub.store.get(kind, repo_id)
    if existing:
        message = f"You already created this {kind} repo"
        body = {"error": message, "url": f"{hub.url}/{existing.url_path}"}
        return json_response(body, 409, {"X-Error-Message": message})
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    repo = hub.store.create(kind, repo_id, private=private, sdk=wanted.get("sdk"))
    return json_response({"url": f"{hub.url}/{repo.url_path}", "name": repo_id, "id": repo_id})


@route("DELETE", "/api/repos/delete", "user")
def delete(hub: HubServer, request: Request) -> Response:
    kind, repo_id = _named_repo(request, request.json())
    hub.authorize(request, kind, repo_id, "write")
    del hub.store.repos[kind, repo_id]
    return Response()


@route("PUT", "/api/{kind}/{repo}/settings", "write")
def settings(hub: HubServer, request: Request, repo: Repo) -> Response:
    wanted = request.json()
    if "visibility" in wanted or "private" in wanted:
        repo.private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    if "gated" in wanted:
        repo.gated = bool(wanted["gated"])
    return json_response({"private": repo.private, "gated": repo.gated})


@route("GET", "/api/{kind}/{repo}[/revision/{rev}]", "read")
def info(hub: HubServer, request: Request, repo: Repo, rev: str = "main") -> Response:
    commit = repo.resolve(rev)
    everything = _describe(repo, commit, with_blobs=request.flag("blobs"))
    # "expand" asks for the named properties and nothing else.
    wanted = request.query.get("expand", []) + request.query.get("expand[]", [])
    if wanted:
        everything = {name: value for name, value in everything.items() if name in {"_id", "id", *wanted}}
    return json_response(everything, headers={"X-Repo-Commit": commit.oid})


@route("GET", "/api/{kind}/{repo}/auth-check[/{mode}]", "read")
def auth_check(hub: HubServer, request: Request, repo: Repo, mode: str = "") -> Response:
    hub.check_gate(request, repo)
    if mode == "write":
        hub.authorize(request, repo.kind, repo.id, "write")
    return Response()


@route("GET", "/api/{kind}/{repo}/refs", "read")
def refs(hub: HubServer, request: Request, repo: Repo) -> Response:
    def listed(prefix: str) -> list[dict[str, str]]:
        return [
            {
                "name": ref.removeprefix(prefix) if prefix != "refs/pr/" else ref,
                "ref": ref,
                "targetCommit": oid,
            }
            for ref, oid in repo.refs.items()
            if ref.startswith(prefix)
        ]

    found = {
        "branches": listed("refs/heads/"),
        "converts": listed("refs/convert/"),
        "tags": listed("refs/tags/"),
    }
    if request.flag("include_prs"):
        found["pullRequests"] = listed("refs/pr/")
    return json_response(found)


@route("GET", "/api/{kind}/{repo}/commits/{rev}", "read")
def commits(hub: HubServer, request: Request, repo: Repo, rev: str) -> Response:
    history = [
        {
            "id": commit.oid,
            "title": commit.title,
            "message": commit.message,
            "authors": [{"user": commit.author}],
            "date": commit.date,
        }
        for commit in repo.resolve(rev).history()
    ]
    return hub.page(request, history)


@route("POST", "/api/{kind}/{repo}/branch/{name}", "write")
def create_branch(hub: HubServer, request: Request, repo: Repo, name: str) -> Response:
    return _create_ref(repo, f"refs/heads/{name}", request.json().get("startingPoint") or "main")


@route("DELETE", "/api/{kind}/{repo}/branch/{name}", "write")
def delete_branch(hub: HubServer, request: Request, repo: Repo, name: str) -> Response:
    if name == "main":
        raise HubError(403, "Cannot delete the default branch")
    return _delete_ref(repo, f"refs/heads/{name}")


@route("POST", "/api/{kind}/{repo}/tag/{rev}", "write")
def create_tag(hub: HubServer, request: Request, repo: Repo, rev: str) -> Response:
    name = request.json().get("tag")
    if not name:
        raise HubError(400, "a tag needs a name")
    return _create_ref(repo, f"refs/tags/{name}", rev)


@route("DELETE", "/api/{kind}/{repo}/tag/{name}", "write")
def delete_tag(hub: HubServer, request: Request, repo: Repo, name: str) -> Response:
    return _delete_ref(repo, f"refs/tags/{name}")


def _create_ref(repo: Repo, ref: str, revision: str) -> Response:
    target = repo.resolve(revision)
    if ref in repo.refs:
        raise HubError(409, f"Reference {ref} already exists")
    repo.refs[ref] = target.oid
    return json_response({"ref": ref, "targetCommit": target.oid}, 201)


def _delete_ref(repo: Repo, ref: str) -> Response:
    if ref not in repo.refs:
        raise HubError(404, f"Reference {ref} does not exist", "RevisionNotFound")
    del repo.refs[ref]
    return Response()


def _named_repo(request: Request, wanted: dict[str, Any]) -> tuple[str, str]:
    """The kind and id that a create or delete request names in its body."""
    kind = wanted.get("type") or "model"
    if kind not in KINDS.values() or not wanted.get("name"):
        raise HubError(400, f"not a repository: {wanted}")
    return kind, f"{wanted.get('organization') or request.user.name}/{wanted['name']}"


def _describe(repo: Repo, commit: Commit, *, with_blobs: bool) -> dict[str, Any]:
    siblings: list[dict[str, Any]] = []
    for path, file in commit.files.items():
        sibling: dict[str, Any] = {"rfilename": path}
        if with_blobs:
            sibling.update(size=len(file.content), blobId=file.blob_id)
        if with_blobs and file.lfs:
            sibling["lfs"] = {
                "sha256": file.sha256,
                "size": len(file.content),
                "pointerSize": len(file.pointer),
            }
        siblings.append(sibling)
    readme = commit.files.get("README.md")
    card = card_data(readme.content.decode("utf-8", "replace")) if readme else {}
    tags = card.get("tags") or []
    described: dict[str, Any] = {
        "_id": next(iter(repo.commits))[:24],
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": repo.created_at,
        "private": repo.private,
        "gated": "auto" if repo.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [tags] if isinstance(tags, str) else tags,
        "cardData": card,
        "siblings": siblings,
        "usedStorage": sum(len(file.content) for file in commit.files.values()),
    }
    if repo.kind == "model":
        described.update(
            modelId=repo.id, library_name=card.get("library_name"), pipeline_tag=card.get("pipeline_tag")
        )
    if repo.kind == "space":
        described["sdk"] = repo.sdk or card.get("sdk")
    return described
