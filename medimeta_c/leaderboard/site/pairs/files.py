"""What the page that compares two models loads: a list of entries at once, and binary files for two of them.

Every file is gzip. Its content is one line of JSON and then bytes:

- ``compare/ENTRY.bits``: which images the model gets right. The line lists datasets, and the cells of each;
  the bytes are those of `RightBits`, dataset after dataset.
- ``compare/IMAGES.counts``: how often each resample draws each image. A byte for each, resample by resample;
  255 stands for 255 and more, of which the line has the places and the numbers.

The resamples are those of `medimeta_c.metrics.resampling`, so that intervals are those of `compare`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from medimeta_c.format.display import display_name
from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.leaderboard.site.pairs.bits import ImageSet, RightBits, image_set, packed
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.grid import ErrorGrid, Scope
from medimeta_c.metrics.resampling import Resampling, resample_counts

__all__ = ["FOLDER", "pair_data", "pair_files"]

FOLDER = "compare"
"""Where the files are, below the site's own folder."""

_ESCAPE = 255


def pair_data(boards: Sequence[Board]) -> dict[str, Any]:
    """Return what the page knows of every entry before two are chosen, as plain values.

    Entries refer to image sets and baselines by their place in those lists.
    """
    sets = _image_sets(boards)
    places = {one: place for place, one in enumerate(sets)}
    baselines = _baselines(boards)
    bases = [base for base, _ in baselines]
    titles = {one.dataset: one.title for board in boards for one in board.datasets}
    corruptions = {name for _, entry in _entries(boards) for one in entry.right for name in one.corruptions}
    return {
        "resamples": Resampling().resamples,
        "level": Resampling().level,
        "sets": [
            {
                **one.values(),
                "units": len(one.units),
                "title": titles.get(one.dataset, ""),
                "counts": f"{FOLDER}/{one.key}.counts",
            }
            for one in sets
        ],
        "baselines": [
            {
                "name": base.model,
                "note": base.note,
                "measured": base.measured_on_these_shards,
                "bits": f"{FOLDER}/baseline-{place}.bits" if right else None,
                "sets": [places[one.images] for one in right if one.images in places],
                "grids": {name: _grid(grid) for name, grid in base.grids.items()},
            }
            for place, (base, right) in enumerate(baselines)
        ],
        "entries": [
            {
                "key": entry.key,
                "name": entry.name,
                "organisation": entry.organisation,
                "board": board.title,
                "marks": _marks(entry),
                "sets": [places[one.images] for one in entry.right],
                "bits": f"{FOLDER}/{entry.key}.bits",
                "baseline": None if board.divisor is None else bases.index(board.divisor.baseline),
            }
            for board, entry in _entries(boards)
        ],
        "corruptions": {name: display_name(name) for name in sorted(corruptions)},
    }


def pair_files(boards: Sequence[Board]) -> Iterator[tuple[str, bytes]]:
    """Yield every data file: its path below the site's folder, and its bytes."""
    for _, entry in _entries(boards):
        yield f"{FOLDER}/{entry.key}.bits", _bits_file(entry.right)
    for place, (_, right) in enumerate(_baselines(boards)):
        if right:
            yield f"{FOLDER}/baseline-{place}.bits", _bits_file(right)
    for one in _image_sets(boards):
        yield f"{FOLDER}/{one.key}.counts", _counts_file(one, Resampling())


def _entries(boards: Sequence[Board]) -> list[tuple[Board, Entry]]:
    """Return the entries that can be compared: those with predictions."""
    return [(board, entry) for board in boards for entry in board.entries if entry.right]


def _image_sets(boards: Sequence[Board]) -> list[ImageSet]:
    return list(dict.fromkeys(one.images for _, entry in _entries(boards) for one in entry.right))


def _baselines(boards: Sequence[Board]) -> list[tuple[Baseline, tuple[RightBits, ...]]]:
    """Return what boards divide by, each once, with its own predictions where they are there."""
    found: list[tuple[Baseline, tuple[RightBits, ...]]] = []
    for board in boards:
        if board.divisor is None or any(base == board.divisor.baseline for base, _ in found):
            continue
        known = {one.images.dataset: one for entry in board.entries for one in entry.right}
        right = []
        for dataset, table in board.divisor.tables.items():
            corruptions = dict.fromkeys(key.corruption for key in table.keys if key.severity)
            severities = sorted({key.severity for key in table.keys if key.severity})
            if dataset in known and corruptions:
                scope = Scope(
                    split=table.split,
                    severities=tuple(severities),
                    corruptions={dataset: tuple(corruptions)},
                )
                like = known[dataset]
                images = image_set(table, like.images.fingerprint, like.images.units)
                right.append(packed(table, images, scope, like.chance))
        found.append((board.divisor.baseline, tuple(right)))
    return found


def _marks(entry: Entry) -> list[dict[str, str]]:
    """Return why an entry is ranked nowhere, each in a word and in words that follow "is"."""
    marks = [{"label": mark.label, "phrase": mark.phrase} for mark in entry.marks]
    if entry.training.overlap == "test":
        marks.append({"label": "trained on test images", "phrase": "trained on images of the test splits"})
    return marks


def _grid(grid: ErrorGrid) -> dict[str, Any]:
    return {
        "split": grid.split,
        "clean": grid.clean,
        "rows": {
            name: {"total": row.total, "severities": row.severities, "errors": row.errors}
            for name, row in grid.corrupted.items()
        },
    }


def _bits_file(right: Sequence[RightBits]) -> bytes:
    head = {
        "schema_version": 1,
        "datasets": [
            {
                **one.images.values(),
                "corruptions": one.corruptions,
                "severities": one.severities,
                "chance": one.chance,
                "cells": one.cells,
            }
            for one in right
        ],
    }
    return _gzip(head, b"".join(one.bits for one in right))


def _counts_file(images: ImageSet, plan: Resampling) -> bytes:
    units, body, above, start = images.units, [], [], 0
    for drawn in resample_counts(units, plan):
        counts = drawn[:, units.of_image]
        above += [[start + int(at), int(counts.flat[at])] for at in np.flatnonzero(counts >= _ESCAPE)]
        body.append(np.minimum(counts, _ESCAPE).astype(np.uint8).tobytes())
        start += counts.size
    head = {
        "schema_version": 1,
        **images.values(),
        "units": len(units),
        **plan.model_dump(exclude={"grouped"}),
        "above": above,
    }
    return _gzip(head, b"".join(body), drawn=True)


def _gzip(head: Mapping[str, Any], body: bytes, *, drawn: bool = False) -> bytes:
    """Return a line of JSON and bytes, compressed without a date: the same site has the same bytes."""
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    # Numbers drawn at random repeat nothing: without a search for repeats it is quicker, and smaller.
    strategy = zlib.Z_HUFFMAN_ONLY if drawn else zlib.Z_DEFAULT_STRATEGY
    packing = zlib.compressobj(level=9, wbits=31, strategy=strategy)
    return packing.compress(line + body) + packing.flush()
