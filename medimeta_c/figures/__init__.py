"""Figures and tables: one module per figure, one registry line each. They read files only.

`FIGURES` are those of a benchmark's card, drawn with every build; `GALLERY` those of a paper.

Importing this package does not import matplotlib; drawing does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

from medimeta_c.format.manifest import Manifest

__all__ = ["FIGURES", "GALLERY", "draw"]

FIGURES: dict[str, str] = {
    "sample_grid": "medimeta_c.figures.sample_grid:draw",
    "spectrum": "medimeta_c.figures.spectra:draw",
}
"""Each figure family as ``"module:function"``. The function takes ``(root, manifest)`` and yields file names
(without a folder) with PNG bytes."""

GALLERY: dict[str, str] = {
    "sample_grid": "medimeta_c.figures.sample_grid:exhibit",
    "spectrum": "medimeta_c.figures.spectra:exhibit",
    "frequency_bands": "medimeta_c.figures.frequency_bands:exhibit",
    "frequency_effects": "medimeta_c.figures.frequency_effects:exhibit",
    "feature_map": "medimeta_c.figures.feature_map:exhibit",
    "pixel_density": "medimeta_c.figures.pixel_density:exhibit",
    "robustness_accuracy": "medimeta_c.figures.robustness_accuracy:exhibit",
    "backbones": "medimeta_c.figures.backbones:exhibit",
    "severity": "medimeta_c.figures.severity:exhibit",
    "fewshot": "medimeta_c.figures.fewshot:exhibit",
    "table2": "medimeta_c.figures.tables:draw_table2",
    "table3": "medimeta_c.figures.tables:draw_table3",
    "table6": "medimeta_c.figures.tables:draw_table6",
}
"""What ``medimeta-c figures`` makes, each as ``"module:function"``. The function takes
`medimeta_c.figures.exhibit.Inputs` and yields pictures or tables; it raises ``Lacking`` without its input."""


def draw(root: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Draw every figure of a built benchmark.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.

    Yields
    ------
    name : str
        A bare file name, e.g. ``"spectrum.png"``.
    data : bytes
        A PNG file; the same build and libraries give the same bytes.

    Raises
    ------
    ShardError
        If a shard is missing or damaged.
    """
    for target in FIGURES.values():
        module, function = target.split(":")
        figure = cast(
            "Callable[[Path, Manifest], Iterator[tuple[str, bytes]]]",
            getattr(import_module(module), function),
        )
        yield from figure(root, manifest)
