"""What corruptions do to low, mid and high frequencies, image by image, with effect sizes and intervals.

Two questions are kept apart, because they have different answers. *Shares*: does the spectrum's shape move,
that is, does a band hold a larger part of an image's AC energy than before? *Energy*: does the band hold more
energy than before? Blur removes energy from every band, most from the high one, so the low band's share rises
while its energy falls.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from medimeta_c import pixels
from medimeta_c.benchmark import Benchmark
from medimeta_c.errors import ConfigError, ShardError, unknown_name
from medimeta_c.records import CLEAN, SetKey
from medimeta_c.spectrum import BANDS, luma
from medimeta_corruptions import CORRUPTIONS

__all__ = [
    "ALL_SEVERITIES",
    "Analysis",
    "BandEffect",
    "Effect",
    "FrequencyEffect",
    "Verdict",
    "analyse",
    "paired_effect",
    "verdict",
]

ALL_SEVERITIES = 0
"""In place of a severity: each image's mean over the severities built."""

LEVEL = 0.95
Verdict = Literal["holds", "reversed", "both rise", "both fall", "unclear"]
FloatArray = NDArray[np.float64]

_COLUMNS = ("image_id", *(f"dct_{band}" for band in BANDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A mean paired difference over images.

    Parameters
    ----------
    value : float or None
        The mean; None when no image has both numbers.
    low, high : float or None
        Ends of the 95 % interval (paired t); None with fewer than two images.
    standardised : float or None
        The mean divided by the standard deviation of the differences (Cohen's d_z); None where that is 0.
    images : int
        Images with both numbers.
    """

    value: float | None
    low: float | None
    high: float | None
    standardised: float | None
    images: int

    @property
    def direction(self) -> int:
        """1 or -1 where the whole interval is above or below 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandEffect:
    """What a corruption does to one band.

    Parameters
    ----------
    clean_share, corrupted_share : float or None
        Mean share of AC energy over the images, 0 to 1.
    share : Effect
        Change of the share, corrupted minus clean: 0.01 is one percentage point.
    log2_energy : Effect
        Change of the base-2 logarithm of the band's energy: 1 is twice as much, -1 half. Images without
        energy in the band, clean or corrupted, have no logarithm and are left out.
    """

    clean_share: float | None
    corrupted_share: float | None
    share: Effect
    log2_energy: Effect

    @property
    def energy_factor(self) -> float | None:
        """Geometric mean over images of the energy after divided by the energy before."""
        return None if self.log2_energy.value is None else 2.0**self.log2_energy.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyEffect:
    """What one corruption does to one dataset's images at one severity.

    Parameters
    ----------
    dataset, corruption : str
        Names.
    severity : int
        1 to 5, or `ALL_SEVERITIES`.
    bands : mapping of str to BandEffect
        ``"low"``, ``"mid"`` and ``"high"``.
    in_shares, in_energy : Verdict
        Whether "amplifies low and suppresses high frequencies" is true.
    """

    dataset: str
    corruption: str
    severity: int
    bands: Mapping[str, BandEffect]
    in_shares: Verdict
    in_energy: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Every effect of a built benchmark.

    Parameters
    ----------
    fingerprint : str
        The benchmark's.
    splits : mapping of str to tuple of str
        The splits taken, by dataset.
    images : mapping of str to int
        Images compared, by dataset.
    decoded : mapping of str to int
        Of these, images decoded for their energy, by dataset.
    phantoms : tuple of str
        Datasets whose images are generated, not medical.
    effects : tuple of FrequencyEffect
        By dataset, corruption and severity; `ALL_SEVERITIES` first.
    """

    fingerprint: str
    splits: Mapping[str, tuple[str, ...]]
    images: Mapping[str, int]
    decoded: Mapping[str, int]
    phantoms: tuple[str, ...]
    effects: tuple[FrequencyEffect, ...]

    def of(self, dataset: str, corruption: str, severity: int = ALL_SEVERITIES) -> FrequencyEffect:
        """Return one effect; KeyError if it was not analysed."""
        for effect in self.effects:
            if (effect.dataset, effect.corruption, effect.severity) == (dataset, corruption, severity):
                return effect
        raise KeyError((dataset, corruption, severity))


def analyse(  # noqa: PLR0913  keyword-only, each with a default
    benchmark: Benchmark,
    *,
    datasets: Sequence[str] = ("all",),
    splits: Sequence[str] = ("test",),
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
    datasets : sequence of str
        Datasets, or ``("all",)``.
    splits : sequence of str
        Splits, pooled; or ``("all",)``. A dataset without any of them is an error.
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
    names = benchmark.datasets if tuple(datasets) == ("all",) else tuple(datasets)
    plans = {name: _plan(benchmark, name, splits) for name in names}
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
        phantoms=tuple(name for name in names if benchmark.dataset(name).kind == "phantoms"),
        effects=tuple(effects),
    )


def paired_effect(differences: FloatArray) -> Effect:
    """Return the mean of paired differences with its 95 % t interval.

    Parameters
    ----------
    differences : ndarray of shape (N,)
        One an image; NaN where an image has none.

    Examples
    --------
    >>> effect = paired_effect(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> effect.value, effect.images, round(effect.low, 3), effect.standardised
    (2.0, 3, -0.484, 2.0)
    """
    known = differences[np.isfinite(differences)]
    n = len(known)
    if n == 0:
        return Effect(value=None, low=None, high=None, standardised=None, images=0)
    mean = float(known.mean())
    if n == 1:
        return Effect(value=mean, low=None, high=None, standardised=None, images=1)
    deviation = float(known.std(ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * deviation / math.sqrt(n)
    return Effect(
        value=mean,
        low=mean - half,
        high=mean + half,
        standardised=mean / deviation if deviation > 0 else None,
        images=n,
    )


def verdict(low: Effect, high: Effect) -> Verdict:
    """Return whether "amplifies low and suppresses high frequencies" is true of two effects.

    ``"holds"``: both intervals say so. ``"reversed"``: both say the opposite. ``"both rise"`` and ``"both
    fall"``: the two bands go the same way. ``"unclear"``: an interval contains no change.
    """
    found: dict[tuple[int, int], Verdict] = {
        (1, -1): "holds",
        (-1, 1): "reversed",
        (1, 1): "both rise",
        (-1, -1): "both fall",
    }
    return found.get((low.direction, high.direction), "unclear")


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
                    image = pixels.decode(encoded[row].as_py() or b"")
                    variance = float(np.var(luma(image), dtype=np.float64))
                    # A flat image has no shares, and no energy in any band.
                    known = np.nan_to_num(shares[row], nan=0.0)
                    self.energies[key.split, image_id] = variance * known


def _plan(benchmark: Benchmark, dataset: str, splits: Sequence[str]) -> list[SetKey]:
    """Return the sets of a dataset to read, clean ones first."""
    benchmark.dataset(dataset)  # refuses names that were not built
    keys = [key for key in benchmark.sets if key.dataset == dataset]
    built = sorted({key.split for key in keys})
    wanted = built if tuple(splits) == ("all",) else list(splits)
    for split in wanted:
        if split not in built:
            raise unknown_name(f"split of {dataset}", split, built)
    kept = [key for key in keys if key.split in wanted]
    lacking = set(wanted) - {key.split for key in kept if key.corruption == CLEAN}
    if lacking:
        raise ConfigError(
            f"{benchmark.name} has no clean set of {dataset}, split {', '.join(sorted(lacking))}: build it, "
            "for it is what the others are compared with"
        )
    if all(key.corruption == CLEAN for key in kept):
        raise ConfigError(f"{benchmark.name} has no corrupted set of {dataset}: build one to analyse")
    return sorted(kept, key=lambda key: (key.corruption != CLEAN, _order(key.corruption), key.severity))


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
    for corruption in sorted({name for name, _ in corrupted}, key=_order):
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


def _order(corruption: str) -> tuple[int, str]:
    """Sort key: the registry's (paper) order, unknown names last."""
    known = list(CORRUPTIONS)
    return (known.index(corruption) if corruption in known else len(known), corruption)
