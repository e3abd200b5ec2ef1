"""Folders of your own images: classes, splits, and every file that does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import imagefolder_refused as refused
from source_writers import FLAT, SPLIT, pixels, write_images

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.imagefolder import open_imagefolder
from medimeta_c.sources.pictures import SUFFIXES


def test_classes_only(flat: Path) -> None:
    """Class folders without splits are one split called test; classes are numbered by name."""
    source = open_imagefolder("pets", flat.parent)
    info = source.info
    assert (info.dataset, info.kind, info.title, info.task) == ("pets", "imagefolder", "pets", "class")
    assert (info.class_names, info.channels, info.splits) == (("cat", "dog"), 3, {"test": 3})
    assert source.ids("test") == ("cat/one", "cat/two", "dog/one")
    assert [source.label("test", image_id) for image_id in source.ids("test")] == [0, 0, 1]
    for seed, image_id in enumerate(source.ids("test")):
        np.testing.assert_array_equal(source.image("test", image_id), pixels(1, seed=seed)[0], strict=True)


def test_splits(split: Path) -> None:
    """Split folders are kept apart and ordered; the classes of all of them define the labels."""
    source = open_imagefolder("pets", split.parent)
    assert source.info.splits == {"train": 2, "val": 1, "test": 2}
    assert source.info.class_names == ("cat", "dog")
    assert source.ids("test") == ("cat/e", "dog/d")
    assert source.label("test", "dog/d") == source.label("train", "dog/b") == 1


def test_one_split_folder(tmp_path: Path) -> None:
    """A subset of the splits is a split layout too."""
    write_images(tmp_path / "pets", ["val/cat/a.png", "val/dog/b.png"])
    assert open_imagefolder("pets", tmp_path).info.splits == {"val": 2}


def test_a_split_may_lack_a_class(tmp_path: Path) -> None:
    """Labels mean the same in every split, even where a class has no images or no folder."""
    root = write_images(tmp_path / "pets", ["train/ant/a.png", "train/cat/b.png", "test/cat/c.png"])
    (root / "test" / "ant").mkdir()
    assert open_imagefolder("pets", tmp_path).label("test", "cat/c") == 1


@pytest.mark.parametrize("names", [FLAT, SPLIT], ids=["classes", "splits"])
def test_the_data_folder_may_be_the_dataset(tmp_path: Path, names: list[str]) -> None:
    """Without a folder of the dataset's name, the data folder is it if it has that name, or is said to be."""
    root = write_images(tmp_path / "pets", names)
    assert open_imagefolder("pets", root).info.class_names == ("cat", "dog")
    with pytest.raises(SourceError, match=r"add `data_is_dataset=True`"):
        open_imagefolder("others", root)
    source = open_imagefolder("others", root, reading=Reading(data_is_dataset=True))
    assert source.info.class_names == ("cat", "dog")


def test_a_folder_of_the_name_wins(tmp_path: Path) -> None:
    """The dataset's own folder is taken even if the data folder holds images too."""
    write_images(tmp_path, FLAT)
    write_images(tmp_path / "pets", ["x/one.png", "y/two.png"])
    assert open_imagefolder("pets", tmp_path).info.class_names == ("x", "y")


@pytest.mark.parametrize("make", ["nothing", "empty", "other"])
def test_no_data(tmp_path: Path, make: str) -> None:
    """The folders looked in are named, with the layout wanted."""
    data = tmp_path / "data"
    if make != "nothing":
        data.mkdir()
    if make == "other":
        (data / "pbc").mkdir()
        (data / "pbc" / "info.yaml").write_text("id: pbc")
    words = [str(data / "pets"), "one sub-folder per class", "train/<class>", "`source='phantoms'`"]
    refused(data / "pets", *words)


def test_dataset_names_cannot_leave_the_data_folder(tmp_path: Path) -> None:
    """An id is a folder name and nothing more."""
    with pytest.raises(ConfigError, match="not usable"):
        open_imagefolder("../pets", tmp_path)


def test_splits_beside_classes(split: Path) -> None:
    """A folder of both kinds is ambiguous."""
    write_images(split, ["bird/x.png"])
    refused(split, str(split), "split folder 'test' beside 'bird'")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ([], ["holds no sub-folders"]),
        (["cat/"], ["fewer than two class folders (cat)"]),
        (["train/"], ["fewer than two class folders (none)"]),
        (["cat/", "dog/"], ["cat holds no image"]),
        (["train/cat/", "train/dog/", "test/"], ["train/cat holds no image"]),
    ],
)
def test_nothing_there(tmp_path: Path, make: list[str], words: list[str]) -> None:
    """Folders without images are named."""
    root = tmp_path / "pets"
    root.mkdir()
    for name in make:
        (root / name).mkdir(parents=True)
    refused(root, str(root), *words)


def test_an_empty_split(split: Path) -> None:
    """A split without images is named, not left out."""
    (split / "val" / "cat" / "c.png").unlink()
    refused(split, "no image in split 'val'")


def test_an_empty_class(flat: Path) -> None:
    """A class without images anywhere is named, not left out."""
    (flat / "emu").mkdir()
    refused(flat, str(flat / "emu"), "holds no image")


def test_classes_that_differ_in_case(tmp_path: Path) -> None:
    """`cat` here and `Cat` there is a slip, not two classes."""
    root = write_images(tmp_path / "pets", ["train/cat/a.png", "train/dog/b.png", "test/Cat/c.png"])
    refused(root, "'Cat' and 'cat'", "one spelling")


SPELLINGS = {
    "train": ["Train", "TRAINING", "training_set", "train_images", "train-set"],
    "val": ["valid", "Validation", "dev", "val_images"],
    "test": ["testing", "Testing_Set", "test images", "testset"],
}


@pytest.mark.parametrize(
    ("split", "name"), [(split, name) for split in SPELLINGS for name in SPELLINGS[split]]
)
def test_spellings_of_splits(tmp_path: Path, split: str, name: str) -> None:
    """The usual names of splits are splits, in any case."""
    write_images(tmp_path / "pets", [f"{name}/cat/a.png", f"{name}/dog/b.png"])
    assert open_imagefolder("pets", tmp_path).info.splits == {split: 2}


def test_two_folders_of_one_split(split: Path) -> None:
    """Which of two spellings holds is not known."""
    write_images(split, ["training/cat/z.png"])
    refused(split, "training is a second folder of the split 'train'", "merge")


@pytest.mark.parametrize(
    "names",
    [
        ("Train", "Test"),
        ("train_images", "test_images"),
        ("images_001", "images_002"),
        ("images", "masks"),
        ("fold1", "fold2"),
        ("benign", "benign_mask"),
    ],
)
def test_folders_that_are_hardly_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    """Splits, parts and masks are classes only if it is said so; two ways out are named."""
    root = write_images(tmp_path / "pets", [f"{name}/{index}.png" for name in names for index in range(2)])
    doubtful = [name for name in names if name != "benign"]
    refused(root, f"add `classes_are=['{sorted(doubtful)[0]}")
    source = open_imagefolder("pets", tmp_path, reading=Reading(classes_are=names))
    assert source.info.class_names == tuple(sorted(names))


def test_every_problem_is_named(flat: Path) -> None:
    """One run names all that is wrong, of files that are no pictures as of pictures that are refused."""
    (flat / "cat/notes.txt").write_text("x")
    (flat / "stray.png").write_bytes(b"x")
    (flat / "dog/fake.png").write_text("<svg/>")
    Image.new("CMYK", (8, 8)).save(flat / "dog/inks.jpg")
    with pytest.raises(SourceError, match="4 problems: ") as caught:
        open_imagefolder("pets", flat.parent)
    found = caught.value.problems
    for name in ("stray.png", "cat/notes.txt", "dog/fake.png", "dog/inks.jpg"):
        assert sum(str(flat / name) in problem for problem in found) == 1
        assert str(flat / name) in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (FLAT, "cat/notes.txt"),
        (FLAT, "cat/more/x.png"),
        (FLAT, "labels.csv"),
        (FLAT, "stray.png"),
        (SPLIT, "train/stray.png"),
        (SPLIT, "train/cat/notes.txt"),
    ],
)
def test_unexpected_files(tmp_path: Path, layout: list[str], name: str) -> None:
    """Whatever is neither an image in a class folder nor a known document is named."""
    root = write_images(tmp_path / "pets", layout)
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    refused(root, str(root / "cat" / "more" if "more" in name else path), "move")


def test_hidden_files_and_documents(flat: Path) -> None:
    """Hidden files, what cameras and systems add, and a licence or readme at the top are left alone."""
    for name in (".DS_Store", "cat/.DS_Store", "cat/._one.png", "LICENSE", "README.md"):
        (flat / name).write_bytes(b"x")
    for name in (
        "Thumbs.db",
        "cat/THUMBS.DB",
        "cat/desktop.ini",
        "cat/.picasa.ini",
        "cat/one.xmp",
        "cat/one.AAE",
    ):
        (flat / name).write_bytes(b"x")
    for folder in (".git", "__MACOSX", "__MACOSX/cat", "cat/@eaDir"):
        (flat / folder).mkdir()
        (flat / folder / "one.png").write_bytes(b"x")
    assert open_imagefolder("pets", flat.parent).info.splits == {"test": 3}


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG", ".Jpg"])
def test_file_types(tmp_path: Path, suffix: str) -> None:
    """Every announced ending is read, in any case."""
    root = write_images(tmp_path / "pets", [f"cat/a{suffix}", "dog/b.png"])
    image = open_imagefolder("pets", root.parent).image("test", "cat/a")
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.uint8
