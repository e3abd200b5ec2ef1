"""Locks that jobs hold on their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import filelock
import pytest

from medimeta_c.errors import BuildError, ResultError
from medimeta_c.files import exclusive


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
        pytest.raises(BuildError, match=r"has no file locks: choose an --out on a local disk"),
        exclusive(tmp_path / "lock", tmp_path, ResultError("busy")),
    ):
        raise AssertionError("held without a lock")
