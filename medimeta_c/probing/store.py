"""Features of clean and corrupted sets: made once, kept on disk, and used only for what they are of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from medimeta_c.errors import ModelError, Remedy, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.probing.clean import CleanData, clean_key
from medimeta_c.probing.featurefile import FeatureSet, Origin, read_feature_set, write_feature_set
from medimeta_c.scoring.inference import Embedder

__all__ = ["FeatureStore"]

_logger = logging.getLogger(__name__)


class FeatureStore:
    """One encoder's features of one benchmark, and of the clean images that it was built from.

    A file that is damaged, or of another encoder or other images, is made again with a warning.

    Parameters
    ----------
    folder : Path
        Of the files.
    embedder : Embedder
        What makes them.
    encoder : str
        Digest of all that its output depends on.
    benchmark : Benchmark
        The shards.
    """

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        encoder: str,
        benchmark: Benchmark,
    ) -> None:
        self._folder, self._embedder, self._encoder = folder, embedder, encoder
        self._benchmark = benchmark

    @property
    def batch_size(self) -> int:
        """Images a batch, at the time of asking."""
        return self._embedder.batch_size

    def of_set(self, key: SetKey, on_images: Callable[[int], None] = lambda count: None) -> FeatureSet:
        """Return the features of a set of the benchmark.

        Calls `on_images` with the number of images of each batch embedded.

        Raises
        ------
        ShardError
            If the set is damaged or not what the manifest says.
        ModelError
            If the encoder cannot embed it.
        """
        images = self._benchmark.record(key).rows_sha256
        return self._held(key, images, lambda: self._embed_set(key, on_images))

    def of_clean(
        self, data: CleanData, split: str, on_images: Callable[[int], None] = lambda count: None
    ) -> FeatureSet:
        """Return the features of clean images to learn from; `on_images` as `of_set` has it.

        Raises
        ------
        ModelError
            If a feature is NaN or infinite: nothing can be learned from it.
        SourceError, ShardError
            If an image cannot be read.
        """
        key = clean_key(data.dataset, split)
        if data.is_built(split):
            found = self.of_set(key, on_images)
        else:
            found = self._held(key, data.digest(split), lambda: self._embed_source(data, split, on_images))
        finite = np.isfinite(found.vectors).all(axis=1)
        if not finite.all():
            first = found.image_ids[int(np.argmin(finite))]
            raise ModelError(
                f"the image encoder gives NaN or infinity for {int((~finite).sum())} of {len(found)} {split} "
                f"images of {data.dataset} (first {first!r})",
                remedy=[Remedy("check the weights"), Remedy("use {precision}", precision="fp32")],
            )
        return found

    def _held(self, key: SetKey, images: str, make: Callable[[], FeatureSet]) -> FeatureSet:
        path = self._folder / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}.parquet"
        origin = Origin(encoder=self._encoder, images=images)
        if path.is_file():
            try:
                return read_feature_set(path, origin)
            except ResultError as error:
                _logger.warning("embedding %s again: %s", key, error)
        made = make()
        write_feature_set(path, made, origin)
        return made

    def _embed_set(self, key: SetKey, on_images: Callable[[int], None]) -> FeatureSet:
        (rows,) = self._embedder.rows(self._benchmark, [key], on_images=on_images)
        return FeatureSet(
            image_ids=tuple(rows.image_ids),
            labels=np.array(rows.labels, dtype=np.int64),
            vectors=rows.vectors().float().numpy(),
        )

    def _embed_source(self, data: CleanData, split: str, on_images: Callable[[int], None]) -> FeatureSet:
        ids: list[str] = []
        labels: list[int] = []
        vectors: list[torch.Tensor] = []
        for batch in self._embedder.embedded(data.decoded(split, self._embedder.prepare)):
            for rows, start, stop, features in batch:
                ids += rows.image_ids[start:stop]
                labels += rows.labels[start:stop].tolist()
                vectors.append(features.float().cpu())
            on_images(sum(len(features) for *_, features in batch))
        return FeatureSet(
            image_ids=tuple(ids),
            labels=np.array(labels, dtype=np.int64),
            vectors=torch.cat(vectors).numpy(),
        )
