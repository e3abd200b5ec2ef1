"""The numbers that the authors' code gave for a family: ``scripts/upstream`` writes them, tests read them.

Needs no transformers: some authors' code runs only with the version of its time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from seeded_weights import seeded_state, seeded_tensor

__all__ = [
    "assert_equal",
    "lively_state",
    "pictures",
    "read_numbers",
    "read_shapes",
    "shapes_of",
    "write_numbers",
    "write_shapes",
    "write_vocabulary",
]

_FOLDER = Path(__file__).parent / "upstream"
_DIGITS = 9


def lively_state(shapes: Mapping[str, Sequence[int]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return `seeded_state` with matrices and kernels scaled by what they sum over, and with the integers.

    At one scale for all, a ResNet-50 gives nearly the same vector for every image. Swin's index of positions
    is left out.
    """
    state = seeded_state(shapes, seed=seed)
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
        elif name.endswith("position_ids"):
            state[name] = torch.arange(shape[-1]).reshape(tuple(shape))
        elif name.endswith("relative_position_index"):
            state.pop(name)
        elif len(shape) > 1:
            scale = math.sqrt(2 / math.prod(shape[1:]))
            state[name] = seeded_tensor(name, shape, scale=scale, seed=seed)
    return {name: state[name] for name in shapes if name in state}


def pictures() -> list[Image.Image]:
    """Return images of several sizes and shapes: noise on a slope, three in colour and one grey."""
    images = []
    for seed, (height, width, channels) in enumerate(
        [(512, 512, 3), (700, 523, 3), (97, 311, 3), (300, 260, 1)]
    ):
        rng = np.random.Generator(np.random.Philox(seed))
        slope = np.linspace(0, 130, height)[::-1][:, None, None] * np.linspace(0.2, 1, width)[None, :, None]
        pixels = (slope * rng.random(channels) + rng.integers(0, 120, (height, width, channels))).astype("u1")
        images.append(Image.fromarray(pixels.squeeze()))
    return images


def write_vocabulary(folder: Path) -> int:
    """Write the vocab.txt of a BERT tokenizer that can spell any word; return its size."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *letters, *(f"##{letter}" for letter in letters), "photograph", "of", "small"]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return len(tokens)


def shapes_of(module: torch.nn.Module) -> dict[str, list[int]]:
    """Return the shape of each tensor of a module's state."""
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def assert_equal(ours: torch.Tensor, theirs: Any) -> None:
    """Compare a tensor with the list of numbers read for it, to 1e-5."""
    torch.testing.assert_close(ours, torch.tensor(theirs), atol=1e-5, rtol=0)


def write_numbers(family: str, **values: Any) -> None:
    """Write what a family's own code computed, and the texts it had; the images are `pictures`."""
    lines = (f" {json.dumps(name)}: {json.dumps(_plain(value))}" for name, value in values.items())
    _write(f"{family}.json", lines)


def write_shapes(family: str, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write the names and shapes of the tensors of a published checkpoint."""
    lines = (f" {json.dumps(name)}: {json.dumps(list(shape))}" for name, shape in shapes.items())
    _write(f"{family}-shapes.json", lines)


def read_numbers(family: str) -> dict[str, Any]:
    """Return what `write_numbers` wrote, tensors as lists."""
    numbers: dict[str, Any] = json.loads((_FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return numbers


def read_shapes(family: str) -> dict[str, list[int]]:
    """Return what `write_shapes` wrote."""
    shapes: dict[str, list[int]] = json.loads((_FOLDER / f"{family}-shapes.json").read_text(encoding="utf-8"))
    return shapes


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _write(name: str, lines: Iterable[str]) -> None:
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
