"""Render a set: corrupt, encode, digest and measure each clean image, and write the set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building import engines
from medimeta_c.errors import SourceError
from medimeta_c.format import png
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.format.manifest.digests import RowDigest
from medimeta_c.format.manifest.records import Protocol, SetRecord, SpectrumRecord
from medimeta_c.format.seeding import GROWING, corrupted
from medimeta_c.format.shards import MAX_SHARD_BYTES, Row, ShardWriter
from medimeta_c.format.spectrum import SpectrumMean, spectrum
from medimeta_c.sources.contract import Source
from medimeta_c.sources.pictures import Refusal, converted
from medimeta_corruptions import Corruption

__all__ = ["RenderTask", "render", "render_set", "write_rows", "write_set"]


def render(
    source: Source, key: SetKey, image_id: str, protocol: Protocol, corruption: Corruption | None
) -> Image:
    """Return the pixels of one image of one set.

    Parameters
    ----------
    source : Source
        Where the clean image comes from.
    key : SetKey
        The set.
    image_id : str
        The image.
    protocol : Protocol
        Seed and channel treatment.
    corruption : Corruption or None
        The set's; None for a clean one.

    Returns
    -------
    ndarray of shape (H, W) or (H, W, 3)
        uint8, a function of the arguments alone.

    Raises
    ------
    SourceError
        If the image cannot be read, shows colours where grey is asked for, or cannot have the corruption.
    """
    try:
        image = converted(source.image(key.split, image_id), protocol.channels)
    except Refusal as error:
        raise SourceError(f"image {image_id!r} of {key.dataset} {error}") from error
    if corruption is None:
        return image
    try:
        return corrupted(image, key, image_id, protocol, corruption)
    except ValueError as error:  # a fault that cannot occur in such an image
        raise SourceError(f"image {image_id!r} of {key.dataset}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTask:
    """All a worker needs to render and write one set, or some rows of it; no corruption for a clean one."""

    root: Path
    source: Source
    key: SetKey
    corruption: Corruption | None
    protocol: Protocol
    encoder: str = png.OPENCV
    rows: range | None = None
    max_shard_bytes: int = MAX_SHARD_BYTES


def render_set(task: RenderTask, on_image: Callable[[], None] | None = None) -> SetRecord:
    """Render one set and write its shards, atomically.

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
    WriteError
        If a shard cannot be written.
    """
    key, source = task.key, task.source
    ids = source.ids(key.split)
    if not ids:
        raise SourceError(f"dataset {key.dataset!r} has no images in its {key.split!r} split")
    if task.rows is not None:
        ids = ids[task.rows.start : task.rows.stop]
    images = (
        (
            image_id,
            source.label(key.split, image_id),
            render(source, key, image_id, task.protocol, task.corruption),
        )
        for image_id in ids
    )
    names, padded = source.info.class_names, _Padded(images)
    record = write_set(
        task.root,
        key,
        names,
        padded,
        encoder=task.encoder,
        max_shard_bytes=task.max_shard_bytes,
        on_image=on_image,
    )
    # Only where corruptions leave padding alone does it matter how many images have some.
    told = key.corruption == CLEAN and task.protocol.seed_scheme == GROWING
    return record.model_copy(update={"padded": padded.count}) if told else record


class _Padded:
    """Yields images and counts those with rows or columns of zeros at a border."""

    def __init__(self, images: Iterable[tuple[str, int, Image]]) -> None:
        self._images, self.count = images, 0

    def __iter__(self) -> Iterator[tuple[str, int, Image]]:
        for one in self._images:
            image = one[2]
            edges = (image[0], image[-1], image[:, 0], image[:, -1])
            self.count += int(image.any() and not all(edge.any() for edge in edges))
            yield one


def write_set(  # noqa: PLR0913  (each of them is one thing a set needs)
    root: Path,
    key: SetKey,
    class_names: Sequence[str],
    images: Iterable[tuple[str, int, Image]],
    *,
    encoder: str = png.OPENCV,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    on_image: Callable[[], None] | None = None,
) -> SetRecord:
    """Encode, digest and measure a set's images and write its shards, as `write_rows` does.

    Parameters
    ----------
    root : Path
        The benchmark's root.
    key : SetKey
        The set.
    class_names : sequence of str
        In label order.
    images : iterable of (str, int, ndarray)
        Image id, label and pixels, in image-id order.
    encoder : str, optional
        See `medimeta_c.format.png`.
    max_shard_bytes : int, optional
        A shard is closed when its images reach this size.
    on_image : callable, optional
        Called after each image.

    Raises
    ------
    WriteError
        If a shard cannot be written.
    """
    rows = (_row(image_id, label, image, encoder) for image_id, label, image in images)
    return write_rows(root, key, class_names, rows, max_shard_bytes=max_shard_bytes, on_image=on_image)


def write_rows(  # noqa: PLR0913  (each of them is one thing a set needs)
    root: Path,
    key: SetKey,
    class_names: Sequence[str],
    rows: Iterable[Row],
    *,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    on_image: Callable[[], None] | None = None,
) -> SetRecord:
    """Write a set's shards from encoded and measured images, atomically.

    Never holds more than one row group of them.

    Parameters
    ----------
    root, key, class_names, max_shard_bytes, on_image
        As `write_set` takes them.
    rows : iterable of Row
        In image-id order.

    Raises
    ------
    WriteError
        If a shard cannot be written.
    """
    count, rows_digest, mean = 0, RowDigest(), SpectrumMean()
    with ShardWriter(root, key, class_names, max_bytes=max_shard_bytes) as writer:
        for row in rows:
            engines.pause()
            writer.add(row)
            rows_digest.add(row.image_id, row.label, row.pixels_sha256)
            mean.add(row.spectrum)
            count += 1
            if on_image is not None:
                on_image()
        shards = writer.finish()
    return SetRecord(
        dataset=key.dataset,
        split=key.split,
        corruption=key.corruption,
        severity=key.severity,
        rows=count,
        rows_sha256=rows_digest.hexdigest(),
        shards=shards,
        spectrum=SpectrumRecord(**mean.record()),
    )


def _row(image_id: str, label: int, image: Image, encoder: str) -> Row:
    return Row(
        image_id=image_id,
        label=label,
        data=png.encode(image, encoder),
        pixels_sha256=png.digest(image),
        spectrum=spectrum(image),
    )
