"""Where clean images come from: one module per source family, one registry line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.sources.contract import Source

__all__ = ["SOURCES", "SourceFamily", "default_data_dir", "family_of", "open_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFamily:
    """A kind of data on disk and the function that opens a dataset of it.

    Parameters
    ----------
    name : str
        What ``--source`` takes.
    summary : str
        One line for people.
    opener : str
        ``"module:function"``, imported when first used. The function takes
        ``(dataset, data_dir, *, task=None)`` and returns a `Source`.
    """

    name: str
    summary: str
    opener: str

    def open(self, dataset: str, data_dir: Path, *, task: str | None = None) -> Source:
        """Open one dataset; raises SourceError when it is not there or not whole."""
        module, function = self.opener.split(":")
        opener = cast("Callable[..., Source]", getattr(import_module(module), function))
        return opener(dataset, data_dir, task=task)


SOURCES: dict[str, SourceFamily] = {
    family.name: family
    for family in (
        SourceFamily(
            name="medimeta",
            summary="MedIMeta folders: HDF5 or TIFF images, info.yaml, splits, task labels",
            opener="medimeta_c.sources.medimeta:open_medimeta",
        ),
        SourceFamily(
            name="medmnist",
            summary="MedMNIST+ npz files, any size",
            opener="medimeta_c.sources.medmnist:open_medmnist",
        ),
        SourceFamily(
            name="imagefolder",
            summary="your own images in one sub-folder per class",
            opener="medimeta_c.sources.imagefolder:open_imagefolder",
        ),
        SourceFamily(
            name="phantoms",
            summary="synthetic stand-ins of the five datasets, generated on the spot",
            opener="medimeta_c.sources.phantoms:open_phantoms",
        ),
    )
}


def default_data_dir() -> Path:
    """Return the platform's user data directory for clean datasets.

    Raises
    ------
    ConfigError
        If the user has none, as one whom a container made up.
    """
    from platformdirs import user_data_path  # noqa: PLC0415  (keeps `--help` fast)

    try:
        return user_data_path("medimeta-c", appauthor=False).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home directory to look for clean data in: give the folder with --data DIR or "
            "MEDIMETA_DATA"
        ) from error


def family_of(dataset: str) -> str:
    """Return the source family that a dataset id belongs to when ``--source`` is not given."""
    return "medmnist" if "mnist" in dataset else "medimeta"


def open_source(kind: str, dataset: str, data_dir: Path, *, task: str | None = None) -> Source:
    """Open a dataset through its source family.

    Raises
    ------
    ConfigError
        If `kind` is not a registered source family.
    SourceError
        If the data is not there, not whole, or of another format.
    """
    if kind not in SOURCES:
        raise unknown_name("source", kind, SOURCES)
    return SOURCES[kind].open(dataset, data_dir, task=task)
