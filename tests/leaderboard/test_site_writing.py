"""How a site takes the place of an earlier one."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import filelock
import pytest
from made_up_boards import board

from medimeta_c.errors import WriteError
from medimeta_c.leaderboard.site.writing import write_site


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["index.html", "board.js"])
def test_a_site_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, failure: BaseException
) -> None:
    """A disk that is full, or an end in the middle, leaves the old site as it was, and nothing beside it."""
    out = tmp_path / "site"
    write_site((board(2),), out)
    (out / "CNAME").write_text("board.example.org")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        for name in ("write_text", "write_bytes"):
            whole = getattr(Path, name)

            def fail(path: Path, *given: object, whole: Any = whole, **options: object) -> object:
                if path.name == at:
                    raise failure
                return whole(path, *given, **options)

            patch.setattr(Path, name, fail)
        with pytest.raises((WriteError, KeyboardInterrupt)):
            write_site((board(3),), out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [out]
    with monkeypatch.context() as patch:
        move = Path.replace

        def fail_between(path: Path, target: Path) -> Path:
            if path.name == "site" and path != out:
                raise failure
            return move(path, target)

        patch.setattr(Path, "replace", fail_between)
        with pytest.raises((WriteError, KeyboardInterrupt)):
            write_site((board(3),), out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [out]
    write_site((board(3),), out)
    assert len(list((out / "models").iterdir())) == 3
    assert (out / "CNAME").read_text() == "board.example.org"
    assert list(tmp_path.iterdir()) == [out]


def test_what_a_killed_build_left_is_put_back_or_removed(tmp_path: Path) -> None:
    """Killed while it wrote, and between the two renames: the next build keeps what else lay there."""
    out, place = tmp_path / "site", tmp_path / ".site.part"
    write_site((board(2),), out)
    (out / "CNAME").write_text("board.example.org")
    (place / "site/models").mkdir(parents=True)
    out.rename(place / "old")
    write_site((board(3),), out)
    assert (out / "CNAME").read_text() == "board.example.org"
    assert len(list((out / "models").iterdir())) == 3
    assert list(tmp_path.iterdir()) == [out]


def test_two_builds_of_one_site_are_refused(tmp_path: Path) -> None:
    """The second stops at once; it does not remove what the first has written so far."""
    (tmp_path / ".site.part/site").mkdir(parents=True)
    with (
        filelock.FileLock(tmp_path / ".site.part/lock"),
        pytest.raises(WriteError, match="another build is writing"),
    ):
        write_site((board(2),), tmp_path / "site")
    assert (tmp_path / ".site.part/site").is_dir()
