"""How brightness and contrast shift the distribution of pixel values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from medimeta_c.benchmark import Benchmark
from medimeta_c.figures import style
from medimeta_c.figures.choice import (
    built_corruptions,
    built_severities,
    dataset_label,
    display_name,
    shown_record,
)
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture
from medimeta_c.records import CLEAN
from medimeta_c.spectrum import luma

__all__ = ["exhibit", "pixel_density"]

KINDS = ("brightness", "contrast")
LEVELS = 256
_SMOOTHING_LEVELS = 3.0  # standard deviation of the kernel: what contrast leaves of 256 levels is a comb
_ROW_INCHES = 1.25
_LUMA = np.arange(LEVELS) / (LEVELS - 1)

_Densities = Mapping[tuple[str, int], NDArray[np.float64]]


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the densities of every dataset with brightness or contrast: the paper's Fig. 5C."""
    benchmark = inputs.built()
    built = [
        name for name in benchmark.datasets if set(KINDS) & set(built_corruptions(benchmark.manifest, name))
    ]
    if not built:
        raise Lacking("build brightness or contrast")
    densities = {name: _densities(benchmark, name, inputs.images) for name in built}
    yield Picture(
        name="pixel_density",
        caption="Distribution of the luma of all pixels, clean and at severities 1 to 5: share of pixels in "
        f"each of {LEVELS} levels, smoothed by a Gaussian kernel of {_SMOOTHING_LEVELS:g} levels, over the "
        f"first {inputs.images} images of a set at most.",
        figure=pixel_density(benchmark, densities),
        header=("dataset", "corruption", "severity", "luma", "density"),
        rows=[
            (dataset, kind, severity, float(centre), float(share))
            for dataset, own in densities.items()
            for (kind, severity), values in own.items()
            for centre, share in zip(_LUMA, values, strict=True)
        ],
    )


def pixel_density(benchmark: Benchmark, densities: Mapping[str, _Densities]) -> Figure:
    """Draw a row a dataset, a panel a corruption, a line a severity.

    Parameters
    ----------
    benchmark : Benchmark
        For names.
    densities : mapping of str to mapping of (str, int) to ndarray, shape (256,)
        By dataset, and by corruption and severity: densities, which add up to 1.
    """
    with style.context():
        high = _ROW_INCHES * len(densities) + 0.75
        figure = Figure(
            figsize=(1.45 * style.COLUMN_INCHES, high),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        grid = figure.subplots(len(densities), len(KINDS), squeeze=False, sharex=True, sharey="row")
        for row, (dataset, own) in enumerate(densities.items()):
            for column, kind in enumerate(KINDS):
                _draw(grid[row, column], own, kind)
                if row == 0:
                    grid[0, column].set_title(display_name(kind), fontweight="normal", loc="center")
            label = dataset_label(benchmark.manifest, dataset).replace(" ", "\n")
            grid[row, 0].set_ylabel(label, fontweight="bold")
        for panel in grid[-1]:
            panel.set_xlabel("Luma (0 black, 1 white)")
        figure.supylabel("Pixel density (% of pixels per level)", fontsize=7.5)
        severities = sorted({severity for own in densities.values() for _, severity in own})
        handles = [
            Line2D(
                [],
                [],
                color=style.severity_colour(one),
                label="Clean" if one == 0 else f"Severity {one}",
                linestyle="--" if one == 0 else "-",
            )
            for one in severities
        ]
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=6,
            frameon=False,
            fontsize=6.4,
            handlelength=1.6,
            columnspacing=0.9,
        )
    return figure


def _draw(panel: Axes, densities: _Densities, kind: str) -> None:
    panel.set_yscale("log")
    panel.set_xlim(0, 1)
    panel.set_ylim(0.005, 30)
    panel.set_yticks((0.01, 0.1, 1, 10), ("0.01", "0.1", "1", "10"))
    panel.minorticks_off()
    for (name, severity), shares in densities.items():
        if name in (kind, CLEAN):
            heights = np.where(shares > 0, 100 * shares, np.nan)
            panel.plot(
                _LUMA,
                heights,
                color=style.severity_colour(severity),
                linestyle="--" if severity == 0 else "-",
                linewidth=1.0,
                zorder=4 if severity == 0 else 3,
            )


def _densities(benchmark: Benchmark, dataset: str, images: int) -> dict[tuple[str, int], NDArray[np.float64]]:
    """Return the shares of pixels in each bin, clean and by corruption and severity."""
    severities = built_severities(benchmark.manifest, dataset)
    cells = [(CLEAN, 0), *((kind, severity) for kind in KINDS for severity in severities)]
    found = {}
    for kind, severity in cells:
        record = shown_record(benchmark.manifest, dataset, kind, severity)
        if record is None:
            continue
        counts = np.zeros(LEVELS)
        left = images
        for batch in benchmark.batches(record.key):
            for image in batch.images[:left]:
                levels = np.rint(luma(image) * (LEVELS - 1)).astype(np.intp)
                counts += np.bincount(levels.ravel(), minlength=LEVELS)
            left -= len(batch)
            if left <= 0:
                break
        found[kind, severity] = gaussian_filter1d(counts / counts.sum(), _SMOOTHING_LEVELS, mode="reflect")
    return found
