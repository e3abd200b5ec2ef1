"""Write phantoms as a MedIMeta folder, atomically and only once, also with several processes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import h5py
import numpy as np
import yaml
from filelock import FileLock, Timeout
from PIL import Image as Pillow

from medimeta_c.errors import Remedy, SourceError
from medimeta_c.sources.phantoms.drawing import SIDE
from medimeta_c.sources.phantoms.record import PhantomPlan

__all__ = ["ensure_phantoms", "is_complete", "write_folder"]

_LOCK_TIMEOUT_S = 300.0

_LICENSE_TEXT = """\
These images were drawn by a computer program. They are not medical images.

To the extent possible under law, the MediMeta-C authors have waived all copyright and related or
neighbouring rights to them, under CC0 1.0 Universal:
https://creativecommons.org/publicdomain/zero/1.0/
"""


def ensure_phantoms(plan: PhantomPlan, parent: Path) -> Path:
    """Return the folder ``<parent>/<dataset>``, written first if it is missing or not complete.

    It is written beside its place and renamed, under a lock, so nobody ever sees half a folder.

    Parameters
    ----------
    plan : PhantomPlan
        What to draw.
    parent : pathlib.Path
        Made if it does not exist.

    Raises
    ------
    SourceError
        If nothing can be written there, or another process holds the lock for five minutes.
    """
    folder = parent / plan.dataset
    if is_complete(plan, folder):
        return folder
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / f".{plan.dataset}.lock", timeout=_LOCK_TIMEOUT_S):
            if not is_complete(plan, folder):
                _replace(plan, folder)
    except Timeout as error:
        raise SourceError(
            f"another process has been writing {folder} for five minutes: stop it, then try again"
        ) from error
    except OSError as error:
        raise SourceError(
            f"cannot write the phantoms of {plan.dataset!r} to {folder} ({error.strerror or error})",
            remedy=Remedy("choose a folder that can be written, with {data_dir} or MEDIMETA_DATA"),
        ) from error
    return folder


def _replace(plan: PhantomPlan, folder: Path) -> None:
    """Write the folder under another name and swap it in. The caller holds the lock."""
    fresh, stale = folder.with_name(f".{plan.dataset}.new"), folder.with_name(f".{plan.dataset}.old")
    for left_over in (fresh, stale):  # of a process that was killed
        if left_over.exists():
            shutil.rmtree(left_over)
    try:
        write_folder(plan, fresh)
        if folder.exists():
            folder.rename(stale)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(stale, ignore_errors=True)


def is_complete(plan: PhantomPlan, folder: Path) -> bool:
    """Return whether the folder describes this plan and has every file, none of them cut short."""
    try:
        if (folder / "info.yaml").read_text(encoding="utf-8") != _info_text(plan):
            return False
        pixels = SIDE * SIDE * plan.channels
        rows = list(plan.rows())
        least = {"images.hdf5": pixels * len(rows), "annotations.csv": 1, "LICENSE": 1}
        least |= {_tiff(row): pixels for row in range(len(rows))}
        least |= {f"task_labels/{task.name}.npy": 8 * len(rows) for task in plan.tasks}
        least |= dict.fromkeys(_lists(plan), 1)
        return all((folder / name).stat().st_size >= size for name, size in least.items())
    except (OSError, UnicodeDecodeError):
        return False


def write_folder(plan: PhantomPlan, folder: Path) -> None:
    """Draw every image of a plan and write it as a MedIMeta folder.

    Parameters
    ----------
    plan : PhantomPlan
        What to draw.
    folder : pathlib.Path
        Must not exist.

    Notes
    -----
    Two runs with the same libraries write the same bytes. The TIFF and HDF5 containers may differ with
    another version of Pillow or HDF5; the pixels do not.
    """
    (folder / "images").mkdir(parents=True)
    images = np.stack([plan.image(row, label) for row, (_, label) in enumerate(plan.rows())])
    with h5py.File(folder / "images.hdf5", "w") as file:
        file.create_dataset("images", data=images, track_times=False)
    for row, image in enumerate(images):
        Pillow.fromarray(image).save(folder / _tiff(row), format="TIFF", compression=None)

    classes = np.array([label for _, label in plan.rows()])
    (folder / "task_labels").mkdir()
    for task in plan.tasks:
        np.save(folder / "task_labels" / f"{task.name}.npy", np.array(task.label_of, dtype=np.int64)[classes])
    for name, rows in _lists(plan).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{_tiff(row)}\n" for row in rows), encoding="utf-8", newline="\n")
    _write_annotations(plan, folder / "annotations.csv")
    (folder / "LICENSE").write_text(_LICENSE_TEXT, encoding="utf-8", newline="\n")
    (folder / "info.yaml").write_text(_info_text(plan), encoding="utf-8", newline="\n")


def _tiff(row: int) -> str:
    return f"images/{row:06d}.tiff"


def _info_text(plan: PhantomPlan) -> str:
    return yaml.safe_dump(plan.info(), sort_keys=False, allow_unicode=True, width=100)


def _lists(plan: PhantomPlan) -> dict[str, list[int]]:
    """Return the rows that each file of ``splits/`` and ``original_splits/`` lists; an empty one is none."""
    lists: dict[str, list[int]] = {}
    for row, (split, _) in enumerate(plan.rows()):
        for name in (f"splits/{split}.txt", f"original_splits/{_original(split)}.txt"):
            lists.setdefault(name, []).append(row)
    return lists


def _original(split: str) -> str:
    return "train" if split == "val" else split


def _write_annotations(plan: PhantomPlan, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        names = [f"tasks/{task.name}" for task in plan.tasks]
        table.writerow(["filepath", "split", *names, "original_filepath", "original_split", "class drawn"])
        for row, (split, label) in enumerate(plan.rows()):
            drawn = plan.tasks[0].class_names[label]
            labels = [task.label_of[label] for task in plan.tasks]
            origin = f"phantoms/{plan.dataset}/{drawn}/{row:06d}"
            table.writerow([_tiff(row), split, *labels, origin, _original(split), drawn])
