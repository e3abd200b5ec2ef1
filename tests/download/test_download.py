"""Downloads over a real HTTP client, from a loopback server that speaks Zenodo's API: archive, pins, disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from downloading import PBC, PBC_PATH, RECORD_PATH, assert_pbc, get, medimeta_zip, refused
from zenodo_server import ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD, MEDMNIST_RECORD
from medimeta_c.download.download import (
    DownloadProgress,
    is_downloaded,
)
from medimeta_c.download.pins import LOCK_NAME, read_pins
from medimeta_c.download.workdir import WORK_DIR
from medimeta_c.errors import ConfigError


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
