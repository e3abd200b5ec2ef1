"""The type of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medimeta_c.io.shown import short_repr
from medimeta_c.io.tables.frame import data_frame
from medimeta_c.io.tables.notebook import notebook_html
from medimeta_c.metrics.effective import EffectiveRobustness
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.loss import Losses
from medimeta_c.metrics.ranks.nested import NestedRanks, RankedBy
from medimeta_c.metrics.ranks.ties import PairedTest
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Difference, Estimate
from medimeta_c.results.assessment.standing import Mark
from medimeta_c.results.comparison.values import comparison_rows, comparison_values
from medimeta_c.results.comparison.views import comparison_figure, comparison_notes, comparison_tables
from medimeta_c.results.folder.saved import SavedResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compared", "Comparison"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """One model of a comparison.

    Parameters
    ----------
    name : str
        How the comparison calls it.
    result : SavedResult
        Its result.
    numbers : Scores of Estimate
        Its numbers on the images all models share, with their intervals; without cells.
    loss : Losses of Estimate
        What it loses to corruption on the same images.
    ranks : (int, int) or None
        Best and worst rank that the paired differences to every other model leave open: equal when it
        differs from all. None where it cannot be ranked.
    rank_intervals : NestedRanks or None
        Where its rank falls when images, then datasets and corruptions too, are drawn again.
    borda : float or None
        Points for the models that it beats, over every corruption of every dataset.
    effective : EffectiveRobustness or None
        How far it is above the line through the others, over all datasets of its result.
    """

    name: str
    result: SavedResult
    numbers: Scores[Estimate]
    loss: Losses[Estimate]
    ranks: tuple[int, int] | None
    rank_intervals: NestedRanks | None = None
    borda: float | None = None
    effective: EffectiveRobustness | None = None

    __repr__ = short_repr

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What sets its result apart from those that may be ranked."""
        return self.result.result.standing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Models side by side.

    Parameters
    ----------
    models : tuple of Compared
        Best first; those that may not be ranked come after those that are.
    ranked_by : {"mce", "average_accuracy"}
        mCE where all that may be ranked have it, else average accuracy.
    differences : mapping of (str, str) to Scores of Difference
        First minus second, for every pair in the order of `models`.
    losses : mapping of (str, str) to Losses of Difference
        The same of what they lose to corruption.
    tests : tuple of PairedTest
        Of each ranked model against the leader and the next in rank, with Holm's correction over all.
    plan : Resampling
        How intervals were made.
    scope : Scope
        The datasets, corruptions and severities all models were scored on.
    baseline : str or None
        What CE divides by.
    notes : tuple of str
        What a reader must know: datasets left out, and settings in which the runs differ.
    """

    models: tuple[Compared, ...]
    ranked_by: RankedBy
    differences: Mapping[tuple[str, str], Scores[Difference]]
    losses: Mapping[tuple[str, str], Losses[Difference]]
    tests: tuple[PairedTest, ...]
    plan: Resampling
    scope: Scope
    baseline: str | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        names = ", ".join(repr(model.name) for model in self.models)
        return f"Comparison({names}; best first by {self.ranked_by}, on {', '.join(self.scope.datasets)})"

    @property
    def ranked(self) -> tuple[Compared, ...]:
        """The models that have a rank, best first."""
        return tuple(model for model in self.models if model.ranks is not None)

    @property
    def assumption(self) -> str:
        """What the intervals take as independent, a sentence."""
        return self.plan.assumption(self.scope.datasets)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return comparison_values(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each model and dataset, and for each model over all (dataset ``"all"``).

        Numbers are fractions; one that is undefined is NaN.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(comparison_rows(self))

    def _repr_html_(self) -> str:
        """Return the models and their differences as tables, and rank intervals drawn, for a notebook."""
        tables, notes = comparison_tables(self), (*comparison_notes(self), *self.notes)
        return notebook_html("Comparison", tables, notes, figure=comparison_figure(self))
