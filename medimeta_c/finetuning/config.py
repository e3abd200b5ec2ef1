"""Configuration of a fine-tuning run, checked before any work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.finetuning.fewshot import FewShotSplit, check_fraction
from medimeta_c.format.keys import check_distinct
from medimeta_c.format.suites import CORE, SUITES, Suite
from medimeta_c.io.settings import (
    Location,
    OptionalSeveral,
    Several,
    TextOrPath,
    default,
    default_of,
    required,
    settle,
)
from medimeta_c.lora import LoraConfig, Target
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.scoring.devices import check_device
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.selection import check_selection

__all__ = ["FinetuneConfig", "Schedule", "TrainingPrecision"]

Schedule = Literal["constant", "cosine"]
TrainingPrecision = Literal["auto", "fp32", "bf16"]

_COUNTS = ("rank", "epochs", "batch_size", "micro_batch", "patience")
_POSITIVE = ("lr", "alpha", "temperature")
_MAX_LR = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig:
    """What to adapt, to what, and how. The defaults are the paper's.

    Parameters
    ----------
    model : str
        Spec of the base model; see `medimeta_c.models`.
    datasets : str, or several
        Dataset ids, all classes of which form one label space; or ``"all"``, ``"medimeta"`` or
        ``"available"``.
    out : str or path
        The folder of the run: adapter, log, checkpoint and card.
    fraction : float, optional
        Share of each split that is drawn from, above 0 and at most 1.
    draw_from : {"train", "val"}, optional
        The split that few-shot images are drawn from: the paper's text says train, its code val. Of val, the
        images that were not drawn choose the checkpoint.
    seed : int, optional
        Decides the few-shot images, their order, the adapters' start and the augmentation.
    data_dir : str or path, optional
        Where clean data is; by default the folder that the environment variable ``MEDIMETA_DATA`` names, or
        else the platform's user data directory.
    source : str, optional
        A source family; by default the one the dataset id belongs to.
    task : str, optional
        The labels to use where a dataset has several tasks.
    rank : int, optional
        Rank of the adapters.
    targets : Target, or several, optional
        What is adapted, as `LoraConfig` has it; by default what the paper adapts, see
        `medimeta_c.lora.targets.default_targets`.
    alpha : float, optional
        The adapters are scaled by alpha / rank; by default alpha is the rank.
    epochs : int, optional
        Passes over the images.
    lr : float, optional
        Adam's learning rate.
    schedule : {"constant", "cosine"}, optional
        Whether the learning rate stays constant, or falls to zero along half a cosine.
    batch_size : int, optional
        Images a step.
    micro_batch : int, optional
        Images that go through the model at a time; the batch by default. Gradients are added up, so this
        changes memory, not the step. Halved, with a warning, when the device has no memory for it.
    temperature : float, optional
        Divides the cosine similarity; by default 1 / the base model's logit scale.
    patience : int, optional
        Stop after so many epochs without a better validation accuracy; by default never.
    augment : str or bool, optional
        Corrupt training images at random, with the corruptions of this suite; True means ``"core"``. Off in
        the paper's protocol, which trains on clean images only.
    profile : str, optional
        What kind of images datasets show that the suite does not know, where the suite has profiles.
    prompts : str or path, optional
        A shipped set of templates, or a file.
    device : str, optional
        ``"auto"``, or a torch device.
    precision : {"auto", "fp32", "bf16"}, optional
        ``bf16`` runs the image encoder under bfloat16 autocast; weights and optimiser stay float32. ``auto``
        is bf16 on a CUDA device that has it, fp32 elsewhere.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str
    datasets: Several[str] = required()
    out: Location = required()
    fraction: float = 0.1
    draw_from: FewShotSplit = "train"
    seed: int = 0
    data_dir: Location = default_of(default_data_dir)
    source: str | None = None
    task: str | None = None
    rank: int = 16
    alpha: float | None = None
    targets: OptionalSeveral[Target] = default(None)
    epochs: int = 20
    lr: float = 1e-4
    schedule: Schedule = "constant"
    batch_size: int = 256
    micro_batch: int | None = None
    temperature: float | None = None
    patience: int | None = None
    augment: str | bool = False
    profile: str | None = None
    prompts: TextOrPath = default("paper")
    device: str = "auto"
    precision: TrainingPrecision = "auto"

    def __post_init__(self) -> None:
        settle(self)
        check_distinct("dataset", self.datasets)
        check_selection(self.datasets, self.source, self.data_dir)
        check_device(self.device)
        load_prompts(self.prompts)
        check_fraction(self.fraction)
        if self.targets is not None:
            LoraConfig(targets=self.targets)
        if self.profile is not None and self.augmentation is None:
            raise ConfigError(
                "a profile only chooses corruptions, and training images are not corrupted",
                value=self.profile,
                remedy=[Remedy("leave out {profile}"), Remedy("name a suite with {augment}")],
            )
        _ = self.augmentation  # checks itself
        if self.seed < 0:
            raise ConfigError(f"seed {self.seed} is negative: use 0 or more")
        for name in _COUNTS:
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ConfigError(f"{name.replace('_', ' ')} {count} is not valid: use 1 or more")
        for name in _POSITIVE:
            number = getattr(self, name)
            if number is not None and not 0 < number < math.inf:
                raise ConfigError(f"{name} {number:g} is not valid: use a number above 0")
        if self.lr > _MAX_LR:
            raise ConfigError(
                f"lr {self.lr:g} is not valid: Adam moves a weight by about lr per step; use about 1e-4"
            )

    @property
    def augmentation(self) -> Suite | None:
        """The suite that training images are corrupted by; None for clean images only."""
        if not self.augment:
            return None
        return CORE if self.augment is True else SUITES.find(self.augment)

    @property
    def step_images(self) -> int:
        """Images that go through the model at a time, as asked."""
        return min(self.micro_batch or self.batch_size, self.batch_size)
