"""Figure of frequency bands: shares of AC energy at low, mid and high frequencies, by corruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.logaxes import label_decades
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.drawing.ticks import plain
from medimeta_c.figures.drawing.wrapping import name_row
from medimeta_c.figures.exhibit import Inputs, Picture, paged, row_label
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import (
    built_corruptions,
    display_name,
    shown_datasets,
    shown_record,
    shown_severity,
)
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.spectrum import BANDS

__all__ = ["exhibit", "frequency_bands"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_HEADER = ("dataset", "corruption", "severity", "band", "images", *(f"p{q:g}" for q in _QUANTILES))
_BOX_INCHES = 0.122
_LEAST_ROW_INCHES = 1.05  # for the name of a dataset
_MOST_ROWS = 6  # on a page
_FLOOR_PERCENT = 1e-4  # axes go no lower
# Nearly all energy is low: what matters is how near to all, so the axis has its decades below 100 %.
_LOW_TICKS = (50, 90, 99, 99.9, 99.99, 99.999)

_Shares = Mapping[str, NDArray[np.float64]]


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the distributions of all datasets, a picture a collection: the paper's Fig. 2."""
    looks = corruption_looks(inputs.corruptions())
    for suffix, benchmark in inputs.one_by_one():
        severity = shown_severity(benchmark.manifest)
        for page, names in paged(shown_datasets(benchmark.manifest), _MOST_ROWS):
            shares = {name: _shares(benchmark, name) for name in names}
            yield Picture(
                name=f"frequency_bands{suffix}{page}",
                caption="Share of each image's AC energy (2-D DCT of the luma) at low, mid and high radial "
                "frequencies. Axes are logarithmic, that of the low band in what is missing to 100 %. "
                "Boxes: quartiles and median over images; whiskers: 5th and 95th percentile; the vertical "
                f"line is the clean median.{f' Corruptions at severity {severity}.' if severity else ''}",
                figure=frequency_bands(benchmark, shares, looks),
                header=_HEADER,
                rows=[
                    (name, kind, 0 if kind == CLEAN else severity, band, len(values), *_quantiles(column))
                    for name, own in shares.items()
                    for kind, values in own.items()
                    for band, column in zip(BANDS, values.T, strict=True)
                ],
            )


def frequency_bands(benchmark: Benchmark, shares: Mapping[str, _Shares], looks: Mapping[str, Look]) -> Figure:
    """Draw a row of three panels a dataset, a box a corruption.

    Parameters
    ----------
    benchmark : Benchmark
        What was built, for names.
    shares : mapping of str to mapping of str to ndarray, shape (N, 3)
        By dataset and corruption, clean first: shares 0 to 1 of N images; NaN for images without AC energy.
    looks : mapping of str to Look
        By corruption, clean included.
    """
    with style.context():
        most = max(len(own) for own in shares.values())
        high = max(_LEAST_ROW_INCHES, 0.35 + _BOX_INCHES * most) * len(shares) + 0.35
        figure, grid = style.page(style.PAGE_INCHES, high, len(shares), len(BANDS), sharex="col")
        for panels, (dataset, own) in zip(grid, shares.items(), strict=True):
            for column, (panel, place) in enumerate(zip(panels, (_missing, _percent, _percent), strict=True)):
                panel.set_xscale("log")
                for row, (name, values) in enumerate(own.items()):
                    quantiles = [place(one) for one in _quantiles(values[:, column]) if one is not None]
                    if quantiles:
                        _draw(panel, row, quantiles, looks[name].colour)
                    if quantiles and name == CLEAN:
                        median = quantiles[len(quantiles) // 2]
                        dashes = (0, (3, 2))
                        panel.axvline(
                            median, color=style.CLEAN_COLOUR, linewidth=0.5, linestyle=dashes, zorder=0
                        )
                panel.set_ylim(len(own) - 0.4, -0.6)
                panel.set_yticks(range(len(own)), [display_name(name) if column == 0 else "" for name in own])
                panel.tick_params(axis="y", length=0)
            name_row(panels[0], [row_label(benchmark.manifest, dataset)], high / len(shares))
        for panel, band in zip(grid[0], BANDS, strict=True):
            panel.set_title(f"{band.capitalize()} frequencies", fontweight="normal", loc="center")
        for panel in grid[-1]:
            panel.set_xlabel("Share of AC energy (%)")
        _limit_low(grid[0, 0])
        for panel in grid[0, 1:]:
            label_decades(panel.xaxis, plain)
    return figure


def _limit_low(panel: Axes) -> None:
    """Turn the low band's axis, whose values are what is missing to 100 %, and label it with shares."""
    least, most = panel.get_xlim()
    left, right = max(most, 60), min(least, 0.8)
    ticks = {_missing(share / 100): f"{share:g}" for share in _LOW_TICKS}
    shown = {place: words for place, words in ticks.items() if right <= place <= left}
    panel.set(xlim=(left, right), xticks=list(shown), xticklabels=shown.values())
    panel.minorticks_off()


def _draw(panel: Axes, row: int, quantiles: Sequence[float], colour: str) -> None:
    low, first, median, third, high = quantiles
    panel.plot((low, high), (row, row), color=colour, linewidth=0.7)
    box = Rectangle((first, row - 0.32), third - first, 0.64, facecolor=colour, alpha=0.35, linewidth=0)
    panel.add_patch(box)
    panel.plot((median, median), (row - 0.32, row + 0.32), color=colour, linewidth=1.6)


def _shares(benchmark: Benchmark, dataset: str) -> dict[str, NDArray[np.float64]]:
    """Return the band shares of every image, clean and of each corruption at the severity shown."""
    manifest = benchmark.manifest
    severity = shown_severity(manifest) or 0
    columns = tuple(f"dct_{band}" for band in BANDS)
    found = {}
    for corruption in (CLEAN, *built_corruptions(manifest, dataset)):
        record = shown_record(manifest, dataset, corruption, 0 if corruption == CLEAN else severity)
        if record is not None:
            parts = [
                np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in columns])
                for table in benchmark.tables(record.key, columns)
            ]
            found[corruption] = np.concatenate(parts).astype(np.float64)
    return found


def _quantiles(shares: NDArray[np.float64]) -> Sequence[float | None]:
    known = shares[np.isfinite(shares)]
    if not known.size:
        return [None] * len(_QUANTILES)
    return [float(one) for one in np.quantile(known, _QUANTILES)]


def _percent(share: float) -> float:
    return max(100 * share, _FLOOR_PERCENT)


def _missing(share: float) -> float:
    return max(100 - 100 * share, _FLOOR_PERCENT)
