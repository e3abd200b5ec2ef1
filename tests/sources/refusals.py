"""Sources that must not open: the error is of the right class, one line, and says what is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c.errors import SourceError
from medimeta_c.sources.imagefolder import open_imagefolder
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.medmnist import open_medmnist


def _check(opening: Callable[[], object], words: tuple[str, ...], kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        opening()
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def imagefolder_refused(root: Path, *words: str, kind: type[Exception] = SourceError) -> None:
    """Assert that a folder of pictures does not open, and that the message holds every word."""
    _check(lambda: open_imagefolder(root.name, root.parent), words, kind)


def medimeta_refused(
    folder: Path, *words: str, kind: type[Exception] = SourceError, task: str | None = None
) -> None:
    """Assert that a MedIMeta folder does not open, and that the message holds every word."""
    _check(lambda: open_medimeta(folder.name, folder.parent, task=task), words, kind)


def medmnist_refused(
    path: Path, *words: str, kind: type[Exception] = SourceError, dataset: str = "bloodmnist"
) -> None:
    """Assert that a MedMNIST dataset does not open beside a file, and that the message holds every word."""
    _check(lambda: open_medmnist(dataset, path.parent), words, kind)
