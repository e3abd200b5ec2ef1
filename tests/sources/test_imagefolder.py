"""Folders of your own images: layouts, colour modes, ids, and everything that is not passed over."""

from __future__ import annotations

import os
import pickle
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from source_writers import pixels, write_images

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.imagefolder import open_imagefolder
from medimeta_c.sources.pictures import SUFFIXES

FLAT = ["cat/one.png", "cat/two.png", "dog/one.png"]
SPLIT = ["train/cat/a.png", "train/dog/b.png", "val/cat/c.png", "test/dog/d.png", "test/cat/e.png"]


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    return write_images(tmp_path / "pets", FLAT)


@pytest.fixture
def split(tmp_path: Path) -> Path:
    return write_images(tmp_path / "pets", SPLIT)


def refused(root: Path, *words: str, kind: type[Exception] = SourceError) -> None:
    """Assert that opening fails with one sentence that holds every word."""
    with pytest.raises(kind) as caught:
        open_imagefolder("pets", root.parent)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


# Layouts ---------------------------------------------------------------------------------------------


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


# Nothing is dropped silently -------------------------------------------------------------------------


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


# Ids -------------------------------------------------------------------------------------------------


def test_two_files_with_one_stem(flat: Path) -> None:
    """`a.png` and `a.jpg` would have the same id."""
    write_images(flat, ["cat/one.jpg"])
    refused(flat, "'cat/one'", "cat/one.jpg and cat/one.png", "rename one")


def test_the_same_stem_in_two_splits(tmp_path: Path) -> None:
    """An id is unique within its split only."""
    root = write_images(tmp_path / "pets", ["train/cat/a.png", "train/dog/a.png", "test/cat/a.png"])
    source = open_imagefolder("pets", root.parent)
    assert not np.array_equal(source.image("train", "cat/a"), source.image("test", "cat/a"))


@pytest.mark.parametrize(
    ("name", "image_id"),
    [
        ("cat/a b?c.png", "cat/a_b_c"),
        ("a cat/x|y.png", "a_cat/x_y"),
        ("cat/scan.1-2_3.png", "cat/scan.1-2_3"),
        ("cat/Lungenübersicht.png", "cat/Lungenübersicht"),
    ],
)
def test_ids_are_safe(tmp_path: Path, name: str, image_id: str) -> None:
    """Ids name files on any system; the class keeps its folder's name."""
    root = write_images(tmp_path / "pets", [name, "dog/z.png"])
    source = open_imagefolder("pets", root.parent)
    assert image_id in source.ids("test")
    assert name.split("/", maxsplit=1)[0] in source.info.class_names


def test_ids_made_equal(flat: Path) -> None:
    """Two names that become the same id are a collision, not one image."""
    write_images(flat, ["cat/a b.png", "cat/a_b.png"])
    refused(flat, "'cat/a_b'", "cat/a b.png and cat/a_b.png")


def test_accents_composed_or_apart(tmp_path: Path) -> None:
    """The two ways file systems write an accent give one class and the same ids."""
    ids = []
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "naevus/Fuß-é.png")
        root = write_images(tmp_path / form / "pets", [name, "other/z.png"])
        ids.append(open_imagefolder("pets", root.parent).ids("test"))
    assert ids[0] == ids[1]


@settings(max_examples=30, deadline=None)
@given(
    stems=st.sets(
        st.text(
            st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="/"), min_size=1, max_size=12
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_names(tmp_path_factory: pytest.TempPathFactory, stems: set[str]) -> None:
    """Any file names either give as many safe ids, or are refused for colliding."""
    root = write_images(
        tmp_path_factory.mktemp("names") / "pets", ["dog/z.png", *(f"cat/x{stem}.png" for stem in stems)]
    )
    try:
        ids = open_imagefolder("pets", root.parent).ids("test")
    except SourceError as error:
        assert "two images with the id" in str(error)
        return
    assert len(ids) == len(list((root / "cat").iterdir())) + 1
    assert list(ids) == sorted(ids)
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", image_id) for image_id in ids)


@pytest.mark.parametrize("ask", ["ids", "label", "image"])
def test_unknown_split_and_image(flat: Path, ask: str) -> None:
    """Splits and ids that are not there are answered with those that are."""
    source = open_imagefolder("pets", flat.parent)
    with pytest.raises(ConfigError, match=r"unknown split of pets 'train' \(known: test\)"):
        getattr(source, ask)(*("train", "cat/one")[: 1 if ask == "ids" else 2])
    if ask != "ids":
        with pytest.raises(
            ConfigError, match=r"no image '\.\./cat/one' in split 'test' of pets: ids are like 'cat/one'"
        ):
            getattr(source, ask)("test", "../cat/one")


# Links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cat/link.png", "emu", "cat"])
def test_links_out_of_the_folder(tmp_path: Path, flat: Path, name: str) -> None:
    """A link to elsewhere, file or folder, is refused: its bytes would be published."""
    outside = write_images(tmp_path / "outside", ["secret.png"])
    target = outside / "secret.png" if name.endswith(".png") else outside
    if name == "cat":
        for path in (flat / "cat").iterdir():
            path.unlink()
        (flat / "cat").rmdir()
    (flat / name).symlink_to(target)
    refused(flat, str(flat / name), "link out of")


def test_links_within_the_folder(flat: Path) -> None:
    """A link to an image of the dataset is an image."""
    (flat / "dog" / "again.png").symlink_to("one.png")
    assert open_imagefolder("pets", flat.parent).info.splits == {"test": 4}


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="needs a file system that takes any bytes")
def test_a_name_that_is_no_text(flat: Path) -> None:
    """Bytes that are not UTF-8 can be neither an id nor a class name."""
    os.mkdir(os.fsencode(flat) + b"/class\xff")  # noqa: PTH102  (a Path takes no bytes)
    refused(flat, "is not a valid UTF-8 file name: rename it")


def test_a_link_to_nothing(flat: Path) -> None:
    """A broken link is named."""
    (flat / "dog" / "gone.png").symlink_to("nowhere.png")
    refused(flat, str(flat / "dog" / "gone.png"), "broken link")


def test_links_in_a_circle(tmp_path: Path) -> None:
    """A link to a folder around it is named; two of them would be followed 2^40 times."""
    root = write_images(tmp_path / "pets", ["cat/tom/one.png", "dog/rex/one.png"])
    for name in ("here", "too"):
        (root / "cat/tom" / name).symlink_to(".")
    refused(root, str(root / "cat/tom/here"), "is a link to a folder that contains it")


# Colour modes ----------------------------------------------------------------------------------------


def one_image(folder: Path, image: Image.Image, name: str = "x.png", **options: object) -> Path:
    """Write a dataset of two classes that hold the same image."""
    for label in ("cat", "dog"):
        path = folder / "pets" / label / name
        path.parent.mkdir(parents=True)
        image.save(path, **options)
    return folder / "pets"


def test_grey(tmp_path: Path) -> None:
    """Grey stays grey."""
    stored = pixels(1, channels=1)[0]
    root = one_image(tmp_path, Image.fromarray(stored))
    source = open_imagefolder("pets", root.parent)
    assert source.info.channels == 1
    np.testing.assert_array_equal(source.image("test", "cat/x"), stored, strict=True)


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_palette_and_opaque_alpha(tmp_path: Path, mode: str) -> None:
    """A palette, and an alpha channel that hides nothing, become RGB without a changed colour."""
    stored = pixels(1)[0]
    stored = np.where(stored > 127, np.uint8(255), np.uint8(0))
    image = Image.fromarray(stored)
    root = one_image(tmp_path, image.quantize(8) if mode == "P" else image.convert("RGBA"))
    source = open_imagefolder("pets", root.parent)
    assert source.info.channels == 3
    np.testing.assert_array_equal(source.image("test", "cat/x"), stored, strict=True)


def test_opaque_grey_alpha(tmp_path: Path) -> None:
    """Grey with an alpha channel that hides nothing is grey."""
    stored = pixels(1, channels=1)[0]
    root = one_image(tmp_path, Image.fromarray(stored).convert("LA"))
    image = open_imagefolder("pets", root.parent).image("test", "cat/x")
    np.testing.assert_array_equal(image, stored, strict=True)


def test_upright(tmp_path: Path) -> None:
    """A photograph is turned as its EXIF orientation says."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    stored = pixels(1)[0][:, :5]
    root = one_image(tmp_path, Image.fromarray(stored), exif=exif)
    image = open_imagefolder("pets", root.parent).image("test", "cat/x")
    np.testing.assert_array_equal(image, np.rot90(stored, -1), strict=True)


def test_mixed_channels(tmp_path: Path) -> None:
    """Grey and RGB in one dataset: two of the files are named, and what to do."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "cat/b.png", "dog/c.png"])
    write_images(root, ["dog/d.png"], channels=1)
    refused(root, "dog/d.png is grey", "cat/a.png is RGB", "`channels='rgb'`", "convert them all")


@pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("luma", 1)])
def test_mixed_channels_taken_as_one(tmp_path: Path, mode: str, channels: int) -> None:
    """Grey and RGB together are read as what was asked for."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "dog/c.png"])
    write_images(root, ["dog/d.png"], channels=1)
    source = open_imagefolder("pets", tmp_path, reading=Reading(channels=mode))
    assert source.info.channels == channels
    assert {source.image("test", image_id).ndim for image_id in source.ids("test")} == {channels // 2 + 2}


def test_grey_refuses_colours_before_anything_is_built(tmp_path: Path) -> None:
    """A coloured picture among grey ones is named when the folder is opened."""
    root = write_images(tmp_path / "pets", ["cat/a.png", "dog/c.png"], channels=1)
    write_images(root, ["dog/d.png"])
    with pytest.raises(SourceError, match=r"dog/d\.png shows colours"):
        open_imagefolder("pets", tmp_path, reading=Reading(channels="grey"))


SIXTEEN = np.full((8, 8), 1000, np.uint16)


def test_a_window_for_more_bits(tmp_path: Path) -> None:
    """Pictures of 16 bits are read through the window given, and those of 8 as they are."""
    root = one_image(tmp_path, Image.fromarray(SIXTEEN))
    write_images(root, ["cat/y.png"], channels=1)
    source = open_imagefolder("pets", tmp_path, reading=Reading(window=" 0, 2000 "))
    assert set(source.image("test", "cat/x").flat) == {128}
    np.testing.assert_array_equal(source.image("test", "cat/y"), pixels(1, channels=1)[0])
    with pytest.raises(ConfigError, match="window 'wide' is not valid"):
        Reading(window="wide")


@pytest.mark.parametrize(
    ("image", "name", "word"),
    [
        (Image.fromarray(SIXTEEN), "x.png", "more than 8 bits"),
        (Image.fromarray(SIXTEEN), "x.tif", "more than 8 bits"),
        (Image.fromarray(SIXTEEN.astype(np.float32)), "x.tif", "more than 8 bits"),
        (Image.new("CMYK", (8, 8)), "x.jpg", "CMYK"),
        (Image.new("1", (8, 8)), "x.png", "mode 1"),
        (Image.new("LAB", (8, 8)), "x.tif", "LAB"),
    ],
    ids=["16-bit png", "16-bit tiff", "float tiff", "cmyk", "bilevel", "lab"],
)
def test_other_modes(tmp_path: Path, image: Image.Image, name: str, word: str) -> None:
    """Images that would have to be changed to fit are named when the folder is opened."""
    root = one_image(tmp_path, image, name)
    refused(root, str(root / "cat" / name), word)


def test_sixteen_bit_rgb(tmp_path: Path) -> None:
    """16-bit colour is noticed, although Pillow opens it as 8-bit RGB."""
    import cv2

    root = one_image(tmp_path, Image.new("RGB", (8, 8)))
    for label in ("cat", "dog"):
        assert cv2.imwrite(str(root / label / "x.png"), np.full((8, 8, 3), 1000, np.uint16))
    refused(root, str(root / "cat" / "x.png"), "more than 8 bits")


def test_a_transparent_colour(tmp_path: Path) -> None:
    """A palette or RGB file that marks one colour as transparent is named."""
    root = one_image(tmp_path, Image.fromarray(pixels(1)[0]).quantize(8), transparency=0)
    refused(root, str(root / "cat" / "x.png"), "transparent")


def test_real_alpha(tmp_path: Path) -> None:
    """Partly transparent pixels are found when the image is read."""
    image = Image.fromarray(pixels(1)[0]).convert("RGBA")
    image.putpixel((3, 3), (1, 2, 3, 254))
    root = one_image(tmp_path, image)
    source = open_imagefolder("pets", root.parent)
    with pytest.raises(SourceError, match=r"cat/x\.png is partly transparent: flatten it"):
        source.image("test", "cat/x")


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.webp"])
def test_animated(tmp_path: Path, name: str) -> None:
    """Files of several frames are named."""
    frames = [Image.fromarray(pixels(1, seed=seed)[0]) for seed in range(2)]
    root = one_image(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    refused(root, str(root / "cat" / name), "2 frames")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.bmp", "x.webp"])
@pytest.mark.parametrize("share", [0, 0.1, 0.8])
def test_truncated(tmp_path: Path, name: str, share: float) -> None:
    """A file cut short is named, when the folder is opened or at the latest when it is read."""
    root = one_image(tmp_path, Image.fromarray(pixels(1, size=40)[0]), name)
    path = root / "dog" / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=rf"dog/{re.escape(name)} is not a whole .*replace it"):
        open_imagefolder("pets", root.parent).image("test", "dog/x")


def test_another_kind_of_file(flat: Path) -> None:
    """A file that only claims to be an image is named, with what it is."""
    (flat / "cat" / "fake.png").write_text("<svg/>")
    refused(flat, str(flat / "cat" / "fake.png"), "is a drawing (SVG)", "draw it as PNG")


@pytest.mark.parametrize("limit", [40, 10], ids=["warning", "error"])
def test_decompression_bomb(flat: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """An image of absurd size is named, whether Pillow would warn or raise."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    refused(flat, str(flat / "cat" / "one.png"), "could exhaust memory")


def test_file_that_went_away(flat: Path) -> None:
    """A file removed after opening is named when it is asked for."""
    source = open_imagefolder("pets", flat.parent)
    (flat / "cat" / "one.png").unlink()
    with pytest.raises(SourceError, match=r"cat/one\.png does not exist"):
        source.image("test", "cat/one")


def test_file_that_changed(flat: Path) -> None:
    """A file replaced by one with other channels after opening is named."""
    source = open_imagefolder("pets", flat.parent)
    write_images(flat, ["cat/one.png"], channels=1)
    with pytest.raises(SourceError, match=r"cat/one\.png is grey where the dataset's images are RGB"):
        source.image("test", "cat/one")


# Notes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["info.yaml", "medimeta.yaml"])
def test_notes(flat: Path, name: str) -> None:
    """An optional file says what the images are."""
    notes = {
        "title": "Pets",
        "modality": "Photography",
        "task": "species",
        "license": "CC0",
        "citation": "Me.",
        "homepage": "https://x.org",
        "class_names": {"cat": "domestic cat"},
    }
    (flat / name).write_text(yaml.safe_dump(notes))
    info = open_imagefolder("pets", flat.parent, task="species").info
    assert (info.title, info.modality, info.task) == ("Pets", "Photography", "species")
    assert (info.license, info.citation, info.homepage) == ("CC0", "Me.", "https://x.org")
    assert info.class_names == ("domestic cat", "dog")


def test_notes_cannot_drive_a_terminal(flat: Path) -> None:
    """Escape sequences and line breaks in a title or a class name become spaces."""
    (flat / "info.yaml").write_text(r'{title: "\e[2JPets\nbuilt", class_names: {cat: "cat\e[1A"}}')
    info = open_imagefolder("pets", flat.parent).info
    assert info.title == "[2JPets built"
    assert info.class_names == ("cat [1A", "dog")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title: [", "not valid YAML"),
        (r'title: "\ud800"', "not valid YAML"),
        ("- a", "at the top: Input should be an object"),
        ("titel: Pets", "at titel: Extra inputs are not permitted"),
        ("title: 3", "at title: Input should be a valid string; correct it, with texts in quotes"),
        ("class_names: [a, b]", "at class_names: Input should be an object"),
        ("class_names: {bird: Bird}", "'bird', which is not a class folder (cat, dog)"),
        (
            "class_names: {cat: no}",
            "at class_names.cat: Input should be a valid string; correct it, with texts in quotes",
        ),
        ("class_names: {cat: dog}", "same name (dog, dog)"),
    ],
)
def test_bad_notes(flat: Path, text: str, word: str) -> None:
    """Notes that are not understood are not passed over."""
    (flat / "info.yaml").write_text(text)
    refused(flat, str(flat / "info.yaml"), word)


def test_two_notes(flat: Path) -> None:
    """Two files of notes: which holds is not known."""
    for name in ("info.yaml", "medimeta.yaml"):
        (flat / name).write_text("title: x")
    refused(flat, "both info.yaml and medimeta.yaml")


def test_task(flat: Path) -> None:
    """A folder has one task."""
    with pytest.raises(ConfigError, match="only the task 'class': leave out `task`"):
        open_imagefolder("pets", flat.parent, task="breed")


# Processes and digests -------------------------------------------------------------------------------


def test_pickling(flat: Path) -> None:
    """A source travels to a worker."""
    source = open_imagefolder("pets", flat.parent)
    copy = pickle.loads(pickle.dumps(source))
    assert copy.info == source.info
    np.testing.assert_array_equal(copy.image("test", "dog/one"), source.image("test", "dog/one"))


def test_checksum(tmp_path: Path) -> None:
    """The digest is of the images' bytes and names and of the notes, wherever they lie."""
    roots = [write_images(tmp_path / place / "pets", FLAT) for place in ("a", "b")]
    digests = {open_imagefolder("pets", root.parent).checksum() for root in roots}
    for change in ("notes", "hidden", "byte", "name"):
        if change == "notes":
            (roots[0] / "info.yaml").write_text("title: Pets")
        elif change == "hidden":
            (roots[0] / ".hidden").write_text("x")
            assert open_imagefolder("pets", roots[0].parent).checksum() in digests
            continue
        elif change == "byte":
            write_images(roots[0], ["cat/one.png"])
            (roots[0] / "cat" / "one.png").write_bytes((roots[0] / "cat" / "two.png").read_bytes())
        else:
            (roots[0] / "cat" / "two.png").rename(roots[0] / "cat" / "zwei.png")
        digests.add(open_imagefolder("pets", roots[0].parent).checksum())
    assert len(digests) == 4
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests)
