"""YAML header of a built benchmark's dataset card, as the Hub and `datasets` read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from huggingface_hub import DatasetCardData

from medimeta_c.card.licenses import OTHER, combined_license
from medimeta_c.format.display import built_corruptions, phantom_datasets, title_of
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.records import Manifest

__all__ = ["card_metadata", "configs", "default_config"]

_LICENSE_NAME = "per-dataset-terms"
_ORDER = ["pretty_name", "license", "license_name", "task_categories", "size_categories", "tags", "configs"]
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)


def card_metadata(manifest: Manifest) -> str:
    """Return the card's YAML header, without its ``---`` lines.

    Names in it are checked identifiers and licences the Hub's own; the title, the only free text, is a line
    that the YAML writer quotes where it must.

    Parameters
    ----------
    manifest : Manifest
        What was built.

    Returns
    -------
    str
        YAML. It holds no split sizes: with them, ``load_dataset(..., filters=...)`` refuses to load.
    """
    licenses = combined_license(record.license for record in manifest.datasets)
    phantoms = phantom_datasets(manifest)
    rows = sum(record.rows for record in manifest.sets)
    data = DatasetCardData(
        pretty_name=title_of(manifest),
        license=licenses,
        license_name=_LICENSE_NAME if licenses == OTHER else None,
        task_categories=["image-classification", "zero-shot-image-classification"],
        size_categories=[next((name for bound, name in _SIZES if rows < bound), "n>100M")],
        tags=[
            "benchmark",
            "image-corruptions",
            "medical",
            "medimeta-c",
            "robustness",
            "vision-language-models",
            *(["synthetic"] if phantoms else []),
        ],
        configs=configs(manifest),
    )
    return data.to_yaml(original_order=_ORDER)


def configs(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the configurations: per dataset the whole, the clean sets, and each corruption's sets.

    Each names one glob per folder of the tree, and only folders that hold sets of the manifest. Corruptions
    are in the registry's order; exactly one configuration is the default.
    """
    entries = []
    for record in manifest.datasets:
        name = record.dataset
        kinds = (CLEAN, *built_corruptions(manifest, name))
        whole: dict[str, Any] = {"config_name": name, "data_files": _data_files(manifest, name, kinds)}
        if name == default_config(manifest):
            whole["default"] = True
        entries.append(whole)
        for kind in kinds:
            files = _data_files(manifest, name, (kind,))
            if files:
                entries.append({"config_name": f"{name}-{kind}", "data_files": files})
    return entries


def default_config(manifest: Manifest) -> str:
    """Return the configuration that ``load_dataset(repo)`` loads: the first dataset."""
    names = [record.dataset for record in manifest.datasets]
    # `datasets` takes a configuration of this name for the default, whatever the others say.
    return "default" if "default" in names else names[0]


def _data_files(manifest: Manifest, dataset: str, kinds: Iterable[str]) -> list[dict[str, Any]]:
    built = {
        (key.split, key.corruption): key
        for key in (record.key for record in manifest.sets)
        if key.dataset == dataset
    }
    kinds = tuple(kinds)
    files = []
    for split in sorted({split for split, _ in built}):
        paths = [_glob(built[split, kind]) for kind in kinds if (split, kind) in built]
        if paths:
            files.append({"split": split, "path": paths})
    return files


def _glob(key: SetKey) -> str:
    return f"{key.folder}/*.parquet"
