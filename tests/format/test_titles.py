"""Titles: what a benchmark is called, what only the core suite may be called, and what no title may hold."""

from __future__ import annotations

import pytest
from fake_source import FakeSource

from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.display import benchmark_title, slug, title_flaw
from medimeta_c.format.suites import CORE
from medimeta_c.io.text import MOST_LETTERS, flaw_of_line


def one(
    dataset: str, kind: str = "imagefolder", title: str = "", *, synthetic: bool = False
) -> DatasetRecord:
    """A dataset that was read."""
    source = FakeSource(dataset, info_changes={"kind": kind, "title": title})
    return DatasetRecord.of(source.info, source.checksum(), synthetic=synthetic)


CORE_ONES = [one(name, "medimeta", name.upper()) for name in CORE.headline["medimeta"]]
SLIDES, SKIN = one("slides", title="Our slides"), one("skin", title="Moles of Ulm")
PHANTOMS = [one(name, "phantoms", f"{name} phantoms (synthetic)") for name in CORE.headline["medimeta"]]

TITLES = {
    "the core suite": (CORE_ONES, "MediMeta-C"),
    "a part of it": (CORE_ONES[:1], "MediMeta-C"),
    "its datasets as pictures": ([one("pbc", title="Blood")], "Blood"),
    "another dataset of MedIMeta": ([one("aml", "medimeta", "AML cells")], "AML cells"),
    "MedMNIST+": (
        [one("octmnist", "medmnist", "OCT"), one("dermamnist_64", "medmnist")],
        "MedMNIST+ corrupted",
    ),
    "own folder": ([SLIDES], "Our slides"),
    "own folder without a title": ([one("slides")], "slides"),
    "own folder that calls itself by our name": ([one("slides", title="MediMeta-C")], "slides"),
    "own folder with hidden letters": ([one("slides", title="A\u202eB")], "slides"),
    "own folder with a long title": ([one("slides", title="word " * 40)], "word " * 15 + "word…"),
    "two own folders": ([SKIN, SLIDES], "Moles of Ulm and Our slides"),
    "three own folders": ([SKIN, SLIDES, one("x")], "Moles of Ulm and 2 more"),
    "the core suite and another": ([*CORE_ONES, SLIDES], "PBC and 5 more"),
    "phantoms": (PHANTOMS, "MediMeta-C (phantoms)"),
    "generated images": ([one("made", title="Made-up cells", synthetic=True)], "Made-up cells (phantoms)"),
    "some generated images": (
        [SLIDES, one("made", title="Made-up cells", synthetic=True)],
        "Our slides and Made-up cells (partly phantoms)",
    ),
}


@pytest.mark.parametrize(("datasets", "title"), TITLES.values(), ids=TITLES)
def test_a_title_follows_from_the_datasets(datasets: list[DatasetRecord], title: str) -> None:
    """MediMeta-C is the core suite on its own datasets; everything else has a name of its own."""
    assert benchmark_title(datasets) == title


def test_another_suite_is_named_beside_the_datasets() -> None:
    """Not as a word about the last of several; the folder's name is the same either way."""
    titles = {
        "MediMeta-C clinical": CORE_ONES,
        "Our slides clinical": [SLIDES],
        "Moles of Ulm and Our slides (clinical)": [SKIN, SLIDES],
        "Moles of Ulm and 2 more (clinical)": [SKIN, SLIDES, one("x")],
    }
    assert [benchmark_title(datasets, suite="clinical") for datasets in titles.values()] == list(titles)
    assert slug("Moles of Ulm and 2 more (clinical)") == "moles-of-ulm-and-2-more-clinical"


def test_imports_are_called_as_published() -> None:
    """By the name that their authors gave them, and never by ours alone."""
    names = [
        benchmark_title([one("pbc", "medimetac")], imported="MediMeta-C"),
        benchmark_title([one("octmnist", "medmnist")], imported="MedMNIST-C"),
    ]
    assert names == ["MediMeta-C as published", "MedMNIST-C as published"]


def test_a_given_title_stands() -> None:
    """For the core suite too; phantoms are called phantoms whatever their maker says."""
    assert benchmark_title([SLIDES], given="Ulm, 2026") == "Ulm, 2026"
    assert benchmark_title(CORE_ONES, given="MediMeta-C of spring") == "MediMeta-C of spring"
    assert benchmark_title(PHANTOMS, given="Blood") == "Blood (phantoms)"
    assert benchmark_title(PHANTOMS, given="Phantom blood") == "Phantom blood"
    assert benchmark_title([SLIDES, PHANTOMS[0]], given="Ulm") == "Ulm (partly phantoms)"


@pytest.mark.parametrize(
    "title", ["MediMeta-C", "medimeta c", "MEDIMETAC 2", "MediMeta\u2011C: ours", "\uff2dediMeta-C"]
)
def test_no_other_images_are_called_medimeta_c(title: str) -> None:
    """Neither when a build is asked for it, nor when a file claims it."""
    assert title_flaw([SLIDES], title) == "MediMeta-C is the title of the core suite on its own datasets"
    assert benchmark_title([SLIDES], given=title) == "Our slides"
    assert title_flaw(CORE_ONES, title) is None


FLAWS = {
    "two lines": ("a\nb", "control"),
    "an escape sequence": ("a\x1b[2Jb", "control"),
    "a line separator": ("a\u2028b", "one line"),
    "a bidirectional override": ("a\u202eb", "control or formatting"),
    "a zero-width space": ("a\u200bb", "control or formatting"),
    "a hard space": ("a\u00a0b", "one line"),
    "a letter that cannot be seen": ("a\u3164b", "invisible characters"),
    "half a character": ("a\ud800b", "control or formatting"),
    "a tag": ("<b>a</b>", "'<'"),
    "nothing": ("", "blank"),
    "marks alone": ("---", "letter or digit"),
    "too many letters": ("a" * (MOST_LETTERS + 1), "longer than 120"),
}


@pytest.mark.parametrize(("title", "flaw"), FLAWS.values(), ids=FLAWS)
def test_what_no_title_holds(title: str, flaw: str) -> None:
    """A title is one short line that shows all it holds."""
    assert flaw in str(flaw_of_line(title))


def test_a_slug_names_a_folder() -> None:
    """In small letters of any script, without what a path or shell would read; short enough for any disk."""
    assert slug("../Ünsere Bilder\\$(x)*") == "ünsere-bilder-x"
    assert slug("病理切片 2026") == "病理切片-2026"
    assert len(slug("𠀀" * 120).encode()) <= 255
