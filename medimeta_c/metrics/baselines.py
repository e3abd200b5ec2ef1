"""Baselines: the error rates that CE is divided by, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from pydantic import Field

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.records import Name, Record, Text
from medimeta_c.metrics.grid import ErrorGrid, Scope, SeveritySum, error_grids

__all__ = ["PUBLISHED", "Baseline", "measured_baseline", "published_baseline"]

PUBLISHED = "published"
"""Name of the baseline that ships with the package."""


class Baseline(Record):
    """Error rates of the model that CE divides by: enough to compute it again.

    Attributes
    ----------
    name : str
        What names it: ``"published"``, or a result's name.
    model : str
        The model measured.
    source : str
        Where the numbers come from.
    measured_on_these_shards : bool
        Whether they were measured on the very images the model is scored on. Published figures were
        not: CE against them compares across renderings, prompts and code.
    note : str
        What every table that uses this baseline says beneath.
    paired : bool
        Whether the baseline's predictions were there, so that intervals are paired image by image.
    left_out : dict
        By dataset, the corruptions scored that mCE leaves out because nothing was published of them.
    grids : dict of str to ErrorGrid
        By dataset.
    """

    name: Text
    model: Text
    source: Text
    measured_on_these_shards: bool
    note: Text
    paired: bool = False
    left_out: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    grids: dict[Name, ErrorGrid]

    def require(self, datasets: Iterable[str]) -> None:
        """Check that the baseline covers these datasets.

        Raises
        ------
        ConfigError
            Naming the datasets it lacks and those it has.
        """
        absent = [dataset for dataset in datasets if dataset not in self.grids]
        if absent:
            raise ConfigError(
                f"baseline {self.name!r} has no {', '.join(absent)} (it has: {', '.join(self.grids)}): "
                "choose among these datasets, or score the baseline model on yours and give its result"
            )

    def flaw(self, *, phantoms: bool) -> str | None:
        """Return why CE by this baseline means nothing on some images; None where it means something."""
        if phantoms and not self.measured_on_these_shards:
            return f"{self.model} was measured on real images, and these are phantoms"
        return None

    def mce_scope(self, scope: Scope) -> Scope:
        """Return what mCE is taken over where CE divides by this baseline.

        Published figures cover the corruptions they cover: a benchmark that has others besides, such as the
        official MedMNIST-C, gets an mCE over those it shares. What a baseline measured on the same images
        lacks is missing instead, and leaves mCE undefined.
        """
        return scope if self.measured_on_these_shards else scope.shared_with(self.grids)

    def lacks(self, scope: Scope) -> dict[str, tuple[str, ...]]:
        """Return by dataset the corruptions of a scope that mCE leaves out, see `mce_scope`."""
        kept = self.mce_scope(scope).corruptions
        return {
            dataset: tuple(c for c in corruptions if c not in kept[dataset])
            for dataset, corruptions in scope.corruptions.items()
            if kept[dataset] != corruptions
        }

    def for_scope(self, scope: Scope, *, paired: bool = False) -> Baseline:
        """Return the baseline as a result on the datasets of a scope records it."""
        grids = {dataset: grid for dataset, grid in self.grids.items() if dataset in scope.corruptions}
        return self.model_copy(update={"grids": grids, "left_out": self.lacks(scope), "paired": paired})


@cache
def published_baseline() -> Baseline:
    """Return the paper's CLIP ViT-B/16 on MediMeta-C and MedMNIST-C, as its Table 3 prints it.

    The table has one accuracy per corruption, the mean over the five severities. CE needs no more:
    the sum over severities is five times the mean. The numbers were not measured on these shards.

    Returns
    -------
    Baseline
        Ten datasets, split ``"test"``.
    """
    file = resources.files("medimeta_c.metrics").joinpath("published_baseline.json")
    table = json.loads(file.read_text(encoding="utf-8"))
    severities = tuple(table["severities"])
    grids = {
        dataset: ErrorGrid(
            split=table["split"],
            clean=_error(row["clean"]),
            corrupted={
                corruption: SeveritySum.from_mean(_error(accuracy), severities)
                for corruption, accuracy in row["corrupted"].items()
            },
        )
        for dataset, row in table["datasets"].items()
    }
    return Baseline(
        name=PUBLISHED,
        model=table["model"],
        source="{authors}: {title} {venue}, arXiv:{arxiv}, {table}".format(**table["source"]),
        measured_on_these_shards=False,
        note=table["note"],
        grids=grids,
    )


def measured_baseline(name: str, model: str, source: str, errors: Mapping[SetKey, float]) -> Baseline:
    """Return a model's own measured cells as a baseline.

    Parameters
    ----------
    name, model, source : str
        As in `Baseline`; `source` is the result's path.
    errors : mapping of SetKey to float
        Error rate of each valid cell, as `error_grids` takes them.

    Returns
    -------
    Baseline
        The caller checks that its fingerprints are those of the benchmark scored.
    """
    return Baseline(
        name=name,
        model=model,
        source=source,
        measured_on_these_shards=True,
        note=f"measured on these shards ({source})",
        grids=error_grids(errors),
    )


def _error(accuracy_percent: float) -> float:
    """Turn a printed accuracy into an error rate."""
    return 1 - accuracy_percent / 100
