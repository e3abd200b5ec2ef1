"""Write ``ablation.json`` and ``ablation.md``: every run of an ablation, and means over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from medimeta_c.io.files import write_atomic
from medimeta_c.io.markdown import environment
from medimeta_c.io.records import write_record
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Row, Table, mean_cell, number, texts
from medimeta_c.io.templating import templates_folder
from medimeta_c.results.ablation import ABLATION_NAME, Ablation, AblationRun, Scored

__all__ = [
    "TABLE_NAME",
    "ablation_table",
    "write_ablation",
]

TABLE_NAME = "ablation.md"
_TEMPLATE = "ablation.md.jinja"
_HOURS_OF_NOTE = 0.1

_COST = ("Few-shot", "Images", "Trainable", "Total (M)", "%", "Hours", "Val. accuracy")
_SCORES = {
    "Clean accuracy": "clean_accuracy",
    "Clean error": "clean_error",
    "Corruption accuracy": "average_accuracy",
    "mCE": "mce",
}
"""Columns of the table, the second only where a benchmark was scored."""


def write_ablation(out: Path, ablation: Ablation) -> None:
    """Write both files, each atomically."""
    template = environment(templates_folder()).get_template(_TEMPLATE)
    text = template.render(
        ablation=ablation,
        table=markdown(ablation_table(ablation)),
        shares=len({run.fraction for run in ablation.runs}),
        seeds=sorted({run.seed for run in ablation.runs}),
    )
    write_record(out / ABLATION_NAME, ablation)
    write_atomic(out / TABLE_NAME, text.encode())


def ablation_table(ablation: Ablation) -> Table:
    """Return the paper's Table 6: the untuned model, then a row a fraction in the order of the runs."""
    fractions = dict.fromkeys(run.fraction for run in ablation.runs)
    rows = [_row([run for run in ablation.runs if run.fraction == fraction]) for fraction in fractions]
    if ablation.base is not None:
        nothing = [UNDEFINED] * (len(_COST) - 3)
        rows.insert(0, (*texts("untuned", "0", "0", *nothing), *_scores([ablation.base])))
    headers = (*_COST, *_SCORES) if ablation.benchmark else _COST
    return Table(columns=tuple(map(Column, headers)), rows=tuple(row[: len(headers)] for row in rows))


def _row(runs: Sequence[AblationRun]) -> Row:
    first = runs[0]
    hours = [run.hours for run in runs]
    return (
        Cell(f"{100 * first.fraction:g} %", 100 * first.fraction),
        number(first.images, 0),
        Cell(f"{first.trainable_parameters:,}", first.trainable_parameters),
        number(first.total_parameters / 1e6, 1),
        number(100 * first.trainable_parameters / first.total_parameters, 2),
        mean_cell(hours, 2 if statistics.fmean(hours) >= _HOURS_OF_NOTE else 4),
        mean_cell([100 * run.val_accuracy for run in runs]),
        *_scores([run.scored for run in runs]),
    )


def _scores(scored: Sequence[Scored | None]) -> list[Cell]:
    """Return cells in percent, over seeds."""
    fractions = ([getattr(one, field, None) for one in scored] for field in _SCORES.values())
    return [mean_cell([None if one is None else 100 * one for one in values]) for values in fractions]
