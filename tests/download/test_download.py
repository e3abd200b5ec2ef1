"""Downloads over a real HTTP client, against a loopback server that speaks Zenodo's API."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zenodo_server import Fault, Hosted, ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD, MEDMNIST_RECORD, archive_for
from medimeta_c.download.download import (
    DownloadProgress,
    DownloadReport,
    RetryPolicy,
    download,
    is_downloaded,
)
from medimeta_c.download.pins import LOCK_NAME, read_pins
from medimeta_c.download.workdir import WORK_DIR
from medimeta_c.errors import ConfigError, DownloadError

FAST = RetryPolicy(retries=2, first_delay_s=0.001, longest_delay_s=2.0, timeout_s=5.0)
IMAGES = np.random.default_rng(0).bytes(300_000)
RECORD_PATH = f"/api/records/{MEDIMETA_RECORD}"
PBC_PATH = ZenodoServer.path(MEDIMETA_RECORD, "pbc.zip")

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


def medimeta_zip(dataset: str = "pbc", images: bytes = IMAGES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo(f"{dataset}/info.yaml"), f"id: {dataset}\n")
        file.writestr(zipfile.ZipInfo(f"{dataset}/images.hdf5"), images)
    return buffer.getvalue()


PBC = medimeta_zip()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback addresses are reached directly, whatever the machine's settings."""
    for name in list(os.environ):
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ZenodoServer]:
    with ZenodoServer() as running:
        running.host(MEDIMETA_RECORD, "pbc.zip", PBC)
        yield running


def get(server: ZenodoServer, data: Path, *datasets: str, **options: Any) -> list[DownloadReport]:
    return download(datasets or ("pbc",), data, base_url=server.url, **{"retry": FAST} | options)


def refused(server: ZenodoServer, data: Path, *datasets: str, **options: Any) -> str:
    """Return the message of a download that must fail without leaving anything that looks like data."""
    before = set(data.glob("[!.]*"))
    with pytest.raises(DownloadError) as caught:
        get(server, data, *datasets, **options)
    assert set(data.glob("[!.]*")) == before
    return str(caught.value)


def assert_pbc(data: Path, images: bytes = IMAGES) -> None:
    assert (data / "pbc" / "info.yaml").read_text() == "id: pbc\n"
    assert (data / "pbc" / "images.hdf5").read_bytes() == images
    left = [path.name for path in (data / WORK_DIR).iterdir() if path.suffix != ".lock"]
    assert left == []


# --- the usual way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["list", "entries"])
def test_medimeta_archive_becomes_a_folder(server: ZenodoServer, tmp_path: Path, shape: str) -> None:
    """An archive is fetched once, extracted and pinned, in either shape of the record."""
    server.shape = shape
    data = tmp_path / "new" / "data"
    (report,) = get(server, data)
    assert_pbc(data)
    assert is_downloaded("pbc", data)
    assert (report.status, report.path, report.fetched_bytes) == ("downloaded", data / "pbc", len(PBC))
    assert [request.path for request in server.seen] == [RECORD_PATH, PBC_PATH]
    assert {request.headers["User-Agent"].split("/")[0] for request in server.seen} == {"medimeta-c"}


def test_lock_file_pins_what_was_fetched(server: ZenodoServer, tmp_path: Path) -> None:
    """The lock file has both checksums, the size, and the record that answered, in canonical JSON."""
    (report,) = get(server, tmp_path)
    text = (tmp_path / LOCK_NAME).read_text()
    entry = {
        "url": f"{server.url}{PBC_PATH}",
        "record": str(int(MEDIMETA_RECORD) + 1),
        "version": "1.0, revision 9",
        "size": len(PBC),
        "md5": hashlib.md5(PBC).hexdigest(),
        "sha256": hashlib.sha256(PBC).hexdigest(),
    }
    expected = {"schema": 1, "archives": {"pbc.zip": entry}}
    assert text == json.dumps(expected, indent=2, sort_keys=True) + "\n"
    assert report.pin is not None
    assert asdict(report.pin) == {"archive": "pbc.zip"} | entry


def test_second_download_asks_nobody(
    server: ZenodoServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A dataset that is there is left as it is, and the log says so."""
    (first,) = get(server, tmp_path)
    server.seen.clear()
    with caplog.at_level(logging.INFO):
        (second,) = get(server, tmp_path)
    assert server.seen == []
    assert (second.status, second.fetched_bytes, second.pin) == ("present", 0, first.pin)
    assert "pbc is there already" in caplog.text


def test_progress_covers_all_phases(server: ZenodoServer, tmp_path: Path) -> None:
    """Bytes grow in each phase, and each phase ends at its total."""
    calls: list[DownloadProgress] = []
    get(server, tmp_path, on_progress=calls.append)
    assert list(dict.fromkeys(call.phase for call in calls)) == ["fetch", "verify", "extract"]
    for phase in ("fetch", "verify", "extract"):
        done = [call.done for call in calls if call.phase == phase]
        assert done == sorted(done)
        assert done[-1] == next(call.total for call in calls if call.phase == phase)
    assert {call.dataset for call in calls} == {"pbc"}


def test_medmnist_stays_a_file(server: ZenodoServer, tmp_path: Path) -> None:
    """An npz is renamed to its place under the publisher's name; a size without printed md5 will do."""
    server.host(MEDMNIST_RECORD, "bloodmnist_64.npz", b"npz bytes")
    (report,) = get(server, tmp_path, "bloodmnist_64")
    assert report.path == tmp_path / "bloodmnist_64.npz"
    assert report.path.read_bytes() == b"npz bytes"
    assert list(read_pins(tmp_path)) == ["bloodmnist_64.npz"]


def test_several_datasets_read_the_record_once(server: ZenodoServer, tmp_path: Path) -> None:
    """Reports come in the order asked for, a repeated name counts once, and pins add up."""
    server.host(MEDIMETA_RECORD, "oct.zip", medimeta_zip("oct"))
    reports = get(server, tmp_path, "oct", "pbc", "oct")
    assert [report.dataset for report in reports] == ["oct", "pbc"]
    assert [request.path for request in server.seen].count(RECORD_PATH) == 1
    assert sorted(read_pins(tmp_path)) == ["oct.zip", "pbc.zip"]


def test_archive_is_kept_on_request(server: ZenodoServer, tmp_path: Path) -> None:
    """A kept archive serves again after its folder was removed."""
    get(server, tmp_path, keep_archive=True)
    assert (tmp_path / WORK_DIR / "pbc.zip").read_bytes() == PBC
    shutil.rmtree(tmp_path / "pbc")
    (report,) = get(server, tmp_path)
    assert report.fetched_bytes == 0
    assert_pbc(tmp_path)


def test_kept_archive_that_is_damaged_is_fetched_anew(server: ZenodoServer, tmp_path: Path) -> None:
    """An archive found in the work folder is trusted only by its checksum."""
    (tmp_path / WORK_DIR).mkdir()
    (tmp_path / WORK_DIR / "pbc.zip").write_bytes(bytes(len(PBC)))
    (report,) = get(server, tmp_path)
    assert report.fetched_bytes == len(PBC)
    assert_pbc(tmp_path)


def test_names_are_checked_before_anything_is_fetched(server: ZenodoServer, tmp_path: Path) -> None:
    """One wrong name among several stops the call at once."""
    with pytest.raises(ConfigError, match="did you mean 'oct'"):
        get(server, tmp_path, "pbc", "octt")
    assert server.seen == []


# --- interruptions ------------------------------------------------------------------------------------


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


# --- a server that says no, or later ------------------------------------------------------------------


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


# --- a server that is wrong, or worse -----------------------------------------------------------------


def test_corrupted_file_is_deleted_and_told(server: ZenodoServer, tmp_path: Path) -> None:
    """One flipped bit: the error gives both checksums, the bytes go, and the next run starts afresh."""
    good = hashlib.md5(PBC).hexdigest()
    bad = bytes([PBC[0] ^ 1]) + PBC[1:]
    server.host(MEDIMETA_RECORD, "pbc.zip", bad, checksum=f"md5:{good}")
    message = refused(server, tmp_path)
    assert "pbc.zip is damaged" in message
    assert good in message
    assert hashlib.md5(bad).hexdigest() in message
    assert "run the same command again" in message
    assert not list((tmp_path / WORK_DIR).glob("pbc.zip.part*"))
    assert not (tmp_path / LOCK_NAME).exists()
    server.host(MEDIMETA_RECORD, "pbc.zip", PBC)
    get(server, tmp_path)
    assert server.content_requests()[-1].range is None


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("stated", [len(PBC) - 1, len(PBC) + 1])
def test_wrong_size(server: ZenodoServer, tmp_path: Path, stated: int, framing: str) -> None:
    """A file of another size than the record says is refused at the first request, however it is sent."""
    server.framing = framing
    server.host(MEDIMETA_RECORD, "pbc.zip", PBC, size=stated)
    message = refused(server, tmp_path)
    assert f"pbc.zip has the wrong size: the record says {stated} bytes" in message
    assert len(server.content_requests()) == 1
    assert not list((tmp_path / WORK_DIR).glob("pbc.zip.part*"))


def test_changed_archive_is_refused_until_update(server: ZenodoServer, tmp_path: Path) -> None:
    """The lock file holds a later download to the first one's checksum; --update accepts and pins anew."""
    get(server, tmp_path)
    shutil.rmtree(tmp_path / "pbc")
    server.host(MEDIMETA_RECORD, "pbc.zip", medimeta_zip(images=b"new pixels"))
    message = refused(server, tmp_path)
    assert f"{LOCK_NAME} pins {hashlib.md5(PBC).hexdigest()}" in message
    assert "`update=True`" in message
    get(server, tmp_path, update=True)
    assert_pbc(tmp_path, b"new pixels")
    assert read_pins(tmp_path)["pbc.zip"].size == len(medimeta_zip(images=b"new pixels"))


def test_update_replaces_only_what_changed(server: ZenodoServer, tmp_path: Path) -> None:
    """With --update an unchanged dataset costs one request; a changed one replaces the folder whole."""
    get(server, tmp_path)
    server.seen.clear()
    (report,) = get(server, tmp_path, update=True)
    assert report.status == "present"
    assert [request.path for request in server.seen] == [RECORD_PATH]
    (tmp_path / "pbc" / "stale.txt").write_text("of the old version")
    server.host(MEDIMETA_RECORD, "pbc.zip", medimeta_zip(images=b"new pixels"))
    (report,) = get(server, tmp_path, update=True)
    assert report.status == "downloaded"
    assert_pbc(tmp_path, b"new pixels")
    assert not (tmp_path / "pbc" / "stale.txt").exists()


def test_printed_checksum_wins_over_the_server(server: ZenodoServer, tmp_path: Path) -> None:
    """A MedMNIST+ file other than the published one is refused, even with --update, and not fetched."""
    server.host(MEDMNIST_RECORD, "bloodmnist_224.npz", b"not the published file")
    message = refused(server, tmp_path, "bloodmnist", update=True)
    assert "b718ff6835fcbdb22ba9eacccd7b2601" in message
    assert server.content_requests() == []


@pytest.mark.parametrize(
    "text",
    [
        "{not json",
        '{"schema": 2, "archives": {}}',
        '{"schema": 1, "archives": {"pbc.zip": {"md5": "0"}}}',
        '{"schema": 1, "archives": {"pbc.zip": {"url": "", "record": "", "version": "", "size": 1, '
        '"md5": "0", "sha256": "0"}}}',
        "[]",
    ],
)
def test_damaged_lock_file_is_not_ignored(server: ZenodoServer, tmp_path: Path, text: str) -> None:
    """A lock file that cannot be read protects nothing, so it stops the download."""
    (tmp_path / LOCK_NAME).write_text(text)
    message = refused(server, tmp_path)
    assert f"the lock file {tmp_path / LOCK_NAME} cannot be used" in message
    assert server.seen == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>log in to the hotel's network</html>",
        b"[]",
        b'{"files": 3}',
        b'{"files": [{"size": 1}]}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=["html", "list", "number", "no key", "deep", "not utf-8"],
)
def test_answer_that_is_no_record(server: ZenodoServer, tmp_path: Path, body: bytes) -> None:
    """Anything but a record is told as such."""
    server.raw_record = body
    assert "did not return a record of files" in refused(server, tmp_path)


@pytest.mark.parametrize(
    "stated",
    [
        {"checksum": "sha1:00"},
        {"checksum": None},
        {"checksum": "md5:" + "0" * 31},
        {"size": "7"},
        {"size": -1},
        {"size": True},
        {"links": {}},
        {"links": None},
    ],
    ids=str,
)
def test_entry_that_is_not_understood(server: ZenodoServer, tmp_path: Path, stated: dict[str, Any]) -> None:
    """A file whose description lacks a checksum, size or link is not fetched."""
    server.host(MEDIMETA_RECORD, "pbc.zip", PBC, **stated)
    assert "does not describe pbc.zip as expected" in refused(server, tmp_path)
    assert server.content_requests() == []


def test_endless_record_is_cut_off(server: ZenodoServer, tmp_path: Path) -> None:
    """No record has 16 MB."""
    server.raw_record = b" " * (17 << 20)
    assert "that is not a record" in refused(server, tmp_path)


def test_unsafe_file_names_are_left_out(server: ZenodoServer, tmp_path: Path) -> None:
    """Names that are no plain file names are never used; the rest of the record is."""
    for name in ("../pbc.zip", "/etc/passwd", "a\\b", "..", ""):
        server.records[MEDIMETA_RECORD][name] = Hosted(b"evil")
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert "(it has 1: pbc.zip)" in refused(server, tmp_path, "oct")


def test_name_twice_in_a_record(server: ZenodoServer, tmp_path: Path) -> None:
    """Two files of one name would leave the checksum open."""
    server.records[MEDIMETA_RECORD]["oct.zip"] = Hosted(PBC, {"key": "pbc.zip"})
    assert "occurs twice" in refused(server, tmp_path)


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.2:9/pbc.zip", "https://evil.example/pbc.zip", "file:///etc/passwd", "//x", "http://["],
)
def test_link_to_elsewhere_is_not_followed(server: ZenodoServer, tmp_path: Path, link: str) -> None:
    """The record may only name addresses on its own host."""
    server.host(MEDIMETA_RECORD, "pbc.zip", PBC, links={"self": link})
    message = refused(server, tmp_path)
    assert "was not followed" in message or "an invalid URL" in message


def test_redirect_on_the_host_is_followed(server: ZenodoServer, tmp_path: Path) -> None:
    """Record and file may be redirected, relatively too; a range request stays one."""
    server.records["8"] = server.records[MEDIMETA_RECORD]
    server.faults[RECORD_PATH] = [Fault(status=301, headers={"Location": "/api/records/8"})]
    server.faults[ZenodoServer.path("8", "pbc.zip")] = [
        Fault(drop_after=1000),
        Fault(status=302, headers={"Location": PBC_PATH}),
    ]
    (report,) = get(server, tmp_path)
    assert_pbc(tmp_path)
    assert report.pin is not None
    assert report.pin.record == "9"
    assert server.content_requests()[-1].range == "bytes=1000-"


@pytest.mark.parametrize("path", [RECORD_PATH, PBC_PATH], ids=["record", "file"])
def test_redirect_to_another_http_host_is_not_followed(
    server: ZenodoServer, tmp_path: Path, path: str
) -> None:
    """Plain http to another host, or another scheme, ends the download."""
    for location in ("http://127.0.0.2:9/x", "ftp://127.0.0.1/x", "file:///etc/passwd"):
        server.faults[path] = [Fault(status=302, headers={"Location": location})]
        message = refused(server, tmp_path)
        assert f", to which {server.url}{path} redirects, was not followed" in message


def test_only_files_may_move_to_another_https_host(server: ZenodoServer, tmp_path: Path) -> None:
    """A checksum counts from the record's own host only, so its redirect is refused before it is followed."""
    moved = Fault(status=302, headers={"Location": "https://127.0.0.2:9/x"})
    server.faults[RECORD_PATH] = [moved]
    assert "was not followed" in refused(server, tmp_path)
    server.faults[PBC_PATH] = [moved] * 3
    assert "cannot reach" in refused(server, tmp_path)


def test_redirect_loop_ends(server: ZenodoServer, tmp_path: Path) -> None:
    """A file that redirects to itself is given up."""
    server.faults[PBC_PATH] = [Fault(status=302, headers={"Location": PBC_PATH})] * 6
    assert "redirects more than 5 times" in refused(server, tmp_path)


def test_evil_archive_leaves_nothing(server: ZenodoServer, tmp_path: Path) -> None:
    """An archive with a good checksum and a bad member is refused whole."""
    buffer = io.BytesIO(PBC)
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("pbc/../../evil", b"evil")
    server.host(MEDIMETA_RECORD, "pbc.zip", buffer.getvalue())
    data = tmp_path / "data"
    assert "would leave the dataset's folder" in refused(server, data)
    assert list(tmp_path.iterdir()) == [data]
    assert not list((data / WORK_DIR).glob("*.extracting"))


# --- the disk -----------------------------------------------------------------------------------------


def test_folder_in_the_way(server: ZenodoServer, tmp_path: Path) -> None:
    """A folder that is no dataset is not overwritten; an empty one is."""
    (tmp_path / "pbc").mkdir()
    (tmp_path / "pbc" / "notes.txt").write_text("mine")
    assert f"{tmp_path / 'pbc'} exists, but is not a complete dataset" in refused(server, tmp_path)
    assert server.seen == []
    (tmp_path / "pbc" / "notes.txt").unlink()
    get(server, tmp_path)
    assert_pbc(tmp_path)


def test_data_folder_that_cannot_be_made(server: ZenodoServer, tmp_path: Path) -> None:
    """The error names the folder and the parameter."""
    (tmp_path / "file").write_text("")
    message = refused(server, tmp_path / "file" / "data")
    assert message.startswith(f"cannot write {tmp_path / 'file' / 'data'}")
    assert "`data_dir`" in message


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user that permissions bind"
)
def test_data_folder_that_is_not_writable(server: ZenodoServer, tmp_path: Path) -> None:
    """Missing permission is a sentence, too."""
    tmp_path.chmod(0o555)
    try:
        assert "Permission denied" in refused(server, tmp_path)
    finally:
        tmp_path.chmod(0o755)


def test_full_disk_is_told_before_fetching(
    server: ZenodoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Space for the archive is looked for before it is asked for."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    message = refused(server, tmp_path)
    assert "not enough disk space for pbc.zip" in message
    assert server.content_requests() == []


def test_disk_that_fills_up_on_the_way(server: ZenodoServer, tmp_path: Path) -> None:
    """What was written before the disk was full is continued afterwards."""

    def fill_up(progress: DownloadProgress) -> None:
        raise OSError(28, "No space left on device", str(tmp_path))

    message = refused(server, tmp_path, on_progress=fill_up)
    assert f"cannot write {tmp_path} (No space left on device): make room" in message
    get(server, tmp_path)
    assert_pbc(tmp_path)
    assert server.content_requests()[-1].status == 206
