"""Compare every corrupted set with its clean one, image by image and band by band."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medimeta_c.analysis.effects import (
    ALL_SEVERITIES,
    Analysis,
    BandEffect,
    FrequencyEffect,
    paired_effect,
    verdict,
)
from medimeta_c.errors import ConfigError, ShardError, unknown_name
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, SetKey, chosen_of
from medimeta_c.format.spectrum import BANDS, luma
from medimeta_c.format.suites import in_order
from medimeta_c.io.settings import several
from medimeta_corruptions import CORRUPTIONS

__all__ = ["analyse"]

FloatArray = NDArray[np.float64]

_COLUMNS = ("image_id", *(f"dct_{band}" for band in BANDS))


def analyse(  # noqa: PLR0913  keyword-only, each with a default
    benchmark: Benchmark,
    *,
    datasets: str | Iterable[str] = "all",
    splits: str | Iterable[str] = "test",
    images: int = 500,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Analysis:
    """Compare every corrupted set with its clean one, image by image.

    Shares are read from the shards' columns, for all images. Energies are the shares times the image's AC
    energy, which by Parseval is the variance of its luma, so a sample of images is decoded.

    Parameters
    ----------
    benchmark : Benchmark
        What was built.
    datasets : str, or several
        Datasets, or ``"all"``.
    splits : str, or several
        Splits, pooled; or ``"all"``. A dataset without any of them is an error.
    images : int
        Images of each dataset to decode at most; the same ids in every set.
    seed : int
        Chooses them.
    on_progress : callable, optional
        Called with the number of sets done and their total.

    Raises
    ------
    ConfigError
        If a dataset or split was not built, or nothing corrupted was.
    ShardError
        If a shard is damaged, or a corrupted set has other images than the clean one.
    """
    if images < 2:
        raise ConfigError(f"{images} decoded images give no interval: use 2 or more")
    names, pooled = benchmark.chosen(several(datasets)), several(splits)
    plans = {name: _plan(benchmark, name, pooled) for name in names}
    total, done = sum(len(plan) for plan in plans.values()), 0
    effects: list[FrequencyEffect] = []
    counts: dict[str, tuple[int, int]] = {}
    for name, plan in plans.items():
        clean = _Measured()
        corrupted: dict[tuple[str, int], _Measured] = {}
        chosen = _chosen(benchmark, plan, images, seed)
        for key in plan:
            into = (
                clean
                if key.corruption == CLEAN
                else corrupted.setdefault((key.corruption, key.severity), _Measured())
            )
            into.take(benchmark, key, chosen[key.split])
            done += 1
            on_progress(done, total)
        counts[name] = (len(clean.shares), len(clean.energies))
        effects += _effects(name, clean, corrupted)
    return Analysis(
        fingerprint=benchmark.fingerprint,
        splits={name: tuple(sorted({key.split for key in plan})) for name, plan in plans.items()},
        images={name: one for name, (one, _) in counts.items()},
        decoded={name: one for name, (_, one) in counts.items()},
        phantoms=tuple(name for name in names if benchmark.dataset(name).is_phantom),
        effects=tuple(effects),
    )


class _Measured:
    """Shares and energies of one condition, by image."""

    def __init__(self) -> None:
        self.shares: dict[tuple[str, str], FloatArray] = {}
        self.energies: dict[tuple[str, str], FloatArray] = {}

    def take(self, benchmark: Benchmark, key: SetKey, decode: frozenset[str]) -> None:
        """Read one set: the shares of all its images, and the energies of those to decode."""
        columns = (*_COLUMNS, "image") if decode else _COLUMNS
        for table in benchmark.tables(key, columns):
            ids = table["image_id"].to_pylist()
            shares = np.column_stack(
                [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in _COLUMNS[1:]]
            )
            encoded = table["image"].combine_chunks().field("bytes") if decode else None
            for row, image_id in enumerate(ids):
                self.shares[key.split, image_id] = shares[row]
                if encoded is not None and image_id in decode:
                    image = png.decode(encoded[row].as_py() or b"")
                    variance = float(np.var(luma(image), dtype=np.float64))
                    # A flat image has no shares, and no energy in any band.
                    known = np.nan_to_num(shares[row], nan=0.0)
                    self.energies[key.split, image_id] = variance * known


def _plan(benchmark: Benchmark, dataset: str, splits: Sequence[str]) -> list[SetKey]:
    """Return the sets of a dataset to read, clean ones first."""
    keys = [key for key in benchmark.sets if key.dataset == dataset]
    built = sorted({key.split for key in keys})
    wanted = chosen_of(splits, built)
    for split in wanted:
        if split not in built:
            raise unknown_name(f"split of {dataset}", split, built)
    kept = [key for key in keys if key.split in wanted]
    lacking = set(wanted) - {key.split for key in kept if key.corruption == CLEAN}
    if lacking:
        raise ConfigError(
            f"{benchmark.name} has no clean set of {dataset}, split {', '.join(sorted(lacking))}: build it, "
            "because the corrupted sets are compared with it"
        )
    if all(key.corruption == CLEAN for key in kept):
        raise ConfigError(f"{benchmark.name} has no corrupted set of {dataset}: build one to analyse")
    kinds = in_order({key.corruption for key in kept}, (CLEAN, *CORRUPTIONS))
    return sorted(kept, key=lambda key: (kinds.index(key.corruption), key.severity))


def _chosen(
    benchmark: Benchmark, plan: Sequence[SetKey], images: int, seed: int
) -> dict[str, frozenset[str]]:
    """Return the ids to decode by split: each split's part of `images`, the same for all its sets."""
    clean = [key for key in plan if key.corruption == CLEAN]
    total = sum(benchmark.record(key).rows for key in clean)
    chosen = {}
    for key in clean:
        ids: list[str] = []
        for table in benchmark.tables(key, ("image_id",), batch_rows=1000):
            ids += table["image_id"].to_pylist()
        count = max(2, round(images * len(ids) / total))
        # Ranked by a digest, so that adding images to a dataset changes the choice little.
        ranked = sorted(ids, key=lambda one: hashlib.blake2b(f"{seed}|{one}".encode()).digest())
        chosen[key.split] = frozenset(ranked[:count])
    return chosen


def _effects(
    dataset: str, clean: _Measured, corrupted: Mapping[tuple[str, int], _Measured]
) -> list[FrequencyEffect]:
    """Return the effects of a dataset, each corruption's mean over severities first."""
    for (corruption, severity), measured in corrupted.items():
        if set(measured.shares) != set(clean.shares):
            raise ShardError(
                f"{dataset} under {corruption} {severity} has other images than its clean set: "
                "run `medimeta-c verify` on the benchmark and build it again"
            )
    shares = _matrix(clean.shares)
    energies = _log2(_matrix(clean.energies))
    made = []
    for corruption in in_order({name for name, _ in corrupted}, CORRUPTIONS):
        severities = sorted(severity for name, severity in corrupted if name == corruption)
        parts = [corrupted[corruption, severity] for severity in severities]
        after = [_matrix(part.shares, clean.shares) for part in parts]
        power = [_log2(_matrix(part.energies, clean.energies)) for part in parts]
        rows = [(ALL_SEVERITIES, np.mean(after, axis=0), np.mean(power, axis=0))]
        rows += list(zip(severities, after, power, strict=True))
        made += [
            _effect(dataset, corruption, severity, (shares, share), (energies, energy))
            for severity, share, energy in rows
        ]
    return made


def _effect(
    dataset: str,
    corruption: str,
    severity: int,
    shares: tuple[FloatArray, FloatArray],
    energies: tuple[FloatArray, FloatArray],
) -> FrequencyEffect:
    """Compare shares and logarithms of energy, each (clean, corrupted) of shape (N, 3)."""
    bands = {}
    for index, band in enumerate(BANDS):
        before, after = shares[0][:, index], shares[1][:, index]
        both = np.isfinite(before) & np.isfinite(after)
        bands[band] = BandEffect(
            clean_share=float(before[both].mean()) if both.any() else None,
            corrupted_share=float(after[both].mean()) if both.any() else None,
            share=paired_effect(after - before),
            log2_energy=paired_effect(energies[1][:, index] - energies[0][:, index]),
        )
    return FrequencyEffect(
        dataset=dataset,
        corruption=corruption,
        severity=severity,
        bands=bands,
        in_shares=verdict(bands["low"].share, bands["high"].share),
        in_energy=verdict(bands["low"].log2_energy, bands["high"].log2_energy),
    )


def _matrix(
    rows: Mapping[tuple[str, str], FloatArray], like: Mapping[tuple[str, str], FloatArray] | None = None
) -> FloatArray:
    """Return rows in the order of `like`'s images, shape (N, 3)."""
    order = rows if like is None else like
    return np.array([rows[key] for key in order], dtype=np.float64).reshape(len(order), len(BANDS))


def _log2(energies: FloatArray) -> FloatArray:
    """Return logarithms, NaN where there is no energy."""
    positive = energies > 0
    return np.where(positive, np.log2(np.where(positive, energies, 1.0)), np.nan)
