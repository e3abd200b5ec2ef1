"""Render a set: each clean image corrupted, encoded, digested and measured, and the set written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medimeta_c import pixels
from medimeta_c.errors import SourceError
from medimeta_c.manifest import Protocol, RowDigest, SetRecord, SpectrumRecord
from medimeta_c.records import CLEAN, Image, SetKey, Source
from medimeta_c.seeding import generator
from medimeta_c.shards import MAX_SHARD_BYTES, Row, ShardWriter
from medimeta_c.spectrum import SpectrumMean, spectrum
from medimeta_corruptions import corrupt

__all__ = ["RenderTask", "render", "render_set"]


def render(source: Source, key: SetKey, image_id: str, protocol: Protocol) -> Image:
    """Return the pixels of one image of one set.

    Parameters
    ----------
    source : Source
        Where the clean image comes from.
    key : SetKey
        The set; decides corruption and severity.
    image_id : str
        The image.
    protocol : Protocol
        Seed and channel treatment.

    Returns
    -------
    ndarray of shape (H, W) or (H, W, 3)
        uint8, a function of the arguments alone.
    """
    image = source.image(key.split, image_id)
    if protocol.channels == "rgb" and image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if key.corruption == CLEAN:
        return image
    return corrupt(image, key.corruption, key.severity, generator(protocol.seed, key, image_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTask:
    """All a worker needs to render and write one set."""

    root: Path
    source: Source
    key: SetKey
    protocol: Protocol
    max_shard_bytes: int = MAX_SHARD_BYTES


def render_set(task: RenderTask, on_image: Callable[[], None] | None = None) -> SetRecord:
    """Render one set and write its shards, atomically.

    Never holds more than one row group of encoded images.

    Parameters
    ----------
    task : RenderTask
        What to render and where to.
    on_image : callable, optional
        Called after each image, in the same process.

    Returns
    -------
    SetRecord
        What was written.

    Raises
    ------
    SourceError
        If an image cannot be read, or the split is empty.
    BuildError
        If a shard cannot be written.
    """
    key, source = task.key, task.source
    ids = source.ids(key.split)
    if not ids:
        raise SourceError(f"dataset {key.dataset!r} has no images in its {key.split!r} split")
    rows_digest, mean = RowDigest(), SpectrumMean()
    with ShardWriter(task.root, key, source.info.class_names, max_bytes=task.max_shard_bytes) as writer:
        for image_id in ids:
            row = _row(task, image_id)
            writer.add(row)
            rows_digest.add(row.image_id, row.label, row.pixels_sha256)
            mean.add(row.spectrum)
            if on_image is not None:
                on_image()
        shards = writer.finish()
    return SetRecord(
        dataset=key.dataset,
        split=key.split,
        corruption=key.corruption,
        severity=key.severity,
        rows=len(ids),
        rows_sha256=rows_digest.hexdigest(),
        shards=shards,
        spectrum=SpectrumRecord(**mean.record()),
    )


def _row(task: RenderTask, image_id: str) -> Row:
    image = render(task.source, task.key, image_id, task.protocol)
    return Row(
        image_id=image_id,
        label=task.source.label(task.key.split, image_id),
        data=pixels.encode(image),
        pixels_sha256=pixels.digest(image),
        spectrum=spectrum(image),
    )
