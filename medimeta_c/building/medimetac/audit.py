"""Audit one published file: do its rows match the clean file, and is it the corruption that it names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from medimeta_c.building import engines
from medimeta_c.building.medimetac.files import IMAGES
from medimeta_c.building.medimetac.records import FileAudit, Moments
from medimeta_c.format.keys import Image, SetKey
from medimeta_c.sources.npz import npz_rows
from medimeta_corruptions import CORRUPTIONS, Corruption

__all__ = ["AuditTask", "audit_file"]

_SIDE = 16  # of the thumbnails that are compared
_COMPARED = 256  # rows compared with all clean ones
_RIVALS = 20  # one clean row in so many may be liker by chance: the strongest corruptions leave little
_MEASURED = 16  # rows corrupted again
_TURNED = 4  # of these, rows whose blur's direction is searched
_STEPS = (1.0, 0.02, 0.002)  # degrees; a step of the second now and then jumps over a path of the blur
_LIMIT = 45.0

Pair = tuple[Image, Image]
Thumbnails = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTask:
    """All a worker needs to audit one corrupted file."""

    key: SetKey
    clean: Path
    file: Path
    rows: int
    labels_follow: bool


def audit_file(task: AuditTask) -> tuple[SetKey, FileAudit, bool]:
    """Audit a file, reading it and its clean file once, side by side.

    Returns
    -------
    tuple of (SetKey, FileAudit, bool)
        The set, what was found, and whether every clean image is grey.

    Raises
    ------
    SourceError
        If one of the files is damaged.
    """
    sample, grey = set(_spread(task.rows, _MEASURED)), True
    thumbnails: tuple[list[Thumbnails], list[Thumbnails]] = ([], [])
    pairs: list[Pair] = []
    both = zip(npz_rows(task.clean, IMAGES), npz_rows(task.file, IMAGES), strict=True)
    for row, pair in enumerate(both):
        engines.pause()
        grey = grey and bool((pair[0] == pair[0][..., :1]).all())
        for held, image in zip(thumbnails, pair, strict=True):
            held.append(_thumbnail(image))
        if row in sample:
            pairs.append(pair)
    key = task.key
    found = FileAudit(
        split=key.split,
        corruption=key.corruption,
        severity=key.severity,
        labels_follow=task.labels_follow,
        images_follow=_share_following(*map(np.stack, thumbnails)),
    )
    measured = found.model_copy(update=_measures(CORRUPTIONS[key.corruption], key.severity, pairs))
    return key, measured if measured.aligned else found, grey


def _spread(count: int, wanted: int) -> list[int]:
    """Return row numbers at equal distances."""
    return sorted({index * count // wanted for index in range(wanted)})


def _thumbnail(image: Image) -> Thumbnails:
    """Return an image's structure, whatever its brightness and contrast."""
    grey = Pillow.fromarray(image.mean(axis=2, dtype=np.float32))  # not rounded: low contrast is little else
    small = np.asarray(grey.resize((_SIDE, _SIDE), Pillow.Resampling.BOX), dtype=np.float32)
    return _unit(small.reshape(1, -1), axis=1).ravel()


def _unit(values: Thumbnails, axis: int) -> Thumbnails:
    """Return rows of norm 1, after taking out their own mean (axis 1) or what all have in common (axis 0)."""
    centred = values - values.mean(axis=axis, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(norms, 1e-6), dtype=np.float32)


def _share_following(clean: Thumbnails, corrupted: Thumbnails) -> float:
    """Return the share of rows that correlate with their own clean row more than with 19 in 20 others."""
    rows = np.array(_spread(len(clean), min(len(clean), _COMPARED)))
    alike = _unit(corrupted, axis=0)[rows] @ _unit(clean, axis=0).T
    own = alike[np.arange(len(rows)), rows]
    better = np.count_nonzero(alike > own[:, None] + 1e-4, axis=1)  # one that is as good is a duplicate
    return float(np.mean(better <= len(clean) // _RIVALS))


def _measures(corruption: Corruption, severity: int, pairs: Sequence[Pair]) -> dict[str, object]:
    """Return what a file's images say of its corruption: the fields of a `FileAudit`."""
    if corruption.name == "motion_blur":
        parameter = corruption.parameters[severity - 1]
        turned = [_turned(corruption, parameter, clean, file) for clean, file in pairs[:_TURNED]]
        return {
            "equal": float(np.mean([share for _, share in turned])),
            "angles": tuple(angle for angle, _ in turned),
        }
    clean, files = (np.stack(each) for each in zip(*pairs, strict=True))
    draw = np.random.Generator(np.random.Philox(key=severity))
    ours = np.stack([corruption(image, severity, draw) for image in clean])
    if not corruption.stochastic:
        return {"equal": float(np.mean(ours == files))}
    return {"measured": _moments(clean, files), "defined": _moments(clean, ours)}


def _moments(clean: Image, corrupted: Image) -> Moments:
    added = (corrupted.astype(np.float32) - clean).reshape(-1, 3)
    correlation = None
    if (added.std(axis=0) > 0).all():
        table = np.corrcoef(added, rowvar=False)
        correlation = round(float(table[np.triu_indices(3, 1)].mean()), 4)
    return Moments(
        mean=round(float(added.mean(dtype=np.float64)), 4),
        deviation=round(float(added.std(dtype=np.float64)), 4),
        channel_correlation=correlation,
    )


class _Angle:
    """Stands in for a generator: motion blur draws one number, its direction."""

    def __init__(self, degrees: float) -> None:
        self._degrees = degrees

    def uniform(self, low: float, high: float) -> float:
        """Return the direction."""
        return min(max(self._degrees, low), high)


def _turned(corruption: Corruption, parameter: object, clean: Image, file: Image) -> tuple[float, float]:
    """Return the direction that fits an image's motion blur best, and the share of equal values at it."""

    def blurred(degrees: float) -> Image:
        return corruption.function(clean, parameter, _Angle(degrees))

    def misfit(degrees: float) -> float:
        return float(np.abs(blurred(degrees).astype(np.int16) - file).mean())

    best, reach = 0.0, _LIMIT
    for step in _STEPS:
        steps = math.ceil(reach / step)
        best = min((best + index * step for index in range(-steps, steps + 1)), key=misfit)
        reach = 1.5 * step
    return round(best, 3), float(np.mean(blurred(best) == file))
