"""Registry of source families: one record for each kind of clean data."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import MEDIMETAC, PHANTOMS
from medimeta_c.format.suites import COLLECTIONS, Suite
from medimeta_c.io.settings import as_path
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.contract import Reading, Source
from medimeta_c.sources.phantoms import PHANTOM_DATASETS
from medimeta_corruptions import Registry

__all__ = [
    "DATA_VARIABLE",
    "DEFAULT",
    "SOURCES",
    "SourceFamily",
    "collection_of",
    "corruptions_for",
    "default_data_dir",
    "family",
    "family_of",
    "open_source",
    "profile_for",
]

DATA_VARIABLE = "MEDIMETA_DATA"
"""The environment variable that names the folder of clean datasets, from Python and from a shell."""

DEFAULT = "medimeta"
"""The family of a dataset id that no family claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFamily:
    """A kind of data on disk and the function that opens a dataset of it.

    Parameters
    ----------
    name : str
        What names it, and what a manifest keeps as a dataset's kind.
    title : str
        What a card calls it.
    summary : str
        One line for people.
    opener : str or callable
        The function, or ``"module:function"``, imported when first used. It takes
        ``(dataset, data_dir, *, task=None)`` and returns a `Source`.
    collection : str or None, optional
        What its datasets are called together in tables; None if they have nothing in common.
    datasets : tuple of str, optional
        Its datasets that are known by name, if the catalogue lists none of the family.
    ids : str, optional
        A regular expression of the dataset ids that mean this family when no source is given.
    files : tuple of str, optional
        Patterns of what is in the data folder if a dataset ``{dataset}`` is; none: it is made on the spot.
    sizes : bool, optional
        Whether an id may end in an image size: ``bloodmnist_64`` is a ``bloodmnist``.
    synthetic : bool, optional
        Whether its images are generated, not medical.
    pictures : bool, optional
        Whether it reads picture files: the function then also takes ``reading``, a `Reading`.
    """

    name: str
    title: str
    summary: str
    opener: str | Callable[..., Source]
    collection: str | None = None
    datasets: tuple[str, ...] = ()
    ids: str | None = None
    files: tuple[str, ...] = ("{dataset}",)
    sizes: bool = False
    synthetic: bool = False
    pictures: bool = False

    def open(
        self, dataset: str, data_dir: Path, *, task: str | None = None, reading: Reading | None = None
    ) -> Source:
        """Open one dataset; raises SourceError when it is not there or not whole."""
        opener = resolve_name(self.opener) if isinstance(self.opener, str) else self.opener
        reading = reading or Reading()
        given = reading.window or reading.classes_are or reading.data_is_dataset or reading.frames != "one"
        if given and not self.pictures:
            raise ConfigError(
                f"{dataset} is read as {self.name}, not as a folder of pictures",
                remedy=[
                    Remedy("leave out {window}, {frames}, {classes_are} and {data_is_dataset}"),
                    Remedy("add {source}", source="imagefolder"),
                ],
            )
        options = {"reading": reading} if self.pictures else {}
        source: Source = opener(dataset, data_dir, task=task, **options)
        return source

    def present(self, dataset: str, data_dir: Path) -> bool:
        """Return whether a dataset's data is on this disk, whole or not."""
        patterns = [pattern.format(dataset=dataset) for pattern in self.files]
        return not patterns or any(any(data_dir.glob(pattern)) for pattern in patterns)

    def kin(self, dataset: str) -> str:
        """Return a dataset's id without its image size."""
        return re.sub(r"_\d+$", "", dataset) if self.sizes else dataset

    @property
    def known(self) -> tuple[str, ...]:
        """Its datasets that are known by name and can be built: the catalogue's, or its own."""
        return published(self.name, single_label=True) or self.datasets


_log = logging.getLogger(__name__)

SOURCES = Registry(
    "medimeta_c.sources",
    SourceFamily,
    (
        SourceFamily(
            name="medimeta",
            title="MedIMeta",
            summary="MedIMeta folders: HDF5 or TIFF images, info.yaml, splits, task labels",
            opener="medimeta_c.sources.medimeta:open_medimeta",
            collection=COLLECTIONS["medimeta"],
        ),
        SourceFamily(
            name="medmnist",
            title="MedMNIST+",
            summary="MedMNIST+ npz files, any size",
            opener="medimeta_c.sources.medmnist:open_medmnist",
            collection=COLLECTIONS["medmnist"],
            ids=".*mnist.*",
            files=("{dataset}.npz", "{dataset}_*.npz"),
            sizes=True,
        ),
        SourceFamily(
            name="imagefolder",
            title="own image folder",
            summary="your own images in one sub-folder per class",
            opener="medimeta_c.sources.imagefolder:open_imagefolder",
            pictures=True,
        ),
        SourceFamily(
            name=PHANTOMS,
            title="phantoms (synthetic)",
            summary="synthetic stand-ins of MedIMeta's datasets, and of MR, generated on the spot",
            opener="medimeta_c.sources.phantoms:open_phantoms",
            collection=COLLECTIONS[PHANTOMS],
            datasets=PHANTOM_DATASETS,
            ids="mr_phantom",
            files=(),
            synthetic=True,
        ),
    ),
    error=ConfigError,
)
"""Every source family by name: ours, then those that other distributions add."""

_IMPORTED = SourceFamily(
    name=MEDIMETAC,
    title="MediMeta-C as published",
    summary="imported from the files that its authors published, not rendered",
    opener="",
    collection=COLLECTIONS[MEDIMETAC],
)
"""Nothing is built from it, so that it is no choice of sources."""


def family(kind: str) -> SourceFamily:
    """Return the family of a kind that a file names; a missing or broken one has only its name."""
    if kind == MEDIMETAC:
        return _IMPORTED
    if kind in SOURCES:
        try:
            return SOURCES[kind]
        except ConfigError as error:  # files can be checked without it
            _log.warning("%s", error)
    return SourceFamily(name=kind, title=kind, summary="not installed here", opener="")


def corruptions_for(suite: Suite, kind: str, dataset: str, profile: str | None = None) -> tuple[str, ...]:
    """Return the corruptions that a suite has for a dataset of a source family.

    A folder of one's own may have the name of a published dataset; it is not taken for it.

    Raises
    ------
    ConfigError
        As `Suite.corruptions_of` raises it.
    """
    known = kind in suite.headline
    return suite.corruptions_of(family(kind).kin(dataset) if known else dataset, profile, own=not known)


def profile_for(suite: Suite, kind: str, dataset: str, profile: str | None = None) -> str | None:
    """Return the profile of a dataset in a suite: its own, or the one given for it."""
    own = suite.profile_of.get(family(kind).kin(dataset)) if kind in suite.headline else None
    return own or profile


def collection_of(kind: str) -> str:
    """Return what a source family's datasets are called together.

    Examples
    --------
    >>> collection_of("medmnist"), collection_of("imagefolder")
    ('MedMNIST-C', 'imagefolder')
    """
    return family(kind).collection or kind


def family_of(dataset: str) -> SourceFamily:
    """Return the source family that a dataset id belongs to when no source is given."""
    if dataset in catalog():
        return SOURCES[catalog()[dataset].kind]
    claims = (one for one in SOURCES.values() if one.ids and re.fullmatch(one.ids, dataset))
    return next(claims, SOURCES[DEFAULT])


def open_source(
    kind: str, dataset: str, data_dir: Path, *, task: str | None = None, reading: Reading | None = None
) -> Source:
    """Open a dataset through its source family.

    Raises
    ------
    ConfigError
        If `kind` is not a registered source family.
    SourceError
        If the data is not there, not whole, or of another format.
    """
    return SOURCES.find(kind).open(dataset, data_dir, task=task, reading=reading)


def default_data_dir() -> Path:
    """Return the folder of clean datasets: ``MEDIMETA_DATA`` if set, else the platform's user data directory.

    Raises
    ------
    ConfigError
        If the user has no home directory, as in some containers.
    """
    if named := os.environ.get(DATA_VARIABLE):
        return as_path(named, DATA_VARIABLE)
    from platformdirs import user_data_path  # noqa: PLC0415  (keeps `--help` fast)

    try:
        return user_data_path("medimeta-c", appauthor=False).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home directory, where clean data is expected",
            remedy=Remedy("give the folder with {data_dir}, or in the environment variable MEDIMETA_DATA"),
        ) from error
