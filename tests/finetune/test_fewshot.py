"""Few-shot ids: stratified, seeded, of the train split alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medimeta_c.errors import ConfigError, ResultError, SourceError
from medimeta_c.finetuning.fewshot import (
    FEWSHOT_NAME,
    draw_few_shot,
    ids_digest,
    read_few_shot,
    write_few_shot,
)
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image


@dataclass(frozen=True)
class Labels:
    """A source of labels alone: ids count up class by class; splits but one raise when touched."""

    per_class: tuple[int, ...]
    splits: dict[str, int] = field(default_factory=lambda: {"train": 1, "val": 1, "test": 1})
    drawn: str = "train"

    @property
    def info(self) -> DatasetInfo:
        names = tuple(f"class {label}" for label in range(len(self.per_class)))
        texts: dict[str, Any] = dict.fromkeys(
            ("dataset", "kind", "title", "modality", "task", "license", "citation", "homepage"), "x"
        )
        return DatasetInfo(**texts, class_names=names, channels=1, splits=self.splits)

    def ids(self, split: str) -> tuple[str, ...]:
        assert split == self.drawn, f"the {split} split was touched"
        return tuple(f"{index:06d}" for index in range(sum(self.per_class)))

    def label(self, split: str, image_id: str) -> int:
        assert split == self.drawn, f"the {split} split was touched"
        index = int(image_id)
        for label, count in enumerate(self.per_class):
            if index < count:
                return label
            index -= count
        raise AssertionError(image_id)

    def image(self, split: str, image_id: str) -> Image:
        raise AssertionError("choosing ids reads no image")

    def checksum(self) -> str:
        raise AssertionError("choosing ids reads no file whole")


COUNTS = st.lists(st.integers(1, 60), min_size=2, max_size=8).map(tuple)
FRACTIONS = st.one_of(st.sampled_from([0.01, 0.03, 0.07, 0.1, 1.0]), st.floats(0.001, 1))


@given(counts=COUNTS, fraction=FRACTIONS, seed=st.integers(0, 5))
def test_every_class_gives_its_share(counts: tuple[int, ...], fraction: float, seed: int) -> None:
    """Each class gives the fraction of its images, up to rounding, and at least one; none comes twice."""
    source = Labels(counts)
    chosen = draw_few_shot({"a": source}, fraction=fraction, seed=seed)
    ids = chosen.ids["a"]
    assert list(ids) == sorted(set(ids))
    labels = [source.label("train", image_id) for image_id in ids]
    assert tuple(labels.count(label) for label in range(len(counts))) == chosen.per_class["a"]
    for count, share in zip(counts, chosen.per_class["a"], strict=True):
        assert 1 <= share <= count
        assert share == 1 or abs(share - fraction * count) < 1
    assert len(chosen) >= fraction * sum(counts) - 0.5


@given(counts=COUNTS, small=FRACTIONS, large=FRACTIONS)
def test_a_larger_share_holds_the_smaller(counts: tuple[int, ...], small: float, large: float) -> None:
    """With one seed, class by class, the images of the smaller share are among those of the larger."""
    source = Labels(counts)
    fewer, more = (draw_few_shot({"a": source}, fraction=each, seed=3) for each in sorted((small, large)))
    for label in range(len(counts)):
        of_less, of_more = (
            {one for one in each.ids["a"] if source.label("train", one) == label} for each in (fewer, more)
        )
        assert len(of_less - of_more) <= max(0, len(of_less) - len(of_more)) <= 1


def test_the_paper_takes_1196_images_of_pbc() -> None:
    """10 % of PBC's 11,964 training images are 1,196, and 1 % are 120."""
    source = Labels((2331, 2181, 852, 849, 993, 2025, 1085, 1648))
    assert sum(source.per_class) == 11964
    assert len(draw_few_shot({"pbc": source}, fraction=0.1, seed=0)) == 1196
    assert len(draw_few_shot({"pbc": source}, fraction=0.01, seed=0)) == 120


def test_the_papers_code_takes_171_images_of_pbc() -> None:
    """10 % of PBC's 1,709 images of val; the file says which split, and that older versions took no such."""
    source = Labels((333, 312, 122, 121, 142, 289, 155, 235), drawn="val")
    assert sum(source.per_class) == 1709
    chosen = draw_few_shot({"pbc": source}, fraction=0.1, seed=0, split="val")
    assert (len(chosen), chosen.split, chosen.schema_version) == (171, "val", 2)
    assert draw_few_shot({"a": Labels((9, 5))}, fraction=0.1, seed=0).schema_version == 1
    with pytest.raises(SourceError, match="the val split of 'a' has no image of class 'class 1'"):
        draw_few_shot({"a": Labels((3, 0), drawn="val")}, fraction=0.5, seed=0, split="val")


def test_seed_and_dataset_decide_the_choice() -> None:
    """The same seed chooses the same, another seed and another dataset's name something else."""
    sources = {"a": Labels((40, 40)), "b": Labels((40, 40))}
    first = draw_few_shot(sources, fraction=0.2, seed=0)
    assert first == draw_few_shot(sources, fraction=0.2, seed=0)
    assert first.ids["a"] == draw_few_shot({"a": sources["a"]}, fraction=0.2, seed=0).ids["a"]
    assert first.ids["a"] != draw_few_shot(sources, fraction=0.2, seed=1).ids["a"]
    assert first.ids["a"] != first.ids["b"]
    assert first.digest == ids_digest({"b": first.ids["b"], "a": first.ids["a"][::-1]})


def test_the_choice_never_moves() -> None:
    """The ids of a seed are fixed for good: published runs must be repeatable."""
    chosen = draw_few_shot({"pbc": Labels((20, 20))}, fraction=0.1, seed=0)
    assert chosen.ids["pbc"] == ("000013", "000014", "000028", "000034")


@pytest.mark.parametrize(
    ("source", "fraction", "kind", "message"),
    [
        (Labels((3, 3)), 0.0, ConfigError, "fraction 0 is not valid: use a number above 0 and at most 1"),
        (Labels((3, 3)), 10.0, ConfigError, "fraction 10 is not valid"),
        (Labels((3, 3)), float("nan"), ConfigError, "fraction nan is not valid"),
        (Labels((3, 0)), 0.5, SourceError, "the train split of 'a' has no image of class 'class 1'"),
        (Labels((3, 3), {"test": 6}), 0.5, SourceError, r"has no train split .*\(it has test\)"),
        (Labels((3, 3), {"train": 0, "val": 6}), 0.5, SourceError, r"has no train split .*\(it has val\)"),
    ],
    ids=["zero", "percent", "nan", "empty class", "no train split", "empty train split"],
)
def test_bad_requests(source: Labels, fraction: float, kind: type[Exception], message: str) -> None:
    """What cannot be sampled is refused in a sentence."""
    with pytest.raises(kind, match=message):
        draw_few_shot({"a": source}, fraction=fraction, seed=0)


def test_ids_round_trip(tmp_path: Path) -> None:
    """The file beside the adapter gives back the same choice, and refuses ids that were edited."""
    chosen = draw_few_shot({"a": Labels((9, 5)), "b": Labels((4, 4))}, fraction=0.3, seed=2)
    write_few_shot(tmp_path, chosen)
    assert read_few_shot(tmp_path) == chosen
    file = tmp_path / FEWSHOT_NAME
    file.write_text(file.read_text().replace(chosen.ids["b"][0], "000099"))
    with pytest.raises(ResultError, match="digest does not match the ids"):
        read_few_shot(tmp_path)
