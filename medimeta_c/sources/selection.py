"""Find the datasets that a request means, and open their sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, SourceError, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import ALL, check_name
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.format.suites import CORE, Suite
from medimeta_c.sources import DEFAULT, SOURCES, SourceFamily, family_of, open_source
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.contract import Reading, Source
from medimeta_c.sources.folders.layout import holds_classes

__all__ = ["AVAILABLE", "MEDIMETA", "check_selection", "open_datasets", "reopen", "select"]

AVAILABLE = "available"
MEDIMETA = DEFAULT
"""Names all of MedIMeta's datasets that can be built, where ``"all"`` names the suite's five."""


def select(
    names: Sequence[str], source: str | None, data_dir: Path, suite: Suite = CORE
) -> list[tuple[str, SourceFamily]]:
    """Return (dataset, source family) for each dataset a request means.

    Parameters
    ----------
    names : sequence of str
        Dataset ids, or ``"all"``, ``"medimeta"`` or ``"available"`` alone.
    source : str or None
        The source family, or None for the one each id belongs to.
    data_dir : Path
        Where clean data is.
    suite : Suite, optional
        Whose five datasets ``"all"`` means.

    Raises
    ------
    ConfigError
        If a name is unknown, or "all" or "medimeta" means nothing for the source family.
    SourceError
        If something of "all" or "medimeta" is missing, or "available" finds nothing.
    """
    families = check_selection(names, source, data_dir, suite)
    special = _special(names, source, suite)
    if not special:
        return list(zip(names, families, strict=True))
    family, word = families[0], names[0]
    wanted = _wanted(word, family, suite)
    here = [name for name in wanted if family.present(name, data_dir)]
    if word == AVAILABLE:
        _check_some(here, family, data_dir)
    else:
        _check_whole(word, wanted, here, data_dir)
    return [(name, family) for name in here]


def check_selection(
    names: Sequence[str], source: str | None, data_dir: Path, suite: Suite = CORE
) -> list[SourceFamily]:
    """Check the names of a request, whether or not their data is there.

    Parameters
    ----------
    names, source, data_dir, suite
        As in `select`.

    Returns
    -------
    list of SourceFamily
        The source family of each name.

    Raises
    ------
    ConfigError
        If a name is unknown, or "all" or "medimeta" means nothing for the source family.
    SourceError
        If the data folder is itself what a name means.
    """
    family = None if source is None else SOURCES.find(source)
    special = _special(names, source, suite)
    if not special:
        return [_family(name, family, data_dir) for name in names]
    if len(names) > 1:
        raise ConfigError(f"{special.pop()!r} cannot be combined with other datasets")
    family = family or SOURCES[DEFAULT]
    if not _wanted(names[0], family, suite):
        raise ConfigError(
            f"{names[0]!r} is not defined for the source {family.name}", remedy=Remedy("name the dataset")
        )
    return [family]


def _special(names: Sequence[str], source: str | None, suite: Suite) -> set[str]:
    """Return the words among names that mean several datasets."""
    # A folder of one's own may be called medimeta.
    own = source is not None and source not in suite.headline
    return ({ALL, AVAILABLE} if own else {ALL, AVAILABLE, MEDIMETA}) & set(names)


def _wanted(word: str, family: SourceFamily, suite: Suite) -> Sequence[str]:
    """Return the datasets that a word means in a family, there or not; none: it has no meaning."""
    if family.name not in suite.headline:
        return ()
    if word == ALL:
        return suite.headline[family.name]
    if word == AVAILABLE:
        return family.known
    return [name for name in published(MEDIMETA, single_label=True) if name in family.known]


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


def _check_whole(word: str, wanted: Sequence[str], here: Sequence[str], data_dir: Path) -> None:
    missing = [name for name in wanted if name not in here]
    if missing:
        lacks = f"lacks {', '.join(missing)}" if data_dir.exists() else "does not exist"
        raise SourceError(
            f"{word!r} needs {', '.join(wanted)}, but {data_dir} {lacks}",
            remedy=[
                Remedy("get it with {command}", command="download", datasets=missing, data_dir=str(data_dir)),
                Remedy("build what is there with {datasets}", datasets=AVAILABLE),
            ],
        )


def _check_some(here: Sequence[str], family: SourceFamily, data_dir: Path) -> None:
    if not here:
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


def open_datasets(  # noqa: PLR0913  (each of them is one choice of the user's)
    names: Sequence[str],
    source: str | None,
    data_dir: Path,
    *,
    task: str | None = None,
    reading: Reading | None = None,
    suite: Suite = CORE,
) -> dict[str, Source]:
    """Open the sources of the datasets a request means, in the order named.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If data is missing, damaged or of another format.
    """
    chosen = select(names, source, data_dir, suite)
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
