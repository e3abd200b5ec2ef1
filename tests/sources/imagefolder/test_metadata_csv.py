"""Pictures that a metadata.csv lists, as the library ``datasets`` reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import imagefolder_refused as refused
from source_writers import write_images

from medimeta_c.errors import SourceError
from medimeta_c.sources.imagefolder import open_imagefolder

FILES = ["a.png", "b.png", "more/c.png", "d.png"]


def listed(root: Path, *lines: str, header: str = "file_name,label") -> Path:
    """Write a table into a folder of pictures."""
    (root / "metadata.csv").write_text("\n".join([header, *lines]), encoding="utf-8-sig")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_images(tmp_path / "pets", FILES)


def test_labels(root: Path) -> None:
    """Classes are the sorted labels; any other column is left alone; the table is part of the checksum."""
    listed(
        root, "a.png,dog,3", "b.png,cat,4", "more/c.png,dog,5", "d.png,dog,6", header="file_name,label,age"
    )
    source = open_imagefolder("pets", root.parent)
    assert (source.info.class_names, source.info.splits) == (("cat", "dog"), {"test": 4})
    assert source.ids("test") == ("cat/b", "dog/a", "dog/d", "dog/more_c")
    assert source.label("test", "dog/more_c") == 1
    before = source.checksum()
    (root / "metadata.csv").write_text((root / "metadata.csv").read_text() + "\n")
    assert open_imagefolder("pets", root.parent).checksum() != before


def test_numbers_are_sorted_as_numbers(root: Path) -> None:
    """Class 10 comes after class 2."""
    listed(root, "a.png,10", "b.png,2", "more/c.png,2", "d.png,0")
    assert open_imagefolder("pets", root.parent).info.class_names == ("0", "2", "10")
    listed(root, "a.png,10", f"b.png,{'9' * 5000}", "more/c.png,002", "d.png,x")  # more than int() takes
    assert open_imagefolder("pets", root.parent).info.class_names == ("002", "10", "9" * 5000, "x")


def test_splits_of_a_column(root: Path) -> None:
    """A column says the split, in any usual spelling."""
    listed(
        root, "a.png,x,train", "b.png,y,Testing", "more/c.png,x,validation", "d.png,x,test",
        header="file_name,label,split",
    )  # fmt: skip
    assert open_imagefolder("pets", root.parent).info.splits == {"train": 1, "val": 1, "test": 2}


@pytest.mark.parametrize("place", ["root", "splits"])
def test_splits_of_folders(tmp_path: Path, place: str) -> None:
    """Folders named like splits are splits, with one table or a table each."""
    root = write_images(
        tmp_path / "pets", [f"{split}/{name}.png" for split in ("train", "test") for name in "ab"]
    )
    if place == "root":
        listed(root, *(f"{split}/{name}.png,{name}" for split in ("train", "test") for name in "ab"))
    else:
        for split in ("train", "test"):
            listed(root / split, "a.png,a", "b.png,b")
    assert open_imagefolder("pets", tmp_path).info.splits == {"train": 2, "test": 2}


@pytest.mark.parametrize("label", ["dog|cat", "dog;cat", '"[0, 1]"'])
def test_several_labels(root: Path, label: str) -> None:
    """An image of several classes is named by its line."""
    listed(root, "a.png,dog", f"b.png,{label}", "more/c.png,cat", "d.png,cat")
    refused(root, "metadata.csv, line 3", "multi-label")


def test_a_column_for_each_class(root: Path) -> None:
    """So is a table of zeros and ones."""
    listed(root, *(f"{name},0,1" for name in FILES), header="file_name,edema,mass")
    refused(root, "metadata.csv is multi-label", "file_name, edema, mass")


def test_every_line_is_looked_at(root: Path) -> None:
    """All that is wrong is named at once: lines, files that are not there, and files not listed."""
    write_images(root, ["e.png"])
    listed(
        root, "a.png,dog,train", "a.png,dog,train", "../x.png,cat,train", "gone.png,cat,train",
        "b.png,,train", "more/c.png,cat,later", "d.png,cat,", f"{'x' * 256}.png,cat,train",
        header="file_name,label,split",
    )  # fmt: skip
    with pytest.raises(SourceError, match="8 problems"):
        open_imagefolder("pets", root.parent)
    refused(
        root, "line 3: ", "listed twice", "'../x.png' is not a path below", f"no file {root / 'gone.png'}",
        "label is empty", "split 'later' is unknown", "line 8: split is missing", "e.png is not listed in",
    )  # fmt: skip


def test_no_table(root: Path) -> None:
    """A file that is no table, or lacks a column."""
    listed(root, "a.png;dog", header="file_name;label")
    refused(root, "no column file_name and no column label", "file_name;label")
    (root / "metadata.csv").write_bytes(b"\xff\xfe\0")
    refused(root, "cannot be read as CSV")
    (root / "metadata.csv").write_bytes(b"")
    refused(root, "no column file_name and no column label", "its columns are none")


def test_a_name_with_a_line_break_is_shown_in_one_line(root: Path) -> None:
    """What a table says is not printed as it comes."""
    listed(root, '"a\n.png",dog')
    with pytest.raises(SourceError, match="there is no file") as caught:
        open_imagefolder("pets", root.parent)
    assert "\n" not in str(caught.value)
