"""Which datasets a request means, and their sources, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medimeta_c.errors import ConfigError, SourceError, unknown_name
from medimeta_c.format.keys import check_name
from medimeta_c.format.suites import SUITES
from medimeta_c.sources import SOURCES, family_of, open_source
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.contract import Source

__all__ = ["ALL", "AVAILABLE", "open_datasets", "present", "select"]

ALL = "all"
AVAILABLE = "available"


def present(kind: str, dataset: str, data_dir: Path) -> bool:
    """Return whether a dataset's data is on this disk, whole or not; phantoms always are."""
    if kind == "phantoms":
        return True
    if kind == "medmnist":
        return any(data_dir.glob(f"{dataset}.npz")) or any(data_dir.glob(f"{dataset}_*.npz"))
    return (data_dir / dataset).is_dir()


def select(names: Sequence[str], source: str | None, data_dir: Path) -> list[tuple[str, str]]:
    """Return (dataset, source family) for each dataset a request means.

    Parameters
    ----------
    names : sequence of str
        Dataset ids, or ``"all"`` or ``"available"`` alone.
    source : str or None
        The source family, or None for the one each id belongs to.
    data_dir : Path
        Where clean data is.

    Raises
    ------
    ConfigError
        If a name is unknown, or "all" means nothing for the source family.
    SourceError
        If "all" is asked for and something is missing, or "available" finds nothing.
    """
    if source is not None and source not in SOURCES:
        raise unknown_name("source", source, SOURCES)
    special = {ALL, AVAILABLE} & set(names)
    if not special:
        return [(name, _family(name, source, data_dir)) for name in names]
    if len(names) > 1:
        raise ConfigError(f"{special.pop()!r} stands alone: give it, or dataset names, not both")
    kind = source or "medimeta"
    if kind not in SUITES:
        raise ConfigError(f"--dataset {names[0]} has no meaning with --source {kind}: name the dataset")
    return _all(kind, data_dir) if names[0] == ALL else _available(kind, data_dir)


def _family(name: str, source: str | None, data_dir: Path) -> str:
    check_name("dataset", name)
    kind = source or family_of(name)
    known = [record.dataset for record in catalog().values() if record.collection == kind]
    base = name.rpartition("_")[0] if kind == "medmnist" and "_" in name else name
    if known and base not in known and not present(kind, name, data_dir):
        # Without a source asked for, the name may be meant for any collection.
        raise unknown_name("dataset", name, known if source else list(catalog()))
    return kind


def _all(kind: str, data_dir: Path) -> list[tuple[str, str]]:
    wanted = SUITES[kind].datasets
    missing = [name for name in wanted if not present(kind, name, data_dir)]
    if missing:
        raise SourceError(
            f"--dataset all needs {', '.join(wanted)}, but {data_dir} lacks {', '.join(missing)}: get it "
            f"with `medimeta-c download --dataset {','.join(missing)} --data {data_dir}`, or build what is "
            "there with --dataset available"
        )
    return [(name, kind) for name in wanted]


def _available(kind: str, data_dir: Path) -> list[tuple[str, str]]:
    if kind == "phantoms":
        return _all(kind, data_dir)
    known = [
        record.dataset for record in catalog().values() if record.collection == kind and record.single_label
    ]
    found = [name for name in known if present(kind, name, data_dir)]
    if not found:
        raise SourceError(
            f"{data_dir} holds no dataset of the {kind} collection: point --data at the right folder, get "
            "one with `medimeta-c download`, or try --source phantoms"
        )
    return [(name, kind) for name in found]


def open_datasets(
    names: Sequence[str], source: str | None, data_dir: Path, *, task: str | None = None
) -> dict[str, Source]:
    """Open the sources of the datasets a request means, in the order named.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If data is missing, damaged or of another format.
    """
    chosen = select(names, source, data_dir)
    return {name: open_source(kind, name, data_dir, task=task) for name, kind in chosen}
