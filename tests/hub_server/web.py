"""Requests, responses, errors and the route table: HTTP with no Hub in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}

_PLACEHOLDERS = {
    "kind": r"models|datasets|spaces",
    "repo": r"[^/]+/[^/]+?",
    "rev": r"refs/(?:pr|convert|heads|tags)/[^/]+|[^/]+",
    "path": r".+",
    "num": r"\d+",
    "oid": r"[0-9a-f]{64}",
}


class HubError(Exception):
    """An answer other than success: status, message, and the Hub's machine-readable code.

    Clients choose their exception class by `code` (the X-Error-Code header), not by `status` alone.
    """

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {"X-Error-Message": message.replace("\n", " ")}
        if code:
            self.headers["X-Error-Code"] = code
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def response(self) -> Response:
        return json_response({"error": self.message}, self.status, self.headers)


@dataclass
class Request:
    """One request as a handler sees it. `path` is still percent-encoded; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    user: Any = None
    host: str = field(init=False)
    path: str = field(init=False)
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        # A request to a proxy names the host in its target, any other one in the Host header.
        parts = urlsplit(f"//{self.target}" if self.method == "CONNECT" else self.target)
        self.host = parts.netloc or self.headers.get("host", "")
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)

    @property
    def token(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def get(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def flag(self, name: str) -> bool:
        return self.get(name).lower() in ("1", "true")

    def json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise HubError(400, f"the body is not JSON: {error}") from error

    def json_lines(self) -> list[Any]:
        try:
            return [json.loads(line) for line in self.body.splitlines() if line.strip()]
        except ValueError as error:
            raise HubError(400, f"the body is not newline-delimited JSON: {error}") from error

    def form(self) -> dict[str, list[str]]:
        """The body as lists of strings, sent either as a form or as JSON (the Hub takes both)."""
        if self.headers.get("content-type", "").startswith("application/json"):
            return {k: v if isinstance(v, list) else [str(v)] for k, v in self.json().items()}
        return parse_qs(self.body.decode("utf-8"), keep_blank_values=True)


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(value).encode("utf-8")
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


@dataclass(frozen=True)
class Route:
    """A method and path pattern, who may call it, and its handler."""

    method: str
    pattern: re.Pattern[str]
    access: str
    handler: Callable[..., Response]

    def match(self, request: Request) -> dict[str, str] | None:
        """The decoded placeholders if the route serves this request, else None."""
        # HEAD is answered as GET; the body is dropped when the response is written.
        method = "GET" if request.method == "HEAD" else request.method
        found = self.pattern.fullmatch(request.path) if method == self.method else None
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value is not None}


ROUTES: list[Route] = []


def route(
    method: str, template: str, access: str
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Register a handler.

    `template` has placeholders in braces; ``[...]`` is optional. Matching is done on the encoded path, so
    that ``refs%2Fpr%2F1`` is one segment. `access` is one of

    - ``anyone``: no check beyond that a token, if sent, is known;
    - ``user``: any known token;
    - ``read``: the repository exists and the caller may see it;
    - ``propose``: read, and a known token (pull requests, discussions);
    - ``write``: read, and the caller may push to its namespace.

    With the last three the handler gets the `Repo` itself in place of ``{kind}`` and ``{repo}``.
    """
    regex = re.escape(template).replace(r"\[", "(?:").replace(r"\]", ")?")
    regex = re.sub(r"\\{(\w+)\\}", lambda m: f"(?P<{m[1]}>{_PLACEHOLDERS.get(m[1], '[^/]+')})", regex)

    def register(handler: Callable[..., Response]) -> Callable[..., Response]:
        ROUTES.append(Route(method, re.compile(regex), access, handler))
        return handler

    return register


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for by a Range header, or None if it asks for no single range.

    Raises HubError 416 when the range starts beyond the end.
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", (header or "").strip())
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        first, last = max(size - int(found[2]), 0), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
    if first > last:
        raise HubError(416, "Range Not Satisfiable", Content_Range=f"bytes */{size}")
    return first, last
