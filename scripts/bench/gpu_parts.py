"""The parts of `gpu.py`. Each runs in a process of its own, and prints its figures as JSON on the last line."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.run import finetune
from medimeta_c.finetuning.training import FinetuneProgress
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.models import load_model
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.scoring.devices import batch_size_on, choose_device, workers_beside
from medimeta_c.scoring.inference import Predictor
from medimeta_c.scoring.zero_shot import ZeroShot, class_embeddings
from medimeta_c.sources import open_source

sys.path.insert(0, str(Path(__file__).parent))
from random_models import write_model
from stand_in import write_stand_in

DATASET = "pbc"
SPLITS = {"train": 2048, "val": 64, "test": 512}
TINY_SPLITS = {"train": 8, "val": 8, "test": 8}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MB = 1e6


class TimeIsUp(Exception):
    """The seconds of a part are spent."""


@dataclass(frozen=True)
class Setting:
    """Where a part works, and how long it may."""

    work: Path
    seconds: float
    dry_run: bool
    began: float = field(default_factory=time.perf_counter)

    @cached_property
    def device(self) -> torch.device:
        return choose_device("cpu" if self.dry_run else "cuda")

    @property
    def spent(self) -> float:
        return time.perf_counter() - self.began

    @property
    def batch_size(self) -> int:
        return 4 if self.dry_run else batch_size_on(self.device, None)

    def model(self, shape: str) -> str:
        """Return the spec of a model with random weights, written first if it is not there."""
        folder = self.work / shape
        if not (folder / "open_clip_model.safetensors").exists():
            write_model(shape, folder, tiny=self.dry_run)
        return f"local-dir:{folder}"

    def repeats(self, most: int = 5) -> Iterator[None]:
        """Repeat while there is time for one more, at least twice."""
        started = self.spent
        for done in range(most):
            if done >= 2 and self.spent + (self.spent - started) / done > self.seconds:
                return
            yield


class Timed:
    """A model that adds up the time its image tower has work, and refuses batches that it is told not to fit."""

    def __init__(self, model: Any, device: torch.device, fits: int | None = None) -> None:
        self.model, self.device, self.fits = model, device, fits
        self.events: list[tuple[Any, Any]] = []
        self.busy = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.fits is not None and len(pixels) > self.fits:
            raise torch.OutOfMemoryError("as if the device had no more memory")
        if self.device.type != "cuda":
            started = time.perf_counter()
            found = self.model.encode_images(pixels)
            self.busy += time.perf_counter() - started
            return found
        pair = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        pair[0].record()
        found = self.model.encode_images(pixels)
        pair[1].record()
        self.events.append(pair)
        return found

    def take_busy(self) -> float:
        """Return the seconds since the last call in which the device ran the tower, or waited for its launches."""
        busy = self.busy + sum(start.elapsed_time(end) for start, end in self.events) / 1e3
        self.busy, self.events = 0.0, []
        return busy


def timed(device: torch.device, run: Callable[[], Any]) -> float:
    """Return the seconds a call takes, the device's work included."""
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def peak(device: torch.device) -> float | None:
    """Return the most memory that tensors had on the device, in MB."""
    return torch.cuda.max_memory_allocated(device) / MB if device.type == "cuda" else None


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def data(setting: Setting) -> dict[str, Any]:
    """Write a dataset and build its benchmark: what the other parts read."""
    template = open_source("phantoms", DATASET, setting.work)
    write_stand_in(template, TINY_SPLITS if setting.dry_run else SPLITS, setting.work / "data" / DATASET)
    config = BuildConfig(
        datasets=(DATASET,),
        source="medimeta",
        data_dir=setting.work / "data",
        out=setting.work / "benchmark",
        severities=(3,),
        corruptions=("gaussian_noise", "contrast") if setting.dry_run else ("all",),
        jobs=1 if setting.dry_run else -1,
    )
    seconds = timed(torch.device("cpu"), lambda: build(config))
    benchmark = open_benchmark(config.out)
    return {"seconds": seconds, "images": sum(benchmark.record(key).rows for key in benchmark.sets)}


def predictor_of(setting: Setting, model: Timed, batch_size: int) -> Predictor:
    """Return what `medimeta-c evaluate` scores with, by its defaults."""
    record = open_benchmark(setting.work / "benchmark").dataset(DATASET)
    prompts = load_prompts("paper").prompts(DATASET, record.class_names, modality=record.modality)
    return Predictor(
        ZeroShot(model, {DATASET: class_embeddings(model, prompts)}),
        device=setting.device,
        batch_size=batch_size,
        workers=workers_beside(setting.device, -1),
    )


def predicted(setting: Setting, predictor: Predictor, keys: Sequence[SetKey]) -> np.ndarray:
    benchmark = open_benchmark(setting.work / "benchmark")
    return np.concatenate([cell.predictions for cell in predictor.predict(benchmark, keys)])


def evaluate(setting: Setting, shape: str, precision: str) -> dict[str, Any]:
    """Time our evaluation and the bare forward in turns, on as many sets as there is time for."""
    device, size = setting.device, setting.batch_size
    model = Timed(load_model(setting.model(shape), device=device, precision=precision), device)
    predictor = predictor_of(setting, model, size)
    batch = torch.randn(size, 3, *model.preprocessing.size).to(device, DTYPES[precision])
    for _ in range(2):  # warm: kernels, caches
        rate = size / timed(device, lambda: model.encode_images(batch))
    benchmark = open_benchmark(setting.work / "benchmark")
    rows = benchmark.record(benchmark.sets[0]).rows  # of every set
    keys = benchmark.sets[: max(1, round(rate * setting.seconds / 10 / rows))]
    count = len(keys) * rows
    predicted(setting, predictor, keys[:1])  # warm: worker processes, files
    forget_peak(device)
    passes = range(-(-count // size))
    bare, ours, shares, waits = [], [], [], []  # seconds an image
    for _ in setting.repeats():
        bare.append(timed(device, lambda: [model.encode_images(batch) for _ in passes]) / len(passes) / size)
        model.take_busy()
        seconds = timed(device, lambda: predicted(setting, predictor, keys))
        waits.append(1 - model.take_busy() / seconds)
        ours.append(seconds / count)
        shares.append(bare[-1] / ours[-1])
    return {
        "images": count,
        "batch": predictor.batch_size,
        "repeats": len(ours),
        "bare": 1 / statistics.median(bare),
        "ours": 1 / statistics.median(ours),
        "of_bare": statistics.median(shares),
        "of_bare_range": [min(shares), max(shares)],
        "waits": statistics.median(waits),
        "peak_mb": peak(device),
    }


def halve(setting: Setting) -> dict[str, Any]:
    """Score with a batch that does not fit, on a device whose memory is capped; compare with an uncapped run.

    The cap leaves room for two fifths of what the activations of the whole batch take. A dry run has no such device:
    there the model refuses the batch.
    """
    device, size = setting.device, setting.batch_size
    model = Timed(load_model(setting.model("ViT-B-16"), device=device, precision="fp32"), device)
    keys = open_benchmark(setting.work / "benchmark").sets[:1]
    forget_peak(device)
    held = torch.cuda.memory_reserved(device) if device.type == "cuda" else 0
    whole = predicted(setting, predictor_of(setting, model, size), keys)
    predictor = predictor_of(setting, model, size)
    capped = None
    if device.type == "cuda":
        capped = held + 0.4 * (torch.cuda.max_memory_allocated(device) - held)
        forget_peak(device)
        torch.cuda.set_per_process_memory_fraction(
            capped / torch.cuda.get_device_properties(device).total_memory, device
        )
    else:
        model.fits = 2
    halved = predicted(setting, predictor, keys)
    return {
        "batch": size,
        "became": predictor.batch_size,
        "capped_mb": None if capped is None else capped / MB,
        "peak_mb": peak(device),
        "equal": int((whole == halved).sum()),
        "images": len(whole),
    }


def tune(setting: Setting, precision: str) -> dict[str, Any]:
    """Fine-tune BiomedCLIP's shape with the paper's adapters and batch, for as many epochs as there is time for."""
    out = setting.work / f"adapter-{precision}"
    config = FinetuneConfig(
        model=setting.model("BiomedCLIP"),
        datasets=(DATASET,),
        source="medimeta",
        data_dir=setting.work / "data",
        out=out,
        fraction=1.0,
        epochs=2 if setting.dry_run else 5,
        batch_size=4 if setting.dry_run else 256,
        precision=precision,
        device=setting.device.type,
    )

    def stop(now: FinetuneProgress) -> None:
        if setting.spent > setting.seconds and now.epoch > 1:
            raise TimeIsUp

    with contextlib.suppress(TimeIsUp):
        finetune(config, on_progress=stop)
    epochs = [json.loads(line) for line in (out / "training.jsonl").read_text().splitlines()][1:]
    warm = epochs[1:] or epochs  # the first reads the images
    return {
        "epochs": len(epochs),
        "batch": config.batch_size,
        "micro_batch": epochs[-1]["micro_batch"],
        "ours": statistics.median(epoch["images_per_second"] for epoch in warm),
        "peak_mb": epochs[-1]["peak_memory_mb"],
    }


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "data": data,
    "evaluate": evaluate,
    "halve": halve,
    "finetune": tune,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("values", nargs="*")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    setting = Setting(options.work, options.seconds, options.dry_run)
    print(json.dumps(PARTS[options.part](setting, *options.values)))


if __name__ == "__main__":
    main()
