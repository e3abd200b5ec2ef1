"""The spectrum figure: how each corruption changes the power of the images' DCT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.logaxes import label_decades, power_of_ten
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.exhibit import Inputs, Picture, paged, panel_title
from medimeta_c.format.display import (
    built_corruptions,
    display_name,
    shown_record,
    shown_severity,
    side_by_side,
)
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.spectrum import BANDS, PROFILE_BINS
from medimeta_c.io.stores.stored import Place
from medimeta_c.io.text import counted

__all__ = ["draw", "exhibit", "spectra"]

_HEADER = ("collection", "dataset", "split", "corruption", "severity", "radial_frequency", "mean_power")
_COLUMNS = 2
_ROW_INCHES = 2.15
_LOW_ROW_INCHES = 1.72  # so that five rows fit a page
_MOST_HIGH_ROWS = 4
_MOST_ROWS = 5  # on a page
_HEAD_INCHES = 0.5  # of a row: the panel's title of two lines, and the tick labels of the panel above
_FOOT_INCHES = 0.46
_TOP_INCHES = -0.14  # no tick labels above the first row
_LEFT_INCHES = 0.78
_LABEL_INCHES = 1.14  # beside each panel; more where a label is longer
_LABEL_START = 1.15  # in widths of the panel
_LABEL_POINTS = 6.8
_LABEL_MARGIN_INCHES = 0.04
_LABEL_SPACING = 0.085  # of the panel's height, between two labels
_CLEAN_LINE = {"linewidth": 1.8}
_Place = tuple[str, str] | None
_Line = tuple[str, NDArray[np.float64], dict[str, Any]]
"""Its name, heights, and look as matplotlib's arguments."""
_CENTRES = (np.arange(PROFILE_BINS) + 0.5) / PROFILE_BINS


def draw(root: Place, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield ``spectrum.png``. The manifest holds the profiles; `root` is not read."""
    del root
    builds = {"": manifest}
    yield "spectrum.png", style.png(spectra(builds, side_by_side(builds), dpi=style.DPI))


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the spectra for print, collections side by side, with every profile built as data."""
    builds = {name: benchmark.manifest for name, benchmark in inputs.built().items()}
    places = side_by_side(builds)
    for page, shown in paged(places, _MOST_ROWS, _COLUMNS):
        yield Picture(
            name=f"spectrum{page}",
            caption="Mean radial profile of the 2-D DCT of the luma, clean and under each corruption. "
            "Vertical lines part the low, mid and high bands.",
            figure=spectra(builds, shown),
            header=_HEADER,
            rows=[
                (name, one.dataset, one.split, one.corruption, one.severity, float(centre), power)
                for name, manifest in builds.items()
                for one in manifest.sets
                if (name, one.dataset) in shown
                for centre, power in zip(_CENTRES, one.spectrum.profile, strict=True)
            ],
        )


def spectra(
    builds: Mapping[str, Manifest], places: Sequence[_Place], *, dpi: int = style.PRINT_DPI
) -> Figure:
    """Draw the mean radial DCT profile of clean and corrupted sets, a panel a dataset.

    Parameters
    ----------
    builds : mapping of str to Manifest
        What was built, by the name of the collection, which titles bear where there are several.
        Corruptions are shown at the severity `shown_severity` names.
    places : sequence of (collection, dataset) or None
        The panels, two a row; None leaves a place free.
    dpi : int
        Resolution.

    Returns
    -------
    Figure
        Power on a logarithmic axis, the same in all panels, over radial frequency. Bins without power
        (small images have bins without coefficients) are left out.
    """
    looks = corruption_looks(name for one in builds.values() for name in built_corruptions(one))
    with style.context():
        figure, panels = _panels(len(places), _severities(builds), list(map(display_name, looks)))
        figure.set_dpi(dpi)
        named = []
        for index, (panel, place) in enumerate(zip(panels, places, strict=True)):
            if place is None:
                panel.set_visible(False)
                continue
            name, dataset = place
            named.append((panel, _draw_panel(panel, builds[name], dataset, looks)))
            _title(panel, builds[name], dataset, name if len(builds) > 1 else "")
            under = places[index + _COLUMNS : index + _COLUMNS + 1]
            alone = index % _COLUMNS == 0 or places[index - 1] is None
            panel.tick_params(labelbottom=under in ([], [None]), labelleft=alone)
        for panel, lines in named:  # only now are the shared limits known
            _label_lines(panel, lines)
        label_decades(panels[0].yaxis, power_of_ten)
    return figure


def _severities(builds: Mapping[str, Manifest]) -> str:
    """Return where corruptions are shown, in words; empty without any."""
    shown = {name: shown_severity(one) for name, one in builds.items() if shown_severity(one) is not None}
    if len(set(shown.values())) > 1:
        return "; corruptions at severity " + ", ".join(f"{one} ({name})" for name, one in shown.items())
    return f"; corruptions at severity {next(iter(shown.values()))}" if shown else ""


def _panels(count: int, severities: str, labels: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a page with empty panels at fixed places, two a row, and room for labels beside each."""
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    wide = style.PAGE_INCHES if columns == _COLUMNS else 0.62 * style.PAGE_INCHES
    pitch_high = _ROW_INCHES if rows <= _MOST_HIGH_ROWS else _LOW_ROW_INCHES
    high = _TOP_INCHES + rows * pitch_high + _FOOT_INCHES
    figure = Figure(figsize=(wide, high), dpi=style.DPI, facecolor="white")
    pitch = (wide - _LEFT_INCHES) / columns
    beside = _room(labels, pitch)
    panels: list[Axes] = []
    for index in range(count):
        row, column = divmod(index, columns)
        first = panels[0] if panels else None
        left, bottom = _LEFT_INCHES + column * pitch, _FOOT_INCHES + (rows - 1 - row) * pitch_high
        size = (pitch - beside, pitch_high - _HEAD_INCHES)
        panels.append(style.place(figure, left, bottom, *size, sharex=first, sharey=first))
    middle = (_LEFT_INCHES + wide - beside) / 2
    words = f"Radial frequency (share of the highest){severities}"
    figure.text(middle / wide, 0.06 / high, words, ha="center", va="bottom")
    figure.text(
        0.08 / wide,
        (high - _TOP_INCHES - _HEAD_INCHES + _FOOT_INCHES) / 2 / high,
        "Mean power of a DCT coefficient\n(luma², luma 0 to 1)",
        rotation=90,
        ha="left",
        va="center",
        multialignment="center",
    )
    return figure, panels


def _room(labels: Sequence[str], pitch: float) -> float:
    """Return the inches beside a panel that its longest label needs, its sample of the line included."""
    longest = max((style.text_inches(label, _LABEL_POINTS) for label in labels), default=0.0)
    before = _LABEL_START - 1.0
    return max(_LABEL_INCHES, (before * pitch + longest + _LABEL_MARGIN_INCHES) / (1.0 + before))


def _draw_panel(panel: Axes, manifest: Manifest, dataset: str, looks: Mapping[str, Look]) -> list[_Line]:
    """Draw the profiles and return their lines."""
    severity = shown_severity(manifest)
    panel.set(yscale="log", xlim=(0, 1))
    panel.minorticks_off()
    for edge in (1 / 3, 2 / 3):
        panel.axvline(edge, color="#DDDDDD", linewidth=0.6, zorder=0)
    above: dict[str, Any] = {"transform": panel.transAxes, "ha": "center", "va": "top"}
    for index, band in enumerate(BANDS):
        panel.text((index + 0.5) / len(BANDS), 0.985, band, **above, color="#777777", fontsize=6.5)
    lines = []
    for kind in (*(built_corruptions(manifest, dataset) if severity else ()), CLEAN):
        record = shown_record(manifest, dataset, kind, 0 if kind == CLEAN else severity or 0)
        if record is not None:
            look = looks[kind].strokes | {"marker": ""} | (_CLEAN_LINE if kind == CLEAN else {})
            profile = np.array(record.spectrum.profile)
            heights = np.where(profile > 0, profile, np.nan)
            order = 3 if kind == CLEAN else 2  # clean on top
            panel.plot(_CENTRES, heights, label=display_name(kind), **look, zorder=order)
            lines.append((display_name(kind), heights, look))
    return lines


def _title(panel: Axes, manifest: Manifest, dataset: str, collection: str) -> None:
    clean = shown_record(manifest, dataset, CLEAN, 0)
    images = clean.rows if clean is not None else 0
    count = counted(images, "image")
    first, second = panel_title(manifest, dataset)
    panel.set_title(first, pad=14)
    panel.annotate(
        ", ".join(filter(None, (second, collection, count))),
        (0, 1),
        xytext=(0, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=_LABEL_POINTS,
    )


def _label_lines(panel: Axes, lines: Sequence[_Line]) -> None:
    """Name each line at its right end, labels kept apart and tied to their lines by a leader."""
    low, high = np.log(panel.get_ylim())
    ends = []
    for name, heights, look in lines:
        known = np.flatnonzero(np.isfinite(heights))
        if known.size:
            last = known[-1]
            ends.append((float((np.log(heights[last]) - low) / (high - low)), _CENTRES[last], name, look))
    ends.sort(key=lambda end: end[0])
    outside: dict[str, Any] = {
        "transform": panel.transAxes,
        "clip_on": False,
        "scalex": False,
        "scaley": False,
    }
    for (y, x, name, look), spread in zip(ends, _spread([end[0] for end in ends]), strict=True):
        panel.plot((x, 1.025, 1.05), (y, spread, spread), color=look["color"], linewidth=0.4, **outside)
        panel.plot((1.05, 1.13), (spread, spread), **look, **outside)
        panel.text(_LABEL_START, spread, name, transform=panel.transAxes, va="center", fontsize=_LABEL_POINTS)


def _spread(places: Sequence[float]) -> list[float]:
    """Move sorted places apart to at least the label spacing, as little as a pass up and one down can."""
    spread = list(places)
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + _LABEL_SPACING)
    ceiling = max(1.0, (len(spread) - 1) * _LABEL_SPACING)
    for index in reversed(range(len(spread))):
        spread[index] = min(spread[index], ceiling)
        ceiling = spread[index] - _LABEL_SPACING
    return spread
