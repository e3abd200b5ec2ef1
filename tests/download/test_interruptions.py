"""Interrupted downloads: what was fetched is kept where it can be, and nothing looks finished."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from downloading import PBC, PBC_PATH, assert_pbc, get, medimeta_zip, refused
from zenodo_server import Fault, ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD, archive_for
from medimeta_c.download.download import (
    is_downloaded,
)
from medimeta_c.download.workdir import WORK_DIR

DOWNLOAD_IN_A_PROCESS = """
import sys, time
from pathlib import Path
from medimeta_c.download.download import download

def on_progress(progress):
    if progress.phase == sys.argv[3]:
        print(progress.done, flush=True)
        if progress.phase == "extract":
            time.sleep(60)

download(["pbc"], Path(sys.argv[1]), base_url=sys.argv[2], on_progress=on_progress)
"""


def test_dropped_connection_goes_on_where_it_stopped(server: ZenodoServer, tmp_path: Path) -> None:
    """Two drops cost two range requests; no byte is sent twice."""
    server.faults[PBC_PATH] = [Fault(drop_after=100_000), Fault(drop_after=50_000)]
    (report,) = get(server, tmp_path)
    assert_pbc(tmp_path)
    requests = server.content_requests()
    assert [request.range for request in requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert [request.status for request in requests] == [200, 206, 206]
    assert {request.headers.get("If-Range") for request in requests[1:]} == {'"one"'}
    assert sum(request.sent for request in requests) == len(PBC) == report.fetched_bytes


def test_next_call_goes_on_where_the_last_gave_up(server: ZenodoServer, tmp_path: Path) -> None:
    """Retries are bounded; the error says that the same command goes on; it does."""
    server.faults[PBC_PATH] = [Fault(drop_after=60_000)] + [Fault(status=503)] * 3
    message = refused(server, tmp_path)
    assert "answered 503 Service Unavailable, 3 times in a row; run the same command again" in message
    assert archive_for("pbc").page in message
    (report,) = get(server, tmp_path)
    assert_pbc(tmp_path)
    assert server.content_requests()[-1].range == "bytes=60000-"
    assert report.fetched_bytes == len(PBC) - 60_000


@pytest.mark.parametrize("etag", [None, 'W/"weak"', '"\xe9"'], ids=["none", "weak", "not ASCII"])
def test_resume_without_a_usable_entity_tag(server: ZenodoServer, tmp_path: Path, etag: str | None) -> None:
    """Without a strong tag there is no If-Range; the checksum vouches for the whole."""
    server.records[MEDIMETA_RECORD]["pbc.zip"].etag = etag
    server.faults[PBC_PATH] = [Fault(drop_after=1000)]
    get(server, tmp_path)
    assert_pbc(tmp_path)
    last = server.content_requests()[-1]
    assert (last.status, last.headers.get("If-Range")) == (206, None)


def test_server_without_ranges_starts_again(server: ZenodoServer, tmp_path: Path) -> None:
    """An answer with the whole file replaces what was there."""
    server.ranges = False
    server.faults[PBC_PATH] = [Fault(drop_after=100_000)]
    (report,) = get(server, tmp_path)
    assert_pbc(tmp_path)
    assert [request.status for request in server.content_requests()] == [200, 200]
    assert report.fetched_bytes == 100_000 + len(PBC)


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_server_without_lengths(server: ZenodoServer, tmp_path: Path, framing: str) -> None:
    """An answer that states no length is complete at the record's size, and not before."""
    server.framing = framing
    if framing == "close":  # an early end looks like the end
        server.faults[PBC_PATH] = [Fault(drop_after=100_000)]
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert sum(request.sent for request in server.content_requests()) == len(PBC)


def test_changed_file_starts_again(server: ZenodoServer, tmp_path: Path) -> None:
    """A partial file whose entity changed on the server is not continued."""
    server.faults[PBC_PATH] = [Fault(drop_after=100_000)] + [Fault(status=503)] * 3
    refused(server, tmp_path)
    server.records[MEDIMETA_RECORD]["pbc.zip"].etag = '"two"'
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert server.content_requests()[-1].status == 200


def test_partial_file_of_another_archive_is_dropped(server: ZenodoServer, tmp_path: Path) -> None:
    """Bytes of an archive with another checksum are never asked to be continued."""
    server.faults[PBC_PATH] = [Fault(drop_after=100_000)] + [Fault(status=503)] * 3
    refused(server, tmp_path)
    other = np.random.default_rng(1).bytes(300_000)
    server.host(MEDIMETA_RECORD, "pbc.zip", medimeta_zip(images=other))
    get(server, tmp_path)
    assert_pbc(tmp_path, other)
    assert server.content_requests()[-1].range is None


@pytest.mark.parametrize("wrong", ["bytes 7-300200/300201", "nonsense"])
def test_wrong_range_in_the_answer_starts_again(server: ZenodoServer, tmp_path: Path, wrong: str) -> None:
    """Bytes from another offset than asked for are not appended."""
    server.faults[PBC_PATH] = [Fault(drop_after=100_000), Fault(content_range=wrong)]
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert [request.range for request in server.content_requests()] == [None, "bytes=100000-", None]


def test_refused_range_starts_again(server: ZenodoServer, tmp_path: Path) -> None:
    """416 drops the partial file."""
    server.faults[PBC_PATH] = [Fault(drop_after=100_000), Fault(status=416)]
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert [request.range for request in server.content_requests()] == [None, "bytes=100000-", None]


def test_killed_process_is_continued(server: ZenodoServer, tmp_path: Path) -> None:
    """After SIGKILL in mid-transfer, the next run fetches only what is missing."""
    server.faults[PBC_PATH] = [Fault(stall_after=120_000)]
    part = tmp_path / WORK_DIR / "pbc.zip.part"
    command = [sys.executable, "-c", DOWNLOAD_IN_A_PROCESS, str(tmp_path), server.url, "fetch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 120_000:
            pass
        process.kill()
    kept = part.stat().st_size
    assert 0 < kept <= 120_000
    assert not is_downloaded("pbc", tmp_path)
    (report,) = get(server, tmp_path)
    assert_pbc(tmp_path)
    assert server.content_requests()[-1].range == f"bytes={kept}-"
    assert server.content_requests()[-1].status == 206
    assert report.fetched_bytes == len(PBC) - kept


def test_killed_extraction_leaves_nothing_that_looks_finished(server: ZenodoServer, tmp_path: Path) -> None:
    """After SIGKILL in mid-extraction the folder does not exist; the next run extracts without fetching."""
    command = [sys.executable, "-c", DOWNLOAD_IN_A_PROCESS, str(tmp_path), server.url, "extract"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
    assert (tmp_path / WORK_DIR / "pbc.extracting").is_dir()
    assert not (tmp_path / "pbc").exists()
    (report,) = get(server, tmp_path)
    assert report.fetched_bytes == 0
    assert_pbc(tmp_path)


def test_two_downloads_at_once_fetch_once(server: ZenodoServer, tmp_path: Path) -> None:
    """The second to come waits for the first and finds the dataset there."""
    with ThreadPoolExecutor(2) as pool:
        reports = [future.result()[0] for future in [pool.submit(get, server, tmp_path) for _ in range(2)]]
    assert sorted(report.status for report in reports) == ["downloaded", "present"]
    assert len(server.content_requests()) == 1
    assert_pbc(tmp_path)
