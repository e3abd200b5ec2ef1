"""The record of a phantom dataset: classes, tasks, counts, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from medimeta_c.format.keys import Image
from medimeta_c.sources.phantoms.drawing import SIDE, Dice

__all__ = ["LICENSE", "PHANTOM_VERSION", "PhantomPlan", "PhantomTask", "classification"]

PHANTOM_VERSION = "1"
"""Version of the phantoms' pixels and counts. Any change of either is another version, in its own folder."""

LICENSE = "CC0-1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomTask:
    """One task of a dataset.

    Parameters
    ----------
    name, target : str
        MedIMeta's ``task_name`` and ``task_target``.
    class_names : tuple of str
        In label order.
    label_of : tuple of int
        The label of each class that is drawn.
    """

    name: str
    target: str
    class_names: tuple[str, ...]
    label_of: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomPlan:
    """One dataset of phantoms.

    Parameters
    ----------
    dataset, title, domain : str
        MedIMeta's id and domain, and the name that says what these images are.
    shows : str
        What is drawn, for the summary.
    channels : int
        1 or 3.
    tasks : tuple of PhantomTask
        The first is the one whose labels are the classes drawn.
    per_class : mapping of str to int
        Images of each class in each split.
    draw : str or callable
        Draws one image of a class: the function, or ``"module:function"`` of this package, which is imported
        when an image is drawn.
    """

    dataset: str
    title: str
    domain: str
    shows: str
    channels: int
    tasks: tuple[PhantomTask, ...]
    per_class: dict[str, int]
    draw: str | Callable[[Dice, int], Image]

    @property
    def classes(self) -> int:
        """Number of classes that are drawn."""
        return len(self.tasks[0].class_names)

    def rows(self) -> Iterator[tuple[str, int]]:
        """Yield split and class of every image, in the order of the HDF5 file's rows."""
        for split, count in self.per_class.items():
            for position in range(count * self.classes):
                yield split, position % self.classes

    def image(self, row: int, label: int) -> Image:
        """Draw one image; its row and class decide every pixel."""
        dice = Dice(f"phantoms/{PHANTOM_VERSION}|{self.dataset}|{row}")
        draw = self.draw
        if isinstance(draw, str):
            draw = resolve_name(f"medimeta_c.sources.phantoms.{draw}")
        drawn: Image = draw(dice, label)
        return drawn

    def info(self) -> dict[str, Any]:
        """Return the contents of info.yaml."""
        splits = {split: count * self.classes for split, count in self.per_class.items()}
        return {
            "id": self.dataset,
            "name": f"{self.title} phantoms (synthetic, not medical images)",
            "summary": f"Synthetic stand-ins drawn by a computer program: {self.shows}. They contain no "
            "medical data and say nothing about performance on medical images; they are for trying out "
            "software.",
            "domain": self.domain,
            "tasks": [
                {
                    "task_name": task.name,
                    "task_target": task.target,
                    "labels": dict(enumerate(task.class_names)),
                }
                for task in self.tasks
            ],
            "input_size": [self.channels, SIDE, SIDE],
            "total_num_samples": sum(splits.values()),
            "splits_num_samples": splits,
            # As in MedIMeta where a publisher gives no validation images: they are part of "train".
            "original_splits_num_samples": {
                "train": splits["train"] + splits["val"],
                "val": 0,
                "test": splits["test"],
            },
            "domain_overlaps": [],
            "subject_overlaps": [],
            "license": LICENSE,
            "DOI": "",
            "download_url": "",
            "original_data": [
                {
                    "name": f"phantoms {PHANTOM_VERSION}",
                    "title": f"{self.title} phantoms (synthetic), version {PHANTOM_VERSION}",
                    "url": "",
                    "license": LICENSE,
                    "authors": "The MediMeta-C authors",
                }
            ],
        }


def classification(name: str, *class_names: str) -> PhantomTask:
    """Return the task whose labels are the classes drawn, in MedIMeta's label order."""
    target = "BINARY_CLASSIFICATION" if len(class_names) == 2 else "MULTICLASS_CLASSIFICATION"
    return PhantomTask(
        name=name, target=target, class_names=class_names, label_of=tuple(range(len(class_names)))
    )
