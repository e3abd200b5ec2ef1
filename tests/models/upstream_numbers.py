"""Inputs for the authors' own code and for ours, and the files of what their code made of them.

``scripts/upstream`` writes those files, and tests read them. Needs no transformers: some authors' code runs
only with the version of its time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

__all__ = [
    "FOLDER",
    "TEXTS",
    "assert_apart",
    "assert_equal",
    "assert_numbers",
    "assert_small_numbers",
    "checked_commit",
    "pictures",
    "read_numbers",
    "read_shapes",
    "shapes_of",
    "small_pictures",
    "write_numbers",
    "write_shapes",
    "write_vocabulary",
]

FOLDER = Path(__file__).parents[1] / "golden" / "upstream"
"""Where the authors' numbers and small tokenizers are."""

TEXTS = (
    "retina",
    "A photo of a BENIGN cell",
    "an H&E image of lung adenocarcinoma, grade 2-3: café-au-lait (naïve)",
    " ".join(["a photo of the normal blood cell"] * 3),
    "ßtroma § µm",
)
"""Short and long, with capitals, accents, digits and punctuation; the last has letters no tokenizer knows."""

_DIGITS = 9  # of a float32, so that it can be read back


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


def small_pictures() -> list[Image.Image]:
    """Return coarse blocks with noise, smaller and larger than small models read: one is grey."""
    images = []
    for height, width, channels in [(70, 50, 3), (64, 64, 3), (300, 500, 3), (97, 120, 1), (31, 40, 3)]:
        rng = np.random.Generator(np.random.Philox(key=height * 10_000 + width * 10 + channels))
        coarse = rng.integers(0, 216, (5, 7, channels)).repeat(-(-height // 5), 0).repeat(-(-width // 7), 1)
        pixels = coarse[:height, :width] + rng.integers(0, 40, (height, width, channels))
        images.append(Image.fromarray(pixels.astype(np.uint8).squeeze()))
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


def assert_numbers(
    model: Any, numbers: Mapping[str, Any], images: Iterable[Image.Image], down: int, across: int
) -> None:
    """Compare features, logits and every so many rows and columns of pixels with the authors', to 1e-5."""
    pixels = torch.stack([model.preprocess(image) for image in images])
    vectors, texts = model.encode_images(pixels), model.encode_texts(numbers["texts"])
    assert_equal(pixels[:, :, ::down, ::across], numbers["pixels"])
    assert_equal(vectors, numbers["image_features"])
    assert_equal(texts, numbers["text_features"])
    assert_equal(model.logit_scale * vectors @ texts.T, numbers["logits"])


def assert_small_numbers(model: Any, numbers: Mapping[str, Any]) -> None:
    """Compare a small model's mean pixels, features and logits of `small_pictures` and `TEXTS`, to 1e-5."""
    pixels = torch.stack([model.preprocess(picture) for picture in small_pictures()])
    images, texts = model.encode_images(pixels), model.encode_texts(TEXTS)
    for name, ours in {
        "pixels": pixels.mean((2, 3)),
        "image_features": images,
        "text_features": texts,
        "logits": model.logit_scale * images @ texts.T,
    }.items():
        torch.testing.assert_close(ours, torch.tensor(numbers[name]), atol=1e-5, rtol=0, msg=name)


def assert_apart(numbers: Mapping[str, Any]) -> None:
    """The authors' features tell images and texts apart, or a comparison with them could not fail."""
    for name in ("image_features", "text_features"):
        assert torch.pdist(torch.tensor(numbers[name])).min() > 0.01


def checked_commit(checkout: Path, commit: str) -> None:
    """Refuse a checkout of another commit, or an edited one."""
    git = ["git", "-C", str(checkout)]
    found = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    edits = subprocess.run([*git, "diff", "--name-only"], capture_output=True, text=True, check=True).stdout
    if found.strip() != commit or edits:
        raise SystemExit(f"{checkout} must be an unedited checkout of {commit}: it is at {found} {edits}")


def write_numbers(family: str, **values: Any) -> None:
    """Write what a family's own code computed, where that code came from, and the texts it had."""
    lines = (f" {json.dumps(name)}: {json.dumps(_plain(value))}" for name, value in values.items())
    _write(f"{family}.json", lines)


def write_shapes(family: str, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write the names and shapes of the tensors of a published checkpoint."""
    lines = (f" {json.dumps(name)}: {json.dumps(list(shape))}" for name, shape in shapes.items())
    _write(f"{family}-shapes.json", lines)


def read_numbers(family: str) -> dict[str, Any]:
    """Return what `write_numbers` wrote, tensors as lists."""
    numbers: dict[str, Any] = json.loads((FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return numbers


def read_shapes(family: str) -> dict[str, list[int]]:
    """Return what `write_shapes` wrote."""
    shapes: dict[str, list[int]] = json.loads((FOLDER / f"{family}-shapes.json").read_text(encoding="utf-8"))
    return shapes


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _write(name: str, lines: Iterable[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
