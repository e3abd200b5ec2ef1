"""Servers that refuse or do not answer: what is tried again, and what is told at once."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from downloading import FAST, PBC_PATH, RECORD_PATH, assert_pbc, get, refused
from zenodo_server import Fault, ZenodoServer

from medimeta_c.download.archives import archive_for
from medimeta_c.download.download import (
    RetryPolicy,
    download,
)
from medimeta_c.errors import ConfigError, DownloadError


@pytest.mark.parametrize("path", [RECORD_PATH, PBC_PATH], ids=["record", "file"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_refusal_is_tried_again(server: ZenodoServer, tmp_path: Path, path: str, status: int) -> None:
    """Busy and broken servers get a second chance, for the record and for the file."""
    server.faults[path] = [Fault(status=status), Fault(status=status)]
    get(server, tmp_path)
    assert_pbc(tmp_path)


def test_waits_double_and_retry_after_is_kept(
    server: ZenodoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own wait wins over a shorter back-off, as a number and as a date."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    server.faults[PBC_PATH] = [
        Fault(status=429, headers={"Retry-After": "17"}),
        Fault(status=503, headers={"Retry-After": past}),
        Fault(status=503, headers={"Retry-After": "soon"}),
        Fault(status=503, headers={"Retry-After": f"Mon, 01 Jan {10**20} 00:00:00 GMT"}),
    ]
    get(server, tmp_path, retry=RetryPolicy(retries=4, first_delay_s=1.0, longest_delay_s=20.0))
    assert waits == [17.0, 2.0, 4.0, 8.0]


def test_long_retry_after_is_told_not_waited_for(server: ZenodoServer, tmp_path: Path) -> None:
    """A wait beyond the longest is the user's to decide."""
    server.faults[RECORD_PATH] = [Fault(status=429, headers={"Retry-After": "3600"})]
    assert "run the same command again in 3600 s" in refused(server, tmp_path)


def test_progress_renews_the_retries() -> None:
    """A long transfer may fail more often than the limit, as long as it gets on in between."""
    from medimeta_c.download.client import Http
    from medimeta_c.download.retry import Interrupted

    positions = iter(range(0, 100 << 20, 2 << 20))
    state = {"position": 0, "attempts": 0}

    def attempt() -> str:
        state["attempts"] += 1
        state["position"] = next(positions)
        if state["attempts"] < 10:
            raise Interrupted("dropped")
        return "whole"

    with Http("http://127.0.0.1", FAST) as http:
        assert http.persist(attempt, position=lambda: state["position"]) == "whole"


def test_missing_record(server: ZenodoServer, tmp_path: Path) -> None:
    """A 404 is final: one request, one sentence."""
    server.records.clear()
    message = refused(server, tmp_path)
    assert f"{server.url}{RECORD_PATH} answered 404 Not Found: the record or file is not there" in message
    assert len(server.seen) == 1


def test_missing_file(server: ZenodoServer, tmp_path: Path) -> None:
    """A record without the archive lists what it has."""
    assert "has no file oct.zip (it has 1: pbc.zip)" in refused(server, tmp_path, "oct")


def test_offline(tmp_path: Path) -> None:
    """Where nothing answers, the message comes at once and names the ways out."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DownloadError) as caught:
            download(["pbc"], tmp_path, base_url=url, retry=RetryPolicy(first_delay_s=60.0))
    message = str(caught.value)
    assert message.startswith(f"pbc was not downloaded: cannot reach {url}{RECORD_PATH} (")
    assert "check the network and the proxy settings" in message
    assert message.endswith(f"By hand: unpack {archive_for('pbc').page} to {tmp_path / 'pbc'}")


@pytest.mark.parametrize(
    "base_url", ["zenodo.org", "ftp://zenodo.org", "https://", "http://[", "file:///etc"]
)
def test_base_url_must_be_a_server(tmp_path: Path, base_url: str) -> None:
    """Only http and https addresses name a server."""
    with pytest.raises(ConfigError, match="is not an address"):
        download(["pbc"], tmp_path, base_url=base_url)


def test_unusable_proxy_settings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable that the client cannot read is the user's to correct."""
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        download(["pbc"], tmp_path)
