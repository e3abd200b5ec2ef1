"""Compare the linear probe with CLIP_benchmark's, on the same features.

Both are trained on the clean train split of a dataset in MedIMeta's format, choose their penalty on val, and are
scored on test:

- ours: logistic regression by L-BFGS (`medimeta_c.probing.heads.linear`);
- CLIP_benchmark 1.6.2: a linear layer trained by AdamW for 10 epochs at a learning rate of 0.1, with its search of
  the weight decay over 97 values, then trained again on train and val. Its `evaluate` insists on a GPU; here its own
  `train`, `infer` and `find_peak` run on the CPU, in the order in which `evaluate` calls them.

    pip install --no-deps clip_benchmark==1.6.2
    python scripts/bench/probe.py --data DATA --model local-dir:MODEL --dataset pbc,pneumonia
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clip_benchmark.metrics import linear_probe as theirs
from PIL import Image
from torch.utils.data import DataLoader

from medimeta_c.models import ImageEncoder, image_encoder, load_model
from medimeta_c.probing.heads import HEADS, Examples, Task
from medimeta_c.scoring.zero_shot import UnitFeatures
from medimeta_c.sources import open_source

EPOCHS, LEARNING_RATE, BATCH_SIZE = 10, 0.1, 64  # the defaults of its command line
DECAYS = np.logspace(-6, 2, num=97).tolist()
FIRST = np.logspace(-6, 2, num=7).tolist()


def features(model: ImageEncoder, dataset: str, data_dir: Path) -> tuple[dict[str, Examples], int]:
    """Embed train, val and test; return them with the number of classes."""
    source, encoder = open_source("medimeta", dataset, data_dir), UnitFeatures(model)
    found = {}
    for split in ("train", "val", "test"):
        ids = source.ids(split)
        pictures = (Image.fromarray(source.image(split, each)) for each in ids)
        vectors = torch.cat([encoder.features(model.preprocess(one)[None]) for one in pictures])
        found[split] = Examples(vectors.double(), torch.tensor([source.label(split, each) for each in ids]))
    return found, len(source.info.class_names)


def ours(found: dict[str, Examples], classes: int) -> float:
    """Return the accuracy of our probe, trained on train alone."""
    fit = HEADS["linear"].fitted(Task(train=found["train"], val=found["val"], classes=classes))
    return accuracy(fit.logits(found["test"].features), found["test"].labels)


def clip_benchmark(found: dict[str, Examples], classes: int, seed: int) -> float:
    """Return the accuracy of CLIP_benchmark's probe, by its own functions."""
    torch.manual_seed(seed)
    vectors = {split: each.features.float() for split, each in found.items()}
    labels = {split: each.labels for split, each in found.items()}
    both = [torch.cat([one["train"], one["val"]]) for one in (vectors, labels)]

    def loader(x: torch.Tensor, y: torch.Tensor, *, shuffle: bool = True) -> DataLoader[Any]:
        return DataLoader(theirs.FeatureDataset(x, y), batch_size=BATCH_SIZE, shuffle=shuffle)

    train, val = (loader(vectors[split], labels[split]) for split in ("train", "val"))
    width = vectors["train"].shape[1]
    settings: tuple[Any, ...] = (width, classes, LEARNING_RATE, EPOCHS, False, "cpu", False, seed)
    peak = theirs.find_peak(
        DECAYS, [index for index, each in enumerate(DECAYS) if each in FIRST], train, val, *settings
    )
    step = 8
    while step > 0:
        near = [max(peak - step, 0), peak, min(peak + step, len(DECAYS) - 1)]
        peak = theirs.find_peak(DECAYS, near, train, val, *settings)
        step //= 2
    final = theirs.train(
        loader(*both), width, classes, DECAYS[peak], LEARNING_RATE, EPOCHS, False, "cpu", seed
    )
    logits, target = theirs.infer(final, loader(vectors["test"], labels["test"], shuffle=False), False, "cpu")
    return accuracy(logits, target)


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of rows whose highest logit is the label's."""
    return float((logits.argmax(1) == labels).double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of datasets in MedIMeta's format")
    parser.add_argument("--model", required=True, help="a model spec")
    parser.add_argument("--dataset", default="pbc,pneumonia", help="ids, comma-separated")
    parser.add_argument("--seeds", type=int, default=3, help="runs of CLIP_benchmark's probe")
    options = parser.parse_args()
    # Its functions move everything to a GPU; without one, a module and its inputs stay where they are.
    torch.nn.Module.cuda = lambda self, *_: self  # type: ignore[method-assign,assignment]
    torch.Tensor.cuda = lambda self, *_: self  # type: ignore[method-assign,assignment]
    torch.cuda.device_count = lambda: 0
    # Its own turns an array of one number into a number, which NumPy no longer does.
    theirs.accuracy = lambda logits, labels, topk: [accuracy(logits, labels)]
    model = image_encoder(load_model(options.model))
    for dataset in options.dataset.split(","):
        found, classes = features(model, dataset, options.data)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            others = [clip_benchmark(found, classes, seed) for seed in range(options.seeds)]
        counts = {split: len(each) for split, each in found.items()}
        print(
            json.dumps({"dataset": dataset, **counts, "ours": ours(found, classes), "clip_benchmark": others})
        )


if __name__ == "__main__":
    main()
