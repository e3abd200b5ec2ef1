"""How much energy a corruption adds to or takes from each frequency band, by severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.analysis import ALL_SEVERITIES, Analysis, analyse
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below
from medimeta_c.figures.drawing.logaxes import label_decades, plain
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.drawing.wrapping import name_row
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar, paged
from medimeta_c.format.display import (
    built_corruptions,
    dataset_label,
    display_name,
    shown_datasets,
    shown_split,
)
from medimeta_c.format.manifest import Manifest
from medimeta_c.format.spectrum import BANDS

__all__ = ["exhibit", "frequency_effects"]

_ROW_INCHES = 1.35
_MOST_ROWS = 6  # on a page
_MARKER_POINTS = 2.8


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the effects on every dataset that has corrupted sets, on the split figures show."""
    drawn = 0
    looks = corruption_looks(inputs.corruptions())
    for suffix, benchmark in inputs.one_by_one():
        manifest = benchmark.manifest
        names = [name for name in shown_datasets(manifest) if built_corruptions(manifest, name)]
        if not names:
            continue
        drawn += 1
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
                header=_HEADER,
                rows=[row for analysis in parts for row in _rows(analysis)],
            )
    if not drawn:
        raise Lacking("build at least one corruption")


def _rows(analysis: Analysis) -> list[tuple[Scalar, ...]]:
    return [
        (
            effect.dataset,
            effect.corruption,
            "mean" if effect.severity == ALL_SEVERITIES else effect.severity,
            band,
            one.clean_share,
            one.corrupted_share,
            one.share.value,
            one.share.low,
            one.share.high,
            one.share.standardised,
            one.log2_energy.value,
            one.log2_energy.low,
            one.log2_energy.high,
            one.log2_energy.standardised,
            one.share.images,
            one.log2_energy.images,
        )
        for effect in analysis.effects
        for band, one in effect.bands.items()
    ]


_HEADER = (
    *("dataset", "corruption", "severity", "band", "clean_share", "corrupted_share"),
    *("share_change", "share_low", "share_high", "share_d"),
    *("log2_energy_change", "log2_energy_low", "log2_energy_high", "log2_energy_d"),
    *("images", "images_decoded"),
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
    with style.context():
        high = _ROW_INCHES * len(analyses) + 0.4
        figure = style.page(style.PAGE_INCHES, high)
        grid = figure.subplots(len(analyses), len(BANDS), squeeze=False, sharex=True, sharey="col")
        for row, analysis in enumerate(analyses):
            (dataset,) = analysis.images
            for column, band in enumerate(BANDS):
                _draw(grid[row, column], analysis, band, looks)
                if row == 0:
                    grid[0, column].set_title(f"{band.capitalize()} frequencies", fontweight="normal")
            name_row(grid[row, 0], [dataset_label(manifest, dataset)], _ROW_INCHES)
        for panel in grid[-1]:
            panel.set_xlabel("Severity")
        for panel in grid[0]:
            label_decades(panel.yaxis, plain)
        figure.supylabel("Energy (\N{MULTIPLICATION SIGN} clean)", fontsize=7.5)
        kinds = dict.fromkeys(one.corruption for each in analyses for one in each.effects)
        below(
            figure,
            [
                Line2D(
                    [],
                    [],
                    color=looks[kind].colour,
                    linestyle=looks[kind].line,
                    marker=looks[kind].marker,
                    markersize=_MARKER_POINTS,
                    label=display_name(kind),
                )
                for kind in kinds
            ],
        )
    return figure


def _draw(panel: Axes, analysis: Analysis, band: str, looks: Mapping[str, Look]) -> None:
    panel.set_yscale("log", base=10)
    panel.axhline(1, color="#888888", linewidth=0.6, zorder=0)
    for kind in dict.fromkeys(one.corruption for one in analysis.effects):
        rows = [one for one in analysis.effects if one.corruption == kind and one.severity != ALL_SEVERITIES]
        points = [
            (one.severity, found.value, found.low, found.high)
            for one in rows
            if (found := one.bands[band].log2_energy).value is not None
        ]
        if not points:
            continue
        x = [severity for severity, *_ in points]
        y = [2.0 ** (value or 0.0) for _, value, _, _ in points]
        colour = looks[kind].colour
        panel.plot(
            x,
            y,
            color=colour,
            linestyle=looks[kind].line,
            marker=looks[kind].marker,
            markersize=_MARKER_POINTS,
        )
        if all(low is not None and high is not None for _, _, low, high in points):
            ends = [(2.0 ** (low or 0.0), 2.0 ** (high or 0.0)) for _, _, low, high in points]
            low_ends, high_ends = zip(*ends, strict=True)
            panel.fill_between(x, low_ends, high_ends, color=colour, alpha=0.2, linewidth=0)
    panel.set_xlim(0.7, 5.3)
    panel.set_xticks((1, 2, 3, 4, 5))
