"""The datasets known by name: what `datasets` lists, default tasks, citations, MedMNIST's class names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["SPLITS", "CatalogEntry", "catalog"]

SPLITS = ("train", "val", "test")
"""The splits of both collections, in the order everything lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """A published dataset, as its publisher describes it.

    Parameters
    ----------
    dataset : str
        Its id: a MedIMeta folder name, or a MedMNIST name without the size.
    collection : str
        ``"medimeta"`` or ``"medmnist"``: the source family that reads it.
    title, modality : str
        Human-readable name and imaging modality.
    channels : int
        1 (grey) or 3 (RGB).
    task : str
        The single-label task used when none is named; for MedMNIST the kind of its only task.
    splits : mapping of str to int
        Published number of images in each split.
    class_names : tuple of str
        In label order, for MedMNIST. Empty for MedIMeta, whose data carries its own names.
    license, citation, homepage : str
        Terms, references (one a line, the collection's last) and address.
    """

    dataset: str
    collection: str
    title: str
    modality: str
    channels: int
    task: str
    splits: Mapping[str, int]
    class_names: tuple[str, ...]
    license: str
    citation: str
    homepage: str

    @property
    def single_label(self) -> bool:
        """Whether an image has exactly one class, which everything in this package needs."""
        return not self.task.startswith("multi-label")


@cache
def catalog() -> Mapping[str, CatalogEntry]:
    """Return every known dataset by id: MedIMeta's first, the benchmark's five leading.

    Examples
    --------
    >>> catalog()["mammo_calc"].task
    'pathology'
    """
    import yaml  # noqa: PLC0415  (keeps `--help` fast)

    text = files(__package__).joinpath("catalog.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    return MappingProxyType(
        {
            dataset: _record(dataset, collection, fields, document)
            for collection in document["collections"]
            for dataset, fields in document[collection].items()
        }
    )


def _record(
    dataset: str, collection: str, fields: Mapping[str, Any], document: Mapping[str, Any]
) -> CatalogEntry:
    shared = document["collections"][collection]
    references = [document["originals"][key] for key in fields.get("originals", [])]
    return CatalogEntry(
        dataset=dataset,
        collection=collection,
        title=fields["title"],
        modality=fields["modality"],
        channels=fields["channels"],
        task=fields["task"],
        splits=dict(zip(SPLITS, fields["splits"], strict=True)),
        class_names=tuple(fields.get("class_names", ())),
        license=fields.get("license", shared["license"]),
        citation="\n".join([*references, shared["citation"]]),
        homepage=shared["homepage"],
    )
