"""Figure of pixel densities: how brightness and contrast shift the distribution of pixel values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, sample
from medimeta_c.figures.drawing.wrapping import name_row
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, paged, row_label
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import (
    built_severities,
    display_name,
    shown_record,
    side_by_side,
)
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.spectrum import luma

__all__ = ["exhibit", "pixel_density"]

KINDS = ("brightness", "contrast")
LEVELS = 256
_SMOOTHING_LEVELS = 3.0  # standard deviation of the kernel: what contrast leaves of 256 levels is a comb
_ROW_INCHES = 1.15
_MOST_ROWS = 7  # on a page
_LUMA = np.arange(LEVELS) / (LEVELS - 1)

_Densities = Mapping[tuple[str, int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """A dataset's densities, each adding up to 1. The collection is empty where there is but one build."""

    collection: str
    dataset: str
    label: str
    densities: _Densities


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the densities of every dataset with brightness or contrast: the paper's Fig. 5C."""
    builds = inputs.built()
    kinds = [kind for kind in KINDS if kind in inputs.corruptions()]
    if not kinds:
        raise Lacking("build brightness or contrast")
    places = side_by_side({name: one.manifest for name, one in builds.items()})
    blocks = [
        None
        if place is None
        else _Block(
            collection=place[0] if len(builds) > 1 else "",
            dataset=place[1],
            label=row_label(builds[place[0]].manifest, place[1]),
            densities=_densities(builds[place[0]], place[1], kinds, inputs.images),
        )
        for place in places
    ]
    for page, shown in paged(blocks, _MOST_ROWS, 2 if len(builds) > 1 else 1):
        yield Picture(
            name=f"pixel_density{page}",
            caption="Distribution of the luma (0 black, 1 white) of all pixels, clean and by severity: share "
            f"of pixels in each of {LEVELS} levels, smoothed by a Gaussian kernel of {_SMOOTHING_LEVELS:g} "
            f"levels, over the first {inputs.images} images of a set at most.",
            figure=pixel_density(shown, kinds),
            header=("collection", "dataset", "corruption", "severity", "luma", "density"),
            rows=[
                (block.collection, block.dataset, kind, severity, float(centre), float(share))
                for block in shown
                if block is not None
                for (kind, severity), values in block.densities.items()
                for centre, share in zip(_LUMA, values, strict=True)
            ],
        )


def pixel_density(blocks: Sequence[_Block | None], kinds: Sequence[str]) -> Figure:
    """Draw a block a dataset: a panel a corruption, a line a severity.

    Parameters
    ----------
    blocks : sequence of _Block or None
        Of one collection, one under the other in a column of a page; else two side by side.
    kinds : sequence of str
        Corruptions, at most two.
    """
    across = 2 if any(block is not None and block.collection for block in blocks) else 1
    rows = -(-len(blocks) // across)
    wide = style.PAGE_INCHES if across == 2 else style.COLUMN_INCHES
    with style.context():
        figure, grid = style.page(
            wide, _ROW_INCHES * rows + 0.4, rows, across * len(kinds), sharex=True, sharey=True
        )
        for index, block in enumerate(blocks):
            row, first = index // across, index % across * len(kinds)
            panels = grid[row, first : first + len(kinds)]
            for panel, kind in zip(panels, kinds, strict=True):
                if block is None:
                    panel.set_axis_off()
                    continue
                _draw(panel, block.densities, kind)
                if row == 0:
                    panel.set_title(display_name(kind), fontweight="normal", loc="center")
                if blocks[index + across : index + across + 1] in ([], [None]):
                    panel.tick_params(labelbottom=True)
                    panel.set_xlabel("Luma (0 to 1)")
            if index % across and blocks[index - 1] is None:
                panels[0].tick_params(labelleft=True)
            if block is not None:
                words = [block.label, *filter(None, [block.collection])]
                name_row(panels[0], words, _ROW_INCHES)
        figure.supylabel("Pixels per level (%)", fontsize=7.5)
        levels = sorted({level for one in blocks if one is not None for _, level in one.densities})
        below(figure, [sample(f"Severity {one}" if one else "Clean", **_line(one)) for one in levels])
    return figure


def _line(severity: int) -> dict[str, Any]:
    return {"color": style.severity_colour(severity), "linestyle": "-" if severity else "--"}


def _draw(panel: Axes, densities: _Densities, kind: str) -> None:
    panel.set(xlim=(0, 1), xticks=(0, 0.5, 1), xticklabels=("0", "0.5", "1"))
    panel.set(yscale="log", ylim=(0.005, 30))
    panel.set_yticks((0.01, 0.1, 1, 10), ("0.01", "0.1", "1", "10"))
    panel.minorticks_off()
    for (name, severity), shares in densities.items():
        if name in (kind, CLEAN):
            heights = np.where(shares > 0, 100 * shares, np.nan)
            panel.plot(_LUMA, heights, **_line(severity), linewidth=1.0, zorder=3 if severity else 4)


def _densities(benchmark: Benchmark, dataset: str, kinds: Sequence[str], images: int) -> _Densities:
    """Return the shares of pixels in each bin, clean and by corruption and severity."""
    severities = built_severities(benchmark.manifest, dataset)
    cells = [(CLEAN, 0), *((kind, severity) for kind in kinds for severity in severities)]
    found: dict[tuple[str, int], NDArray[np.float64]] = {}
    for kind, severity in cells:
        record = shown_record(benchmark.manifest, dataset, kind, severity)
        if record is None:
            continue
        counts = np.zeros(LEVELS)
        for image in islice(chain.from_iterable(one.images for one in benchmark.batches(record.key)), images):
            levels = np.rint(luma(image) * (LEVELS - 1)).astype(np.intp)
            counts += np.bincount(levels.ravel(), minlength=LEVELS)
        found[kind, severity] = gaussian_filter1d(counts / counts.sum(), _SMOOTHING_LEVELS, mode="reflect")
    return found
