"""Locks that jobs hold on their folders, and files that are whole or absent."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import filelock
import pytest

from medimeta_c.errors import ResultError, WriteError
from medimeta_c.io.files import exclusive, write_atomic, writing


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """The second is refused with its own sentence, and the lock is free once the first is done."""
    lock, busy = tmp_path / "made/lock", ResultError("somebody is at it")
    with (
        exclusive(lock, tmp_path, busy),
        pytest.raises(ResultError, match="somebody is at it"),
        exclusive(lock, tmp_path, busy),
    ):
        raise AssertionError("held twice")
    with exclusive(lock, tmp_path, busy):
        pass


def test_a_file_system_without_locks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As network file systems may be: the sentence says where to go instead."""

    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with (
        pytest.raises(WriteError, match=r"has no file locks: choose an `out` on a local disk"),
        exclusive(tmp_path / "lock", tmp_path, ResultError("busy")),
    ):
        raise AssertionError("held without a lock")


@pytest.mark.parametrize(("code", "fine"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_file_system_that_syncs_no_folders_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fine: bool
) -> None:
    """As network and FUSE file systems may not; any other failure to sync is an error."""
    sync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    if fine:
        write_atomic(tmp_path / "file", b"whole")
        assert (tmp_path / "file").read_bytes() == b"whole"
    else:
        with pytest.raises(WriteError, match="cannot write"):
            write_atomic(tmp_path / "file", b"whole")


def test_a_link_to_nothing_in_the_way_is_named(tmp_path: Path) -> None:
    """Where a folder must be made and something else stands, the sentence says so."""
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(WriteError, match="a file or a broken link is in place of a folder"):
        write_atomic(tmp_path / "out" / "a.json", b"{}")


def test_an_interruption_stays_one_if_a_library_cannot_clean_up(tmp_path: Path) -> None:
    """As when a signal arrives in the close of a file, which is then closed twice."""
    with pytest.raises(KeyboardInterrupt), writing(tmp_path):
        try:
            raise KeyboardInterrupt
        finally:
            os.close(12345)
