"""How a site takes the place of an earlier one."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

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
