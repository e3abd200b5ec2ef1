"""Sample grids: one image under every corruption, by severity and by dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from medimeta_c.errors import ShardError
from medimeta_c.figures.drawing.montage import CARD_PX, PRINT_PX, montage
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, paged, panel_title, row_label
from medimeta_c.format import png
from medimeta_c.format.display import (
    built_corruptions,
    built_severities,
    display_name,
    shown_datasets,
    shown_record,
    shown_severity,
)
from medimeta_c.format.keys import CLEAN, Image
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.shards import read_tables
from medimeta_c.io.stores.stored import Place, StoredPath, as_place

__all__ = ["dataset_grid", "draw", "exhibit", "overview_grid"]

_MOST_ROWS = 9  # on a page

_Key = tuple[str, str, int]
_Row = list[_Key | None]
"""The sets of a row's cells; None leaves a cell empty."""


def draw(root: Place, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield ``sample_grid.png`` over all datasets, and ``sample_grid_<dataset>.png`` for each.

    Raises
    ------
    ShardError
        If a shard is missing or damaged, or a set does not start with its dataset's first image.
    """
    for picture in _pictures(root, manifest, "", CARD_PX, len(manifest.datasets)):
        yield f"{picture.name}.png", picture.png()


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the grid over all datasets, and one for each: the paper's Figs. 1 and 10 to 15."""
    places = [(suffix, as_place(one.name, "benchmark"), one) for suffix, one in inputs.one_by_one()]
    builds = [each for each in places if isinstance(each[1], StoredPath) or each[1].is_dir()]
    if not builds:
        raise Lacking("give a directory: pictures are taken from shards in a folder or an object store")
    for suffix, root, benchmark in builds:
        yield from _pictures(root, benchmark.manifest, suffix, PRINT_PX, _MOST_ROWS)


def _pictures(root: Place, manifest: Manifest, suffix: str, side: int, most: int) -> Iterator[Picture]:
    datasets = shown_datasets(manifest)
    for page, names in paged(datasets, most):
        yield overview_grid(root, manifest, names, side, f"sample_grid{suffix}{page}")
    for name in datasets:
        if built_corruptions(manifest, name):
            yield dataset_grid(root, manifest, name, side, f"sample_grid{suffix}_{name}")


def dataset_grid(
    root: Place, manifest: Manifest, dataset: str, side: int = CARD_PX, name: str = "sample_grid"
) -> Picture:
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
    name : str
        Of the picture.

    Returns
    -------
    Picture
        Stored pixels, not interpolated; a set that was not built leaves its cell empty.
    """
    severities = built_severities(manifest, dataset)
    rows: dict[str, _Row] = {
        display_name(kind): [(dataset, CLEAN, 0), *((dataset, kind, severity) for severity in severities)]
        for kind in built_corruptions(manifest, dataset)
    }
    columns = ["Clean", *(f"Severity {severity}" for severity in severities)]
    return Picture(
        name=name,
        caption=f"The first image of {row_label(manifest, dataset)}, clean and under each corruption at each "
        "severity.",
        **_grid(root, manifest, rows, side, corner=_lines(manifest, dataset), columns=columns),
    )


def overview_grid(
    root: Place, manifest: Manifest, names: Sequence[str], side: int = CARD_PX, name: str = "sample_grid"
) -> Picture:
    """Draw one image of each dataset named: a row a dataset, a column for clean and for each corruption.

    All corruptions are shown at the severity `shown_severity` names. Where datasets differ in their
    corruptions, each row has its own, which the caption names. Other parameters and the result are as in
    `dataset_grid`.
    """
    severity = shown_severity(manifest)
    corruptions = built_corruptions(manifest) if severity else ()
    lists = {one: built_corruptions(manifest, one) if severity else () for one in names}
    alike = all(set(own) == set(corruptions) for own in lists.values() if own)
    most = max(map(len, lists.values()), default=0)

    def row(one: str) -> _Row:
        own = corruptions if alike else lists[one]
        filled: _Row = [(one, CLEAN, 0), *((one, kind, severity or 0) for kind in own)]
        return filled if alike else filled + [None] * (most - len(own))

    rows = {_lines(manifest, one): row(one) for one in names}
    columns = ["Clean", *(map(display_name, corruptions) if alike else map(str, range(1, most + 1)))]
    which = "" if alike else _named(lists)
    at = f" at severity {severity}" if severity else ""
    corner = f"Severity {severity}" if severity else ""
    return Picture(
        name=name,
        caption=f"The first image of each dataset, clean and under each corruption{at}.{which}",
        **_grid(root, manifest, rows, side, corner=corner, columns=columns),
    )


def _lines(manifest: Manifest, dataset: str) -> str:
    """Return what a row is called, line under line: modality, id, and whether of phantoms."""
    modality, label = panel_title(manifest, dataset)
    return "\n".join([modality, *label.split()])


def _named(lists: dict[str, tuple[str, ...]]) -> str:
    """Return which corruption stands in which column of each dataset's row, in words."""
    parts = (
        f"{dataset}: {', '.join(f'{column} {display_name(kind)}' for column, kind in enumerate(own, 1))}"
        for dataset, own in lists.items()
        if own
    )
    return f" {'; '.join(parts)}."


def _grid(root: Place, manifest: Manifest, rows: dict[str, _Row], side: int, **head: Any) -> dict[str, Any]:
    """Return a picture's figure, and which stored image is in each cell as its data."""
    keys = [key for key in dict.fromkeys(chain.from_iterable(rows.values())) if key is not None]
    cells = {key: _first(root, manifest, key) for key in keys}
    return {
        "figure": montage(
            [[None if key is None else cells[key][0] for key in row] for row in rows.values()],
            rows=list(rows),
            side=side,
            **head,
        ),
        "header": ("dataset", "corruption", "severity", "image_id", "pixels_sha256"),
        "rows": [(*key, *source) for key, (image, source) in cells.items() if image is not None],
    }


def _first(root: Place, manifest: Manifest, key: _Key) -> tuple[Image | None, tuple[str, ...]]:
    """Return the first image of a set, decoded, with its id and digest; None if the set was not built."""
    record = shown_record(manifest, *key)
    if record is None:
        return None, ()
    path = root / record.shards[0].path
    table = next(read_tables(path, ("image", "image_id", "pixels_sha256"), batch_rows=1), None)
    if table is None or table.num_rows == 0:
        raise ShardError(f"{path} holds no rows: move it away and run the build again")
    image, *source = (column[0].as_py() for column in table.columns)
    try:
        return png.decode(image["bytes"] or b""), tuple(source)
    except ShardError as error:
        raise ShardError(f"{path}, row 0: {error}") from error
