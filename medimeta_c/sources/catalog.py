"""Catalogue of datasets known by name: splits, default tasks, citations, MedMNIST's class names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from medimeta_c.errors import SourceError
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Count, Name, Record, Text

__all__ = ["SPLITS", "catalog", "published"]

SPLITS = ("train", "val", "test")
"""The splits of both collections, in the order everything lists them."""


class _Dataset(Record):
    title: Text
    modality: Text
    channels: Literal[1, 3]
    task: Text
    splits: tuple[Count, Count, Count]
    class_names: tuple[Text, ...] = ()
    license: Text | None = None
    originals: tuple[str, ...] = ()


class _Collection(Record):
    homepage: Text
    license: Text
    citation: Text
    datasets: dict[Name, _Dataset]


class _Catalog(Record):
    originals: dict[str, Text]
    collections: dict[str, _Collection]


@cache
def catalog() -> Mapping[str, DatasetInfo]:
    """Return every published dataset by id: MedIMeta's first, the benchmark's five leading.

    Splits are as published; the task is the single-label one used when none is named, for MedMNIST the kind
    of its only task. References are one a line, the collection's last. MedIMeta's have no class names, since
    its data carries its own.

    Examples
    --------
    >>> catalog()["mammo_calc"].task
    'pathology'
    """
    path = Path(__file__).with_name("catalog.yaml")
    document = Reader(remedy="install the package again", error=SourceError).read(path, _Catalog)
    return MappingProxyType(
        {
            dataset: DatasetInfo(
                dataset=dataset,
                kind=kind,
                title=one.title,
                modality=one.modality,
                task=one.task,
                class_names=one.class_names,
                channels=one.channels,
                splits=dict(zip(SPLITS, one.splits, strict=True)),
                license=one.license or shared.license,
                citation="\n".join([*(document.originals[key] for key in one.originals), shared.citation]),
                homepage=shared.homepage,
            )
            for kind, shared in document.collections.items()
            for dataset, one in shared.datasets.items()
        }
    )


def published(kind: str, *, single_label: bool = False) -> tuple[str, ...]:
    """Return the catalogue's datasets of a kind, all or those with one class an image, in its order."""
    own = (info for info in catalog().values() if info.kind == kind)
    return tuple(info.dataset for info in own if info.single_label or not single_label)
