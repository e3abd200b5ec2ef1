"""Read and decode a benchmark's images ahead of the model, in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.typing import NDArray

from medimeta_c.errors import Remedy, WorkerError
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import Image, SetKey
from medimeta_c.format.shards import read_row_group, row_group_rows
from medimeta_c.io.stores.stored import Place

__all__ = ["Chunk", "Decoded", "Prepare", "chunks_of", "decode", "decode_all"]

_COLUMNS = ("image", "label", "image_id")
_AHEAD = 3  # chunks in work for each worker: enough to hide a slow one, few enough to stay small


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One row group of a shard: what a worker reads and decodes at a time."""

    key: SetKey
    path: Place
    row_group: int


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
    """

    key: SetKey
    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]
    pixels_sha256: tuple[str, ...]
    images: NDArray[Any]

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
        before = 0
        for path in benchmark.shard_paths(key):
            if limit is not None and before >= limit:
                break
            for index, rows in enumerate(row_group_rows(path)):
                if limit is None or before < limit:
                    yield Chunk(key=key, path=path, row_group=index)
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
    images = prepare(_digested(table["image"].combine_chunks().field("bytes"), digests))
    return Decoded(
        key=chunk.key,
        image_ids=tuple(table["image_id"].to_pylist()),
        labels=table["label"].to_numpy().astype(np.int64, copy=False),
        pixels_sha256=tuple(digests),
        images=images,
    )


def _digested(column: Iterable[Any], digests: list[str]) -> Iterator[Image]:
    """Yield the images of a column, their digests added to a list as they come up."""
    for data in column:
        yield _noted(png.decode(data.as_py() or b""), digests)  # no name here keeps it any longer


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
        Processes; 0 decodes in this one.

    Raises
    ------
    ShardError
        If a shard is damaged.
    MediMetaError
        If a worker died.
    """
    if workers == 0:
        for chunk in chunks:
            yield decode(chunk, prepare)
        return
    # Its own pool: the one loky shares within a process is joblib's, which the build's engine uses.
    executor = ProcessPoolExecutor(max_workers=workers, timeout=60)  # idle workers of a killed run end
    waiting: deque[Any] = deque()
    try:
        for chunk in chunks:
            waiting.append(executor.submit(decode, chunk, prepare))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except TerminatedWorkerError as error:
        raise WorkerError(
            "a decoding process died, most likely for lack of memory",
            remedy=Remedy("run the same again with fewer {workers}; finished cells are kept"),
        ) from error
    finally:
        executor.shutdown(wait=True, kill_workers=True)
