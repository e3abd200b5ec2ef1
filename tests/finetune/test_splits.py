"""Training reads train, choosing reads val, and nothing reads test."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from runs import log, weights

from medimeta_c.errors import SourceError
from medimeta_c.finetuning import FinetuneConfig, finetune, run
from medimeta_c.finetuning.fewshot import read_few_shot
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets

Configure = Callable[..., FinetuneConfig]


@dataclass
class Guarded:
    """A source that raises when its test split is touched in any way, and notes which images are read."""

    source: Source
    read: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def info(self) -> DatasetInfo:
        return self.source.info

    def ids(self, split: str) -> tuple[str, ...]:
        return self.source.ids(self._allowed(split))

    def label(self, split: str, image_id: str) -> int:
        return self.source.label(self._allowed(split), image_id)

    def image(self, split: str, image_id: str) -> Image:
        self.read[split].add(image_id)
        return self.source.image(self._allowed(split), image_id)

    def checksum(self) -> str:
        raise AssertionError("a checksum reads every file, test images among them")

    def _allowed(self, split: str) -> str:
        assert split in {"train", "val"}, f"the {split} split was touched"
        return split


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Guarded]:
    """The sources of the next run, once it has opened them."""
    opened: dict[str, Guarded] = {}

    def guard(*arguments: Any, **options: Any) -> Mapping[str, Source]:
        opened.update({name: Guarded(one) for name, one in open_datasets(*arguments, **options).items()})
        return opened

    monkeypatch.setattr(run, "open_datasets", guard)
    return opened


@pytest.mark.parametrize("augment", [False, True], ids=["clean", "augmented"])
def test_test_is_never_touched(configure: Configure, guarded: dict[str, Guarded], augment: bool) -> None:
    """A whole run, card included, reads the few-shot images and val, and no other image of any split."""
    config = configure(augment=augment)
    finetune(config)
    chosen = read_few_shot(config.out)
    for dataset, source in guarded.items():
        assert source.read["train"] == set(chosen.ids[dataset])
        assert source.read["val"] == set(source.ids("val"))
        assert not {"train", "val"} ^ source.read.keys()


def test_drawn_from_val_the_rest_of_val_chooses(configure: Configure, guarded: dict[str, Guarded]) -> None:
    """As the paper's code draws: no image of train is read, none of val both trains and chooses; recorded."""
    config = configure(draw_from="val", epochs=1)
    report = finetune(config)
    assert report.few_shot.split == read_few_shot(config.out).split == "val"
    assert json.loads((config.out / "adapter.json").read_text())["training"]["fewshot"]["split"] == "val"
    card = (config.out / "README.md").read_text()
    assert "50 % of the val splits" in card
    assert "chosen on the other images of the val splits" in card
    for dataset, source in guarded.items():
        assert source.read.keys() == {"val"}
        held_out = set(source.ids("val")) - set(report.few_shot.ids[dataset])
        assert held_out and held_out < source.read["val"]
        assert report.progress.run.draw_from == "val"


def test_training_never_sees_val(configure: Configure, images_dir: Path, tmp_path: Path) -> None:
    """With other pixels and other labels in val, training reaches the same weights; the choice may move."""
    other = shutil.copytree(images_dir, tmp_path / "other")
    for dataset in ("cells", "rays"):
        classes = sorted((other / dataset / "val").iterdir())
        held = classes[0].rename(other / "held")
        for here, there in zip(classes[1:], classes[:-1], strict=True):
            here.rename(there)
        held.rename(classes[-1])
        for path in (other / dataset / "val").rglob("*.png"):
            Pillow.fromarray(255 - np.asarray(Pillow.open(path))).save(path)
    first, second = configure(), configure(data_dir=other, out=tmp_path / "second")
    finetune(first)
    finetune(second)
    assert weights(first.out)[1] == weights(second.out)[1]
    losses = [[one["loss"] for one in log(each.out)] for each in (first, second)]
    assert losses[0] == losses[1]
    accuracies = [[one["val_accuracy"] for one in log(each.out)] for each in (first, second)]
    assert accuracies[0] != accuracies[1]


def test_test_does_not_matter(configure: Configure, images_dir: Path, tmp_path: Path) -> None:
    """Without any test image, everything comes out the same."""
    other = shutil.copytree(images_dir, tmp_path / "other")
    for dataset in ("cells", "rays"):
        shutil.rmtree(other / dataset / "test")
    first, second = configure(), configure(data_dir=other, out=tmp_path / "second")
    finetune(first)
    finetune(second)
    assert weights(first.out) == weights(second.out)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("train", "dataset 'rays' has no train split to take images from"),
        (
            "val",
            "dataset 'rays' has no val split to choose the best checkpoint by: leave the dataset",
        ),
    ],
)
def test_a_missing_split(
    configure: Configure, images_dir: Path, tmp_path: Path, split: str, message: str
) -> None:
    """A dataset without train or val is refused before the model is loaded."""
    other = shutil.copytree(images_dir, tmp_path / "other")
    shutil.rmtree(other / "rays" / split)
    config = configure(data_dir=other, model="local-dir:/nowhere")
    with pytest.raises(SourceError, match=message):
        finetune(config)
    assert not config.out.exists()
