"""Configuration of an evaluation, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import ALL, check_alone, check_distinct, check_name
from medimeta_c.format.parts import share_of
from medimeta_c.io.settings import (
    LocationOrUrl,
    OptionalTextOrPath,
    Several,
    TextOrPath,
    default,
    required,
    settle,
)
from medimeta_c.io.stores.stored import StoredPath, require_writable
from medimeta_c.metrics.registry import Metric, chosen_metrics
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import Activation, AnyModel, Precision
from medimeta_c.prompts.paraphrases import load_paraphrases
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.results.baseline_choice import PUBLISHED
from medimeta_c.scoring.devices import check_device
from medimeta_c.scoring.words.questions import Asking, Decode

__all__ = ["DEFAULT_PROMPTS", "EvaluateConfig"]

DEFAULT_PROMPTS = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What to score, on what, and how.

    Parameters
    ----------
    model : str, or a model
        A model spec; see `medimeta_c.models`. Or the model itself, which its identity's spec names.
    benchmark : str or path
        Directory of a built benchmark, its URL in an object store, or ``ORG/NAME`` on the Hub.
    datasets : str, or several, optional
        Datasets of it; ``"all"`` for every one.
    split : str, optional
        The split scored.
    baseline : str or path, optional
        ``"published"``, ``"none"``, or the folder of a result to divide by.
    prompts : str or path, optional
        A shipped set of templates, or a file. For a model with text: a classifier takes none.
    prompts_sweep : str or path, optional
        A set of templates, or a file: each template is also scored as a prompt of its own, on the same image
        embeddings, and its numbers are in a file beside the result. ``"paraphrases"`` is a shipped set.
    out : str or path, optional
        Root of all results, or its URL in an object store that can be written to.
    device : str, optional
        ``"auto"``, or a torch device.
    devices : str, or several, optional
        Instead of `device`: devices of this machine, such as ``("cuda:0", "cuda:1")``. Each has a process of
        its own, and each cell is scored on one of them. A script that does this needs the usual
        ``if __name__ == "__main__":``.
    engine : {"local", "dask"}, optional
        This machine, or every worker of a Dask cluster, each with the device that it has. All see the same
        paths.
    scheduler : str, optional
        Address of the running Dask scheduler, with ``engine="dask"``.
    precision : {"fp32", "bf16", "fp16"}, optional
        Number format of weights and activations.
    batch_size : int, optional
        Images a batch; by default 256 on CUDA and 64 elsewhere.
    workers : int, optional
        Decoding threads, or processes for a transform that needs them; 0 decodes in this thread, -1 is one
        per core left beside the model.
    resampling : Resampling, optional
        How intervals are made.
    activation : {"quickgelu", "gelu"}, optional
        What a checkpoint named as ``ARCH/PATH`` was trained with, where neither says it.
    preprocessing : str, optional
        A transform that the model's family lists beside the model's own; see `medimeta_c.models.ModelFamily`.
    metrics : str, Metric, or several, optional
        What is computed of each cell beside this package's metrics: names of registered ones, or metrics.
    render : bool, optional
        Render corrupted images from the clean ones. Then only the files of clean images, the groups and the
        manifest are read. The result is the same.
    limit : int, optional
        Only the first so many images of each set: a trial, written below ``<out>/first-<limit>``.
    part : str, optional
        Such as ``"2/5"``: only the cells of part 2 of 5. The result is written when no part is missing; see
        `medimeta_c.merge_results` for parts with an `out` of their own.
    decode, orders, confidence, question : optional
        How a model that answers in words is asked; see `medimeta_c.scoring.words.questions.Asking`.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str | AnyModel
    benchmark: TextOrPath = required()
    datasets: Several[str] = default(ALL)
    split: str = "test"
    baseline: TextOrPath = default(PUBLISHED)
    prompts: TextOrPath = default(DEFAULT_PROMPTS)
    prompts_sweep: OptionalTextOrPath = default(None)
    out: LocationOrUrl = default("results")
    device: str = "auto"
    devices: Several[str] = default(())
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    precision: Precision = "fp32"
    batch_size: int | None = None
    workers: int = 0
    resampling: Resampling = field(default_factory=Resampling)
    metrics: Several[str | Metric] = default(())
    activation: Activation | None = None
    preprocessing: str | None = None
    render: bool = False
    limit: int | None = None
    part: str | None = None
    decode: Decode | None = None
    orders: int | None = None
    confidence: bool = False
    question: str | None = None

    def __post_init__(self) -> None:
        settle(self)
        require_writable(self.out, "out", Remedy("choose another {out}"))
        if isinstance(self.out, StoredPath) and (self.devices or self.scheduler or self.part):
            raise ConfigError(
                f"out {self.out} is a URL, and only one process at a time can evaluate into a URL",
                remedy=[
                    Remedy("choose a folder for {out}"),
                    Remedy("leave out {devices}, {scheduler} and {part}"),
                ],
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError("limit must be at least 1 image", value=self.limit)
        check_name("split", self.split)
        if self.part is not None:
            share_of(self.part)
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"batch size {self.batch_size} is not valid: use 1 or more")
        if self.workers < -1:
            raise ConfigError(f"workers {self.workers} is not valid: use 0 or more, or -1 for one per core")
        check_distinct("dataset", self.datasets)
        check_alone(ALL, "dataset", self.datasets)
        check_device(self.device)
        for name in self.devices:
            check_device(name)
        if (self.engine == "dask") != (self.scheduler is not None):
            raise ConfigError(
                "the engine dask and the address of its scheduler belong together",
                remedy=Remedy("give both {engine} and {scheduler}, or neither", engine="dask"),
            )
        if self.devices and self.engine == "dask":
            raise ConfigError(
                "devices names devices of this machine, and the engine dask uses those of its workers",
                remedy=Remedy("leave out {devices} or {engine}"),
            )
        if self.devices and self.device != "auto":
            raise ConfigError(
                f"device {self.device!r} and several devices are given",
                remedy=Remedy("leave out {device} or {devices}"),
            )
        book = load_prompts(self.prompts)
        if self.prompts_sweep is not None:
            load_paraphrases(self.prompts_sweep, book)
        chosen_metrics(self.metrics)
        _ = self.asking  # refuses invalid values

    @property
    def asking(self) -> Asking:
        """How a model that answers in words is asked."""
        return Asking(
            decode=self.decode, orders=self.orders, confidence=self.confidence, question=self.question
        )
