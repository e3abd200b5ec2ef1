"""Configuration of a probe, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import check_distinct
from medimeta_c.io.settings import (
    Location,
    OptionalLocation,
    OptionalSeveral,
    Several,
    TextOrPath,
    default,
    default_of,
    required,
    settle,
)
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import Activation, AnyModel, Precision
from medimeta_c.probing.heads import HEADS
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.sources import default_data_dir

__all__ = ["ALL_SHOTS", "TRAIN", "VAL", "DrawnFrom", "ProbeConfig"]

DrawnFrom = Literal["train", "val"]
TRAIN: Literal["train"] = "train"
VAL: Literal["val"] = "val"
"""The splits that a probe learns from: one to train on, one to choose settings by. Neither is scored."""

ALL_SHOTS: Literal["all"] = "all"
_SHOTS = (1, 2, 4, 8, 16, ALL_SHOTS)
_SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """Which heads are trained on which images, and what they are scored on.

    Parameters
    ----------
    model : str, or a model
        A model spec, or the model itself: any with an image encoder.
    benchmark : str or path
        Directory of a built benchmark, or ``ORG/NAME`` on the Hub.
    data_dir : str or path, optional
        Where the clean data is that the benchmark was built from; by default as in `FinetuneConfig`. It is
        not read for splits whose clean set the benchmark has.
    datasets : str, or several, optional
        Datasets of the benchmark; ``"all"`` for every one.
    split : str, optional
        The split scored.
    heads : str, or several, optional
        Names of `medimeta_c.probing.heads.HEADS`; by default all that the model can have.
    shots : int or "all", or several, optional
        Training images of each class.
    seeds : int, or several, optional
        Which images those are; one fit for each.
    draw_from : {"train", "val"}, optional
        The split that shots are drawn from. Of val, the images that were not drawn choose the settings.
    ids : str or path, optional
        Where the key of the image ids is, for builds with known patients; by default ``BENCHMARK.ids``.
    baseline, prompts, device, precision, batch_size, workers, resampling, activation, preprocessing
        As `EvaluateConfig` has them.
    out : str or path, optional
        Root of all results.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str | AnyModel
    benchmark: TextOrPath = required()
    data_dir: Location = default_of(default_data_dir)
    datasets: Several[str] = default("all")
    split: str = "test"
    heads: OptionalSeveral[str] = default(None)
    shots: Several[int | str] = default(_SHOTS)
    seeds: Several[int] = default(_SEEDS)
    draw_from: DrawnFrom = TRAIN
    ids: OptionalLocation = default(None)
    baseline: TextOrPath = default("published")
    prompts: TextOrPath = default("paper")
    out: Location = default("results")
    device: str = "auto"
    precision: Precision = "fp32"
    batch_size: int | None = None
    workers: int = -1
    resampling: Resampling = field(default_factory=Resampling)
    activation: Activation | None = None
    preprocessing: str | None = None

    def __post_init__(self) -> None:
        settle(self)
        for name, values in (("number of shots", self.shots), ("seed", self.seeds)):
            check_distinct(name, values)
        for shots in self.shots:
            if shots != ALL_SHOTS and (isinstance(shots, str) or shots < 1):
                raise ConfigError(f"shots {shots!r} are not valid: use numbers from 1 up, or all")
        if min(self.seeds) < 0:
            raise ConfigError(f"seed {min(self.seeds)} is negative: use 0 or more")
        if self.heads is not None:
            check_distinct("head", self.heads)
        for head in self.heads or ():
            HEADS.find(head)
        if self.split in (TRAIN, VAL):
            raise ConfigError(
                f"split {self.split!r} is what a probe learns from, and cannot be scored: choose another"
            )
        _ = self.evaluation  # checks what both have

    @property
    def evaluation(self) -> EvaluateConfig:
        """The evaluation of the model without a head, on the same sets."""
        return EvaluateConfig(
            model=self.model,
            benchmark=self.benchmark,
            datasets=self.datasets,
            split=self.split,
            baseline=self.baseline,
            prompts=self.prompts,
            out=self.out,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
            workers=self.workers,
            resampling=self.resampling,
            activation=self.activation,
            preprocessing=self.preprocessing,
        )

    @property
    def numbers_of_shots(self) -> tuple[int | None, ...]:
        """The shots as numbers; None for all."""
        return tuple(None if isinstance(each, str) else each for each in self.shots)
