"""Zip archives from outside: what is written, and what never is."""

from __future__ import annotations

import copy
import io
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medimeta_c.download.extract import extract_zip
from medimeta_c.errors import DownloadError

GOOD = {"info.yaml": b"id: pbc\n", "images.hdf5": bytes(range(256)) * 40, "splits/train.txt": b"a\nb\n"}


def zip_bytes(members: dict[str, bytes], top: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(top + name, content)
    return buffer.getvalue()


def with_member(info: zipfile.ZipInfo | str, content: bytes = b"evil") -> bytes:
    buffer = io.BytesIO(zip_bytes(GOOD))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr(info, content)
    return buffer.getvalue()


def typed(mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    return info


def raw_name(name: str) -> bytes:
    """An archive whose member has `name` as stored, past what zipfile would make of it on writing."""
    placeholder = "x" * len(name.encode())
    return with_member(placeholder).replace(placeholder.encode(), name.encode())


def duplicate() -> bytes:
    buffer = io.BytesIO(zip_bytes(GOOD))
    with (
        zipfile.ZipFile(buffer, "a") as file,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        file.writestr("info.yaml", "id: other\n")
    return buffer.getvalue()


def lying_size() -> bytes:
    """The directory declares one byte of a member that has many."""
    content = bytearray(zip_bytes(GOOD))
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"images.hdf5"))
    content[at + 24 : at + 28] = struct.pack("<I", 1)
    return bytes(content)


def overlapping() -> bytes:
    """Many names for the same compressed bytes: the small bomb that holds petabytes."""
    buffer = io.BytesIO(zip_bytes(GOOD))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("big", bytes(200_000))
        first = file.getinfo("big")
        first.compress_size = first.file_size = 200_000
        for index in range(3):
            again = copy.copy(first)
            again.filename = again.orig_filename = f"big{index}"
            file.filelist.append(again)
    return buffer.getvalue()


def encrypted() -> bytes:
    content = bytearray(zip_bytes(GOOD))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def bzip2() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("info.yaml", "id: pbc\n")
    return buffer.getvalue()


def flipped_bit() -> bytes:
    content = bytearray(zip_bytes(GOOD))
    content[content.index(b"images.hdf5") + 20] ^= 0xFF
    return bytes(content)


def before_the_start() -> bytes:
    """The directory is said to lie ten bytes further on, so that members begin before the file does."""
    content = bytearray(zip_bytes(GOOD))
    (offset,) = struct.unpack("<I", content[-6:-2])
    content[-6:-2] = struct.pack("<I", offset + 10)
    return bytes(content)


EVIL: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent": (lambda: with_member("../evil"), "would leave"),
    "parent inside": (lambda: with_member("splits/../../evil"), "would leave"),
    "absolute": (lambda: with_member("/tmp/evil"), "would leave"),
    "dot": (lambda: with_member("./evil"), "would leave"),
    "empty part": (lambda: with_member("splits//evil"), "would leave"),
    "drive": (lambda: with_member("C:/evil"), "not safe"),
    "stream": (lambda: with_member("info.yaml:evil"), "not safe"),
    "backslash": (lambda: raw_name("..\\evil"), "not safe"),
    "nul": (lambda: raw_name("info2.yaml\x00.png"), "not safe"),
    "newline": (lambda: with_member("a\nb"), "not safe"),
    "device": (lambda: with_member("splits/NUL.txt"), "not safe"),
    "trailing dot": (lambda: with_member("evil."), "not safe"),
    "long": (lambda: with_member("e" * 256), "not safe"),
    "symlink": (lambda: with_member(typed(stat.S_IFLNK), b"/etc/passwd"), "link or a device"),
    "fifo": (lambda: with_member(typed(stat.S_IFIFO)), "link or a device"),
    "duplicate": (duplicate, "two members"),
    "case duplicate": (lambda: with_member("INFO.yaml"), "two members"),
    "unicode duplicate": (
        lambda: zip_bytes(GOOD | {"\u00e9": b"", "e\u0301": b""}),
        "two members",
    ),
    "file and folder": (lambda: with_member("info.yaml/evil"), "both a file and a folder"),
    "bomb": (lambda: zip_bytes(GOOD | {"zeros": bytes(32 << 20)}), "zip bomb"),
    "overlap": (overlapping, "overlap"),
    "more than declared": (lying_size, "damaged"),
    "before the start": (before_the_start, "damaged"),
    "flipped bit": (flipped_bit, "damaged"),
    "encrypted": (encrypted, "encrypted"),
    "other method": (bzip2, "compressed by method"),
    "no zip": (lambda: b"<html>log in first</html>", "damaged"),
    "cut short": (lambda: zip_bytes(GOOD)[:-30], "damaged"),
    "empty": (lambda: zip_bytes({}), "has no info.yaml"),
    "other folder": (lambda: zip_bytes(GOOD, "oct/"), "has no info.yaml"),
}


def extract(content: bytes, root: Path) -> Path:
    root.mkdir(exist_ok=True)
    archive, folder = root / "pbc.zip", root / "pbc"
    archive.write_bytes(content)
    extract_zip(archive, folder, top="pbc", required="info.yaml")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("top", ["", "pbc/"])
def test_plain_archive(tmp_path: Path, top: str) -> None:
    """Files come out the same, whether they lie at the archive's root or in the dataset's folder."""
    assert tree(extract(zip_bytes(GOOD, top), tmp_path)) == GOOD


def test_explicit_folders_and_progress(tmp_path: Path) -> None:
    """Folder entries are allowed and may be empty; progress ends at the total; modes are not taken over."""
    buffer = io.BytesIO(zip_bytes(GOOD, "pbc/"))
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("pbc/", b"")
        file.writestr("pbc/splits/", b"")
        info = zipfile.ZipInfo("pbc/run.sh")
        info.create_system, info.external_attr = 3, (stat.S_IFREG | stat.S_ISUID | 0o777) << 16
        file.writestr(info, b"#!/bin/sh\n")
    archive, folder = tmp_path / "pbc.zip", tmp_path / "pbc"
    archive.write_bytes(buffer.getvalue())
    calls: list[tuple[int, int]] = []
    written = extract_zip(
        archive,
        folder,
        top="pbc",
        required="info.yaml",
        on_bytes=lambda done, total: calls.append((done, total)),
    )
    assert tree(folder) == GOOD | {"run.sh": b"#!/bin/sh\n"}
    assert calls[-1] == (written, written)
    assert written == sum(map(len, GOOD.values())) + 10
    assert not (folder / "run.sh").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


@pytest.mark.parametrize("case", EVIL)
def test_evil_archive_is_refused(tmp_path: Path, case: str) -> None:
    """The error names the archive and the reason, and nothing is written outside the folder."""
    make, reason = EVIL[case]
    root = tmp_path / "root"
    with pytest.raises(DownloadError, match=reason) as caught:
        extract(make(), root)
    assert str(root / "pbc.zip") in str(caught.value)
    assert list(tmp_path.iterdir()) == [root]
    assert {path.name for path in root.iterdir()} <= {"pbc.zip", "pbc"}


def test_full_disk_is_told_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Space for the declared bytes is looked for before the first one is written."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    with pytest.raises(DownloadError, match=r"not enough disk space.*make room"):
        extract(zip_bytes(GOOD), tmp_path)
    assert not (tmp_path / "pbc").exists()


@settings(max_examples=60, deadline=None)
@example(name="\x00")
@given(
    name=st.text(st.sampled_from("ab./\\: ~é\x00\n") | st.characters(codec="utf-8"), min_size=1, max_size=12)
)
def test_no_name_leaves_the_folder(name: str) -> None:
    """Whatever a member is called, it is written inside the folder or refused with a sentence."""
    with tempfile.TemporaryDirectory() as temporary:
        outer = Path(temporary)
        buffer = io.BytesIO(zip_bytes(GOOD))
        with zipfile.ZipFile(buffer, "a") as file:
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = name
            file.writestr(info, b"x")
        try:
            folder = extract(buffer.getvalue(), outer / "root")
        except DownloadError:
            pass
        else:
            assert len(tree(folder)) == len(GOOD) + (not name.endswith("/"))
        assert [path.name for path in outer.iterdir()] == ["root"]
        assert {path.name for path in (outer / "root").iterdir()} <= {"pbc.zip", "pbc"}
