"""What every object store must do, run over each registered scheme against its emulator."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c.errors import StoreError
from medimeta_c.io.stores.stored import StoredPath

CONTENT = bytes(range(256)) * 300


def test_what_is_written_is_read_in_any_range(root: StoredPath) -> None:
    file = root / "a/b.bin"
    file.write_bytes(CONTENT)
    with file.open() as stream:
        stream.seek(-5, 2)
        assert (stream.read(), stream.read(3)) == (CONTENT[-5:], b"")
        stream.seek(1000)
        assert (stream.read(300), stream.tell()) == (CONTENT[1000:1300], 1300)
    assert file.read_bytes() == CONTENT
    assert file.range(7, 9) == CONTENT[7:9]


def test_an_empty_object_is_one(root: StoredPath) -> None:
    (root / "empty").write_bytes(b"")
    assert (root / "empty").read_bytes() == b""
    found = (root / "empty").find()
    assert found is not None and found.bytes == 0


def test_an_object_that_is_not_there(root: StoredPath) -> None:
    assert (root / "nothing").find() is None
    assert root.find() is None
    with pytest.raises(FileNotFoundError):
        (root / "nothing").open()
    (root / "nothing").remove()
    assert root.files() == {}


def test_a_bucket_that_is_not_there(root: StoredPath) -> None:
    other = StoredPath(root.scheme, "bucket-of-nobody")
    with pytest.raises(StoreError, match=r"there is no .* 'bucket-of-nobody'"):
        (other / "x").write_bytes(b"1")
    with pytest.raises(StoreError, match=r"there is no .* 'bucket-of-nobody'"):
        other.require_bucket()


def test_objects_are_listed_with_their_sizes_below_a_folder_alone(root: StoredPath) -> None:
    for name in ("in/x", "in/deep/er/y", "inside", "out"):
        (root / name).write_bytes(name.encode())
    listed = (root / "in").files()
    assert {name: one.bytes for name, one in listed.items()} == {"x": 4, "deep/er/y": 12}
    assert listed["x"] == (root / "in/x").find()


def test_of_several_creations_one_succeeds(root: StoredPath) -> None:
    if root.scheme == "gs":
        pytest.skip("needs an emulator of Google's store that minds conditions; the next test is of them")
    lock = root / "lock"
    assert [lock.create(b"first"), lock.create(b"second")] == [True, False]
    assert lock.read_bytes() == b"first"
    lock.remove()
    assert lock.create(b"third")


def test_a_creation_on_google_is_sent_with_its_condition(
    bucket: Callable[[str], StoredPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bucket("gs")
    sent: list[dict[str, object]] = []
    files = root.store.filesystem()
    call = type(files)._call

    async def noted(self: object, *arguments: object, **options: object) -> object:
        sent.append(options)
        return await call(self, *arguments, **options)

    monkeypatch.setattr(type(files), "_call", noted)
    (root / "lock").create(b"1")
    assert [one["ifGenerationMatch"] for one in sent if "ifGenerationMatch" in one] == ["0"]


def test_a_local_file_goes_up_and_comes_down(root: StoredPath, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(CONTENT)
    (root / "file").upload(tmp_path / "up")
    (root / "file").download(tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == CONTENT


def test_an_object_written_again_is_not_read_as_the_old_one(root: StoredPath) -> None:
    (root / "file").write_bytes(b"old")
    pinned = (root / "file").pinned()
    assert pinned is not None
    assert pinned.read_bytes() == b"old"
    (root / "file").write_bytes(b"new")
    with pytest.raises(StoreError, match="was written again"):
        pinned.open()


def test_an_object_that_became_shorter_is_not_read_as_whole(root: StoredPath) -> None:
    (root / "file").write_bytes(CONTENT)
    with (root / "file").open() as stream:
        (root / "file").write_bytes(CONTENT[:10])
        with pytest.raises(StoreError, match=r"cut short|failed|written again"):
            stream.read()


def test_a_path_travels_to_another_process(root: StoredPath) -> None:
    (root / "file").write_bytes(b"1")
    assert pickle.loads(pickle.dumps(root / "file")).read_bytes() == b"1"
