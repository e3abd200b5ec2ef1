"""MedMNIST+ npz files that are damaged, hostile or of another form."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from refusals import medmnist_refused as refused
from source_writers import npy, npz_arrays, write_npz

from medimeta_c.errors import SourceError
from medimeta_c.sources.medmnist import open_medmnist


def changed(**arrays: np.ndarray | None) -> dict[str, np.ndarray]:
    return {name: array for name, array in {**npz_arrays(), **arrays}.items() if array is not None}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, ["holds no arrays"]),
        (changed(test_labels=None), ["lacks array 'test_labels'"]),
        (changed(test_images=None), ["unexpected array 'test_labels'"]),
        (changed(extra=np.zeros(3)), ["unexpected array 'extra'"]),
        (changed(test_images=np.zeros((3, 28, 28, 3))), ["'test_images'", "float64"]),
        (changed(test_images=np.zeros((3, 28, 28, 3), np.uint16)), ["'test_images'", "uint16"]),
        (changed(test_images=np.zeros((3, 28, 28), np.uint8)), ["(3, 28, 28)", "(N, H, W, 3)"]),
        (changed(test_images=np.zeros((3, 28, 28, 4), np.uint8)), ["(3, 28, 28, 4)", "(N, H, W, 3)"]),
        (changed(test_images=np.zeros((3, 28), np.uint8)), ["(3, 28)", "(N, H, W, 3)"]),
        (changed(test_images=np.zeros((3, 28, 28, 28, 3), np.uint8)), ["(3, 28, 28, 28, 3)"]),
        (changed(test_images=np.zeros((0, 28, 28, 3), np.uint8)), ["'test_images'", "empty"]),
        (changed(test_images=np.zeros((3, 0, 28, 3), np.uint8)), ["(3, 0, 28, 3)", "not image data"]),
        (changed(test_images=np.zeros((4, 28, 28, 3), np.uint8)), ["'test_labels'", "4 images"]),
        (changed(test_labels=np.zeros((3, 2), np.uint8)), ["'test_labels'", "(3, 2)", "need one label each"]),
        (changed(test_labels=np.zeros((3, 1))), ["'test_labels'", "float64"]),
        (changed(test_labels=np.array([0, 8, 1])), ["label 8 in row 1", "0-7", "basophil"]),
        (changed(test_labels=np.array([0, 1, -1])), ["label -1 in row 2"]),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_bad_arrays(tmp_path: Path, arrays: dict[str, np.ndarray], words: list[str]) -> None:
    """Arrays that are missing, unknown, or of another type or shape are named with the file."""
    path = write_npz(tmp_path / "bloodmnist_28.npz", arrays)
    refused(path, str(path), *words)


def test_size_that_contradicts_the_name(tmp_path: Path) -> None:
    """A file called 64 with 28-pixel images is refused when 64 was asked for."""
    path = write_npz(tmp_path / "bloodmnist_64.npz")
    refused(path, "28x28 images, not 64x64", dataset="bloodmnist_64")


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_truncated(path: Path, share: float) -> None:
    """A file cut short anywhere is named."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, str(path), "not a complete npz file", "replace it")


def test_not_a_zip(path: Path) -> None:
    """An error page saved under the file's name is named."""
    path.write_text("<html>404</html>")
    refused(path, str(path), "not a complete npz file")


def member(name: str, content: bytes, **changes: int) -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.compress_type = changes.get("compress_type", zipfile.ZIP_DEFLATED)
        archive.writestr(info, content)

    return write


def claiming(shape: tuple[int, ...], content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + content


@pytest.mark.parametrize(
    ("write", "word"),
    [
        (member("../test_images.npy", npy(np.zeros(3))), "'../test_images.npy', which is not an array"),
        (member("/etc/test_images.npy", npy(np.zeros(3))), "which is not an array"),
        (member("readme.txt", b"hello"), "'readme.txt', which is not an array"),
        (member("test_images.npy", npy(np.array([{}]), allow_pickle=True)), "never unpickled"),
        (member("test_images.npy", b"not npy"), "not a complete npz file"),
        (member("test_images.npy", b"\x93NUMPY\x09\x00" + bytes(20)), "version (9, 0)"),
        (
            member("test_images.npy", claiming((10**12, 224, 224, 3))),
            "0 bytes long where its header says 150528",
        ),
        (member("test_images.npy", claiming((2,), b"abc")), "3 bytes long where its header says 2"),
        (member("test_images.npy", claiming((-2, -2), b"abcd")), "negative"),
    ],
    ids=[
        "path",
        "absolute path",
        "not npy",
        "pickle",
        "no header",
        "version",
        "claims too much",
        "too long",
        "negative",
    ],
)
def test_bad_members(tmp_path: Path, write: Callable[[zipfile.ZipFile], None], word: str) -> None:
    """Members that could be harmful are refused from their names and headers alone."""
    path = tmp_path / "bloodmnist_28.npz"
    with zipfile.ZipFile(path, "w") as archive:
        write(archive)
    refused(path, str(path), word)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_member(tmp_path: Path) -> None:
    """Two arrays of one name: which is meant is not known."""
    path = tmp_path / "bloodmnist_28.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            member("test_images.npy", npy(np.zeros(3)))(archive)
    refused(path, "test_images.npy")


def test_encrypted_member(path: Path) -> None:
    """An encrypted archive is named as such."""
    data = bytearray(path.read_bytes())
    for at in (match.start() for match in re.finditer(b"PK\1\2", data)):
        data[at + 8] |= 1
    path.write_bytes(data)
    refused(path, "is encrypted")


def test_too_many_rows(tmp_path: Path) -> None:
    """More rows than ids can number are refused before anything is unpacked."""
    path = tmp_path / "octmnist_28.npz"
    rows = 1_000_001
    with zipfile.ZipFile(path, "w") as archive:
        member("test_images.npy", claiming((rows, 1, 1), bytes(rows)))(archive)
        member("test_labels.npy", claiming((rows, 1), bytes(rows)))(archive)
    refused(path, "not image data", dataset="octmnist")


def test_damage_inside(path: Path) -> None:
    """Damaged compressed pixels are reported when read; stored ones are what the checksum is for."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("test_images.npy")
    data = bytearray(path.read_bytes())
    middle = info.header_offset + info.compress_size // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    source = open_medmnist("bloodmnist", path.parent)
    assert source.image("train", "000000").shape == (28, 28, 3)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        with pytest.raises(SourceError, match=r"bloodmnist_28\.npz is not a complete npz file .*replace it"):
            source.image("test", "000000")
    else:
        assert not np.array_equal(source.image("test", "000001"), npz_arrays()["test_images"][1])
    source.close()


def test_member_that_lies_elsewhere(tmp_path: Path) -> None:
    """A stored array whose local header is not where the directory says is never mapped."""
    path = write_npz(tmp_path / "bloodmnist_28.npz", compressed=False)
    source = open_medmnist("bloodmnist", tmp_path)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("test_images.npy").header_offset
    data = bytearray(path.read_bytes())
    data[at : at + 4] = b"XXXX"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="not a complete npz file"):
        source.image("test", "000000")


def test_file_that_went_away(path: Path) -> None:
    """A file removed after opening is named when an image is asked for."""
    source = open_medmnist("bloodmnist", path.parent)
    path.unlink()
    with pytest.raises(SourceError, match=r"bloodmnist_28\.npz"):
        source.image("test", "000000")


def test_no_room_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full temporary folder is named, with the room needed and the way out."""
    write_npz(tmp_path / "bloodmnist_28.npz")
    source = open_medmnist("bloodmnist", tmp_path)
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    full = partial(Path("/dev/full").open, "r+b", buffering=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(
        SourceError, match=r"cannot unpack 'test_images' .*No space left.* GB of room there, or set TMPDIR"
    ):
        source.image("test", "000000")
