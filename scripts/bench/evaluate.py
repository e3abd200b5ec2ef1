"""Compare the speed of an evaluation with what the model could do, and with CLIP_benchmark.

On the same images, weights and prompts, one after the other in every repeat, medians over repeats:

- bare: the model's image tower alone, on random tensors already prepared and on the device;
- ours: shards read, decoded, digested, held against the manifest, normalised, embedded, classified;
- CLIP_benchmark 1.6.2: `run_classification` over a DataLoader of `load_dataset` rows and open_clip's transform.

The weights are random: speed does not depend on them. Predictions of the last two must be equal. CPU time is this
process's own: on a busy machine, `OMP_NUM_THREADS=1` and `--workers 0` make it all there is, and its ratio the one
to trust.

    pip install --no-deps clip_benchmark==1.6.2
    python scripts/bench/evaluate.py
    python scripts/bench/evaluate.py --architecture ViT-B-16 --device cuda --precision bf16 --workers -1
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch
from datasets import disable_progress_bars, load_dataset
from safetensors.torch import save_file

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.models import Model, load_model
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.scoring.devices import choose_device
from medimeta_c.scoring.inference import Predictor
from medimeta_c.scoring.zero_shot import ZeroShot, class_embeddings

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def write_model(architecture: str, folder: Path) -> Path:
    """Write a randomly initialised open_clip model as a local folder."""
    torch.manual_seed(0)
    model = open_clip.create_model(architecture, pretrained=None)
    folder.mkdir(parents=True)
    preprocess = {
        "mean": list(open_clip.OPENAI_DATASET_MEAN),
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    config = {"model_cfg": open_clip.get_model_config(architecture), "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def write_benchmark(data: Path | None, out: Path) -> Benchmark:
    """Build a benchmark of a folder of MedIMeta datasets, or of phantoms."""
    kind = "medimeta" if data else "phantoms"
    config = BuildConfig(
        datasets=("available",),
        source=kind,
        data_dir=data or out.parent / "data",
        out=out,
        severities=(1, 3, 5),
    )
    build(config)
    return open_benchmark(out)


def choose_sets(benchmark: Benchmark, images: int) -> list[SetKey]:
    """Take whole sets, every dataset and corruption in turn, until there are enough images."""
    order = ("clean", *CORE.corruptions)
    keys = sorted(benchmark.sets, key=lambda key: (key.severity, order.index(key.corruption), key.dataset))
    chosen: list[SetKey] = []
    for key in keys:
        if sum(benchmark.record(one).rows for one in chosen) < images:
            chosen.append(key)
    return sorted(chosen)


def timed(device: torch.device, run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds a call takes, the device's work included, and this process's seconds of CPU."""
    started, busy = time.perf_counter(), time.process_time()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, time.process_time() - busy


class Rows(torch.utils.data.Dataset):
    """Rows of `load_dataset`, the model's own transform on each."""

    def __init__(self, rows, transform) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int):
        row = self.rows[index]
        return self.transform(row["image"].convert("RGB")), row["label"]


class ClipBenchmark:
    """CLIP_benchmark's zero-shot evaluation of the chosen sets, one DataLoader a dataset."""

    def __init__(
        self, folder: Path, root: Path, keys: Sequence[SetKey], prompts: Sequence[ClassPrompts], arguments
    ) -> None:
        from clip_benchmark.metrics import zeroshot_classification

        zeroshot_classification.tqdm = iter  # its progress bar belongs to nobody's inference
        self.zeroshot, self.device = zeroshot_classification, arguments.device
        self.batch_size, self.workers = arguments.batch_size, arguments.workers
        self.amp = arguments.precision != "fp32"
        spec = f"local-dir:{folder}"
        self.model, _, transform = open_clip.create_model_and_transforms(spec, device=arguments.device)
        self.model.eval()
        tokenizer = open_clip.get_tokenizer(spec)
        self.parts = []
        for one in prompts:
            rows = load_dataset(str(root), one.dataset, split="test", cache_dir=str(root.parent / "cache"))
            wanted = {(key.corruption, key.severity) for key in keys if key.dataset == one.dataset}
            kinds = list(zip(list(rows["corruption"]), list(rows["severity"]), strict=True))
            taken = [index for index, kind in enumerate(kinds) if kind in wanted]
            order = sorted(taken, key=lambda index: kinds[index])  # stable: the order of the sets
            templates = dict(zip(one.class_names, map(list, one.prompts), strict=True))
            classifier = zeroshot_classification.zero_shot_classifier(
                self.model, tokenizer, list(one.class_names), templates, arguments.device, amp=False
            )
            self.parts.append((Rows(rows.select(order), transform), classifier))

    def run(self) -> np.ndarray:
        """Return the predictions of all sets, in order."""
        found = []
        for rows, classifier in self.parts:
            loader = torch.utils.data.DataLoader(rows, batch_size=self.batch_size, num_workers=self.workers)
            logits, _ = self.zeroshot.run_classification(
                self.model, classifier, loader, self.device, amp=self.amp
            )
            found.append(logits.argmax(dim=1).numpy())
        return np.concatenate(found)


def bare(model: Model, batches: Sequence[torch.Tensor]) -> None:
    """Embed random images."""
    for batch in batches:
        model.encode_images(batch)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="ViT-B-32", help="an open_clip architecture")
    parser.add_argument("--data", type=Path, help="folder of MedIMeta datasets; default: phantoms")
    parser.add_argument("--images", type=int, default=512, help="images a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=0, help="decoding workers of both; -1: one a core")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=DTYPES, default="fp32")
    parser.add_argument("--without-clip-benchmark", action="store_true")
    arguments = parser.parse_args()
    if arguments.workers < 0:
        arguments.workers = max(1, (os.cpu_count() or 2) - 1)
    disable_progress_bars()

    work = Path(tempfile.mkdtemp())
    try:
        report(arguments, work)
    finally:
        shutil.rmtree(work)


def report(arguments, work: Path) -> None:
    folder = write_model(arguments.architecture, work / "model")
    benchmark = write_benchmark(arguments.data, work / "benchmark")
    keys = choose_sets(benchmark, arguments.images)
    count = sum(benchmark.record(key).rows for key in keys)
    device = choose_device(arguments.device)
    model = load_model(f"local-dir:{folder}", device=device, precision=arguments.precision)
    assert isinstance(model, Model)
    records = [benchmark.dataset(name) for name in sorted({key.dataset for key in keys})]
    book = load_prompts("paper")
    prompts = [book.prompts(one.dataset, one.class_names, modality=one.modality) for one in records]
    predictor = Predictor(
        ZeroShot(model, {one.dataset: class_embeddings(model, one) for one in prompts}),
        device=device,
        batch_size=arguments.batch_size,
        workers=arguments.workers,
    )
    height, width = model.preprocessing.size
    generator = torch.Generator().manual_seed(0)
    sizes = [min(arguments.batch_size, count - start) for start in range(0, count, arguments.batch_size)]
    batches = [
        torch.randn(size, 3, height, width, generator=generator).to(device, DTYPES[arguments.precision])
        for size in sizes
    ]
    predictions: dict[str, np.ndarray] = {}

    def ours() -> None:
        predictions["ours"] = np.concatenate(
            [cell.predictions for cell in predictor.predict(benchmark, keys)]
        )

    runs: dict[str, Callable[[], None]] = {"bare forward": lambda: bare(model, batches), "ours": ours}
    if not arguments.without_clip_benchmark:
        other = ClipBenchmark(folder, work / "benchmark", keys, prompts, arguments)
        runs["CLIP_benchmark"] = lambda: predictions.update(other=other.run())

    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for run in runs.values():  # warm: worker processes, caches, kernels
        run()
    for _ in range(arguments.repeats):
        for name, run in runs.items():
            seconds[name].append(timed(device, run))

    where = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    print(
        f"{arguments.architecture}, {arguments.precision}, {device.type} ({where}), {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, {arguments.workers} decoding workers, {count} images of {len(keys)} sets, "
        f"batches of {arguments.batch_size}, {arguments.repeats} repeats, torch {torch.__version__}"
    )
    print("\n| | images/s | of bare forward | lowest to highest | CPU ms/image | of bare forward |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, taken in seconds.items():
        wall, busy = (ratios(seconds["bare forward"], taken, part) for part in (0, 1))
        rate = count / statistics.median(each[0] for each in taken)
        work = statistics.median(each[1] for each in taken) / count
        print(
            f"| {name} | {rate:.1f} | {statistics.median(wall):.2f} | {min(wall):.2f} to {max(wall):.2f} "
            f"| {1000 * work:.1f} | {statistics.median(busy):.2f} |"
        )
    if "other" in predictions:
        wall, busy = (ratios(seconds["CLIP_benchmark"], seconds["ours"], part) for part in (0, 1))
        same = int((predictions["ours"] == predictions["other"]).sum())
        print(
            f"\nCLIP_benchmark takes {statistics.median(wall):.2f} times our time ({statistics.median(busy):.2f} times "
            f"our CPU time); {same} of {count} predictions are equal"
        )


def ratios(
    one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]], part: int
) -> list[float]:
    """Return one run's time over the other's, repeat by repeat: neighbours in time saw the same machine."""
    return [first[part] / second[part] for first, second in zip(one, other, strict=True)]


if __name__ == "__main__":
    main()
