"""Batches: order, labels, preparation and augmentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_source import FakeSource

from medimeta_c.errors import ConfigError
from medimeta_c.finetuning import FinetuneConfig
from medimeta_c.finetuning.data import (
    Augmentation,
    Batch,
    ImageReader,
    Sample,
    augmented,
    batches,
    epoch_order,
    samples,
)
from medimeta_c.finetuning.labels import LabelSpace
from medimeta_c.format.suites import CLINICAL, CORE
from medimeta_c.models import Model, load_model
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.scoring.inference import normalise
from medimeta_c.scoring.zero_shot import class_embeddings

SPLITS = {"train": 12, "val": 4}
COLOUR = FakeSource(dataset="pbc", splits=SPLITS, shape=(28, 28))
GREY = FakeSource(dataset="oct", channels=1, splits=SPLITS, shape=(28, 28))
LARGE = FakeSource(dataset="fundus", splits=SPLITS, shape=(60, 40))


HOW = Augmentation(seed=0, corruptions=dict.fromkeys(("pbc", "oct", "fundus"), CORE.corruptions))


@pytest.fixture
def model(tiny_model: str) -> Model:
    """The tiny model, for images of 28 x 28."""
    return load_model(tiny_model)


def space_of(*sources: FakeSource) -> LabelSpace:
    """The classes of several sources."""
    book = load_prompts("reference")
    return LabelSpace.of(
        [book.prompts(each.dataset, each.class_names, modality="Microscopy") for each in sources]
    )


def training(*sources: FakeSource, split: str = "train") -> tuple[Sample, ...]:
    """All samples of a split."""
    named = {each.dataset: each for each in sources}
    ids = {name: each.ids(split) for name, each in named.items()}
    return samples(named, split, ids, space_of(*sources))


def reader(model: Model, *sources: FakeSource, **options: Augmentation | None) -> ImageReader:
    """A reader of several sources."""
    return ImageReader({each.dataset: each for each in sources}, model, **{"augmentation": None, **options})


def test_one_label_space() -> None:
    """The classes of all datasets are numbered through; a sample's column is its dataset's for its label."""
    space = space_of(COLOUR, GREY)
    assert space.size == 6
    assert space.columns == {"pbc": (0, 1, 2), "oct": (3, 4, 5)}
    assert {(one.dataset, one.label, one.column) for one in training(COLOUR, GREY)} == {
        (dataset, label, 3 * index + label)
        for index, dataset in enumerate(("pbc", "oct"))
        for label in range(3)
    }


def test_equal_prompts_are_one_class(model: Model) -> None:
    """Classes whose prompts are word for word the same share a column, and the embeddings follow."""

    def asked(dataset: str, *words: str) -> ClassPrompts:
        texts = tuple((f"a photo of {word}",) for word in words)
        return ClassPrompts(dataset=dataset, class_names=words, class_words=words, prompts=texts)

    first, second = asked("a", "cat", "dog"), asked("b", "eel", "dog", "cow")
    space = LabelSpace.of([first, second])
    assert space.columns == {"a": (0, 1), "b": (2, 1, 3)}
    found = space.embeddings(model)
    assert found.shape == (4, 32)
    torch.testing.assert_close(found[[0, 1]], class_embeddings(model, first), rtol=0, atol=0)
    torch.testing.assert_close(found[[2, 1, 3]], class_embeddings(model, second))


def test_the_order_of_an_epoch() -> None:
    """Each epoch shows every image once, in another order; the order is the seed's, whatever came before."""
    all_of_them = training(COLOUR, GREY)
    first, second = (epoch_order(all_of_them, seed=0, epoch=epoch) for epoch in (1, 2))
    assert sorted(first, key=repr) == sorted(second, key=repr) == sorted(all_of_them, key=repr)
    assert first != second
    assert first == epoch_order(all_of_them[::-1], seed=0, epoch=1)
    assert first != epoch_order(all_of_them, seed=1, epoch=1)


def test_batches_hold_the_models_own_pixels(model: Model) -> None:
    """Grey, colour and other sizes in one batch: each image is what the model's transform makes of it."""
    from PIL import Image as Pillow

    ordered = epoch_order(training(COLOUR, GREY, LARGE), seed=0, epoch=1)
    read = reader(model, COLOUR, GREY, LARGE)
    sources = {each.dataset: each for each in (COLOUR, GREY, LARGE)}
    found = list(batches(read, ordered, 7, epoch=1))
    assert [len(each.samples) for each in found] == [7, 7, 7, 7, 7, 1]
    assert [one for each in found for one in each.samples] == ordered
    for batch in found:
        pixels = read.normalised(batch.pixels)
        for sample, one in zip(batch.samples, pixels, strict=True):
            image = sources[sample.dataset].image(sample.split, sample.image_id)
            torch.testing.assert_close(one, model.preprocess(Pillow.fromarray(image)))


def test_images_of_the_models_size_stay_bytes(model: Model) -> None:
    """They are normalised on the device; grey and colour mix."""
    for sources in ((COLOUR,), (GREY,), (COLOUR, GREY)):
        (batch,) = batches(reader(model, *sources), training(*sources), 99, epoch=None)
        assert batch.pixels.dtype == torch.uint8
    read = reader(model, GREY)
    (batch,) = batches(read, training(GREY), 99, epoch=None)
    assert torch.equal(read.normalised(batch.pixels), normalise(batch.pixels, model.preprocessing))


def test_images_are_read_once_while_they_fit(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept images are not read again; with no room they are, and come out the same."""
    count = [0]
    image = FakeSource.image

    def counted(self: FakeSource, split: str, image_id: str) -> np.ndarray:
        count[0] += 1
        return image(self, split, image_id)

    monkeypatch.setattr(FakeSource, "image", counted)
    chosen = training(COLOUR)
    pixels: list[Batch] = []
    for room, reads in ((10**9, 12), (5 * 28 * 28 * 3, 12 + 7), (0, 24)):
        count[0] = 0
        read = reader(model, COLOUR, cache_bytes=room)
        for epoch in (1, 2):
            pixels += batches(read, chosen, 99, epoch=epoch)
        assert count[0] == reads
    assert all(torch.equal(one.pixels, pixels[0].pixels) for one in pixels)


def test_an_error_while_reading_is_raised_as_it_is(model: Model) -> None:
    """A source's own error reaches the caller from the reading threads."""
    lost = replace(training(COLOUR)[0], image_id="999999")
    with pytest.raises(ConfigError, match="has no image '999999'"):
        list(batches(reader(model, COLOUR), [lost], 4, epoch=1))


def test_augmentation_is_seeded_and_varied() -> None:
    """One image in many epochs: some are clean, others not, all a function of seed and epoch."""
    sample = training(COLOUR)[0]
    image = COLOUR.image("train", sample.image_id)
    shown = [augmented(image, sample, HOW, epoch=epoch) for epoch in range(1, 65)]
    again = [augmented(image, sample, HOW, epoch=epoch) for epoch in range(1, 65)]
    assert all(np.array_equal(one, other) for one, other in zip(shown, again, strict=True))
    clean = sum(np.array_equal(one, image) for one in shown)
    assert 2 <= clean <= 20
    assert len({one.tobytes() for one in shown}) > 30
    assert not all(
        np.array_equal(one, augmented(image, sample, replace(HOW, seed=1), epoch=epoch))
        for epoch, one in enumerate(shown, 1)
    )


def test_a_suite_gives_each_dataset_its_own_corruptions() -> None:
    """Clinical augmentation corrupts a smear as a smear can be corrupted, and grows one artefact."""
    how = Augmentation(
        seed=0, corruptions={"pbc": CLINICAL.corruptions_of("pbc")}, scheme=CLINICAL.seed_scheme
    )
    sample = training(COLOUR)[0]
    image = COLOUR.image("train", sample.image_id)
    shown = [augmented(image, sample, how, epoch=epoch) for epoch in range(1, 41)]
    assert len({one.tobytes() for one in shown}) > 15
    assert all(one.shape == image.shape for one in shown)


def test_only_training_images_are_augmented(model: Model) -> None:
    """The reader augments when given an epoch and a seed, shows another image each epoch, and spares val."""
    chosen, held_out = training(COLOUR), training(COLOUR, split="val")
    plain, read = reader(model, COLOUR), reader(model, COLOUR, augmentation=HOW)

    def pixels(which: ImageReader, ordered: tuple[Sample, ...], epoch: int | None) -> torch.Tensor:
        (batch,) = batches(which, ordered, 99, epoch=epoch)
        return batch.pixels

    first, second = pixels(read, chosen, 1), pixels(read, chosen, 2)
    assert not torch.equal(first, second)
    assert not torch.equal(first, pixels(plain, chosen, 1))
    assert torch.equal(first, pixels(read, chosen, 1))
    assert torch.equal(pixels(read, held_out, None), pixels(plain, held_out, None))


def test_augmentation_is_written_down(configure: Callable[..., FinetuneConfig]) -> None:
    """adapter.json and the card of an augmented run say so, and its weights differ from a clean run's."""
    from runs import record, weights

    from medimeta_c.finetuning import finetune

    clean, noisy = (
        configure(epochs=1),
        configure(epochs=1, augment=True, out=configure().out.parent / "noisy"),
    )
    finetune(clean)
    finetune(noisy)
    assert record(noisy.out)["training"]["augmented"] is True
    assert "the suite `core` has for its dataset" in (noisy.out / "README.md").read_text()
    assert "**Augmented.** Training images were corrupted" in (noisy.out / "README.md").read_text()
    assert weights(clean.out) != weights(noisy.out)
