"""Sample grids: one image under every corruption, by severity and by dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medimeta_c import pixels
from medimeta_c.errors import ShardError
from medimeta_c.figures import style
from medimeta_c.figures.choice import (
    built_corruptions,
    built_severities,
    dataset_label,
    display_name,
    shown_record,
    shown_severity,
)
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar
from medimeta_c.manifest import Manifest, SetRecord
from medimeta_c.records import CLEAN, Image
from medimeta_c.shards import read_tables

__all__ = ["CELL_PX", "dataset_grid", "draw", "exhibit", "fit", "overview_grid"]

CELL_PX = 112
"""Side of a cell: 224-pixel images show every second pixel, 28-pixel ones every pixel four times."""

_GAP_PX = 4
_HEADING_PX = 24
_MARGIN_PX = 16
_TEXT_PT = 12.5
_DPI = 72  # a pixel is a point, so that SVG and PDF place pixels as PNG does
_FRAME_GREY = 200

_Cells = Sequence[Sequence[Image | None]]


def draw(root: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield ``sample_grid.png`` over all datasets, and ``sample_grid_<dataset>.png`` for each.

    Raises
    ------
    ShardError
        If a shard is missing or damaged, or a set does not start with its dataset's first image.
    """
    yield "sample_grid.png", style.png(overview_grid(root, manifest))
    for record in manifest.datasets:
        if built_corruptions(manifest, record.dataset):
            figure = dataset_grid(root, manifest, record.dataset)
            yield f"sample_grid_{record.dataset}.png", style.png(figure)


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the grid over all datasets, and one for each: the paper's Figs. 1 and 10 to 15."""
    benchmark = inputs.built()
    root, manifest = Path(benchmark.name), benchmark.manifest
    if not root.is_dir():
        raise Lacking("give a directory: pictures are taken from shards on this disk")
    severity = shown_severity(manifest)
    at = f" at severity {severity}" if severity else ""
    header = ("dataset", "corruption", "severity", "image_id", "pixels_sha256")
    yield Picture(
        name="sample_grid",
        caption=f"The first image of each dataset, clean and under each corruption{at}.",
        figure=overview_grid(root, manifest),
        header=header,
        rows=[
            row
            for record in manifest.datasets
            for row in _sources(root, manifest, record.dataset, (severity or 0,))
        ],
    )
    for record in manifest.datasets:
        if built_corruptions(manifest, record.dataset):
            yield Picture(
                name=f"sample_grid_{record.dataset}",
                caption=f"The first image of {dataset_label(manifest, record.dataset)}, clean and under each "
                "corruption at each severity.",
                figure=dataset_grid(root, manifest, record.dataset),
                header=header,
                rows=_sources(root, manifest, record.dataset, built_severities(manifest, record.dataset)),
            )


def _sources(
    root: Path, manifest: Manifest, dataset: str, severities: Sequence[int]
) -> list[tuple[Scalar, ...]]:
    """Return which stored image is in each cell: the data behind a grid."""
    cells = [(CLEAN, 0), *((c, s) for c in built_corruptions(manifest, dataset) for s in severities if s)]
    rows: list[tuple[Scalar, ...]] = []
    for corruption, severity in cells:
        record = shown_record(manifest, dataset, corruption, severity)
        if record is not None:
            path = root / record.shards[0].path
            table = next(read_tables(path, ("image_id", "pixels_sha256"), batch_rows=1))
            first = (table["image_id"][0].as_py(), table["pixels_sha256"][0].as_py())
            rows.append((dataset, corruption, severity, *first))
    return rows


def dataset_grid(root: Path, manifest: Manifest, dataset: str) -> Figure:
    """Draw one image of a dataset: a row a corruption, a column for clean and for each severity.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.
    dataset : str
        A dataset of it.

    Returns
    -------
    Figure
        Stored pixels, not interpolated; a set that was not built leaves its cell empty.
    """
    corruptions = built_corruptions(manifest, dataset)
    severities = built_severities(manifest, dataset)
    clean = _first_image(root, shown_record(manifest, dataset, CLEAN, 0))
    cells = [
        [clean]
        + [_first_image(root, shown_record(manifest, dataset, name, severity)) for severity in severities]
        for name in corruptions
    ]
    return _montage(
        cells,
        corner=dataset_label(manifest, dataset),
        rows=[display_name(name) for name in corruptions],
        columns=["Clean", *(f"Severity {severity}" for severity in severities)],
    )


def overview_grid(root: Path, manifest: Manifest) -> Figure:
    """Draw one image of each dataset: a row a dataset, a column for clean and for each corruption.

    All corruptions are shown at the severity `shown_severity` names. Parameters and result are as in
    `dataset_grid`.
    """
    severity = shown_severity(manifest)
    names = [record.dataset for record in manifest.datasets]
    corruptions = built_corruptions(manifest) if severity else ()
    cells = [
        [_first_image(root, shown_record(manifest, name, CLEAN, 0))]
        + [_first_image(root, shown_record(manifest, name, kind, severity or 0)) for kind in corruptions]
        for name in names
    ]
    return _montage(
        cells,
        corner=f"Severity {severity}" if severity else "",
        rows=[dataset_label(manifest, name).replace(" ", "\n") for name in names],
        columns=["Clean", *map(display_name, corruptions)],
    )


def fit(image: Image, side: int = CELL_PX) -> Image:
    """Return an image whose long side is `side`, each pixel being one of `image`'s own.

    Nearest neighbour at pixel centres: nothing is averaged, so noise stays as strong as it is stored.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    rows, columns = (max(1, round(length * side / longest)) for length in (height, width))
    row = (np.arange(rows) * 2 + 1) * height // (2 * rows)
    column = (np.arange(columns) * 2 + 1) * width // (2 * columns)
    shown: Image = image[row[:, None], column[None, :]]
    return shown


def _first_image(root: Path, record: SetRecord | None) -> Image | None:
    """Return the first image of a set, decoded; None if the set was not built."""
    if record is None:
        return None
    path = root / record.shards[0].path
    table = next(read_tables(path, ("image",), batch_rows=1), None)
    if table is None or table.num_rows == 0:
        raise ShardError(f"{path} holds no rows: delete it and run the build again")
    try:
        return pixels.decode(table["image"][0]["bytes"].as_py() or b"")
    except ShardError as error:
        raise ShardError(f"{path}, row 0: {error}") from error


def _montage(cells: _Cells, *, corner: str, rows: Sequence[str], columns: Sequence[str]) -> Figure:
    """Place images on an exact pixel raster, with a heading a column and a label a row."""
    pitch = CELL_PX + _GAP_PX
    left = _MARGIN_PX + max(map(_width_px, (corner, *rows)))
    width = left + len(columns) * pitch
    height = _HEADING_PX + len(rows) * pitch  # the last gap is the margin
    with style.context():
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")

        def write(x: float, y: float, words: str, align: str, weight: str = "normal") -> None:
            """Write at a place in pixels from the top left."""
            figure.text(
                x / width, 1 - y / height, words, ha=align, va="center", fontsize=_TEXT_PT, fontweight=weight
            )

        write(left - 8, _HEADING_PX / 2, corner, "right", "bold")
        for place, heading in enumerate(columns):
            write(left + place * pitch + CELL_PX / 2, _HEADING_PX / 2, heading, "center")
        for index, label in enumerate(rows):
            top = _HEADING_PX + index * pitch
            write(left - 8, top + CELL_PX / 2, label, "right")
            for place, image in enumerate(cells[index]):
                if image is not None:
                    _place(figure, fit(image), left=left + place * pitch, bottom=height - top - CELL_PX)
    return figure


def _width_px(words: str) -> int:
    """Return the width of words in bold as they are drawn, in pixels rounded up."""
    with style.context():
        figure = Figure(dpi=_DPI)
        text = figure.text(0, 0, words, fontsize=_TEXT_PT, fontweight="bold")
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        return math.ceil(text.get_window_extent(renderer).width)


def _place(figure: Figure, image: Image, *, left: int, bottom: int) -> None:
    """Place an image in the middle of its cell, pixel by pixel, in a thin frame."""
    rows, columns = image.shape[:2]
    x, y = left + (CELL_PX - columns) // 2, bottom + (CELL_PX - rows) // 2
    frame = np.full((rows + 2, columns + 2, 3), _FRAME_GREY, dtype=np.uint8)  # white images end somewhere
    figure.figimage(frame, xo=x - 1, yo=y - 1, origin="upper")
    # Grey as RGB: a grey colour map may come out one level off.
    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    figure.figimage(colour, xo=x, yo=y, origin="upper")
