"""Discussions and pull requests: open, list, look at, comment, retitle, close, merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..discussions import Discussion, changed_files, conflicts, unified_diff
from ..objects import Commit
from ..store import Repo
from ..web import HubError, Request, Response, json_response, route

if TYPE_CHECKING:
    from ..server import HubServer


def open_discussion(repo: Repo, author: str, title: str, description: str) -> Discussion:
    """Open a discussion; its first event is the description."""
    num = len(repo.discussions) + 1
    opened = repo.discussions[num] = Discussion(num, title, author)
    opened.comment(author, description)
    return opened


def open_pull_request(repo: Repo, author: str, title: str, description: str, *, base: Commit) -> Discussion:
    """Open a pull request whose branch, refs/pr/N, starts at `base`."""
    pull = open_discussion(repo, author, title, description)
    pull.base = base
    repo.refs[pull.ref] = base.oid
    return pull


@route("GET", "/api/{kind}/{repo}/discussions", "read")
def listing(hub: HubServer, request: Request, repo: Repo) -> Response:
    found = list(reversed(repo.discussions.values()))
    wanted = {"pull_request": True, "discussion": False}.get(request.get("type"))
    if wanted is not None:
        found = [d for d in found if d.is_pull_request == wanted]
    if request.get("status") in ("open", "closed"):
        found = [d for d in found if (d.status in ("open", "draft")) == (request.get("status") == "open")]
    if request.get("author"):
        found = [d for d in found if d.author == request.get("author")]
    start = int(request.get("p", "0")) * hub.page_size
    page = [_summary(repo, d) for d in found[start : start + hub.page_size]]
    return json_response({"discussions": page, "count": len(found), "start": start})


@route("POST", "/api/{kind}/{repo}/discussions", "propose")
def create(hub: HubServer, request: Request, repo: Repo) -> Response:
    sent = request.json()
    title, description = sent.get("title", ""), sent.get("description", "")
    if not 3 <= len(title) <= 200:
        raise HubError(400, "a title has 3 to 200 characters")
    if sent.get("pullRequest"):
        opened = open_pull_request(repo, request.user.name, title, description, base=repo.head)
        opened.status = "draft"  # as the Hub does for pull requests opened before they have a commit
    else:
        opened = open_discussion(repo, request.user.name, title, description)
    url = f"{hub.url}/{repo.url_path}/discussions/{opened.num}"
    return json_response({"num": opened.num, "pullRequest": opened.is_pull_request, "url": url})


@route("GET", "/api/{kind}/{repo}/discussions/{num}", "read")
def details(hub: HubServer, request: Request, repo: Repo, num: str) -> Response:
    discussion = _find(repo, num)
    described = {**_summary(repo, discussion), "events": discussion.events}
    if discussion.base is not None:
        head = repo.commits[repo.refs[discussion.ref]]
        open_still = discussion.status in ("open", "draft")
        described["changes"] = {"base": "refs/heads/main", "mergeCommitId": discussion.merge_commit}
        described["filesWithConflicts"] = conflicts(discussion.base, head, repo.head) if open_still else []
        if request.flag("diff"):
            described["diff"] = unified_diff(discussion.base, head)
    return json_response(described)


@route("POST", "/api/{kind}/{repo}/discussions/{num}/comment", "propose")
def comment(hub: HubServer, request: Request, repo: Repo, num: str) -> Response:
    event = _find(repo, num).comment(request.user.name, request.json()["comment"])
    return json_response({"newMessage": event})


@route("POST", "/api/{kind}/{repo}/discussions/{num}/title", "propose")
def title(hub: HubServer, request: Request, repo: Repo, num: str) -> Response:
    discussion = _editable(hub, request, repo, num)
    data = {"from": discussion.title, "to": request.json()["title"]}
    discussion.title = data["to"]
    return json_response({"newTitle": discussion.add_event("title-change", request.user.name, data)})


@route("POST", "/api/{kind}/{repo}/discussions/{num}/status", "propose")
def status(hub: HubServer, request: Request, repo: Repo, num: str) -> Response:
    discussion = _editable(hub, request, repo, num)
    sent = request.json()
    if sent.get("status") not in ("open", "closed") or discussion.status == "merged":
        raise HubError(400, f"cannot change a {discussion.status} discussion to {sent.get('status')!r}")
    if sent.get("comment"):
        discussion.comment(request.user.name, sent["comment"])
    return json_response({"newStatus": _set_status(discussion, request.user.name, sent["status"])})


@route("POST", "/api/{kind}/{repo}/discussions/{num}/merge", "write")
def merge(hub: HubServer, request: Request, repo: Repo, num: str) -> Response:
    pull = _find(repo, num)
    if pull.base is None or pull.status != "open":
        raise HubError(403, f"discussion {num} is not an open pull request (status: {pull.status})")
    head = repo.commits[repo.refs[pull.ref]]
    clashing = conflicts(pull.base, head, repo.head)
    if clashing:
        raise HubError(409, f"pull request {num} conflicts with main in: {', '.join(clashing)}")
    text = f"{pull.title} (#{num})"
    made = repo.add_commit(changed_files(pull.base, head), text, author=request.user.name)
    pull.merge_commit = made.oid
    comment_text = (request.json() or {}).get("comment")
    if comment_text:
        pull.comment(request.user.name, comment_text)
    _set_status(pull, request.user.name, "merged")
    return json_response({"mergeCommitId": made.oid})


def _find(repo: Repo, num: str) -> Discussion:
    if int(num) not in repo.discussions:
        raise HubError(404, f"discussion {num} does not exist")
    return repo.discussions[int(num)]


def _editable(hub: HubServer, request: Request, repo: Repo, num: str) -> Discussion:
    """A discussion its author or whoever may write to the repository edits."""
    discussion = _find(repo, num)
    if discussion.author != request.user.name:
        hub.authorize(request, repo.kind, repo.id, "write")
    return discussion


def _set_status(discussion: Discussion, author: str, new: str) -> dict[str, Any]:
    discussion.status = new
    return discussion.add_event("status-change", author, {"status": new})


def _summary(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "author": {"name": discussion.author, "type": "user"},
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "createdAt": discussion.created_at,
        "repo": {"name": repo.id, "type": repo.kind},
    }
