"""Fit a head to every dataset, and write down what it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from medimeta_c.probing.config import VAL, DrawnFrom
from medimeta_c.probing.featurefile import FeatureSet
from medimeta_c.probing.heads import Examples, Task, Texts
from medimeta_c.probing.plans import Plan
from medimeta_c.probing.predictor import Fitted
from medimeta_c.probing.shots import Draw, Listing, rows_digest
from medimeta_c.results.identity import FitRecord, HeadRecord

__all__ = ["Learned", "fit_head"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What heads of one dataset learn from.

    Parameters
    ----------
    listings, features : mapping
        Of the splits, by name.
    draws : mapping of (int or None, int) to Draw
        By number of shots and seed.
    texts : Texts or None
        Of a model with two encoders.
    draw_from : {"train", "val"}
        The split that shots are from.
    """

    listings: Mapping[DrawnFrom, Listing]
    features: Mapping[DrawnFrom, FeatureSet]
    draws: Mapping[tuple[int | None, int], Draw]
    texts: Texts | None
    draw_from: DrawnFrom

    def task(self, plan: Plan) -> Task:
        """Return what a head is fitted to."""
        rows = self.draws[plan.shots, plan.seed]
        return Task(
            train=_examples(self.features[self.draw_from], rows.train),
            val=_examples(self.features[VAL], rows.val),
            classes=len(self.listings[VAL].class_names),
            seed=plan.seed,
            texts=self.texts,
        )

    def record(self, plan: Plan, settings: Mapping[str, int | float | str]) -> FitRecord:
        """Return the record of a fit."""
        rows = self.draws[plan.shots, plan.seed]
        digest = rows_digest((self.listings[self.draw_from], rows.train), (self.listings[VAL], rows.val))
        return FitRecord(images=len(rows.train), images_sha256=digest, settings=dict(settings))


def fit_head(
    plan: Plan, learned: Mapping[str, Learned], draw_from: DrawnFrom
) -> tuple[HeadRecord | None, dict[str, Fitted]]:
    """Fit a head to every dataset; its record is None if nothing is trained: it is then the model itself."""
    parts, fits = {}, {}
    for name, each in learned.items():
        task = each.task(plan)
        fit = plan.head.fitted(task)
        parts[name] = Fitted(fit=fit, classes=task.classes, width=task.train.features.shape[1])
        fits[name] = each.record(plan, fit.settings)
    if not plan.head.is_trained:
        return None, parts
    seed = 0 if plan.shots is None and not plan.head.is_random else plan.seed
    record = HeadRecord(name=plan.head.slug, shots=plan.shots, seed=seed, draw_from=draw_from, fits=fits)
    return record, parts


def _examples(features: FeatureSet, rows: Sequence[int]) -> Examples:
    chosen = list(rows)
    return Examples(
        torch.from_numpy(features.vectors[chosen]).double(), torch.from_numpy(features.labels[chosen])
    )
