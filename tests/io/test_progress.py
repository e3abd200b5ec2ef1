"""Progress: a bar in a terminal and in a notebook, lines elsewhere, and the caller's callback in any case."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from medimeta_c.io import progress


def follow(on_progress: Any, shown: bool) -> None:
    with progress.following(on_progress, shown, "images", lambda done: (f"step {done}", done, 4)) as tell:
        for done in range(5):
            tell(done)


def test_nothing_is_shown_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    """The callback gets every report."""
    reports: list[int] = []
    follow(reports.append, False)
    assert reports == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")


def test_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One every ten seconds, on stderr, with rate and time left; callback and bar go together."""
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    reports: list[int] = []
    follow(reports.append, True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "step 2: 2 of 4 images, 0 images/s, 12 s left\n"
    assert reports == [0, 1, 2, 3, 4]


def test_a_bar_in_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich's, on stderr."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    follow(None, True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "step 4" in shown.err
    assert "4/4 images" in shown.err


def test_plain_html_in_a_notebook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One output that is updated, without widgets; what is shown last stays."""
    outputs: list[dict[str, str]] = []
    handle = SimpleNamespace(update=lambda data, raw: outputs.append(data))

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw and display_id
        outputs.append(data)
        return handle

    library, inner = ModuleType("IPython"), ModuleType("IPython.display")
    library.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    inner.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", library)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    with progress.counting("images") as show:
        show("<b>", 4, 4)
    assert outputs[0]["text/html"].startswith("<progress value=")
    assert "&lt;b&gt;: 4 of 4 images" in outputs[-1]["text/html"]
    assert capsys.readouterr() == ("", "")
