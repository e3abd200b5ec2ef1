"""Figure of frequency effects: the energy that a corruption adds to or takes from each band, by severity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from operator import attrgetter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.analysis import ALL_SEVERITIES, Analysis, analyse
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, sample
from medimeta_c.figures.drawing.logaxes import label_decades
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.drawing.ticks import plain
from medimeta_c.figures.drawing.wrapping import name_row
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, grouped, paged, row_label
from medimeta_c.format.display import (
    built_corruptions,
    display_name,
    shown_datasets,
    shown_split,
)
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.spectrum import BANDS

__all__ = ["exhibit", "frequency_effects"]

_ROW_INCHES = 1.35
_MOST_ROWS = 6  # on a page
_MARKER_POINTS = 2.8


# Of each column the place in a corruption's effect on a band.
_COLUMNS = {
    "clean_share": "clean_share",
    "corrupted_share": "corrupted_share",
    "share_change": "share.value",
    "share_low": "share.low",
    "share_high": "share.high",
    "share_d": "share.standardised",
    "log2_energy_change": "log2_energy.value",
    "log2_energy_low": "log2_energy.low",
    "log2_energy_high": "log2_energy.high",
    "log2_energy_d": "log2_energy.standardised",
    "images": "share.images",
    "images_decoded": "log2_energy.images",
}


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the effects on every dataset that has corrupted sets, on the split figures show."""
    looks = corruption_looks(inputs.corruptions())
    if len(inputs.built()) and len(looks) == 1:
        raise Lacking("build at least one corruption")
    for suffix, benchmark in inputs.one_by_one():
        manifest = benchmark.manifest
        names = [name for name in shown_datasets(manifest) if built_corruptions(manifest, name)]
        for page, shown in paged(names, _MOST_ROWS):
            parts = [
                analyse(
                    benchmark, datasets=(name,), splits=(shown_split(manifest, name),), images=inputs.images
                )
                for name in shown
            ]
            yield Picture(
                name=f"frequency_effects{suffix}{page}",
                caption="Energy in the low, mid and high band of the DCT as a factor of the clean "
                "image's: geometric mean over images, paired, with its 95 % interval. Above 1 the "
                "corruption amplifies, below it suppresses.",
                figure=frequency_effects(parts, manifest, looks),
                header=("dataset", "corruption", "severity", "band", *_COLUMNS),
                rows=[
                    (
                        effect.dataset,
                        effect.corruption,
                        "mean" if effect.severity == ALL_SEVERITIES else effect.severity,
                        band,
                        *attrgetter(*_COLUMNS.values())(one),
                    )
                    for analysis in parts
                    for effect in analysis.effects
                    for band, one in effect.bands.items()
                ],
            )


def frequency_effects(analyses: list[Analysis], manifest: Manifest, looks: Mapping[str, Look]) -> Figure:
    """Draw a row of three panels a dataset, a line a corruption.

    Parameters
    ----------
    analyses : list of Analysis
        One a dataset.
    manifest : Manifest
        For names.
    looks : mapping of str to Look
        By corruption.
    """
    high = _ROW_INCHES * len(analyses) + 0.4
    with style.context():
        figure, grid = style.page(
            style.PAGE_INCHES, high, len(analyses), len(BANDS), sharex=True, sharey="col"
        )
        for panels, analysis in zip(grid, analyses, strict=True):
            (dataset,) = analysis.images
            for panel, band in zip(panels, BANDS, strict=True):
                _draw(panel, analysis, band, looks)
            name_row(panels[0], [row_label(manifest, dataset)], _ROW_INCHES)
        for panel, band in zip(grid[0], BANDS, strict=True):
            panel.set_title(f"{band.capitalize()} frequencies", fontweight="normal")
            label_decades(panel.yaxis, plain)
        for panel in grid[-1]:
            panel.set_xlabel("Severity")
        figure.supylabel("Energy (\N{MULTIPLICATION SIGN} clean)", fontsize=7.5)
        kinds = dict.fromkeys(one.corruption for each in analyses for one in each.effects)
        handles = [
            sample(display_name(kind), **looks[kind].strokes, markersize=_MARKER_POINTS) for kind in kinds
        ]
        below(figure, handles)
    return figure


def _factor(log2: float | None) -> float:
    return math.nan if log2 is None else 2.0**log2


def _draw(panel: Axes, analysis: Analysis, band: str, looks: Mapping[str, Look]) -> None:
    panel.set_yscale("log", base=10)
    panel.axhline(1, color="#888888", linewidth=0.6, zorder=0)
    for kind, effects in grouped(analysis.effects, lambda one: one.corruption).items():
        found = [(one.severity, one.bands[band].log2_energy) for one in effects]
        points = [one for one in found if one[0] != ALL_SEVERITIES and one[1].value is not None]
        if not points:
            continue
        x = [severity for severity, _ in points]
        values, low, high = zip(
            *(map(_factor, (one.value, one.low, one.high)) for _, one in points), strict=True
        )
        panel.plot(x, values, **looks[kind].strokes, markersize=_MARKER_POINTS)
        if np.isfinite((low, high)).all():
            panel.fill_between(x, low, high, color=looks[kind].colour, alpha=0.2, linewidth=0)
    panel.set(xlim=(0.7, 5.3), xticks=(1, 2, 3, 4, 5))
