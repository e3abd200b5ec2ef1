"""Find the images that corruption changed most: right when clean, confidently wrong when corrupted."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions

__all__ = ["Change", "most_changed", "stored_images", "thumbnails"]

_SIDE_PX = 168


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An image that is right when clean and wrong under a corruption.

    Parameters
    ----------
    clean, corrupted : SetKey
        The two renderings.
    image_id : str
        The image.
    label, prediction : int
        Its class, and what it is taken for when corrupted.
    before, after : float
        Probability of its class when clean and when corrupted.
    """

    clean: SetKey
    corrupted: SetKey
    image_id: str
    label: int
    prediction: int
    before: float
    after: float


def most_changed(saved: SavedResult, dataset: str, count: int = 4) -> tuple[Change, ...]:
    """Return the images of a dataset whose true class lost the most probability.

    Each image and each corruption is shown once, so that a report does not show one failure many times.
    """
    own = {key: cell for key, cell in saved.predictions.items() if key.dataset == dataset}
    clean = next((cell for key, cell in own.items() if key.corruption == CLEAN), None)
    if clean is None:
        return ()
    # The worst few of a cell are enough: each image is taken at most once.
    found = [
        change
        for key, cell in own.items()
        if key.corruption != CLEAN
        for change in _changes(clean, cell, count)
    ]
    found.sort(key=lambda change: (change.after - change.before, change.corrupted, change.image_id))
    chosen: list[Change] = []
    for change in found:
        taken = any(
            one.image_id == change.image_id or one.corrupted.corruption == change.corrupted.corruption
            for one in chosen
        )
        if not taken and len(chosen) < count:
            chosen.append(change)
    return tuple(chosen)


def thumbnails(benchmark: Benchmark, wanted: Iterable[tuple[SetKey, str]]) -> dict[tuple[SetKey, str], str]:
    """Return images as JPEG data URIs, at most 168 pixels a side.

    Parameters
    ----------
    benchmark : Benchmark
        Where they are.
    wanted : iterable of (SetKey, str)
        Sets and image ids.

    Raises
    ------
    ConfigError
        If the benchmark has no such set or image.
    ShardError
        If a shard is missing or damaged.
    """
    by_set: dict[SetKey, set[str]] = {}
    for key, image_id in wanted:
        by_set.setdefault(key, set()).add(image_id)
    found: dict[tuple[SetKey, str], str] = {}
    for key, ids in by_set.items():
        for image_id, data in stored_images(benchmark, key, ids).items():
            found[key, image_id] = _data_uri(benchmark.decoded(key, image_id, data))
        lost = {image_id for image_id in ids if (key, image_id) not in found}
        if lost:
            raise ConfigError(
                f"{benchmark.name} has no image {min(lost)!r} in {key}: give the benchmark scored"
            )
    return found


def _changes(clean: CellPredictions, cell: CellPredictions, count: int) -> list[Change]:
    """Return the `count` largest changes of one cell."""
    place = {image_id: index for index, image_id in enumerate(clean.image_ids)}
    rows = np.array([place[image_id] for image_id in cell.image_ids])
    everyone = np.arange(len(cell))
    if clean.probabilities is None or cell.probabilities is None:
        return []
    before = clean.probabilities[rows, cell.labels]
    after = cell.probabilities[everyone, cell.labels]
    eligible = np.flatnonzero(clean.correct[rows] & ~cell.correct & cell.finite)
    order = eligible[np.argsort((after - before)[eligible], kind="stable")]
    # More than wanted: the largest of one cell may be the same image as that of another.
    return [
        Change(
            clean=clean.key,
            corrupted=cell.key,
            image_id=cell.image_ids[index],
            label=int(cell.labels[index]),
            prediction=int(cell.predictions[index]),
            before=float(before[index]),
            after=float(after[index]),
        )
        for index in order[: 4 * count].tolist()
    ]


def stored_images(benchmark: Benchmark, key: SetKey, ids: set[str]) -> Mapping[str, bytes]:
    """Return the stored bytes of some images of a set, reading no further than the last of them.

    Their pixels are those that `Benchmark.decoded` makes of them.
    """
    found: dict[str, bytes] = {}
    for table in benchmark.tables(key, ("image", "image_id")):
        names = table["image_id"].to_pylist()
        for index in (index for index, name in enumerate(names) if name in ids):
            found[names[index]] = table["image"][index].as_py()["bytes"]
        if len(found) == len(ids):
            break
    return found


def _data_uri(pixels: Image) -> str:
    image = PillowImage.fromarray(pixels)
    if max(image.size) > _SIDE_PX:
        image.thumbnail((_SIDE_PX, _SIDE_PX), PillowImage.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # Small beside PNG, which stores every grain of noise; at this size no difference can be seen.
    image.save(buffer, "JPEG", quality=88, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
