"""Folders of your own images: ids, links, checksums, and other processes."""

from __future__ import annotations

import os
import pickle
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import imagefolder_refused as refused
from source_writers import FLAT, write_images

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.sources.imagefolder import open_imagefolder


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
