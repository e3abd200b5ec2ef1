"""Find the datasets that a request means, and open their sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, SourceError, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import check_name
from medimeta_c.format.manifest import Protocol
from medimeta_c.sources import DEFAULT, SOURCES, SourceFamily, family_of, open_source
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.contract import Reading, Source
from medimeta_c.sources.folders.layout import holds_classes

__all__ = ["ALL", "AVAILABLE", "check_selection", "open_datasets", "reopen", "select"]

ALL = "all"
AVAILABLE = "available"


def select(names: Sequence[str], source: str | None, data_dir: Path) -> list[tuple[str, SourceFamily]]:
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
    families = check_selection(names, source, data_dir)
    if not {ALL, AVAILABLE} & set(names):
        return list(zip(names, families, strict=True))
    family = families[0]
    chosen = _all(family, data_dir) if names[0] == ALL else _available(family, data_dir)
    return [(name, family) for name in chosen]


def check_selection(names: Sequence[str], source: str | None, data_dir: Path) -> list[SourceFamily]:
    """Check the names of a request, whether or not their data is there.

    Parameters
    ----------
    names, source, data_dir
        As in `select`.

    Returns
    -------
    list of SourceFamily
        The source family of each name.

    Raises
    ------
    ConfigError
        If a name is unknown, or "all" means nothing for the source family.
    SourceError
        If the data folder is itself what a name means.
    """
    family = None if source is None else SOURCES.find(source)
    special = {ALL, AVAILABLE} & set(names)
    if not special:
        return [_family(name, family, data_dir) for name in names]
    if len(names) > 1:
        raise ConfigError(f"{special.pop()!r} cannot be combined with other datasets")
    family = family or SOURCES[DEFAULT]
    if not family.suite:
        raise ConfigError(
            f"{names[0]!r} is not defined for the source {family.name}", remedy=Remedy("name the dataset")
        )
    return [family]


def _family(name: str, asked: SourceFamily | None, data_dir: Path) -> SourceFamily:
    check_name("dataset", name)
    family = asked or family_of(name)
    listed = published(family.name)
    itself = asked is None and name == data_dir.name and not family.present(name, data_dir)
    if itself and holds_classes(data_dir):
        raise SourceError(
            f"{data_dir} holds class folders of pictures", remedy=Remedy("add {source}", source="imagefolder")
        )
    if listed and family.kin(name) not in listed and not family.present(name, data_dir):
        # Without a source asked for, the name may be meant for any collection.
        raise unknown_name("dataset", name, listed if asked else list(catalog()))
    return family


def _all(family: SourceFamily, data_dir: Path) -> Sequence[str]:
    wanted = family.builds.datasets
    missing = [name for name in wanted if not family.present(name, data_dir)]
    if missing:
        lacks = f"lacks {', '.join(missing)}" if data_dir.exists() else "does not exist"
        raise SourceError(
            f"{ALL!r} needs {', '.join(wanted)}, but {data_dir} {lacks}",
            remedy=[
                Remedy("get it with {command}", command="download", datasets=missing, data_dir=str(data_dir)),
                Remedy("build what is there with {datasets}", datasets=AVAILABLE),
            ],
        )
    return wanted


def _available(family: SourceFamily, data_dir: Path) -> Sequence[str]:
    found = [name for name in family.known if family.present(name, data_dir)]
    if not found:
        none = f"holds no dataset of the {family.name} collection"
        reason = none if data_dir.exists() else "does not exist"
        raise SourceError(
            f"{data_dir} {reason}",
            remedy=[
                Remedy("name the right folder with {data_dir}"),
                Remedy("get one with {command}", command="download"),
                Remedy("try {source}", source="phantoms"),
            ],
        )
    return found


def open_datasets(
    names: Sequence[str],
    source: str | None,
    data_dir: Path,
    *,
    task: str | None = None,
    reading: Reading | None = None,
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
    return {name: family.open(name, data_dir, task=task, reading=reading) for name, family in chosen}


def reopen(built: DatasetInfo, protocol: Protocol, data_dir: Path, *, ids: Path | None = None) -> Source:
    """Open the source of a dataset that was built, to read its images again as then."""
    if not SOURCES.find(built.kind).pictures:
        return open_source(built.kind, built.dataset, data_dir, task=built.task)
    # Not as strict as when it was built: its checksum tells whether it is the same data.
    reading = Reading(
        channels=protocol.channels,
        window=protocol.window,
        frames=protocol.frames,
        classes_are=built.class_names,
        data_is_dataset=not (data_dir / built.dataset).is_dir(),
        ids=ids,
    )
    return open_source(built.kind, built.dataset, data_dir, task=built.task, reading=reading)
