"""Faults to inject, and the log of what was asked and answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .web import Request, Response, json_response


@dataclass(frozen=True)
class Exchange:
    """One request and how it ended. `path` is percent-encoded; `sent` counts bytes of the body written."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]]
    range: str | None
    authorized: bool
    received: int
    status: int
    sent: int


@dataclass
class Fault:
    """Something to go wrong with the next `times` requests whose path matches.

    With `status` the request is refused. Otherwise it is carried out and the connection is cut after
    `after_bytes` bytes of the answer's body (None: before any answer, so the client cannot know).
    """

    pattern: str
    method: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after_bytes: int | None = None
    times: int = 1

    def takes(self, request: Request) -> bool:
        if self.times < 1 or self.method not in (None, request.method):
            return False
        if not re.search(self.pattern, request.path):
            return False
        self.times -= 1
        return True

    def response(self) -> Response:
        message = f"injected fault {self.status}"
        headers = {"X-Error-Message": message, **self.headers}
        return json_response({"error": message}, self.status or 500, headers)
