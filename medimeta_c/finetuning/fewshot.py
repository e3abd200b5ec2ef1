"""Few-shot ids: a stratified share of train (or val), the same for everyone who uses the same seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.seeding import order_key
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Document, Sha256, canonical_json, write_record
from medimeta_c.sources.contract import Source

__all__ = [
    "FEWSHOT_NAME",
    "TRAIN",
    "VAL",
    "FewShot",
    "FewShotSplit",
    "check_fraction",
    "draw_few_shot",
    "ids_digest",
    "read_few_shot",
    "write_few_shot",
]

FEWSHOT_NAME = "fewshot_ids.json"
"""The file beside an adapter that names the images it was trained on."""

FewShotSplit: TypeAlias = Literal["train", "val"]
TRAIN: Literal["train"] = "train"
VAL: Literal["val"] = "val"
"""The splits that fine-tuning reads: one to train on, one to choose the checkpoint by. Never another."""

_SCHEME = "medimeta-c/fewshot/1"


class FewShot(Document):
    """The training images of one run; ``fewshot_ids.json``.

    Parameters
    ----------
    scheme : str
        How the images were chosen.
    fraction : float
        Share of each split that was asked for.
    seed : int
        What the choice depends on, beside the ids themselves.
    split : {"train", "val"}
        Where they are from.
    digest : str
        SHA-256 of the ids, as `ids_digest` takes it.
    ids : dict of str to tuple of str
        By dataset: image ids of that split, sorted.
    per_class : dict of str to tuple of int
        By dataset: how many of them each class has, in label order.
    """

    scheme: str
    fraction: Annotated[float, Field(gt=0, le=1)]
    seed: int
    split: FewShotSplit
    digest: Sha256
    ids: dict[str, tuple[str, ...]]
    per_class: dict[str, tuple[Annotated[int, Field(ge=1)], ...]]

    def needs_schema(self) -> int:
        """Return 2 for images of val, which version 1 did not take."""
        return 1 if self.split == TRAIN else 2

    @model_validator(mode="after")
    def _parts_fit(self) -> FewShot:
        if self.digest != ids_digest(self.ids):
            raise ValueError("the digest does not match the ids")
        if {name: len(each) for name, each in self.ids.items()} != {
            name: sum(counts) for name, counts in self.per_class.items()
        }:
            raise ValueError("the numbers of images per class do not match the ids")
        return self

    def __len__(self) -> int:
        return sum(map(len, self.ids.values()))


def check_fraction(fraction: float) -> float:
    """Return a fraction if it is above 0 and at most 1.

    Raises
    ------
    ConfigError
        Otherwise; 10 % is 0.1.
    """
    if not 0 < fraction <= 1:
        raise ConfigError(
            f"fraction {fraction:g} is not valid: use a number above 0 and at most 1, e.g. 0.1 for 10 %"
        )
    return fraction


def draw_few_shot(
    sources: Mapping[str, Source], *, fraction: float, seed: int, split: FewShotSplit = TRAIN
) -> FewShot:
    """Draw a stratified share of one split of each dataset, at least one image of each class.

    A dataset gives ``round(fraction x N)`` of its N images, shared out among the classes by the largest
    remainder. Within a class the images are taken in the order of `order_key`, so that the choice depends on
    the seed and the ids alone, and a larger share of the same seed holds, image for image, what a smaller one
    took (but for the one image of a class by which rounding may differ).

    Parameters
    ----------
    sources : mapping of str to Source
        By dataset. Only ids and labels of the split are read.
    fraction : float
        Above 0, at most 1.
    seed : int
        Root of the choice.
    split : {"train", "val"}, optional
        Where the images are.

    Returns
    -------
    FewShot

    Raises
    ------
    ConfigError
        If the fraction is out of range.
    SourceError
        If a dataset has no such split, or one of its classes has no image there.
    """
    check_fraction(fraction)
    ids, per_class = {}, {}
    for dataset, source in sources.items():
        classes = _by_class(dataset, source, split)
        counts = _shares([len(each) for each in classes], fraction)
        chosen = [
            _first(each, count, f"{_SCHEME}|{seed}|{dataset}")
            for each, count in zip(classes, counts, strict=True)
        ]
        ids[dataset] = tuple(sorted(image_id for each in chosen for image_id in each))
        per_class[dataset] = tuple(counts)
    return FewShot(
        scheme=_SCHEME,
        fraction=fraction,
        seed=seed,
        split=split,
        digest=ids_digest(ids),
        ids=ids,
        per_class=per_class,
    )


def ids_digest(ids: Mapping[str, Sequence[str]]) -> str:
    """Return the SHA-256, in hexadecimal, of ids by dataset as canonical JSON, each dataset's sorted."""
    plain = {dataset: sorted(each) for dataset, each in ids.items()}
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()


def write_few_shot(folder: Path, few_shot: FewShot) -> None:
    """Write ``fewshot_ids.json`` into a folder, atomically."""
    write_record(folder / FEWSHOT_NAME, few_shot)


def read_few_shot(folder: Path) -> FewShot:
    """Read ``fewshot_ids.json`` of a folder.

    Raises
    ------
    ResultError
        If it is missing or damaged, or the digest is not that of the ids.
    """
    return read_record(folder / FEWSHOT_NAME, FewShot, "restore the file, or fine-tune again")


def _by_class(dataset: str, source: Source, split: FewShotSplit) -> list[list[str]]:
    """Return the ids of a split by label."""
    info = source.info
    if not info.splits.get(split):
        raise SourceError(
            f"dataset {dataset!r} has no {split} split to take images from (it has "
            f"{', '.join(name for name, count in info.splits.items() if count) or 'none'}): leave it out"
        )
    classes: list[list[str]] = [[] for _ in info.class_names]
    for image_id in source.ids(split):
        classes[source.label(split, image_id)].append(image_id)
    empty = [name for name, each in zip(info.class_names, classes, strict=True) if not each]
    if empty:
        raise SourceError(
            f"the {split} split of {dataset!r} has no image of class {', '.join(map(repr, empty))}: few-shot "
            "training needs at least one of every class; leave the dataset out, or add images"
        )
    return classes


def _first(image_ids: Sequence[str], count: int, salt: str) -> list[str]:
    return sorted(image_ids, key=lambda image_id: order_key(salt, image_id))[:count]


def _shares(counts: Sequence[int], fraction: float) -> list[int]:
    """Share ``round(fraction x sum)`` out among classes by the largest remainder, one each at least."""
    exact = [fraction * count for count in counts]
    shares = [max(1, math.floor(one)) for one in exact]
    total = math.floor(fraction * sum(counts) + 0.5)
    # a class raised to one image already has more than its share
    below = [label for label, share in enumerate(shares) if share <= exact[label]]
    below.sort(key=lambda label: (shares[label] - exact[label], label))
    for label in below[: max(0, total - sum(shares))]:
        shares[label] = min(counts[label], shares[label] + 1)
    return shares
