"""Default output folder of a build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building.state.journal import Journal
from medimeta_c.errors import MediMetaError
from medimeta_c.format.display import CORE_TITLE, benchmark_title, slug
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.parts import FOLDER
from medimeta_c.format.suites import CORE, SUITES
from medimeta_c.sources import SourceFamily
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.folders.layout import find_root
from medimeta_c.sources.imagefolder import said_title
from medimeta_c.sources.medimeta_info import read_info
from medimeta_c.sources.selection import select

__all__ = ["default_out"]

_FORMERLY = Path(CORE_TITLE)
"""The default output folder of every build in earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A requested dataset: what is known of it before its images are read."""

    dataset: str
    kind: str
    title: str
    is_phantom: bool
    root: Path


def default_out(
    datasets: Sequence[str],
    *,
    data_dir: Path,
    source: str | None = None,
    data_is_dataset: bool = False,
    suite: str = CORE.name,
) -> Path:
    """Return the default output folder of a build.

    It is ``MediMeta-C`` for the core suite's datasets, otherwise the slug of the title that is made from the
    datasets, with ``-c`` appended if that would be the folder of the data itself. Earlier versions built
    everything in ``MediMeta-C``: if it already holds one of the datasets, it is used, unless the other folder
    holds a build.

    Parameters
    ----------
    datasets : sequence of str
        The requested names, as `BuildConfig` takes them.
    data_dir : Path
        Folder of the clean data.
    source : str, optional
        The requested source family.
    data_is_dataset : bool, optional
        Whether `data_dir` itself is the dataset.
    suite : str, optional
        The suite's name, which the folder of another suite than core has in its name.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If data is missing.
    """
    asked = [
        _asked(name, family, data_dir, data_is_dataset=data_is_dataset)
        for name, family in select(datasets, source, data_dir, SUITES.find(suite))
    ]
    title = benchmark_title(sorted(asked, key=lambda one: one.dataset), suite=suite)
    if title == CORE_TITLE:
        return _FORMERLY
    if title == f"{CORE_TITLE} {suite}":
        return Path(f"{CORE_TITLE}-{suite}")
    out = Path(slug(title))
    taken = {data_dir.resolve(), *(one.root.resolve() for one in asked)}
    if any(one.is_relative_to(out.resolve()) for one in taken):
        out = Path(f"{out}-c")
    return _FORMERLY if suite == CORE.name and not _is_build(out) and _holds_one(_FORMERLY, asked) else out


def _asked(name: str, family: SourceFamily, data_dir: Path, *, data_is_dataset: bool) -> _Asked:
    root, title = data_dir / name, catalog()[name].title if name in published(family.name) else ""
    if family.name == "imagefolder":
        root = find_root(name, data_dir, data_is_dataset=data_is_dataset)
        title = said_title(root)
    elif family.name == "medimeta" and (root / "info.yaml").is_file():
        title = read_info(root / "info.yaml").title or title
    return _Asked(dataset=name, kind=family.name, title=title or name, is_phantom=family.synthetic, root=root)


def _is_build(folder: Path) -> bool:
    return (folder / FOLDER).is_dir() or (folder / MANIFEST_NAME).is_file()


def _holds_one(folder: Path, asked: Sequence[_Asked]) -> bool:
    """Return whether a build, finished or not, holds a requested dataset from the same kind of source."""
    try:
        held = Journal(folder).datasets
    except MediMetaError:  # a damaged build is not used
        return False
    return any(one.dataset in held and held[one.dataset].kind == one.kind for one in asked)
