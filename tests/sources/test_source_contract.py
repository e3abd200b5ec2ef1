"""What every source family promises, checked on a small dataset of each."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from source_writers import write_images, write_medimeta, write_npz

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.keys import SetKey
from medimeta_c.sources import SOURCES, collection_of, default_data_dir, family, family_of, open_source
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.contract import Source


def _medimeta(data_dir: Path) -> str:
    write_medimeta(data_dir, "toy", channels=1)
    return "toy"


def _medmnist(data_dir: Path) -> str:
    write_npz(data_dir / "bloodmnist_28.npz")
    return "bloodmnist_28"


def _imagefolder(data_dir: Path) -> str:
    write_images(
        data_dir / "pets", ["train/cat/a.png", "train/dog/b.png", "test/cat/c.png", "test/cat/d.png"]
    )
    return "pets"


def _phantoms(_: Path) -> str:
    return "oct"  # generated on the spot


WRITERS: dict[str, Callable[[Path], str]] = {
    "medimeta": _medimeta,
    "medmnist": _medmnist,
    "imagefolder": _imagefolder,
    "phantoms": _phantoms,
}
"""One per family: writes a dataset and returns its id. A new family needs a line here."""


def test_every_family_is_checked() -> None:
    """No registered family escapes this file."""
    assert set(WRITERS) == set(SOURCES)


@pytest.fixture(scope="module", params=list(SOURCES))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    data_dir = tmp_path_factory.mktemp(request.param)
    return open_source(request.param, WRITERS[request.param](data_dir), data_dir)


def test_info(opened: Source) -> None:
    """A source says what it is, in values a manifest can store."""
    info = opened.info
    assert info.kind in SOURCES
    assert all((info.dataset, info.title, info.modality, info.task))
    assert info.channels in (1, 3)
    assert len(info.class_names) == len(set(info.class_names)) > 1
    assert all(type(count) is int and count > 0 for count in info.splits.values())
    assert list(info.splits) == [split for split in ("train", "val", "test") if split in info.splits]
    for text in (info.license, info.citation, info.homepage):
        assert isinstance(text, str)


def test_ids(opened: Source) -> None:
    """Ids are sorted, distinct, as many as announced, and usable in a file name or a seed."""
    for split, count in opened.info.splits.items():
        ids = opened.ids(split)
        assert len(set(ids)) == len(ids) == count
        assert list(ids) == sorted(ids)
        assert all(re.fullmatch(r"[\w.-]+(/[\w.-]+)?", image_id) for image_id in ids)
        SetKey(opened.info.dataset, split, "clean", 0)


def test_labels(opened: Source) -> None:
    """Labels are plain integers that class names exist for."""
    for split in opened.info.splits:
        for image_id in opened.ids(split):
            label = opened.label(split, image_id)
            assert type(label) is int
            assert 0 <= label < len(opened.info.class_names)


def test_images(opened: Source) -> None:
    """Images are fresh uint8 arrays of the announced channels, the same at every reading."""
    axes = () if opened.info.channels == 1 else (3,)
    for split in opened.info.splits:
        image_id = opened.ids(split)[0]
        image = opened.image(split, image_id)
        assert type(image) is np.ndarray
        assert image.dtype == np.uint8
        assert image.shape[2:] == axes
        assert image.flags.c_contiguous
        kept = image.copy()
        image[:] = 255 - image
        np.testing.assert_array_equal(opened.image(split, image_id), kept)


def test_pickling(opened: Source) -> None:
    """A pickled source gives the same images, so that workers can have it."""
    split = list(opened.info.splits)[-1]
    image_id = opened.ids(split)[-1]
    copy = pickle.loads(pickle.dumps(opened))
    assert copy.info == opened.info
    assert copy.label(split, image_id) == opened.label(split, image_id)
    np.testing.assert_array_equal(copy.image(split, image_id), opened.image(split, image_id))


def test_checksum(opened: Source) -> None:
    """The digest is a SHA-256, the same at every call."""
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", opened.checksum())
    assert opened.checksum() == opened.checksum()


def test_unknown_split(opened: Source) -> None:
    """A split that is not there is an error of the request."""
    with pytest.raises(ConfigError):
        opened.ids("no_such_split")


@pytest.mark.parametrize(
    ("family", "dataset"), [("medimeta", "oct"), ("medmnist", "octmnist"), ("imagefolder", "pets")]
)
def test_missing_data(tmp_path: Path, family: str, dataset: str) -> None:
    """Absent data is one sentence with the folder and a command in it."""
    with pytest.raises(SourceError, match=re.escape(str(tmp_path / "nothing"))) as caught:
        open_source(family, dataset, tmp_path / "nothing")
    assert re.search(r"`medimeta-c download`|`source='phantoms'`", str(caught.value))


@pytest.mark.parametrize("family", SOURCES)
def test_ids_are_no_paths(tmp_path: Path, family: str) -> None:
    """No family lets a dataset id leave the data folder."""
    with pytest.raises(ConfigError):
        open_source(family, "../x", tmp_path)


def test_unknown_family(tmp_path: Path) -> None:
    """A misspelt family is answered with the nearest."""
    with pytest.raises(ConfigError, match="did you mean 'medmnist'"):
        open_source("medmnits", "bloodmnist", tmp_path)


@pytest.mark.parametrize(("dataset", "family"), [("pbc", "medimeta"), ("bloodmnist_64", "medmnist")])
def test_family_of(dataset: str, family: str) -> None:
    """An id alone tells which of the two collections it belongs to."""
    assert family_of(dataset).name == family


def test_a_family_that_is_not_installed_has_but_its_name() -> None:
    """Cards, reports and boards show a benchmark that someone built with a plug-in of theirs."""
    one = family("unheard_of")
    assert (one.title, one.collection, one.known) == ("unheard_of", None, ())
    assert collection_of("unheard_of") == "unheard_of"


@pytest.mark.parametrize("dataset", list(catalog()))
def test_presence_is_what_the_family_says(tmp_path: Path, dataset: str) -> None:
    """A dataset is on this disk once one of its files is; phantoms always are."""
    own = family_of(dataset)
    assert not own.present(dataset, tmp_path)
    assert SOURCES["phantoms"].present(dataset, tmp_path)
    (tmp_path / own.files[-1].format(dataset=dataset).replace("*", "64")).mkdir()
    assert own.present(dataset, tmp_path)


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whom a container made up, with no entry in the system's list of users."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pytest.importorskip("pwd"), "getpwuid", unknown)
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        ConfigError, match=r"no home directory, .* `data_dir`, or in the environment variable MEDIMETA_DATA"
    ):
        default_data_dir()
