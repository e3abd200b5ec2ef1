"""The spectrum figure: how each corruption changes the power of the images' DCT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from medimeta_c.figures.drawing.canvas import Canvas, Words
from medimeta_c.figures.drawing.letters import text_inches
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.drawing.sizes import DPI, PAGE_INCHES, PRINT_DPI
from medimeta_c.figures.exhibit import Inputs, Picture, paged, panel_title
from medimeta_c.figures.profile_panel import (
    CENTRES,
    LABEL_POINTS,
    LABEL_START,
    Panel,
    Profile,
    limits_of,
)
from medimeta_c.format.display import (
    built_corruptions,
    display_name,
    shown_record,
    shown_severity,
    side_by_side,
)
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.manifest.records import Manifest
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
_LABEL_MARGIN_INCHES = 0.04
_MARGIN_INCHES = 0.08
_BOTTOM_INCHES = 0.082  # below the baseline of the last line
_AXIS_POINTS = 7.5
_LINE_POINTS = 1.2
_CLEAN_POINTS = 1.8
_Place = tuple[str, str] | None


def draw(root: Place, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield ``spectrum.png``. The manifest holds the profiles; `root` is not read."""
    del root
    builds = {"": manifest}
    yield "spectrum.png", spectra(builds, side_by_side(builds), dpi=DPI).png()


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
                for centre, power in zip(CENTRES, one.spectrum.profile, strict=True)
            ],
        )


def spectra(builds: Mapping[str, Manifest], places: Sequence[_Place], *, dpi: int = PRINT_DPI) -> Canvas:
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
    Canvas
        Power on a logarithmic axis, the same in all panels, over radial frequency. Bins without power
        (small images have bins without coefficients) are left out.
    """
    looks = corruption_looks(name for one in builds.values() for name in built_corruptions(one))
    profiles = [[] if place is None else _profiles(builds[place[0]], place[1], looks) for place in places]
    limits = limits_of([one for panel in profiles for one in panel])
    canvas, panels = _page(len(places), _severities(builds), list(map(display_name, looks)), limits, dpi)
    for index, (panel, place) in enumerate(zip(panels, places, strict=True)):
        if place is not None:
            name, dataset = place
            under = places[index + _COLUMNS : index + _COLUMNS + 1]
            alone = index % _COLUMNS == 0 or places[index - 1] is None
            panel.draw_axes(across=under in ([], [None]), up=alone)
            panel.draw_title(*_titles(builds[name], dataset, name if len(builds) > 1 else ""))
            for one in profiles[index]:
                panel.draw_line(one)
            panel.label_lines(profiles[index])
    return canvas


def _severities(builds: Mapping[str, Manifest]) -> str:
    """Return where corruptions are shown, in words; empty without any."""
    shown = {name: shown_severity(one) for name, one in builds.items() if shown_severity(one) is not None}
    if len(set(shown.values())) > 1:
        return "; corruptions at severity " + ", ".join(f"{one} ({name})" for name, one in shown.items())
    return f"; corruptions at severity {next(iter(shown.values()))}" if shown else ""


def _page(
    count: int, severities: str, labels: Sequence[str], limits: tuple[float, float], dpi: int
) -> tuple[Canvas, list[Panel]]:
    """Return a page with empty panels at fixed places, two a row, and room for labels beside each."""
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    wide = PAGE_INCHES if columns == _COLUMNS else 0.62 * PAGE_INCHES
    pitch_high = _ROW_INCHES if rows <= _MOST_HIGH_ROWS else _LOW_ROW_INCHES
    high = _TOP_INCHES + rows * pitch_high + _FOOT_INCHES
    canvas = Canvas(width=int(wide * dpi), height=int(high * dpi), dpi=dpi)
    pitch = (wide - _LEFT_INCHES) / columns
    beside = _room(labels, pitch)
    panels = [
        Panel(
            canvas=canvas,
            left=(_LEFT_INCHES + index % columns * pitch) * dpi,
            top=(_TOP_INCHES + _HEAD_INCHES + index // columns * pitch_high) * dpi,
            wide=(pitch - beside) * dpi,
            high=(pitch_high - _HEAD_INCHES) * dpi,
            limits=limits,
        )
        for index in range(count)
    ]
    canvas.add(
        Words(
            x=(_LEFT_INCHES + wide - beside) / 2 * dpi,
            y=(high - _BOTTOM_INCHES) * dpi,
            text=f"Radial frequency (share of the highest){severities}",
            points=_AXIS_POINTS,
            across="center",
        ),
        Words(
            x=_MARGIN_INCHES * dpi,
            y=(_TOP_INCHES + _HEAD_INCHES + high - _FOOT_INCHES) / 2 * dpi,
            text="Mean power of a DCT coefficient\n(luma², luma 0 to 1)",
            points=_AXIS_POINTS,
            turned=True,
        ),
    )
    return canvas, panels


def _room(labels: Sequence[str], pitch: float) -> float:
    """Return the inches beside a panel that its longest label needs, its sample of the line included."""
    longest = max((text_inches(label, LABEL_POINTS) for label in labels), default=0.0)
    before = LABEL_START - 1.0
    return max(_LABEL_INCHES, (before * pitch + longest + _LABEL_MARGIN_INCHES) / (1.0 + before))


def _profiles(manifest: Manifest, dataset: str, looks: Mapping[str, Look]) -> list[Profile]:
    """Return the profiles of a dataset, clean last: it is drawn on top."""
    severity = shown_severity(manifest)
    profiles = []
    for kind in (*(built_corruptions(manifest, dataset) if severity else ()), CLEAN):
        record = shown_record(manifest, dataset, kind, 0 if kind == CLEAN else severity or 0)
        if record is not None:
            powers = np.array(record.spectrum.profile)
            profiles.append(
                Profile(
                    name=display_name(kind),
                    heights=np.where(powers > 0, powers, np.nan),
                    look=looks[kind],
                    width=_CLEAN_POINTS if kind == CLEAN else _LINE_POINTS,
                )
            )
    return profiles


def _titles(manifest: Manifest, dataset: str, collection: str) -> tuple[str, str]:
    """Return the two lines above a panel."""
    clean = shown_record(manifest, dataset, CLEAN, 0)
    count = counted(clean.rows if clean is not None else 0, "image")
    first, second = panel_title(manifest, dataset)
    return first, ", ".join(filter(None, (second, collection, count)))
