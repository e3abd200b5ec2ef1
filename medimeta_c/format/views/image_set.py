"""One set of a built benchmark as a sequence of images, decoded on demand."""

from __future__ import annotations

import base64
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image as Pillow

from medimeta_c.errors import ConfigError
from medimeta_c.format import png
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.format.shards import read_row_group, row_group_rows
from medimeta_c.io.shown import short_repr
from medimeta_c.io.stores.stored import Place

if TYPE_CHECKING:
    from medimeta_c.format.benchmark import Batch, Benchmark

__all__ = ["ImageSet", "Sample", "key_of"]

_COLUMNS = ("image", "label", "image_id")
_SHOWN = 4
_HEIGHT = 112


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One image of a set; a notebook shows it.

    Parameters
    ----------
    image : ndarray
        uint8, (H, W) or (H, W, 3).
    label : int
        Index into the dataset's class names.
    class_name : str
        The name of that class.
    image_id : str
        Its id in the source.
    key : SetKey
        The set.
    """

    image: Image
    label: int
    class_name: str
    image_id: str
    key: SetKey

    __repr__ = short_repr

    def _repr_png_(self) -> bytes:
        return png.encode(self.image)


class ImageSet:
    """The images of one set, in image-id order; ``bench["pbc", "contrast", 3]`` makes one.

    An index reads the images near it and keeps their bytes, so that reading in order is fast, and reading at
    random costs some megabytes an image. It can be pickled.

    Parameters
    ----------
    benchmark : Benchmark
        Where they are.
    key : SetKey
        Which set.

    Examples
    --------
    >>> images = bench["pbc", "contrast", 3]                            # doctest: +SKIP
    >>> len(images), images[0].image.shape, images[0].class_name        # doctest: +SKIP
    (3419, (360, 363, 3), 'basophil')
    """

    def __init__(self, benchmark: Benchmark, key: SetKey) -> None:
        self.benchmark, self.key, self.record = benchmark, key, benchmark.record(key)
        self._near: tuple[tuple[Place, int], pa.Table] | None = None

    def __repr__(self) -> str:
        return f"ImageSet({self.benchmark.name!r}, '{self.key}', {len(self)} images)"

    def __len__(self) -> int:
        return self.record.rows

    def __getitem__(self, index: SupportsIndex) -> Sample:
        """Return the image at an index; negative ones count from the end.

        Raises
        ------
        IndexError
            If there is none.
        ShardError
            If the set's file is missing or damaged.
        """
        place = operator.index(index)
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(f"image {index} is out of range: set {self.key} has {len(self)} images")
        for path, group, first, rows in self._groups:
            if place < first + rows:
                return self._sample(self._table(path, group), place - first)
        raise IndexError(f"image {index} is missing: the files of set {self.key} have fewer rows; verify it")

    def __iter__(self) -> Iterator[Sample]:
        for table in self.benchmark.tables(self.key, _COLUMNS):
            for row in range(table.num_rows):
                yield self._sample(table, row)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in label order."""
        return self.benchmark.class_names(self.key.dataset)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Labels of all images, int64, shape (N,); the images are not read."""
        tables = self.benchmark.tables(self.key, ("label",), batch_rows=10_000)
        return np.concatenate([table["label"].to_numpy() for table in tables]).astype(np.int64, copy=False)

    @cached_property
    def image_ids(self) -> tuple[str, ...]:
        """Ids of all images; the images are not read."""
        tables = self.benchmark.tables(self.key, ("image_id",), batch_rows=10_000)
        return tuple(image_id for table in tables for image_id in table["image_id"].to_pylist())

    def batches(self, *, batch_size: int = 64) -> Iterator[Batch]:
        """Yield the images in batches; see `Benchmark.batches`."""
        return self.benchmark.batches(self.key, batch_size=batch_size)

    def __getstate__(self) -> dict[str, object]:
        return {"benchmark": self.benchmark, "key": self.key, "record": self.record, "_near": None}

    def _repr_html_(self) -> str:
        """Return the first images with their classes, for a notebook."""
        figure = Markup(
            '<figure style="display: inline-block; margin: 4px">'
            '<img height="{}" src="data:image/png;base64,{}"><figcaption>{}</figcaption></figure>'
        )
        shown = [
            figure.format(_HEIGHT, base64.b64encode(_thumbnail(sample.image)).decode(), sample.class_name)
            for sample in islice(self, _SHOWN)
        ]
        heading = f"{self.key}: {len(self)} images of {self.benchmark.name}"
        return str(Markup("<div><p>{}</p>{}</div>").format(heading, Markup("").join(shown)))

    @cached_property
    def _groups(self) -> list[tuple[Place, int, int, int]]:
        """Each row group's file and place there, the number of its first row in the set, and its rows."""
        paths = self.benchmark.shard_paths(self.key)
        found = [(path, group, rows) for path in paths for group, rows in enumerate(row_group_rows(path))]
        firsts = accumulate((rows for *_, rows in found), initial=0)
        return [(path, group, first, rows) for (path, group, rows), first in zip(found, firsts, strict=False)]

    def _table(self, path: Place, group: int) -> pa.Table:
        if self._near is None or self._near[0] != (path, group):
            table = read_row_group(path, group, _COLUMNS)
            self.benchmark.shard_paths(self.key)  # raises if a build replaced one meanwhile
            self._near = (path, group), table
        return self._near[1]

    def _sample(self, table: pa.Table, row: int) -> Sample:
        image_id, label = table["image_id"][row].as_py(), table["label"][row].as_py()
        return Sample(
            image=self.benchmark.decoded(self.key, image_id, table["image"][row].as_py()["bytes"]),
            label=label,
            class_name=self.class_names[label],
            image_id=image_id,
            key=self.key,
        )


def _thumbnail(image: Image) -> bytes:
    """Return a small PNG: a notebook keeps what it shows."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((2 * _HEIGHT, _HEIGHT))
    return png.encode(np.asarray(picture))


def key_of(where: object) -> SetKey:
    """Return the key that an index means: dataset, split (test unless named), corruption, severity.

    Examples
    --------
    >>> print(key_of(("pbc", "contrast", 3)), key_of(("pbc", "clean")), key_of(("pbc", "val", "clean", 0)))
    pbc/test/contrast/severity-3 pbc/test/clean/severity-0 pbc/val/clean/severity-0
    """
    match where:
        case SetKey():
            return where
        case (str(dataset), "clean"):
            return SetKey(dataset, "test", CLEAN, 0)
        case (str(dataset), str(split), "clean"):
            return SetKey(dataset, split, CLEAN, 0)
        case (str(dataset), str(corruption), int(severity)):
            return SetKey(dataset, "test", corruption, severity)
        case (str(dataset), str(split), str(corruption), int(severity)):
            return SetKey(dataset, split, corruption, severity)
    raise ConfigError(
        f"{where!r} is not a set: give (dataset, corruption, severity), such as ('pbc', 'contrast', 3), with "
        "the split after the dataset if it is not test; (dataset, 'clean') for clean images; or a SetKey"
    )
