"""A loopback server that speaks the part of Zenodo's API that `download` uses, and misbehaves on request."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer. Faults of an address are used up in order, one a request."""

    status: int | None = None  # answer this instead, with `headers`
    headers: dict[str, str] = field(default_factory=dict)
    drop_after: int | None = None  # close the connection after so many bytes of the body
    stall_after: int | None = None  # after so many bytes, send nothing more until the server closes
    content_range: str | None = None  # state this range instead of the right one


@dataclass(frozen=True)
class Seen:
    """A request and what was answered."""

    path: str
    headers: dict[str, str]
    status: int
    sent: int

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")


@dataclass
class Hosted:
    """A file of a record. `stated` replaces entries of what the API says of it."""

    content: bytes
    stated: dict[str, Any] = field(default_factory=dict)
    etag: str | None = '"one"'


class ZenodoServer:
    """Serves ``/api/records/<id>`` and ``/api/records/<id>/files/<key>/content`` on a port of its own.

    Use it as a context manager. `shape` is the record's JSON: "list" (today's default) or "entries"
    (InvenioRDM's own). `framing` is how an answer's end is told: by "length", "chunked", or by the
    connection's "close". `seen` lists what was asked; `faults` is keyed by path.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Hosted]] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.seen: list[Seen] = []
        self.shape = "list"
        self.ranges = True
        self.framing = "length"
        self.raw_record: bytes | None = None
        self.stalled = threading.Event()
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    server._answer(self)
                except ConnectionError:  # the client went away, as some tests make it do
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self) -> ZenodoServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def host(self, record: str, key: str, content: bytes, **stated: Any) -> Hosted:
        """Publish a file and return it."""
        hosted = Hosted(content, stated)
        self.records.setdefault(record, {})[key] = hosted
        return hosted

    @staticmethod
    def path(record: str, key: str) -> str:
        return f"/api/records/{record}/files/{key}/content"

    def content_requests(self) -> list[Seen]:
        return [request for request in self.seen if request.path.endswith("/content")]

    def record_json(self, record: str) -> dict[str, Any]:
        """What the API says of a record, in the chosen shape."""
        entries = {}
        for key, hosted in self.records[record].items():
            self_url = f"{self.url}{self.path(record, key)}"
            links = {"self": self_url}
            if self.shape == "entries":
                links = {"self": self_url.removesuffix("/content"), "content": self_url}
            digest = hashlib.md5(hosted.content).hexdigest()
            entry = {"key": key, "size": len(hosted.content), "checksum": f"md5:{digest}", "links": links}
            entries[key] = entry | hosted.stated
        common = {"id": int(record) + 1, "metadata": {"version": "1.0"}}
        if self.shape == "entries":
            return common | {"revision_id": 9, "files": {"enabled": True, "entries": entries}}
        return common | {"revision": 9, "files": list(entries.values())}

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        waiting = self.faults[request.path]
        fault = waiting.pop(0) if waiting else Fault()
        if fault.status is not None:
            self._send(request, fault.status, fault.headers, b"", fault)
            return
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["api", "records"] and len(parts) > 2 and parts[2] in self.records:
            files = self.records[parts[2]]
            if len(parts) == 3:
                body = self.raw_record or json.dumps(self.record_json(parts[2])).encode()
                self._send(request, 200, {"Content-Type": "application/json"}, body, fault)
                return
            if len(parts) == 6 and parts[4] in files:
                self._send_file(request, files[parts[4]], fault)
                return
        self._send(request, 404, {}, b"", fault)

    def _send_file(self, request: BaseHTTPRequestHandler, hosted: Hosted, fault: Fault) -> None:
        headers = {"ETag": hosted.etag} if hosted.etag else {}
        content = hosted.content
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        same = request.headers.get("If-Range", hosted.etag) == hosted.etag
        if not (asked and same and self.ranges):
            self._send(request, 200, headers, content, fault)
        elif int(asked[1]) >= len(content):
            self._send(request, 416, headers, b"", fault)
        else:
            start, size = int(asked[1]), len(content)
            headers["Content-Range"] = fault.content_range or f"bytes {start}-{size - 1}/{size}"
            self._send(request, 206, headers, content[start:], fault)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, fault: Fault
    ) -> None:
        stops = [stop for stop in (fault.drop_after, fault.stall_after) if stop is not None]
        sent = body[: stops[0]] if stops else body
        self.seen.append(Seen(request.path, dict(request.headers), status, len(sent)))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if self.framing == "chunked" and sent:
            request.send_header("Transfer-Encoding", "chunked")
            sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent)
        elif self.framing == "close" and sent:
            request.send_header("Connection", "close")
        else:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(sent)
        if fault.stall_after is not None:
            self.stalled.set()
            self._closing.wait(30)
        if stops:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
