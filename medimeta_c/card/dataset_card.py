"""The dataset card of a built benchmark: ``README.md`` and the figures it shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medimeta_c import figures
from medimeta_c.card.coverage import coverage
from medimeta_c.card.evalfile import EVAL_NAME, benchmark_eval_yaml
from medimeta_c.card.metadata import card_metadata, default_config
from medimeta_c.card.severities import unordered_severities
from medimeta_c.format.display import (
    CORE_TITLE,
    built_corruptions,
    built_severities,
    display_name,
    phantom_datasets,
    shown_severity,
    shown_split,
    title_of,
)
from medimeta_c.format.keys import CLEAN, MEDIMETAC, SetKey
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.seeding import GROWING
from medimeta_c.format.shards import features
from medimeta_c.io.files import write_atomic
from medimeta_c.io.markdown import environment
from medimeta_c.io.stores.stored import Place
from medimeta_c.io.templating import templates_folder
from medimeta_c.sources import family
from medimeta_corruptions import CORRUPTIONS

__all__ = ["ASSETS", "CARD_NAME", "render_card", "write_card"]

CARD_NAME = "README.md"
ASSETS = "assets"
"""Folder of the card's figures, relative to the benchmark's root."""

_TEMPLATE = "dataset_card.md.jinja"


_COLUMN_NOTES = {
    "image": "the image, PNG, lossless",
    "label": "index into the class names below",
    "image_id": "the image's id in its dataset; rows are sorted by it",
    "dataset": "dataset id",
    "split": "split of the dataset",
    "corruption": "corruption, or `clean`",
    "severity": "1 to 5, or 0 for `clean`",
    "pixels_sha256": "SHA-256 of the decoded pixels' shape and bytes",
    "dct_low": "share of the AC energy of the luma's DCT at radial frequencies in [0, 1/3)",
    "dct_mid": "the same in [1/3, 2/3)",
    "dct_high": "the same in [2/3, 1]",
    "dct_centroid": "energy-weighted mean radial frequency, 0 to 1",
}


def write_card(root: Path, manifest: Manifest, *, shards: Place | None = None) -> None:
    """Draw the figures of a built benchmark and write its dataset card and ``eval.yaml``, each atomically.

    The bytes depend on the manifest, the shards and the installed libraries alone.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.
    shards : Path or StoredPath, optional
        Where its shards are; by default they are in `root`.

    Raises
    ------
    ShardError
        If a shard is missing or damaged.
    WriteError
        If a file cannot be written.
    """
    for name, data in figures.draw(shards or root, manifest):
        write_atomic(root / ASSETS / name, data)
    tasks = benchmark_eval_yaml(manifest)
    if tasks is not None:
        write_atomic(root / EVAL_NAME, tasks.encode())
    write_atomic(root / CARD_NAME, render_card(manifest).encode())


def render_card(manifest: Manifest) -> str:
    """Return the dataset card of a built benchmark.

    Parameters
    ----------
    manifest : Manifest
        What was built.

    Returns
    -------
    str
        YAML header and Markdown body. Text that comes from datasets is escaped.
    """
    template = environment(templates_folder()).get_template(_TEMPLATE)
    return f"---\n{card_metadata(manifest)}\n---\n\n{template.render(_context(manifest))}"


def _context(manifest: Manifest) -> Mapping[str, Any]:
    """Return what the template shows, by name."""
    corruptions = built_corruptions(manifest)
    names = [record.dataset for record in manifest.datasets]
    return {
        "title": title_of(manifest),
        "core_title": CORE_TITLE,
        "manifest": manifest,
        "protocol": manifest.protocol,
        "datasets": manifest.datasets,
        "kinds": {record.kind: family(record.kind).title for record in manifest.datasets},
        "as_published": all(record.kind == MEDIMETAC for record in manifest.datasets),
        "phantoms": phantom_datasets(manifest),
        "rows": sum(record.rows for record in manifest.sets),
        "size": _size(sum(shard.bytes for record in manifest.sets for shard in record.shards)),
        "built_splits": {name: _built_splits(manifest, name) for name in names},
        "shown_splits": {name: shown_split(manifest, name) for name in names},
        "unordered": unordered_severities(manifest.sets) if manifest.protocol.imported else (),
        "built_corruptions": {name: built_corruptions(manifest, name) for name in names},
        "corruption_count": len(corruptions),
        "corruptions": [CORRUPTIONS[name] for name in corruptions if name in CORRUPTIONS],
        "severities": built_severities(manifest),
        "shown_severity": shown_severity(manifest),
        "display_name": display_name,
        "grids": [name for name in names if built_corruptions(manifest, name)],
        "columns": [
            (name, str(kind.get("dtype", kind["_type"])), _COLUMN_NOTES[name])
            for name, kind in features(()).items()
        ],
        "example": _example(manifest),
        "complete": [one.dataset for one in coverage(manifest) if one.complete],
        "growing": manifest.protocol.seed_scheme == GROWING,
        "cells": _cells(manifest),
    }


def _built_splits(manifest: Manifest, dataset: str) -> tuple[str, ...]:
    return tuple(sorted({each.split for each in manifest.sets if each.dataset == dataset}))


def _cells(manifest: Manifest) -> str:
    """Return how many corrupted sets a dataset's full grid has; a range where datasets differ."""
    counts = sorted({one.wanted - 1 for one in coverage(manifest)})
    return "" if not counts else f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _example(manifest: Manifest) -> SetKey:
    """Return the default dataset's set that the snippets load: motion blur as shown, or the nearest to it."""
    dataset = default_config(manifest)
    split, wanted = shown_split(manifest, dataset), shown_severity(manifest) or 0

    def strangeness(key: SetKey) -> tuple[bool, bool, int]:
        return key.corruption == CLEAN, key.corruption != "motion_blur", abs(key.severity - wanted)

    keys = (record.key for record in manifest.sets)
    return min((key for key in keys if (key.dataset, key.split) == (dataset, split)), key=strangeness)


def _size(count: int) -> str:
    """Return a number of bytes for people, in decimal units."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
