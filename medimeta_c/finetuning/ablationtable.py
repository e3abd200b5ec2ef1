"""``ablation.json`` and ``ablation.md``: every run of an ablation, and means over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from medimeta_c.io.files import write_atomic
from medimeta_c.io.markdown import environment
from medimeta_c.io.records import Record, write_record
from medimeta_c.io.templating import templates_folder
from medimeta_c.results.ablation import ABLATION_NAME, Ablation, AblationRun, Scored

__all__ = [
    "TABLE_NAME",
    "AblationRow",
    "Spread",
    "ablation_rows",
    "write_ablation",
]

TABLE_NAME = "ablation.md"
_TEMPLATE = "ablation.md.jinja"
_HOURS_OF_NOTE = 0.1


class Spread(Record):
    """Mean of a number over seeds, and its sample standard deviation; None for a single seed."""

    mean: float
    std: float | None

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread | None:
        """Return the spread of numbers; None if one of them is undefined.

        Examples
        --------
        >>> Spread.of([1.0, 2.0, 3.0])
        Spread(mean=2.0, std=1.0)
        """
        known = [value for value in values if value is not None]
        if not known or len(known) != len(values):
            return None
        mean = math.fsum(known) / len(known)
        if len(known) == 1:
            return cls(mean=mean, std=None)
        return cls(mean=mean, std=math.sqrt(math.fsum((x - mean) ** 2 for x in known) / (len(known) - 1)))


class AblationRow(Record):
    """All runs of one fraction: a row of the paper's Table 6."""

    fraction: float
    images: int
    trainable_parameters: int
    total_parameters: int
    hours: Spread | None
    val_accuracy: Spread | None
    clean_accuracy: Spread | None
    average_accuracy: Spread | None
    clean_error: Spread | None
    mce: Spread | None

    @property
    def percent(self) -> float:
        """Trainable parameters in per cent of the total."""
        return 100 * self.trainable_parameters / self.total_parameters


def ablation_rows(ablation: Ablation) -> list[AblationRow]:
    """Return one row a fraction, in the order of the runs."""
    fractions = list(dict.fromkeys(run.fraction for run in ablation.runs))
    return [_row([run for run in ablation.runs if run.fraction == fraction]) for fraction in fractions]


def write_ablation(out: Path, ablation: Ablation) -> None:
    """Write both files, each atomically."""
    template = environment(templates_folder()).get_template(_TEMPLATE)
    text = template.render(
        ablation=ablation,
        rows=ablation_rows(ablation),
        seeds=sorted({run.seed for run in ablation.runs}),
        percent=_percent,
        hours=lambda spread: _shown(spread, 1, 2 if spread.mean >= _HOURS_OF_NOTE else 4),
    )
    write_record(out / ABLATION_NAME, ablation)
    write_atomic(out / TABLE_NAME, text.encode())


def _row(runs: Sequence[AblationRun]) -> AblationRow:
    def over_scored(number: Callable[[Scored], float | None]) -> Spread | None:
        return Spread.of([None if run.scored is None else number(run.scored) for run in runs])

    first = runs[0]
    return AblationRow(
        fraction=first.fraction,
        images=first.images,
        trainable_parameters=first.trainable_parameters,
        total_parameters=first.total_parameters,
        hours=Spread.of([run.hours for run in runs]),
        val_accuracy=Spread.of([run.val_accuracy for run in runs]),
        clean_accuracy=over_scored(lambda scored: scored.clean_accuracy),
        average_accuracy=over_scored(lambda scored: scored.average_accuracy),
        clean_error=over_scored(lambda scored: scored.clean_error),
        mce=over_scored(lambda scored: scored.mce),
    )


def _percent(spread: Spread | float | None) -> str:
    """Return a fraction as per cent with one decimal, and its spread."""
    return _shown(Spread(mean=spread, std=None) if isinstance(spread, float) else spread, 100, 1)


def _shown(spread: Spread | None, factor: float, digits: int) -> str:
    if spread is None:
        return "\N{EN DASH}"
    mean = f"{factor * spread.mean:.{digits}f}"
    return mean if spread.std is None else f"{mean} ± {factor * spread.std:.{digits}f}"
