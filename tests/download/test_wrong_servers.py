"""Servers that send something else: records, files, links and archives that are not used."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from downloading import PBC, PBC_PATH, RECORD_PATH, assert_pbc, get, medimeta_zip, refused
from zenodo_server import Fault, Hosted, ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD, MEDMNIST_RECORD
from medimeta_c.download.pins import LOCK_NAME, read_pins
from medimeta_c.download.workdir import WORK_DIR


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
    assert "was not followed: it is not on 127.0.0.1" in refused(server, tmp_path)
    assert server.content_requests() == []


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
