"""Sample grids: one image under every corruption, by severity and by dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from medimeta_c.errors import ShardError
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.montage import CARD_PX, PRINT_PX, montage
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar, paged
from medimeta_c.format import pixels
from medimeta_c.format.display import (
    built_corruptions,
    built_severities,
    dataset_label,
    display_name,
    shown_datasets,
    shown_record,
    shown_severity,
)
from medimeta_c.format.keys import CLEAN, Image
from medimeta_c.format.manifest import Manifest
from medimeta_c.format.shards import read_tables

__all__ = ["dataset_grid", "draw", "exhibit", "overview_grid"]

_HEADER = ("dataset", "corruption", "severity", "image_id", "pixels_sha256")
_MOST_ROWS = 9  # on a page


def draw(root: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield ``sample_grid.png`` over all datasets, and ``sample_grid_<dataset>.png`` for each.

    Raises
    ------
    ShardError
        If a shard is missing or damaged, or a set does not start with its dataset's first image.
    """
    yield "sample_grid.png", style.png(overview_grid(root, manifest, shown_datasets(manifest)))
    for record in manifest.datasets:
        if built_corruptions(manifest, record.dataset):
            figure = dataset_grid(root, manifest, record.dataset)
            yield f"sample_grid_{record.dataset}.png", style.png(figure)


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the grid over all datasets, and one for each: the paper's Figs. 1 and 10 to 15."""
    builds = [(suffix, one) for suffix, one in inputs.one_by_one() if Path(one.name).is_dir()]
    if not builds:
        raise Lacking("give a directory: pictures are taken from shards on this disk")
    for suffix, benchmark in builds:
        root, manifest = Path(benchmark.name), benchmark.manifest
        severity = shown_severity(manifest)
        at = f" at severity {severity}" if severity else ""
        datasets = shown_datasets(manifest)
        for page, names in paged(datasets, _MOST_ROWS):
            yield Picture(
                name=f"sample_grid{suffix}{page}",
                caption=f"The first image of each dataset, clean and under each corruption{at}.",
                figure=overview_grid(root, manifest, names, PRINT_PX),
                header=_HEADER,
                rows=[row for name in names for row in _sources(root, manifest, name, (severity or 0,))],
            )
        for name in datasets:
            if built_corruptions(manifest, name):
                yield Picture(
                    name=f"sample_grid{suffix}_{name}",
                    caption=f"The first image of {dataset_label(manifest, name)}, clean and under each "
                    "corruption at each severity.",
                    figure=dataset_grid(root, manifest, name, PRINT_PX),
                    header=_HEADER,
                    rows=_sources(root, manifest, name, built_severities(manifest, name)),
                )


def _sources(
    root: Path, manifest: Manifest, dataset: str, severities: Sequence[int]
) -> list[tuple[Scalar, ...]]:
    """Return which stored image is in each cell: the data behind a grid."""
    kinds = built_corruptions(manifest, dataset) if any(severities) else ()
    rows: list[tuple[Scalar, ...]] = []
    for key in ((CLEAN, 0), *product(kinds, severities)):
        first = _first(root, manifest, dataset, *key, "image_id", "pixels_sha256")
        if first is not None:
            rows.append((dataset, *key, *first[1:]))
    return rows


def dataset_grid(root: Path, manifest: Manifest, dataset: str, side: int = CARD_PX) -> Figure:
    """Draw one image of a dataset: a row a corruption, a column for clean and for each severity.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.
    dataset : str
        A dataset of it.
    side : int
        Of a cell, in pixels.

    Returns
    -------
    Figure
        Stored pixels, not interpolated; a set that was not built leaves its cell empty.
    """
    corruptions = built_corruptions(manifest, dataset)
    severities = built_severities(manifest, dataset)
    clean = _image(root, manifest, dataset, CLEAN, 0)
    return montage(
        [
            [clean, *(_image(root, manifest, dataset, name, severity) for severity in severities)]
            for name in corruptions
        ],
        corner=dataset_label(manifest, dataset),
        rows=[display_name(name) for name in corruptions],
        columns=["Clean", *(f"Severity {severity}" for severity in severities)],
        side=side,
    )


def overview_grid(root: Path, manifest: Manifest, names: Sequence[str], side: int = CARD_PX) -> Figure:
    """Draw one image of each dataset named: a row a dataset, a column for clean and for each corruption.

    All corruptions are shown at the severity `shown_severity` names. Other parameters and the result are as
    in `dataset_grid`.
    """
    severity = shown_severity(manifest)
    corruptions = built_corruptions(manifest) if severity else ()
    keys = [(CLEAN, 0), *((name, severity or 0) for name in corruptions)]
    return montage(
        [[_image(root, manifest, name, *key) for key in keys] for name in names],
        corner=f"Severity {severity}" if severity else "",
        rows=[dataset_label(manifest, name).replace(" ", "\n") for name in names],
        columns=["Clean", *map(display_name, corruptions)],
        side=side,
    )


def _image(root: Path, manifest: Manifest, dataset: str, corruption: str, severity: int) -> Image | None:
    """Return the first image of a set, decoded; None if the set was not built."""
    first = _first(root, manifest, dataset, corruption, severity, "image")
    if first is None:
        return None
    path, image = first
    try:
        return pixels.decode(image["bytes"] or b"")
    except ShardError as error:
        raise ShardError(f"{path}, row 0: {error}") from error


def _first(
    root: Path, manifest: Manifest, dataset: str, corruption: str, severity: int, *columns: str
) -> list[Any] | None:
    """Return a set's file and columns of its first row; None if the set was not built."""
    record = shown_record(manifest, dataset, corruption, severity)
    if record is None:
        return None
    path = root / record.shards[0].path
    table = next(read_tables(path, columns, batch_rows=1), None)
    if table is None or table.num_rows == 0:
        raise ShardError(f"{path} holds no rows: delete it and run the build again")
    return [path, *(table[name][0].as_py() for name in columns)]
