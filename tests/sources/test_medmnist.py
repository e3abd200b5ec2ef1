"""MedMNIST+ npz files: which one is read, how, and every way in which one can be wrong."""

from __future__ import annotations

import io
import pickle
import re
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import peak_memory
from source_writers import npz_arrays, write_npz

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.medmnist import open_medmnist
from medimeta_c.sources.npz import NpzArray
from medimeta_c.sources.rows import RowSource

USABLE = [name for name, record in catalog().items() if record.kind == "medmnist" and record.single_label]


@pytest.fixture(params=[True, False], ids=["compressed", "stored"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_npz(tmp_path / "bloodmnist_28.npz", compressed=request.param)


def refused(
    path: Path, *words: str, kind: type[Exception] = SourceError, dataset: str = "bloodmnist"
) -> None:
    """Assert that opening fails with one sentence that holds every word."""
    with pytest.raises(kind) as caught:
        open_medmnist(dataset, path.parent)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


# What is read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", USABLE)
def test_every_single_label_dataset(tmp_path: Path, dataset: str) -> None:
    """Each dataset opens, described by the catalogue."""
    record = catalog()[dataset]
    arrays = npz_arrays(channels=record.channels, classes=len(record.class_names))
    write_npz(tmp_path / f"{dataset}.npz", arrays)
    info = open_medmnist(dataset, tmp_path).info
    assert (info.dataset, info.kind, info.title) == (dataset, "medmnist", record.title)
    assert (info.class_names, info.channels, info.task) == (record.class_names, record.channels, record.task)
    assert info.splits == {"train": 4, "val": 2, "test": 3}
    assert "MedMNIST" in info.citation


def test_pixels_and_labels(path: Path) -> None:
    """Ids number the rows of a split; pixels and labels are the file's, and fresh."""
    source = open_medmnist("bloodmnist", path.parent)
    arrays = npz_arrays()
    for split in ("train", "val", "test"):
        stored = arrays[f"{split}_images"]
        assert source.ids(split) == tuple(f"{row:06d}" for row in range(len(stored)))
        for row, image_id in enumerate(source.ids(split)):
            source.image(split, image_id)[:] = 0
            image = source.image(split, image_id)
            np.testing.assert_array_equal(image, stored[row], strict=True)
            assert type(image) is np.ndarray
            assert source.label(split, image_id) == row % 8
    source.close()


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    fortran=st.booleans(),
    compressed=st.booleans(),
    flat=st.booleans(),
)
def test_any_layout_is_read_back(  # noqa: PLR0917
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    height: int,
    width: int,
    fortran: bool,
    compressed: bool,
    flat: bool,
) -> None:
    """Whatever the sizes, memory order, compression and shape of labels, pixels come back exactly."""
    folder = tmp_path_factory.mktemp("layout")
    images = np.arange(rows * height * width, dtype=np.uint8).reshape(rows, height, width)
    labels = np.arange(rows) % 4
    arrays = {
        "test_images": np.asfortranarray(images) if fortran else images,
        "test_labels": labels if flat else labels[:, None],
    }
    write_npz(folder / "octmnist.npz", arrays, compressed=compressed)
    source = open_medmnist("octmnist", folder)
    read = np.stack([source.image("test", image_id) for image_id in source.ids("test")])
    np.testing.assert_array_equal(read, images, strict=True)
    assert [source.label("test", image_id) for image_id in source.ids("test")] == list(labels)
    source.close()


# Which file ------------------------------------------------------------------------------------------


def sized(folder: Path, *sizes: int) -> None:
    for size in sizes:
        arrays = npz_arrays(size=size)
        write_npz(
            folder / f"bloodmnist_{size}.npz", {name: arrays[name] for name in ("test_images", "test_labels")}
        )


def opened_size(dataset: str, folder: Path) -> int:
    source = open_medmnist(dataset, folder)
    size = source.image("test", "000000").shape[0]
    source.close()
    return int(size)


@pytest.mark.parametrize(
    ("sizes", "dataset", "expected"),
    [
        ((64, 224, 28), "bloodmnist", 224),
        ((224, 300), "bloodmnist", 224),
        ((28, 128, 64), "bloodmnist", 128),
        ((28, 224), "bloodmnist_28", 28),
        ((28, 224), "bloodmnist_224", 224),
    ],
)
def test_which_size(tmp_path: Path, sizes: tuple[int, ...], dataset: str, expected: int) -> None:
    """The bare name takes 224 pixels, else the largest there; a name with a size takes exactly that."""
    sized(tmp_path, *sizes)
    assert opened_size(dataset, tmp_path) == expected
    assert open_medmnist(dataset, tmp_path).info.dataset == dataset


@pytest.mark.parametrize("dataset", ["bloodmnist", "bloodmnist_28"])
def test_the_original_file_has_28_pixels(tmp_path: Path, dataset: str) -> None:
    """The original MedMNIST file carries no size in its name."""
    write_npz(tmp_path / "bloodmnist.npz")
    assert opened_size(dataset, tmp_path) == 28


def test_other_datasets_files_are_not_taken(tmp_path: Path) -> None:
    """A neighbour whose name starts alike is another dataset."""
    write_npz(tmp_path / "bloodmnist_extra.npz")
    refused(tmp_path / "x", "holds no bloodmnist_224.npz")


@pytest.mark.parametrize(
    ("dataset", "wanted"),
    [
        ("bloodmnist", "bloodmnist_224.npz"),
        ("bloodmnist_64", "bloodmnist_64.npz"),
        ("bloodmnist_28", "bloodmnist.npz"),
    ],
)
def test_no_file(tmp_path: Path, dataset: str, wanted: str) -> None:
    """The folder looked in, the file wanted and how to get it are named."""
    refused(
        tmp_path / "x",
        str(tmp_path),
        wanted,
        f"`medimeta-c download` (datasets={dataset!r})",
        dataset=dataset,
    )


def test_size_not_there(tmp_path: Path) -> None:
    """The sizes that are there are named."""
    sized(tmp_path, 28, 224)
    refused(tmp_path / "x", "bloodmnist_64.npz", "sizes there: 28, 224", dataset="bloodmnist_64")


@pytest.mark.parametrize("dataset", ["bloodmnits", "nodulemnist3d", "bloodmnist_", "bloodmnist_064"])
def test_unknown_dataset(tmp_path: Path, dataset: str) -> None:
    """3D and misspelt names are refused, with those there are."""
    refused(
        tmp_path / "x",
        f"unknown MedMNIST dataset {dataset!r}",
        "bloodmnist",
        kind=ConfigError,
        dataset=dataset,
    )


def test_dataset_names_cannot_leave_the_data_folder(tmp_path: Path) -> None:
    """An id is a file name and nothing more."""
    refused(tmp_path / "x", "not usable", kind=ConfigError, dataset="../bloodmnist")


def test_multi_label(tmp_path: Path) -> None:
    """ChestMNIST is refused by a sentence saying why, before any file is looked for."""
    refused(
        tmp_path / "x",
        "multi-label",
        "exactly one class",
        "octmnist",
        kind=ConfigError,
        dataset="chestmnist_64",
    )


def test_task(path: Path) -> None:
    """The only task may be named; another is refused."""
    assert open_medmnist("bloodmnist", path.parent, task="multi-class").info.task == "multi-class"
    with pytest.raises(ConfigError, match=r"only the task 'multi-class': leave out `task`"):
        open_medmnist("bloodmnist", path.parent, task="cell class")


# A bad file ------------------------------------------------------------------------------------------


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


def npy(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


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


# What is asked for -----------------------------------------------------------------------------------


def test_unknown_split_and_image(path: Path) -> None:
    """Splits and ids that are not there are answered with those that are."""
    source = open_medmnist("bloodmnist", path.parent)
    with pytest.raises(ConfigError, match="unknown split of bloodmnist 'dev'"):
        source.ids("dev")
    for ask in (source.image, source.label):
        with pytest.raises(
            ConfigError,
            match="no image '000003' in split 'test' of bloodmnist: ids run from 000000 to 000002",
        ):
            ask("test", "000003")


# Memory, processes, digests --------------------------------------------------------------------------


def read_one(source: RowSource) -> np.ndarray:
    return source.image("test", "000001")


def test_pickling_and_workers(path: Path) -> None:
    """A source travels before and after its images were mapped; workers map their own."""
    source = open_medmnist("bloodmnist", path.parent)
    expected = npz_arrays()["test_images"][1]
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(source))
        assert len(pickle.dumps(source)) < 5000
        assert copy.info == source.info
        np.testing.assert_array_equal(read_one(copy), expected)
        np.testing.assert_array_equal(read_one(source), expected)
        copy.close()
    with get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(read_one, (source,)), expected)
        pool.close()
        pool.join()
    source.close()


@pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "stored"])
def test_arrays_stay_on_disk(tmp_path: Path, compressed: bool) -> None:
    """Reading a row of a 64 MB array takes memory for a row, not for the array."""
    path = tmp_path / "big.npz"
    rows = np.zeros((64, 1 << 20), np.uint8)
    rows[-1] = 7
    write_npz(path, {"rows": rows}, compressed=compressed)
    del rows
    with get_context("spawn").Pool(1) as pool:
        growth, value = pool.apply(_growth, (NpzArray(path, "rows"),))
        pool.close()
        pool.join()
    assert value == 7
    assert growth < 24 << 20


def _growth(array: NpzArray) -> tuple[int, int]:
    before = peak_memory()
    value = int(array.array()[-1].max())
    array.close()
    return peak_memory() - before, value


def test_copies_in_a_process_share_what_was_decompressed(tmp_path: Path) -> None:
    """A worker gets a copy of the source with every set; a file replaced meanwhile is read anew."""
    path = tmp_path / "small.npz"
    write_npz(path, {"rows": np.zeros((4, 8), np.uint8)}, compressed=True)
    first, second = (pickle.loads(pickle.dumps(NpzArray(path, "rows"))) for _ in range(2))
    assert np.shares_memory(first.array(), second.array())
    write_npz(path, {"rows": np.ones((5, 8), np.uint8)}, compressed=True)
    later = NpzArray(path, "rows")
    assert later.array().shape == (5, 8)
    assert later.array().all()
    later.close()


def test_stored_arrays_are_mapped_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array stored uncompressed needs no temporary file."""

    def no_temporary_file() -> None:
        raise AssertionError("made a temporary file")

    write_npz(tmp_path / "bloodmnist_28.npz", compressed=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_temporary_file)
    source = open_medmnist("bloodmnist", tmp_path)
    np.testing.assert_array_equal(read_one(source), npz_arrays()["test_images"][1])
    source.close()


def test_nothing_stays_open(path: Path) -> None:
    """Neither the npz file nor a temporary one stays open, and closing unmaps."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see open files")

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    source = open_medmnist("bloodmnist", path.parent)
    read_one(source)
    source.close()
    assert open_files() == before
    np.testing.assert_array_equal(read_one(source), npz_arrays()["test_images"][1])
    source.close()


def test_checksum(tmp_path: Path) -> None:
    """The digest is of the file's bytes and name, wherever it lies."""
    one, two = tmp_path / "a" / "bloodmnist.npz", tmp_path / "b" / "bloodmnist.npz"
    for path in (one, two):
        path.parent.mkdir()
    write_npz(one)
    two.write_bytes(one.read_bytes())
    first, second = (open_medmnist("bloodmnist", path.parent) for path in (one, two))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", first.checksum())
    assert first.checksum() == second.checksum()
    with two.open("ab") as file:
        file.write(b"x")
    assert first.checksum() != second.checksum()
