"""The page that compares two models: files that are cut, changed or of another entry."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from compared_models import Open, shown


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _shorten(path: Path) -> None:
    """A whole file in which bytes are missing."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def _of_another(path: Path) -> None:
    """A whole file, of other images."""
    head, _, body = gzip.decompress(path.read_bytes()).partition(b"\n")
    path.write_bytes(gzip.compress(head.replace(b"a" * 64, b"f" * 64) + b"\n" + body))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "could not be loaded: the server answered 404"),
    "truncated": (_truncate, "is damaged"),
    "flipped": (_flip, "is damaged"),
    "shorter": (_shorten, "is damaged"),
    "no data": (lambda path: path.write_bytes(b"<html>Not found</html>"), "is damaged"),
    "another": (_of_another, "does not belong to this page"),
}


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        *((fault, "model-0002.bits") for fault in FAULTS),
        ("shorter", "pbc-*.counts"),
        ("another", "pbc-*.counts"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    compared: Path, tmp_path: Path, browse: Open, fault: str, pattern: str
) -> None:
    """No table is shown in part; once the file is whole again, so is the comparison."""
    shutil.copytree(compared, tmp_path / "site")
    (path,) = (tmp_path / "site/compare").glob(pattern)
    whole = path.read_bytes()
    spoil, words = FAULTS[fault]
    spoil(path)
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002", foreseen="404")
    page.wait_for_function(
        "() => document.querySelector('#state').textContent.includes('cannot be compared')"
    )
    said = page.inner_text("#state")
    assert f"compare/{path.name} {words}" in said
    assert said.count(".") - path.name.count(".") == 1
    assert not page.locator("#result").is_visible()
    assert page.locator("#result *").count() == 0
    path.write_bytes(whole)
    os.utime(path, (time.time() + 5,) * 2)  # a server tells the browser what changed by whole seconds
    page.locator("#swap").click()
    page.locator("#result").wait_for(state="visible")


def test_a_server_may_unpack_the_files(compared: Path, tmp_path: Path, browse: Open) -> None:
    """Where it serves them without gzip, as some do with compressed files, they are read all the same."""
    site = tmp_path / "site"
    shutil.copytree(compared, site)
    for path in (site / "compare").iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))
    query = "?a=model-0001&b=model-0002"
    first, second = browse(compared, query), browse(site, query)
    assert shown(first, "tbody td") == shown(second, "tbody td")
