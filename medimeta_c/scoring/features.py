"""Extract image features of clean and corrupted sets, for maps of a model's feature space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import ALL, CLEAN, SetKey, check_alone, check_distinct
from medimeta_c.io.settings import Location, OptionalSeveral, Several, TextOrPath, default, required, settle
from medimeta_c.models import AnyModel, ImageEncoder, image_encoder, load_model
from medimeta_c.results.featurefile import Features, Row, write_features
from medimeta_c.scoring.decoding import Decoded, Prepare, chunks_of, decode_all
from medimeta_c.scoring.devices import check_device, choose_device
from medimeta_c.scoring.inference import normalise

__all__ = ["FeaturesConfig", "extract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesConfig:
    """What to embed, and where to write it.

    Parameters
    ----------
    model : str, or a model
        A model spec or the model itself: any with an image encoder.
    benchmark : str or path
        Directory of a built benchmark, or ``ORG/NAME`` on the Hub.
    out : str or path
        The Parquet file to write.
    datasets : str, or several, optional
        Datasets of it; ``"all"`` for every one.
    severities : int, or several, optional
        Severities of every corruption that are embedded, beside the clean set; None for all.
    split : str
        The split; the file has no column that could tell two apart.
    images : int
        Images of each set at most, the first by id: the same in every set.
    device : str
        ``"auto"``, or a torch device.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str | AnyModel
    benchmark: TextOrPath = required()
    out: Location = required()
    datasets: Several[str] = default(ALL)
    severities: OptionalSeveral[int] = default(3)
    split: str = "test"
    images: int = 200
    device: str = "auto"

    def __post_init__(self) -> None:
        settle(self)
        check_distinct("dataset", self.datasets)
        check_alone(ALL, "dataset", self.datasets)
        if self.severities is not None:
            check_distinct("severity", self.severities)
        for severity in self.severities or ():
            if severity not in range(6):
                raise ConfigError(f"unknown severity {severity}: use 1 to 5, or 0 for clean")
        check_device(self.device)
        if self.images < 1:
            raise ConfigError(f"{self.images} images are too few: use 1 or more")


def extract(
    config: FeaturesConfig,
    *,
    model: AnyModel | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Features:
    """Embed images with a model's image encoder and write the features.

    Parameters
    ----------
    config : FeaturesConfig
        What to embed.
    model : AnyModel, optional
        The model itself, instead of loading `config.model`.
    on_progress : callable, optional
        Called with the number of sets done and their total.

    Returns
    -------
    Features
        Also written to `config.out`.

    Raises
    ------
    MediMetaError
        As `medimeta_c.scoring.evaluation.evaluate` raises it for a benchmark or model that does not fit.
    """
    benchmark = open_benchmark(config.benchmark)
    keys = _keys(config, benchmark)
    device = choose_device(config.device)
    loaded = image_encoder(load_model(model or config.model, device=device))
    rows: list[Row] = []
    parts: list[NDArray[np.float32]] = []
    for done, key in enumerate(keys):
        on_progress(done, len(keys))
        for decoded, vectors in _embedded(loaded, benchmark, key, config.images, device):
            parts.append(vectors)
            rows += [
                (key.dataset, key.corruption, key.severity, image_id, int(label))
                for image_id, label, _ in zip(decoded.image_ids, decoded.labels, vectors, strict=False)
            ]
    on_progress(len(keys), len(keys))
    features = Features(
        model=loaded.identity.spec,
        phantoms=tuple(name for name in benchmark.datasets if benchmark.dataset(name).is_phantom),
        rows=tuple(rows),
        vectors=np.concatenate(parts),
        modalities={
            one.dataset: one.modality
            for one in map(benchmark.dataset, benchmark.datasets)
            if one.modality and one.dataset in {row[0] for row in rows}
        },
    )
    write_features(config.out, features)
    return features


def _keys(config: FeaturesConfig, benchmark: Benchmark) -> list[SetKey]:
    """Return the sets to embed, clean ones first."""
    names = benchmark.chosen(config.datasets)
    found = [
        key
        for key in benchmark.sets
        if key.dataset in names and key.split == config.split and _is_wanted(key, config.severities)
    ]
    if not found:
        splits = sorted({key.split for key in benchmark.sets})
        raise unknown_name("split", config.split, splits)
    missing = set(config.severities or ()) - {key.severity for key in found}
    if missing:
        words = ", ".join(map(str, sorted(missing)))
        raise ConfigError(f"{benchmark.name} has no set of severity {words}: choose one it has")
    return sorted(found, key=lambda key: (key.dataset, key.corruption != CLEAN, key))


def _is_wanted(key: SetKey, severities: tuple[int, ...] | None) -> bool:
    return severities is None or key.severity in (0, *severities)


def _embedded(
    model: ImageEncoder, benchmark: Benchmark, key: SetKey, images: int, device: torch.device
) -> Iterator[tuple[Decoded, NDArray[np.float32]]]:
    """Yield the first images of a set with their features, by chunk; the last may have fewer features."""
    preprocessing = model.preprocessing
    prepare = Prepare(transform=model.preprocess, is_raw=preprocessing.is_normalise_only)
    left = images
    with closing(decode_all(chunks_of(benchmark, [key]), prepare, workers=0)) as chunks:
        for decoded in chunks:
            pixels = normalise(torch.from_numpy(decoded.images[:left]).to(device), preprocessing)
            yield decoded, model.encode_images(pixels).float().cpu().numpy()
            left -= len(decoded)
            if left <= 0:
                break
