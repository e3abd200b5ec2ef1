"""The loopback Hub: listens, checks who asks, finds the handler, answers, and keeps a log."""

from __future__ import annotations

import base64
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from . import endpoints
from .faults import Exchange, Fault
from .store import Repo, Store, User
from .web import KINDS, ROUTES, HubError, Request, Response, json_response

assert endpoints.__all__  # importing the package is what fills ROUTES

TOKEN = "hf_" + "t" * 34
"""The token of the default user, who may push to every namespace."""

READER_TOKEN = "hf_" + "r" * 34
"""The token of a user who may push only to its own namespace, but may open pull requests everywhere."""


class HubServer:
    """A Hugging Face Hub on the loopback interface, as a context manager.

    Attributes
    ----------
    url : str
        The endpoint, e.g. ``http://127.0.0.1:40123``.
    storage_url : str
        The object store that LFS files live on: another host name for the same server, so that clients
        treat it as foreign (and must not send their token there).
    store : Store
        The repositories; seed them with ``store.add_repo``.
    requests : list of Exchange
        What was asked and answered, in order of completion.
    outside : list of str
        Hosts that a client tried to reach and that are no part of the Hub (see `hub_environment`).
    page_size : int
        Entries per page of a listing.
    """

    def __init__(self, users: Mapping[str, User] | None = None, page_size: int = 1000) -> None:
        self.users = dict(users or {TOKEN: User("tester"), READER_TOKEN: User("reader", frozenset())})
        self.page_size = page_size
        self.store = Store()
        self.requests: list[Exchange] = []
        self.outside: list[str] = []
        self.crashes: list[str] = []
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.storage_url = f"http://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self.crashes and kind is None:
            raise AssertionError(f"the test hub itself failed:\n{self.crashes[0]}")

    def fail_next(
        self,
        path: str,
        status: int,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> None:
        """Refuse the next `times` requests whose encoded path matches the regular expression `path`."""
        self._faults.append(Fault(path, method, status, headers or {}, times=times))

    def drop_next(
        self, path: str, after_bytes: int | None = None, times: int = 1, method: str | None = None
    ) -> None:
        """Cut the connection in the middle of the next `times` answers (see `Fault`)."""
        self._faults.append(Fault(path, method, after_bytes=after_bytes, times=times))

    def count(self, method: str, path: str = "") -> int:
        """How many requests of a method had a path matching a regular expression."""
        return sum(r.method == method and bool(re.search(path, r.path)) for r in self.requests)

    # What handlers use.

    def authorize(self, request: Request, kind: str, repo_id: str, access: str) -> Repo:
        """Return the repository if the caller has the access asked for, else raise as the Hub answers.

        A repository that is not there and one that may not be seen look the same: 401 to a stranger,
        404 to a user, both with the code RepoNotFound.
        """
        repo, user = self.store.get(kind, repo_id), request.user
        if repo is None or (repo.private and not (user and user.may_write(repo.namespace))):
            message = "Repository not found" if user else "Invalid username or password."
            raise HubError(404 if user else 401, message, "RepoNotFound")
        if access in ("propose", "write") and user is None:
            raise HubError(401, "Invalid username or password.")
        if access == "write" and not user.may_write(repo.namespace):
            raise HubError(403, f"you don't have write access to {repo_id}")
        return repo

    def check_gate(self, request: Request, repo: Repo) -> None:
        """Raise unless the files of a gated repository are open to the caller."""
        if repo.gated and not (request.user and request.user.may_write(repo.namespace)):
            message = f"Access to {repo.kind} {repo.id} is restricted."
            raise HubError(403 if request.user else 401, message, "GatedRepo")

    def signed_repo(self, request: Request, kind: str, repo_id: str) -> Repo:
        """The repository behind a signed storage URL, which carries its right in itself."""
        if "authorization" in request.headers:
            raise HubError(400, "Only one auth mechanism allowed: the URL is signed, send no Authorization")
        repo = self.store.get(KINDS[kind], repo_id)
        if repo is None or not request.query:
            raise HubError(403, "Missing signature")
        return repo

    def stored_object(self, request: Request, kind: str, repo_id: str, oid: str) -> bytes:
        repo = self.signed_repo(request, kind, repo_id)
        if oid not in repo.lfs:
            raise HubError(404, "NoSuchKey")
        return repo.lfs[oid]

    def page(self, request: Request, items: list[Any], headers: Mapping[str, str] | None = None) -> Response:
        """One page of a listing; a Link header leads to the next as on the Hub."""
        size = min(int(request.get("limit") or self.page_size), self.page_size)
        start = int(base64.urlsafe_b64decode(request.get("cursor")) or 0)
        answer = json_response(items[start : start + size], headers=headers)
        if start + size < len(items) and request.method != "POST":
            cursor = base64.urlsafe_b64encode(str(start + size).encode()).decode()
            query = urlencode({**request.query, "cursor": [cursor]}, doseq=True)
            answer.headers["Link"] = f'<{self.url}{request.path}?{query}>; rel="next"'
        return answer

    # What the listener uses.

    def respond(self, request: Request) -> Response:
        """Answer a request; an exception in a handler becomes a 500 and fails the test at the end."""
        with self._lock:
            try:
                return self._dispatch(request)
            except HubError as error:
                return error.response()
            except Exception:
                self.crashes.append(f"{request.method} {request.target}\n{traceback.format_exc()}")
                return json_response({"error": "the test hub failed"}, 500)

    def take_fault(self, request: Request) -> Fault | None:
        with self._lock:
            return next((fault for fault in self._faults if fault.takes(request)), None)

    def log(self, request: Request, status: int, sent: int) -> None:
        exchange = Exchange(
            method=request.method,
            host=request.host,
            path=request.path,
            query=request.query,
            range=request.headers.get("range"),
            authorized="authorization" in request.headers,
            received=len(request.body),
            status=status,
            sent=sent,
        )
        with self._lock:
            self.requests.append(exchange)

    def _dispatch(self, request: Request) -> Response:
        # The Hub, its storage, and the dataset viewer, which `datasets` looks for beside the endpoint.
        names = (f"127.0.0.1:{self.port}", f"localhost:{self.port}", f"datasets-server.127.0.0.1:{self.port}")
        if request.method == "CONNECT" or request.host not in names:
            self.outside.append(request.host)
            raise HubError(403, f"the test hub does not reach {request.host}")
        if request.token is not None:
            request.user = self.users.get(request.token)
            if request.user is None:
                raise HubError(401, "Invalid credentials in Authorization header")
        for route in ROUTES:
            found = route.match(request)
            if found is not None:
                return self._call(route, request, found)
        if re.match(r"/api/(models|datasets|spaces)/|.*/resolve/", request.path):
            raise HubError(404 if request.user else 401, "Repository not found", "RepoNotFound")
        raise HubError(404, f"Sorry, the test hub has no {request.method} {request.path}")

    def _call(self, route: Any, request: Request, found: dict[str, Any]) -> Response:
        if route.access == "user" and request.user is None:
            raise HubError(401, "Invalid username or password.")
        if route.access in ("read", "propose", "write"):
            kind = KINDS[found.pop("kind", "models")]
            found["repo"] = self.authorize(request, kind, found["repo"], route.access)
        answer: Response = route.handler(self, request, **found)
        return answer


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up, as they do after reading part of a stream; report the rest."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            self.hub.crashes.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per answer, else small answers wait on the peer's delayed acknowledgement
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `HubServer.requests` is the log."""

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._read_body())
        hub = self.server.hub
        fault = hub.take_fault(request)
        answer = fault.response() if fault and fault.status else hub.respond(request)
        cut = fault is not None and fault.status is None
        sent = answer.body if self.command != "HEAD" else b""
        if cut:
            sent = sent[: fault.after_bytes or 0]
            self.close_connection = True
        hub.log(request, answer.status, len(sent))
        if cut and fault.after_bytes is None:
            return
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_CONNECT = _serve

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers, up to the empty line
            pass
        return b"".join(chunks)
