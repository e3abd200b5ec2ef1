"""Figures of a built benchmark: one module per figure, one registry line each. They read files only.

Importing this package does not import matplotlib; drawing does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

from medimeta_c.manifest import Manifest

__all__ = ["FIGURES", "draw"]

FIGURES: dict[str, str] = {
    "sample_grid": "medimeta_c.figures.sample_grid:draw",
    "spectrum": "medimeta_c.figures.spectra:draw",
}
"""Each figure family as ``"module:function"``. The function takes ``(root, manifest)`` and yields file names
(without a folder) with PNG bytes."""


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
