"""Adapters on disk: written whole, read strictly, put onto their own base and no other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_towers import RESNETS, TOWERS, build, pixels, size_of, trained
from safetensors.torch import load_file, save_file

from medimeta_c.errors import ModelError, WriteError
from medimeta_c.lora import ATTENTION, CENTRES, CONVOLUTIONS, LoraConfig
from medimeta_c.lora.adapterfile import apply_adapter, read_adapter, write_adapter
from medimeta_c.lora.adapters import Adapters, attach
from medimeta_c.lora.record import (
    AdapterRecord,
    FewshotRecord,
    SelectionRecord,
    TrainingRecord,
)
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import load_prompts

KIND = "open_clip in_proj"


def tuned(kind: str = KIND, rank: int = 4, **settings: Any) -> Adapters:
    """Adapters that training has moved, on a fresh model."""
    targets = CONVOLUTIONS if kind in RESNETS else ATTENTION
    adapters = attach(build(kind), LoraConfig(rank=rank, **{"targets": targets, **settings}), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    return adapters


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with adapters."""
    write_adapter(tmp_path / "run", tuned())
    return tmp_path / "run"


def test_centres_of_kernels_need_schema_2(tmp_path: Path) -> None:
    """What older versions cannot read says so; whole kernels are written as ever."""
    for targets, schema in ((CENTRES, 2), (CONVOLUTIONS, 1)):
        adapters = tuned("torchvision ResNet", targets=targets)
        write_adapter(tmp_path, adapters)
        assert json.loads((tmp_path / "adapter.json").read_text())["schema_version"] == schema
        again = apply_adapter(build("torchvision ResNet"), read_adapter(tmp_path))
        assert again.config.targets == targets
        assert torch.equal(again.model.encode_images(pixels()), adapters.model.encode_images(pixels()))


def training_record() -> TrainingRecord:
    """What a trainer says of a run on one dataset."""
    asked = load_prompts("paper").prompts("fundus", ["normal", "abnormal"], modality="Retinal fundus")
    return TrainingRecord(
        fewshot=FewshotRecord(fraction=0.1, seed=0, images={"fundus": 192}, ids_sha256="a" * 64),
        datasets=("fundus",),
        prompts=PromptsRecord.asked("paper", [asked]),
        augmented=False,
        selection=SelectionRecord(rule="best", split="val", metric="accuracy", value=0.75, epoch=7),
        settings={"learning_rate": 1e-4, "epochs": 20, "betas": [0.9, 0.999]},
    )


@pytest.mark.parametrize("kind", TOWERS)
def test_saved_and_loaded_adapters_give_the_same_embeddings(kind: str, tmp_path: Path) -> None:
    """Written, read and put onto a fresh base, they are the same model, bit for bit."""
    adapters, images = tuned(kind, alpha=6.0), pixels(size=size_of(kind))
    write_adapter(tmp_path, adapters)
    fresh = build(kind)
    apply_adapter(fresh, read_adapter(tmp_path))
    assert torch.equal(fresh.encode_images(images), adapters.model.encode_images(images))


def test_the_record_says_where_the_adapters_come_from(tmp_path: Path) -> None:
    """Base, adaptation, images, prompts and selection read back as they were written."""
    adapters = tuned(alpha=6.0)
    written = write_adapter(tmp_path, adapters, training_record())
    record = read_adapter(tmp_path).record
    assert record == written
    assert (record.base.spec, record.base.weights_sha256) == ("local-dir:tiny", "0" * 64)
    assert (record.lora.rank, record.lora.alpha, record.lora.targets, record.lora.seed) == (
        4,
        6,
        ATTENTION,
        3,
    )
    assert (record.lora.layers, record.lora.trainable_parameters) == (2, 2 * 3 * (4 * 32 + 32 * 4))
    assert isinstance(record.lora, LoraConfig)
    assert record.training == training_record()
    assert json.loads((tmp_path / "adapter.json").read_text())["schema_version"] == 1


def test_the_adapter_file_is_small(folder: Path) -> None:
    """It holds the factors in float32 and nothing of the base."""
    values = sum(value.numel() for value in load_file(folder / "adapter.safetensors").values())
    assert values == read_adapter(folder).record.lora.trainable_parameters
    assert (folder / "adapter.safetensors").stat().st_size < 4 * values + 4096


def test_adapters_written_after_merging_name_the_base(tmp_path: Path) -> None:
    """Merging gives the model another identity; the file still says whose adapters they are."""
    adapters = tuned()
    adapters.merge()
    write_adapter(tmp_path, adapters)
    apply_adapter(build(KIND), read_adapter(tmp_path))


def test_another_base_is_refused(folder: Path) -> None:
    """Same architecture, other weights: one sentence with both digests, and a model without adapters."""
    other = build(KIND, seed=1)
    with pytest.raises(ModelError, match=r"belong to local-dir:tiny with weights 000000000000….*own base"):
        apply_adapter(other, read_adapter(folder))
    attach(other, LoraConfig(), seed=0)


def test_the_same_weights_otherwise_configured_are_warned_of(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Equal tensors under another configuration take the adapters, and the user is told."""
    model = build(KIND)
    apply_adapter(model, read_adapter(folder)).detach()
    assert not caplog.records
    model.identity = model.identity.model_copy(update={"architecture": "another configuration"})
    apply_adapter(model, read_adapter(folder))
    (warning,) = caplog.messages
    assert "is another configuration: the same weights, but another configuration" in warning


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change ``adapter.json``."""
    values = json.loads((folder / "adapter.json").read_text())
    change(values)
    (folder / "adapter.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r["lora"].update(rank=8), "rank 4.*rank 8"),
        (lambda r: r["lora"].update(targets=["q", "v"]), "for 6 weights.*has 4"),
        (lambda r: r["lora"].update(layers=3), "says 3 adapted layers.*has 2"),
        (lambda r: r["lora"].update(targets=["v", "q"]), "lora.*targets"),
        (lambda r: r["lora"].update(alpha=-1.0), "alpha"),
        (lambda r: r.update(extra=1), "extra"),
        (lambda r: r.update(schema_version=3), "schema version 3"),
        (lambda r: r.update(adapters_sha256="f" * 64), "copy both files of one run again"),
        (lambda r: r.pop("base"), "base"),
    ],
    ids=["rank", "targets", "layers", "order", "alpha", "extra", "schema", "digest", "base"],
)
def test_a_record_that_does_not_fit_is_refused(folder: Path, change: Any, says: str) -> None:
    """Every field that decides what is loaded is checked, and the model is left without adapters."""
    edited(folder, change)
    model = build(KIND)
    with pytest.raises(ModelError, match=says) as caught:
        apply_adapter(model, read_adapter(folder))
    assert str(folder) in str(caught.value)
    attach(model, LoraConfig(), seed=0)


def test_adapters_of_another_depth_are_refused(folder: Path) -> None:
    """With a record that agrees with them, but a base of fewer layers."""
    # Copies: the lowest safetensors maps the file, which is written over below.
    tensors = {key: value.clone() for key, value in load_file(folder / "adapter.safetensors").items()}
    more = {key.replace("blocks.1", "blocks.2"): value.clone() for key, value in tensors.items()}
    save_file(tensors | more, folder / "adapter.safetensors")
    from medimeta_c.models.weights import weights_sha256

    edited(folder, lambda record: record.update(adapters_sha256=weights_sha256(tensors | more)))
    with pytest.raises(ModelError, match=r"for 9 weights of a model.*has 6.*another depth"):
        apply_adapter(build(KIND), read_adapter(folder))


@pytest.mark.parametrize("name", ["adapter.json", "adapter.safetensors"])
def test_missing_and_damaged_files_are_named(folder: Path, name: str) -> None:
    """Cut short, or gone: one sentence with the file's name."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match=name):
        read_adapter(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        read_adapter(folder)


def test_a_failed_write_keeps_the_old_adapters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, what was there stays and no part is left."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="no space left"):
        write_adapter(folder, tuned(rank=2))
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [
        {"datasets": ["fundus", "oct"]},
        {"datasets": ["fundus", "fundus"]},
        {"augmented": 0},
        {"prompts": PromptsRecord.of("paper", {"oct": {"CNV": ["cnv"]}}).model_dump(mode="json")},
        {"selection": {"rule": "best", "split": "val", "metric": "loss", "value": float("nan"), "epoch": 1}},
    ],
    ids=str,
)
def test_a_training_record_is_consistent(change: dict[str, Any]) -> None:
    """Datasets, prompts and images speak of the same; types are exact."""
    values = training_record().model_dump(mode="json") | change
    with pytest.raises(ValueError, match=next(iter(change)) + "|dataset"):
        TrainingRecord.model_validate_json(json.dumps(values))


def test_records_round_trip_through_json() -> None:
    """The JSON form says everything."""
    record = AdapterRecord(
        base={  # type: ignore[arg-type]
            "spec": "a/b",
            "family": "open_clip",
            "weights_sha256": "0" * 64,
            "architecture": "ViT",
            "parameters": 1,
        },
        lora={  # type: ignore[arg-type]
            "rank": 1,
            "alpha": 1.0,
            "targets": ("q",),
            "seed": 0,
            "layers": 1,
            "trainable_parameters": 2,
            "total_parameters": 3,
        },
        adapters_sha256="1" * 64,
        training=training_record(),
    )
    assert AdapterRecord.model_validate_json(record.model_dump_json()) == record
