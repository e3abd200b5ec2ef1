"""A fine-tuning run: it learns, changes nothing but the adapters, and says what it did."""

from __future__ import annotations

import copy
import csv
import json
import logging
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from model_factories import seeded
from runs import log, record, weights

from medimeta_c.errors import ModelError
from medimeta_c.finetuning import FinetuneConfig, FinetuneProgress, finetune
from medimeta_c.finetuning.fewshot import read_few_shot
from medimeta_c.finetuning.training import learning_rate
from medimeta_c.lora.adapterfile import apply_adapter, read_adapter
from medimeta_c.models import load_model
from medimeta_c.models.torch_model import TorchModel

Configure = Callable[..., FinetuneConfig]
PIXELS = torch.randn((5, 3, 28, 28), generator=torch.Generator().manual_seed(0))


def tiny(config: FinetuneConfig) -> TorchModel:
    """The base model of a configuration."""
    model = load_model(config.model)
    assert isinstance(model, TorchModel)
    return model


def test_it_learns(configure: Configure) -> None:
    """A few epochs raise the validation accuracy of a model with random weights well above what it was."""
    report = finetune(configure(epochs=15, rank=4, fraction=1.0))
    before, best = report.progress.epochs[0], report.progress.best
    assert best.val_accuracy >= before.val_accuracy + 0.3
    assert [one["epoch"] for one in log(report.path)] == list(range(16))
    losses = [one["loss"] for one in log(report.path)[1:]]
    assert losses[-1] < 0.6 * losses[0]
    assert all(one["seconds"] > 0 and one["images_per_second"] > 0 for one in log(report.path)[1:])


def test_before_training_the_model_is_the_base(configure: Configure) -> None:
    """Epoch 0 scores exactly what the base model scores, and its adapters change no embedding by a bit."""
    config = configure(epochs=1)
    base = tiny(config)
    expected = base.encode_images(PIXELS)
    seen: list[torch.Tensor] = []
    model = tiny(config)

    def look(progress: FinetuneProgress) -> None:
        if progress.epoch == 0 and not seen:
            seen.append(model.encode_images(PIXELS))

    finetune(config, model=model, on_progress=look)
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=0)


def test_only_the_adapters_change(configure: Configure) -> None:
    """The model given in is given back as it was, text tower included, and can be trained again."""
    config = configure()
    model = tiny(config)
    before = copy.deepcopy(model.module.state_dict())
    finetune(config, model=model)
    after = model.module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    again = finetune(configure(out=config.out.parent / "again"), model=model)
    assert weights(again.path) == weights(config.out)


def test_the_adapter_gives_the_accuracy_it_was_kept_for(configure: Configure, images_dir: Path) -> None:
    """Loaded onto a fresh base, the adapter scores on val what the log says of its epoch."""
    from medimeta_c.finetuning.data import ImageReader, batches, samples
    from medimeta_c.finetuning.fewshot import VAL
    from medimeta_c.finetuning.labels import LabelSpace
    from medimeta_c.prompts.templates import load_prompts
    from medimeta_c.sources.selection import open_datasets

    config = configure(epochs=6)
    finetune(config)
    kept = record(config.out)["training"]["selection"]
    assert kept["value"] == max(one["val_accuracy"] for one in log(config.out)[1:])
    assert kept["epoch"] == next(
        one["epoch"] for one in log(config.out)[1:] if one["val_accuracy"] == kept["value"]
    )
    model = tiny(config)
    apply_adapter(model, read_adapter(config.out)).merge()
    sources = open_datasets(config.datasets, config.source, images_dir)
    space = LabelSpace.of(
        [
            load_prompts().prompts(name, source.info.class_names, modality=source.info.modality)
            for name, source in sources.items()
        ]
    )
    accuracies = []
    for dataset, source in sources.items():
        one = {dataset: source}
        held_out = samples(one, VAL, {dataset: source.ids(VAL)}, space)
        reader = ImageReader(one, model, augmentation=None)
        (batch,) = batches(reader, held_out, len(held_out), epoch=None)
        vectors = model.encode_images(reader.normalised(batch.pixels))
        texts = space.embeddings(model)[list(space.columns[dataset])]
        guesses = (torch.nn.functional.normalize(vectors, dim=-1) @ texts.T).argmax(dim=-1).tolist()
        hits = [guess == sample.label for guess, sample in zip(guesses, held_out, strict=True)]
        accuracies.append(sum(hits) / len(hits))
    assert sum(accuracies) / 2 == pytest.approx(kept["value"])


def test_the_record_says_what_was_done(configure: Configure) -> None:
    """adapter.json names base, adaptation, images, prompts and settings; the ids lie beside it."""
    config = configure(epochs=1, temperature=0.07)
    report = finetune(config)
    found = record(config.out)
    training = found["training"]
    assert found["base"]["spec"] == config.model
    assert found["lora"]["rank"] == 2
    assert (
        found["lora"]["trainable_parameters"] == report.size.trainable_parameters == 2 * 3 * (2 * 64 + 2 * 64)
    )
    assert training["fewshot"]["images"] == {"cells": 12, "rays": 8}
    assert training["fewshot"]["ids_sha256"] == read_few_shot(config.out).digest
    assert training["augmented"] is False
    assert training["datasets"] == ["cells", "rays"]
    assert training["prompts"]["texts"]["rays"]["clear lung"] == ["A photo of a Medical Image clear lung"]
    assert training["settings"]["temperature"] == 0.07
    assert training["settings"]["lr"] == 1e-2
    assert training["settings"]["schedule"] == "constant"


def test_a_resnet_is_adapted_as_the_paper_does_or_whole(configure: Configure, tmp_path: Path) -> None:
    """At the kernels' centres unless told otherwise; both are recorded, and load again."""
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1}
    vision = {"image_size": 32, "width": 8, "layers": [1, 1, 1, 1], "head_width": 32}
    cfg = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    folder = tmp_path / "resnet"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": {}}))
    module = seeded(open_clip.CLIP(**cfg), 1)
    torch.save(module.state_dict(), folder / "open_clip_pytorch_model.bin")
    for targets, kept, layers in ((None, ["conv-centre"], 15), (("conv",), ["conv"], 19)):
        config = configure(model=f"local-dir:{folder}", targets=targets, epochs=1, out=tmp_path / kept[0])
        report = finetune(config)
        assert record(config.out)["lora"]["targets"] == kept
        assert report.size.layers == layers
        assert (report.progress.run.targets is None) == (targets is not None)
        assert finetune(config).epochs_before == 1
        adapted, base = load_model(f"robustmedclip:{config.out}"), tiny(config)
        images = torch.randn((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
        assert not torch.equal(adapted.encode_images(images), base.encode_images(images))


def test_the_log_is_also_a_table(configure: Configure) -> None:
    """training.csv says what training.jsonl says, a column for each dataset."""
    finetune(configure(epochs=2))
    folder = configure().out
    with (folder / "training.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, line in zip(rows, log(folder), strict=True):
        assert int(row["epoch"]) == line["epoch"]
        assert row["loss"] == ("" if line["loss"] is None else str(line["loss"]))
        assert {name: float(row[f"val_accuracy.{name}"]) for name in ("cells", "rays")} == line[
            "val_accuracy_of"
        ]


def test_the_temperature_is_the_base_models(configure: Configure) -> None:
    """Without --temperature, cosines are divided by 1 / the base's logit scale."""
    finetune(configure(epochs=1))
    assert record(configure().out)["training"]["settings"]["temperature"] == pytest.approx(1 / 20)


def test_parts_of_a_batch_make_the_same_step(configure: Configure) -> None:
    """Gradients added up over micro-batches are those of the whole batch, up to rounding."""
    whole = configure(epochs=1)
    parts = configure(epochs=1, micro_batch=3, out=whole.out.parent / "parts")
    finetune(whole)
    finetune(parts)
    one, other = read_adapter(whole.out).state, read_adapter(parts.out).state
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-4)


def test_short_memory_halves_the_parts(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A device without memory for eight images trains four at a time, says so, and takes the same step."""
    config = configure(epochs=1)
    model = tiny(config)
    features = model.features

    def little_memory(pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > 4:
            raise torch.OutOfMemoryError("out of memory")
        return features(pixels)

    monkeypatch.setattr(model, "features", little_memory)
    with caplog.at_level(logging.WARNING):
        finetune(config, model=model)
    assert "cpu is out of memory: continuing with 4 images at a time" in caplog.text
    assert log(config.out)[-1]["micro_batch"] == 4
    same = configure(epochs=1, micro_batch=4, out=config.out.parent / "four")
    finetune(same)
    assert weights(same.out) == weights(config.out)


def test_no_memory_for_a_single_image(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even one image fits, training stops with advice."""
    model = tiny(configure())

    def no_memory(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(model, "features", no_memory)
    with pytest.raises(
        ModelError, match=r"cpu has too little memory to train on a single image: use a smaller model"
    ):
        finetune(configure(), model=model)


def test_a_loss_that_is_no_number_stops_and_keeps_what_was_good(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN in epoch 3: the error says where, and the adapter of epoch 2 can be loaded from last/."""
    good = configure(epochs=2, out=configure().out.parent / "good")
    finetune(good)
    config = configure(epochs=4)
    model = tiny(config)
    features, epochs = model.features, [0]

    def poisoned(pixels: torch.Tensor) -> torch.Tensor:
        vectors = features(pixels)
        return vectors * float("nan") if epochs[0] == 3 else vectors

    monkeypatch.setattr(model, "features", poisoned)

    def watch(progress: FinetuneProgress) -> None:
        validated = progress.images_done % (20 + 15) == 15  # the next image is the next epoch's
        epochs[0] = progress.epoch + 1 if validated else progress.epoch

    with pytest.raises(ModelError, match=r"the loss is nan in step 1 of epoch 3, training stops, .*epoch 2"):
        finetune(config, model=model, on_progress=watch)
    assert (config.out / "last/adapter.safetensors").read_bytes() == weights(good.out)[1]
    assert not (config.out / "adapter.safetensors").exists()
    assert [one["epoch"] for one in log(config.out)] == [0, 1, 2]
    read_adapter(config.out / "last")


def test_nothing_is_kept_of_a_first_epoch_that_diverges(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN before a whole epoch: the error says that nothing was learnt, and no adapter is left."""
    config = configure()
    model = tiny(config)
    features = model.features
    learning = torch.is_grad_enabled
    monkeypatch.setattr(model, "features", lambda pixels: features(pixels) / (0 if learning() else 1))
    with pytest.raises(ModelError, match=r"step 1 of epoch 1, before anything was learnt: lower `lr`"):
        finetune(config, model=model)
    assert not list(config.out.rglob("adapter*"))


def test_an_embedding_that_is_no_number_is_not_chosen_by(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN for a val image after epoch 2 is no answer "first class": epoch 1 is the last that is kept."""
    config = configure(epochs=3)
    model = tiny(config)
    features, validated = model.features, [0]

    def poisoned(pixels: torch.Tensor) -> torch.Tensor:
        vectors = features(pixels)
        validated[0] += not torch.is_grad_enabled()
        return vectors * float("nan") if validated[0] > 4 and not torch.is_grad_enabled() else vectors

    monkeypatch.setattr(model, "features", poisoned)
    with pytest.raises(ModelError, match=r"NaN for a val image after epoch 2, training stops, .*epoch 1"):
        finetune(config, model=model)
    assert [one["epoch"] for one in log(config.out)] == [0, 1]
    read_adapter(config.out / "last")


def test_a_base_that_gives_nan_is_not_trained(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the weights' fault, not the learning rate's, and nothing is written but the choice of images."""
    config = configure()
    model = tiny(config)
    features = model.features
    monkeypatch.setattr(model, "features", lambda pixels: features(pixels) * float("nan"))
    with pytest.raises(ModelError, match=r"before any training: check the weights of the base model"):
        finetune(config, model=model)
    assert not list(config.out.rglob("*.safetensors"))


def test_patience(configure: Configure) -> None:
    """A run without progress stops after as many epochs as asked, and is finished."""
    config = configure(epochs=9, lr=1e-12, patience=2)
    report = finetune(config)
    assert [one["epoch"] for one in log(config.out)] == [0, 1, 2, 3]
    assert report.progress.best.epoch == 1
    assert finetune(config).epochs_before == 3
    assert "stopped after 2 without a better one" in (config.out / "README.md").read_text()


def test_schedules(configure: Configure) -> None:
    """Constant stays; cosine starts at the rate, is half of it in the middle and ends near zero."""
    constant, cosine = configure(lr=0.5), configure(lr=0.5, schedule="cosine")
    assert {learning_rate(constant, step, 100) for step in (0, 50, 99)} == {0.5}
    rates = [learning_rate(cosine, step, 100) for step in (0, 50, 99)]
    assert rates == pytest.approx([0.5, 0.25, 0.000123], rel=1e-2)
    finetune(configure(schedule="cosine", epochs=2))
    assert [one["lr"] for one in log(configure().out)[1:]] == pytest.approx([0.0075, 0.00067], rel=1e-1)


def test_models_of_ones_own_are_refused(configure: Configure) -> None:
    """A model without this package's towers has no gradient to follow."""

    class Own:
        identity = tiny(configure()).identity

    with pytest.raises(ModelError, match=r"cannot be fine-tuned: .*choose an open_clip, transformers or"):
        finetune(configure(), model=Own())  # type: ignore[arg-type]


def test_the_card(configure: Configure, tiny_model: str) -> None:
    """The card names base, images and accuracies, warns of clinical use, and shows no local path."""
    config = configure(epochs=1, model=f"{tiny_model}/")
    finetune(config)
    card = (config.out / "README.md").read_text()
    assert "# open_clip tiny, adapted to 2 datasets" in card
    assert "20 clean images (50 % of the train splits)" in card
    assert "long cell: 4, round cell: 4, spotted cell: 4" in card
    assert "must not inform the care of a person" in card
    assert "Augmented" not in card
    assert "@inproceedings{imam2025robustness" in card
    assert str(Path(tiny_model.partition(":")[2]).parent) not in card
    assert "phantoms" not in card
