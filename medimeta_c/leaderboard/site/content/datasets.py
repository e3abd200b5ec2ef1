"""What a board shows of a dataset: its names, its fingerprint, and images from the board's own benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import CORE, in_order
from medimeta_c.leaderboard.site.entries import DatasetShown, Example
from medimeta_c.leaderboard.submission import slug
from medimeta_c.reports.changed import thumbnails
from medimeta_c.results.identity import DatasetEntry
from medimeta_c.sources.catalog import catalog

__all__ = ["dataset_shown"]

_SPLIT = "test"
_EXAMPLES = 2
"""Images shown of a dataset, each of another class."""


def dataset_shown(
    dataset: str, collection: str, entries: Mapping[str, DatasetEntry], benchmark: Benchmark | None
) -> DatasetShown:
    """Return what a board says of a dataset, by a member's results or by the catalog.

    Parameters
    ----------
    dataset : str
        Its id.
    collection : str
        The board's collection and version.
    entries : mapping of str to DatasetEntry
        What the members were scored on.
    benchmark : Benchmark or None
        Where examples are taken from, if it has the dataset with the same fingerprint.
    """
    entry = entries.get(dataset)
    if entry is None:
        known = catalog().get(dataset)
        return DatasetShown(
            dataset=dataset,
            title=known.title if known else display_name(dataset),
            modality=known.modality if known else "",
            key=f"{slug(collection)}--{slug(dataset)}",
        )
    own = benchmark is not None and dataset in benchmark.datasets
    same = own and benchmark is not None and benchmark.dataset(dataset).fingerprint == entry.fingerprint
    return DatasetShown(
        dataset=dataset,
        title=entry.title,
        modality=entry.modality,
        key=f"{slug(collection)}--{slug(dataset)}--{entry.fingerprint[:8]}",
        fingerprint=entry.fingerprint,
        images=entry.images,
        credit=benchmark.dataset(dataset).license if same and benchmark is not None else "",
        examples=_examples(benchmark, dataset) if same and benchmark is not None else (),
    )


def _examples(benchmark: Benchmark, dataset: str) -> tuple[Example, ...]:
    """Return the first image of each of the first classes, under every corruption at a middle severity."""
    keys = [one.key for one in benchmark.manifest.sets if (one.dataset, one.split) == (dataset, _SPLIT)]
    order = in_order({key.corruption for key in keys}, CORE.corruptions)
    keys.sort(key=lambda key: order.index(key.corruption))
    clean = [key for key in keys if key.corruption == CLEAN]
    if not clean:
        return ()
    severities = sorted({key.severity for key in keys if key.corruption != CLEAN})
    middle = severities[len(severities) // 2] if severities else 0
    shown = [*clean, *(key for key in keys if key.severity == middle and key.corruption != CLEAN)]
    classes = benchmark.class_names(dataset)
    chosen = _first_of_classes(benchmark, clean[0], len(classes))
    images = thumbnails(benchmark, [(key, image_id) for key in shown for image_id in chosen.values()])
    return tuple(
        Example(
            image_id=image_id,
            label=classes[label],
            images={_condition(key): images[key, image_id] for key in shown},
        )
        for label, image_id in chosen.items()
    )


def _condition(key: SetKey) -> str:
    return "Clean" if key.corruption == CLEAN else f"{display_name(key.corruption)}, severity {key.severity}"


def _first_of_classes(benchmark: Benchmark, clean: SetKey, classes: int) -> dict[int, str]:
    """Return the first image of each class, of at most `_EXAMPLES` classes, by label."""
    found: dict[int, str] = {}
    for table in benchmark.tables(clean, ("image_id", "label")):
        labels: Sequence[int] = table["label"].to_pylist()
        for image_id, label in zip(table["image_id"].to_pylist(), labels, strict=True):
            if label not in found and len(found) < min(_EXAMPLES, classes):
                found[label] = image_id
    return dict(sorted(found.items()))
