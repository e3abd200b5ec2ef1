"""Rows of a benchmark's sets as they come in: packed into batches, and checked against the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import Remedy, ShardError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import RowDigest
from medimeta_c.format.manifest.records import SetRecord
from medimeta_c.scoring.decoding import Decoded

__all__ = ["CellRows", "Rows", "batches"]

Rows: TypeAlias = tuple[Decoded, int, int]
"""Consecutive rows of a chunk: the first, and the one after the last."""


@dataclass(slots=True, eq=False)
class CellRows:
    """The rows of one set, as far as they have come in.

    Parameters
    ----------
    record : SetRecord
        What the manifest states of the set.
    limit : int or None
        Only the first so many are wanted.
    rendered : bool, optional
        Whether the pixels were rendered from clean ones.
    """

    record: SetRecord
    limit: int | None
    rendered: bool = False
    image_ids: list[str] = field(default_factory=list)
    _labels: list[int] = field(default_factory=list)
    _digest: RowDigest = field(default_factory=RowDigest)

    @property
    def wanted(self) -> int:
        """Rows of a whole cell."""
        return self.record.rows if self.limit is None else min(self.limit, self.record.rows)

    @property
    def is_whole(self) -> bool:
        """Whether all that are wanted have come in."""
        return len(self.image_ids) >= self.wanted

    @property
    def labels(self) -> NDArray[np.int64]:
        """The labels of the rows."""
        return np.array(self._labels, dtype=np.int64)

    def add(self, rows: Decoded, start: int, stop: int) -> None:
        """Take in consecutive rows of a chunk."""
        ids, labels = rows.image_ids[start:stop], rows.labels[start:stop].tolist()
        for image_id, label, sha256 in zip(ids, labels, rows.pixels_sha256[start:stop], strict=True):
            self._digest.add(image_id, label, sha256)
        self.image_ids += ids
        self._labels += labels

    def check(self) -> None:
        """Refuse rows that are not those of the manifest.

        Raises
        ------
        ShardError
            If rows are missing, or ids, labels or pixels differ; with a limit only the number is compared.
        """
        whole = self.wanted == self.record.rows
        digest = self._digest.hexdigest() if whole else self.record.rows_sha256
        if len(self.image_ids) == self.wanted and digest == self.record.rows_sha256:
            return
        if self.rendered:
            raise ShardError(
                f"the rows of {self.record.key} are not those its manifest states, as they are rendered "
                "here: the clean images were changed, or a library of another version renders others",
                remedy=Remedy("leave out {render}, to read the stored images"),
            )
        raise ShardError(
            f"the rows of {self.record.key} are not those its manifest states (ids, labels or pixels "
            "differ): run `medimeta-c verify` on the benchmark and build it again"
        )


def batches(
    decoded: Iterable[Decoded], size: Callable[[], int], limit: int | None = None
) -> Iterator[list[Rows]]:
    """Pack rows of one set, of one kind and size of pixels, into batches of `size()`, in order.

    With `limit`, only the first so many rows of each set. A batch never spans two sets: the last bits of
    features depend on the batch, and those of a set must not depend on the sets scored before it.
    """
    batch: list[Rows] = []
    taken: Counter[SetKey] = Counter()
    filled, kind = 0, None
    for rows in decoded:
        end = len(rows) if limit is None else min(len(rows), limit - taken[rows.key])
        taken[rows.key] += end
        before, kind = kind, (rows.key, rows.images.dtype, rows.images.shape[1:])
        if batch and kind != before:
            yield batch
            batch, filled = [], 0
        start = 0
        while start < end:
            stop = min(end, start + size() - filled)
            if stop > start:
                batch.append((rows, start, stop))
                filled += stop - start
                start = stop
            if filled >= size():
                yield batch
                batch, filled = [], 0
    if batch:
        yield batch
