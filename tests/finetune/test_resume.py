"""A run that was interrupted reaches the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from runs import log, record, weights

from medimeta_c.errors import ResultError, WriteError
from medimeta_c.finetuning import FinetuneConfig, FinetuneProgress, finetune
from medimeta_c.io import files
from medimeta_c.models import load_model
from medimeta_c.models.torch_model import TorchModel

Configure = Callable[..., FinetuneConfig]

KILLED = """
import json, os, signal, sys
from pathlib import Path
import torch
from medimeta_c.finetuning import FinetuneConfig, finetune

torch.set_num_threads(1)
values = json.loads(sys.argv[1])
paths = {{name: Path(values[name]) for name in ("out", "data_dir")}}
config = FinetuneConfig(**{{**values, **paths, "datasets": tuple(values["datasets"])}})

def die(progress):
    if progress.epoch == {epoch} and progress.images_done > {images}:
        os.kill(os.getpid(), signal.SIGKILL)

finetune(config, on_progress=die)
"""


@pytest.fixture(scope="module")
def undisturbed(
    tiny_model: str, images_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """The folder of a whole run of four epochs with the given changes, made once."""
    made: dict[str, Path] = {}

    def run(**changes: Any) -> Path:
        key = repr(sorted(changes.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("undisturbed") / "run"
            finetune(_config(tiny_model, images_dir, made[key], **changes))
        return made[key]

    return run


def _config(model: str, data: Path, out: Path, **changes: Any) -> FinetuneConfig:
    values: dict[str, Any] = {
        "model": model,
        "datasets": ("cells", "rays"),
        "source": "imagefolder",
        "data_dir": data,
        "out": out,
        "fraction": 0.5,
        "rank": 2,
        "epochs": 4,
        "lr": 1e-2,
        "batch_size": 8,
        "device": "cpu",
    }
    return FinetuneConfig(**{**values, **changes})


def test_sigkill(configure: Configure, undisturbed: Callable[..., Path]) -> None:
    """Killed without warning in the middle of an epoch, the run goes on to exactly the same weights."""
    config = configure(epochs=4, schedule="cosine")
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    script = KILLED.format(epoch=3, images=15 + 2 * 35 + 8)
    killed = subprocess.run(
        [sys.executable, "-c", script, json.dumps(values, default=str)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [one["epoch"] for one in log(config.out)] == [0, 1, 2]
    assert not (config.out / "adapter.safetensors").exists()
    report = finetune(config)
    assert report.epochs_before == 2
    whole = undisturbed(schedule="cosine")
    assert weights(config.out) == weights(whole)
    assert record(config.out) == record(whole)
    losses = [[one["loss"] for one in log(folder)] for folder in (config.out, whole)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("augment", [False, True], ids=["clean", "augmented"])
def test_interrupted_anywhere(configure: Configure, undisturbed: Callable[..., Path], augment: bool) -> None:
    """Interrupted again and again, before any checkpoint, in training and in validation: the same weights."""
    config = configure(epochs=4, augment=augment)
    for images in (0, 20, 15, 30, 60, 40):

        def interrupt(progress: FinetuneProgress, images: int = images) -> None:
            if progress.images_done > images:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            finetune(config, on_progress=interrupt)
    report = finetune(config)
    assert report.epochs_before is not None
    assert weights(config.out) == weights(undisturbed(augment=augment))


def test_a_full_disk_leaves_the_checkpoint_before(
    configure: Configure, undisturbed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space at the third checkpoint: a sentence, and with space again the run goes on exactly."""
    config = configure(epochs=4)
    publish, count = files.publish, [0]

    def full(part: Path, final: Path) -> None:
        if final.name.startswith("checkpoint"):
            count[0] += 1
            if count[0] == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
        publish(part, final)

    monkeypatch.setattr(files, "publish", full)
    message = r"the checkpoint of epoch 2 could not be saved, that of epoch 1 is intact; no space left"
    with pytest.raises(WriteError, match=message):
        finetune(config)
    assert not list(config.out.rglob("*.part"))
    report = finetune(config)
    assert report.epochs_before == 1
    assert weights(config.out) == weights(undisturbed())


def test_a_finished_run_is_not_trained_again(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command again reads the checkpoint, computes nothing, and changes no file."""
    config = configure()
    finetune(config)
    kept = {
        path: path.read_bytes() for path in config.out.rglob("*") if path.is_file() and path.name != "lock"
    }
    model = load_model(config.model)
    assert isinstance(model, TorchModel)

    def refuse(_: object) -> None:
        raise AssertionError("an image went through the model")

    monkeypatch.setattr(model, "features", refuse)
    report = finetune(config, model=model)
    assert report.epochs_before == 2
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 2e-2}, r"holds a run with lr 0.01, this run has 0.02: choose another `out`, or move"),
        ({"rank": 3}, "a run with rank 2, this run has 3"),
        ({"seed": 1}, "a run with seed 0, this run has 1"),
        ({"fraction": 1.0}, "a run with fraction 0.5, this run has 1.0"),
        ({"datasets": ("cells",)}, "a run with datasets cells, rays, this run has cells"),
        ({"epochs": 3}, "a run with epochs 2, this run has 3"),
        ({"augment": True}, "a run with augment False, this run has True"),
        ({"prompts": "reference"}, "a run with prompts digest"),
        ({"temperature": 0.5}, "a run with temperature 0.05"),
        ({"draw_from": "val"}, "a run with draw from train, this run has val"),
        ({"targets": ("q", "v")}, "a run with targets None, this run has q, v"),
        ({"precision": "bf16"}, "a run with precision fp32, this run has bf16"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_settings_do_not_overwrite(
    tiny_model: str,
    images_dir: Path,
    undisturbed: Callable[..., Path],
    change: dict[str, Any],
    message: str,
) -> None:
    """A folder that holds a run, finished or not, is not overwritten by a run with other settings."""
    folder = undisturbed(epochs=2)
    before = weights(folder)
    with pytest.raises(ResultError, match=message):
        finetune(_config(tiny_model, images_dir, folder, **{"epochs": 2, **change}))
    assert weights(folder) == before


def test_another_base_does_not_go_on(
    images_dir: Path, undisturbed: Callable[..., Path], tmp_path: Path
) -> None:
    """The checkpoint of one model is not continued with another."""
    from model_factories import make_open_clip_folder

    other = f"local-dir:{make_open_clip_folder(tmp_path / 'other', seed=1, image_size=28)}"
    with pytest.raises(ResultError, match="holds a run with base weights sha256"):
        finetune(_config(other, images_dir, undisturbed(epochs=2), epochs=2))


def test_the_same_weights_otherwise_configured_do_not_go_on(
    tiny_model: str, images_dir: Path, undisturbed: Callable[..., Path], tmp_path: Path
) -> None:
    """Equal tensors that compute something else, here with another activation, are another model."""
    folder = undisturbed(epochs=2)
    before = record(folder)
    other = shutil.copytree(tiny_model.partition(":")[2], tmp_path / "other")
    file = other / "open_clip_config.json"
    written = json.loads(file.read_text())
    written["model_cfg"]["quick_gelu"] = True
    file.write_text(json.dumps(written))
    with pytest.raises(ResultError, match="holds a run with base architecture"):
        finetune(_config(f"local-dir:{other}", images_dir, folder, epochs=2))
    assert record(folder) == before


def test_folders_of_something_else(configure: Configure) -> None:
    """A folder with other files, and a file in its place, are left alone."""
    config = configure()
    config.out.mkdir()
    (config.out / "thesis.tex").touch()
    with pytest.raises(ResultError, match=r"holds 'thesis.tex', which no fine-tuning run wrote"):
        finetune(config)
    with pytest.raises(ResultError, match=r"is a file, not a folder: choose another `out`"):
        finetune(configure(out=config.out / "thesis.tex"))
    assert [path.name for path in config.out.iterdir()] == ["thesis.tex"]


def test_one_process_at_a_time(configure: Configure) -> None:
    """A second run into the same folder stops with a sentence while the first holds it."""
    config = configure(epochs=1)
    finetune(config)
    with (
        FileLock(config.out / ".finetune/lock"),
        pytest.raises(ResultError, match="another process is fine-tuning into"),
    ):
        finetune(config)


def test_a_damaged_checkpoint(configure: Configure) -> None:
    """Bytes that are no checkpoint are reported, not trained over."""
    config = configure(epochs=1)
    finetune(config)
    checkpoint = config.out / ".finetune/checkpoint.safetensors"
    whole = checkpoint.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole.replace(b'\\"loss\\"', b'\\"lost\\"')):
        assert damaged != whole
        checkpoint.write_bytes(damaged)
        with pytest.raises(ResultError, match="is damaged or of another version: delete"):
            finetune(config)
