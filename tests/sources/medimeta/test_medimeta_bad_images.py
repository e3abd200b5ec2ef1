"""MedIMeta folders whose images.hdf5 or TIFF files are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from refusals import medimeta_refused as refused
from source_writers import (
    ROWS,
    edit_info,
    pixels,
    write_hdf5,
)

from medimeta_c.errors import SourceError
from medimeta_c.sources.medimeta import open_medimeta


@pytest.mark.parametrize("keep", [0, 7, 600, -1])
def test_truncated_hdf5(folder: Path, keep: int) -> None:
    """A file cut short anywhere is named."""
    path = folder / "images.hdf5"
    path.write_bytes(path.read_bytes()[:keep])
    refused(folder, str(path), "not a complete HDF5 file", "replace it")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((ROWS, 8, 8, 3), np.uint8)
    layout[:] = h5py.VirtualSource("/etc/hostname", "images", (ROWS, 8, 8, 3), np.uint8)
    file.create_virtual_dataset("images", layout)


@pytest.mark.parametrize(
    ("write", "word"),
    [
        (lambda file: file.create_dataset("pictures", data=pixels()), "'pictures'"),
        (lambda file: None, "nothing"),
        (lambda file: file.create_group("images"), "a group"),
        (lambda file: file.create_dataset("images", data=pixels().astype(np.float32)), "float32"),
        (lambda file: file.create_dataset("images", data=pixels().astype(np.uint16)), "uint16"),
        (lambda file: file.create_dataset("images", data=pixels()[..., 0, 0]), f"({ROWS}, 8)"),
        (lambda file: file.create_dataset("images", data=pixels()[..., :2]), f"({ROWS}, 8, 8, 2)"),
        (lambda file: file.create_dataset("images", data=pixels()[..., :1]), f"({ROWS}, 8, 8, 1)"),
        (lambda file: file.create_dataset("images", (0, 8, 8, 3), np.uint8), "(0, 8, 8, 3)"),
        (lambda file: file.create_dataset("images", (ROWS, 10**5, 10**5), np.uint8), "(12, 100000, 100000)"),
        (lambda file: file.create_dataset("images", data=np.uint8(1)), "shape ()"),
        (lambda file: file.create_dataset("images", data=h5py.Empty(np.uint8)), "shape ()"),
        (virtual, "other files"),
        (
            lambda file: file.create_dataset(
                "images", (ROWS, 8, 8, 3), np.uint8, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
            ),
            "other files",
        ),
    ],
    ids=[
        "other name",
        "no dataset",
        "group",
        "float",
        "16 bits",
        "two axes",
        "two channels",
        "one-channel axis",
        "no rows",
        "bomb",
        "scalar",
        "empty",
        "virtual",
        "external storage",
    ],
)
def test_other_hdf5(folder: Path, write: Callable[[h5py.File], object], word: str) -> None:
    """HDF5 of another form is named, and data kept outside the file is never followed."""
    write_hdf5(folder, write)
    refused(folder, str(folder / "images.hdf5"), word, "replace it")


@pytest.mark.parametrize("kind", ["external", "soft", "soft to external"])
def test_links_in_hdf5(tmp_path: Path, folder: Path, kind: str) -> None:
    """A link in place of the images is refused, however good the data it leads to."""
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["images"] = pixels()

    def write(file: h5py.File) -> None:
        if kind == "soft":
            file["elsewhere"] = pixels()
        else:
            file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "images")
        if kind == "external":
            file.move("elsewhere", "images")
        else:
            file["images"] = h5py.SoftLink("/elsewhere")
        assert file["images"].shape == pixels().shape

    write_hdf5(folder, write)
    refused(folder, str(folder / "images.hdf5"), "a link to other data", "refused")


def test_rows_and_labels_must_agree(folder: Path) -> None:
    """As many labels as images, or the rows may be shifted."""
    write_hdf5(folder, lambda file: file.create_dataset("images", data=pixels(ROWS + 1)))
    refused(folder, "grade.npy", f"{ROWS} labels for {ROWS + 1} images")


def test_damage_inside_hdf5(folder: Path) -> None:
    """Pixels that do not decode are reported when they are read, with file and row."""
    write_hdf5(
        folder,
        lambda file: file.create_dataset("images", data=pixels(), compression="gzip", chunks=(1, 8, 8, 3)),
    )
    with h5py.File(folder / "images.hdf5") as file:
        chunk = file["images"].id.get_chunk_info_by_coord((9, 0, 0, 0))
    data = bytearray((folder / "images.hdf5").read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    (folder / "images.hdf5").write_bytes(data)
    source = open_medimeta("toy", folder.parent)
    np.testing.assert_array_equal(source.image("test", "000010"), pixels()[10])
    with pytest.raises(SourceError, match=r"images\.hdf5 has no readable row 9 .*replace the file"):
        source.image("test", "000009")
    source.close()


@pytest.fixture
def tiffs(folder: Path) -> Path:
    (folder / "images.hdf5").unlink()
    return folder


def test_missing_tiff(tiffs: Path) -> None:
    """Without HDF5 every TIFF must be there."""
    (tiffs / "images" / "000004.tiff").unlink()
    refused(tiffs, str(tiffs / "images"), "no 000004.tiff", "extract its archive again")


def test_last_tiffs_missing(tiffs: Path) -> None:
    """Missing ones at the end show by the number of labels."""
    (tiffs / "images" / "000011.tiff").unlink()
    refused(tiffs, "12 labels for 11 images")


def test_no_tiffs(tiffs: Path) -> None:
    """An empty folder of images is named, and so is the HDF5 file that could replace it."""
    for path in (tiffs / "images").iterdir():
        path.unlink()
    refused(tiffs, "holds no TIFF file", "images.hdf5")


@pytest.mark.parametrize("mode", ["L", "I;16", "RGBA", "CMYK", "1"])
def test_tiff_of_another_mode(tiffs: Path, mode: str) -> None:
    """A TIFF's mode must match the dataset's channels."""
    path = tiffs / "images" / "000009.tiff"
    Image.new(mode, (8, 8)).save(path)
    source = open_medimeta("toy", tiffs.parent)
    with pytest.raises(SourceError, match=re.escape(str(path))):
        source.image("test", "000009")


def test_truncated_tiff(tiffs: Path) -> None:
    """A TIFF cut short is named."""
    path = tiffs / "images" / "000009.tiff"
    path.write_bytes(path.read_bytes()[:-50])
    source = open_medimeta("toy", tiffs.parent)
    with pytest.raises(SourceError, match=r"000009\.tiff is not a whole"):
        source.image("test", "000009")


def test_channels_without_input_size(tiffs: Path) -> None:
    """The first TIFF tells the channels where info.yaml does not."""
    edit_info(tiffs, input_size=None)
    assert open_medimeta("toy", tiffs.parent).info.channels == 3
