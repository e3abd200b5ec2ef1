"""Which datasets the words `all`, `medimeta` and `available` mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.suites import CORE
from medimeta_c.sources.catalog import published
from medimeta_c.sources.phantoms import PHANTOM_DATASETS
from medimeta_c.sources.selection import select


def chosen(word: str, source: str | None, data_dir: Path) -> list[str]:
    """The datasets a word selects."""
    return [dataset for dataset, _ in select([word], source, data_dir)]


def test_all_stays_the_five(tmp_path: Path) -> None:
    """`all` is the suite's five; `medimeta` all of MedIMeta's; `available` all that can be drawn."""
    assert chosen("all", "phantoms", tmp_path) == list(CORE.datasets)
    assert chosen("medimeta", "phantoms", tmp_path) == list(PHANTOM_DATASETS[:-1])
    assert chosen("available", "phantoms", tmp_path) == list(PHANTOM_DATASETS)
    assert len(PHANTOM_DATASETS) == 20


def test_medimeta_needs_every_dataset(tmp_path: Path) -> None:
    """With real data it names the same nineteen, all required."""
    for dataset in published("medimeta"):
        (tmp_path / dataset).mkdir()
    assert chosen("medimeta", None, tmp_path) == list(published("medimeta", single_label=True))
    (tmp_path / "bus").rmdir()
    with pytest.raises(SourceError, match=r"^'medimeta' needs pbc, .*lacks bus:"):
        select(["medimeta"], None, tmp_path)
    with pytest.raises(ConfigError, match="'medimeta' cannot be combined"):
        select(["medimeta", "pbc"], None, tmp_path)


def test_medimeta_means_nothing_for_medmnist(tmp_path: Path) -> None:
    """The other collection has none of them; a folder of one's own may have the name."""
    with pytest.raises(ConfigError, match="'medimeta' is not defined for the source medmnist"):
        select(["medimeta"], "medmnist", tmp_path)
    assert chosen("medimeta", "imagefolder", tmp_path) == ["medimeta"]
