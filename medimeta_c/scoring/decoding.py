"""Read and decode a benchmark's images ahead of the model, in workers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import Image, SetKey
from medimeta_c.format.shards import read_row_group, row_group_rows
from medimeta_c.format.views.rendered import RenderedBenchmark, Rendering
from medimeta_c.io.stores.stored import Place
from medimeta_c.scoring.feeding.pools import ahead

__all__ = ["Chunk", "Decoded", "Prepare", "chunks_of", "decode", "decode_all"]

_COLUMNS = ("image", "label", "image_id")

_SIZE_END = 24
"""Width and height, big-endian words, end at this byte of a PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One row group of a shard: what a worker reads and decodes at a time.

    Of a set that is rendered, it is of the clean set's shard, and has what renders it.
    """

    key: SetKey
    path: Place
    row_group: int
    rendering: Rendering | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """The images of one chunk.

    Parameters
    ----------
    key : SetKey
        The set.
    image_ids : tuple of str
        N ids, in row order.
    labels : ndarray of int64, shape (N,)
        Indices into the class names.
    pixels_sha256 : tuple of str
        Digests of the decoded pixels, computed from the pixels.
    images : ndarray
        Raw pixels, uint8 (N, H, W) or (N, H, W, 3), or prepared ones, float32 (N, 3, H, W), or objects (N,),
        each the raw pixels of one image.
    is_rendered : bool
        Whether they were rendered from clean ones here.
    """

    key: SetKey
    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]
    pixels_sha256: tuple[str, ...]
    images: NDArray[Any]
    is_rendered: bool = False

    def __len__(self) -> int:
        return len(self.image_ids)


Preparing: TypeAlias = Callable[[Iterable[Image]], NDArray[Any]]
"""The images of a chunk to one array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """How decoded images become what a model takes. Travels to the workers.

    Parameters
    ----------
    transform : callable
        The model's own: a PIL image to a float32 tensor (3, H, W).
    is_raw : callable
        Takes a height and a width; whether images of that size stay uint8, to be normalised on the device.
    """

    transform: Callable[[Any], Any]
    is_raw: Callable[[int, int], bool]

    def __call__(self, images: Iterable[Image]) -> NDArray[Any]:
        """Return the images of a chunk as one array; each is let go before the next, unless it stays raw."""
        raw: list[Image] = []
        prepared: list[NDArray[Any]] = []
        for image in images:
            if not prepared and self.is_raw(*image.shape[:2]) and (not raw or raw[0].shape == image.shape):
                raw.append(image)
                continue
            # One image that cannot stay raw is enough: a chunk is of one kind.
            prepared += [self._transformed(one) for one in raw]
            raw.clear()
            prepared.append(self._transformed(image))
        return np.stack(raw or prepared)

    def _transformed(self, image: Image) -> NDArray[Any]:
        from PIL import Image as Pillow  # noqa: PLC0415  (the fast path does without)

        # Copied: what a transform cuts out may be a view that keeps the whole picture.
        copy: NDArray[Any] = np.asarray(self.transform(Pillow.fromarray(image))).copy()
        return copy


def chunks_of(benchmark: Benchmark, keys: Iterable[SetKey], *, limit: int | None = None) -> Iterator[Chunk]:
    """Yield the chunks of sets, in order; shards of a remote benchmark are fetched as they come up.

    With `limit`, only those that hold some of the first so many rows of each set.
    """
    for key in keys:
        rendering = benchmark.rendering(key) if isinstance(benchmark, RenderedBenchmark) else None
        before = 0
        for path in benchmark.shard_paths(key):
            if limit is not None and before >= limit:
                break
            for index, rows in enumerate(row_group_rows(path)):
                if limit is None or before < limit:
                    yield Chunk(key=key, path=path, row_group=index, rendering=rendering)
                before += rows


def decode(chunk: Chunk, prepare: Preparing) -> Decoded:
    """Read, decode, digest and prepare the images of one chunk, one after the other.

    Two pictures at most are in memory decoded, however large; of the others there is what the model takes.

    Raises
    ------
    ShardError
        If the shard is damaged.
    """
    table = read_row_group(chunk.path, chunk.row_group, _COLUMNS)
    digests: list[str] = []
    image_ids = tuple(table["image_id"].to_pylist())
    column = zip(image_ids, table["image"].combine_chunks().field("bytes"), strict=True)
    images = prepare(_digested(column, chunk.rendering, digests))
    return Decoded(
        key=chunk.key,
        image_ids=image_ids,
        labels=table["label"].to_numpy().astype(np.int64, copy=False),
        pixels_sha256=tuple(digests),
        images=images,
        is_rendered=chunk.rendering is not None,
    )


def _digested(
    column: Iterable[tuple[str, Any]], rendering: Rendering | None, digests: list[str]
) -> Iterator[Image]:
    """Yield the images of a column, their digests added to a list as they come up."""
    for image_id, stored in column:
        data = stored.as_py() or b""
        # No name here keeps an image any longer.
        yield _noted(png.decode(data) if rendering is None else rendering.image(image_id, data), digests)


def _noted(image: Image, digests: list[str]) -> Image:
    digests.append(png.digest(image))
    return image


def decode_all(chunks: Iterable[Chunk], prepare: Preparing, *, workers: int) -> Generator[Decoded]:
    """Yield the chunks decoded, in order, a bounded number ahead of the reader.

    Parameters
    ----------
    chunks : iterable of Chunk
        In the order wanted.
    prepare : Prepare, or another callable
        What happens to the pixels.
    workers : int
        Threads; or processes, for chunks that the model's own transform prepares. 0 decodes in this thread.

    Raises
    ------
    ShardError
        If a shard is damaged.
    MediMetaError
        If a worker died.
    """
    transformed: dict[str, bool] = {}

    def tasks() -> Iterator[tuple[Callable[[], Decoded], bool]]:
        for chunk in chunks:
            name = chunk.key.dataset
            if workers and name not in transformed:
                transformed[name] = _is_transformed(chunk, prepare)
            yield partial(decode, chunk, prepare), transformed.get(name, False)

    yield from ahead(tasks(), workers=workers)


def _is_transformed(chunk: Chunk, prepare: Preparing) -> bool:
    """Return whether the first image of a chunk goes through the model's own transform.

    That holds the interpreter's lock, so threads would wait for each other. A wrong guess costs time alone.
    """
    if not isinstance(prepare, Prepare):
        return False
    images = read_row_group(chunk.path, chunk.row_group, ("image",))["image"].combine_chunks()
    first = images.field("bytes")[0].as_py() if len(images) else None
    if first is None or len(first) < _SIZE_END:
        return False  # whoever decodes it says what is wrong
    width, height = struct.unpack_from(">II", first, _SIZE_END - 8)
    return not prepare.is_raw(height, width)
