"""Tables 2, 3 and 6 of the paper, from its own numbers or from results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from medimeta_c.figures.exhibit import Inputs, Lacking
from medimeta_c.format.display import display_name
from medimeta_c.io.tables.table import Best, Column, Table, number, texts
from medimeta_c.paper import ModelScores, with_marks

__all__ = ["draw_table2", "draw_table3", "draw_table6"]

_Row = tuple[Sequence[str], Sequence[float | None], bool]
"""Labels, numbers, and whether the row is compared with others."""
_Mark = tuple[Best, int]
"""What is best in a column, and how many digits are printed after the point."""

_LABELS = ("Collection", "Modality", "Dataset", "Model")
_FEWSHOT: Mapping[str, tuple[_Mark, str]] = {
    "Clean accuracy": (("high", 2), "clean_accuracy"),
    "Clean error": (("low", 1), "clean_error"),
    "Corruption accuracy": (("high", 2), "corruption_accuracy"),
    "mCE": (("low", 1), "mce"),
    "Hours": (("", 2), "train_hours"),
    "Parameters (M)": (("", 0), "total_params_m"),
    "Trainable (%)": (("", 2), "trainable_percent"),
}


def draw_table2(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 2: clean error, CE by corruption and mCE, by dataset."""
    if all(one.mce is None and one.clean_error is None for one in inputs.scored()):
        raise Lacking("results have no baseline in common: evaluate all with one baseline")
    yield _table(
        "table2_ce_mce",
        f"Errors in percent of those of {inputs.divisor()}; lower is better. Best bold, second best "
        f"underlined, within a dataset.{inputs.note}",
        *_by_dataset(inputs.scored(), ("clean_error", "ce", "mce"), "mCE", ("low", 1)),
    )


def draw_table3(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 3: top-1 accuracy, clean, by corruption and on average, by dataset."""
    fields = ("clean_accuracy", "accuracy", "average_accuracy")
    yield _table(
        "table3_accuracy",
        "Top-1 accuracy in percent; under a corruption, the mean over severities. Best bold, second "
        f"best underlined, within a dataset.{inputs.note}",
        *_by_dataset(inputs.scored(), fields, "Average", ("high", 2)),
    )


def draw_table6(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 6: the few-shot ablation."""
    inputs.ablated()
    scores = inputs.fewshot
    yield _table(
        "table6_fewshot",
        f"Fine-tuning on a share of the {scores[0].split} split: accuracy, clean error and mCE in percent, "
        f"training hours, parameters. Best bold, second best underlined, within a dataset.{inputs.note}",
        (*_LABELS, "Few-shot (%)"),
        {name: mark for name, (mark, _) in _FEWSHOT.items()},
        [
            (
                (
                    *(one.collection, one.modality, one.dataset or "mean over datasets"),
                    *(with_marks(one.variant, one.marks), f"{one.percent:g}"),
                ),
                [getattr(one, field) for _, field in _FEWSHOT.values()],
                not one.marks,
            )
            for one in scores
        ],
    )


def _by_dataset(
    scores: Sequence[ModelScores], fields: tuple[str, str, str], last: str, mark: _Mark
) -> tuple[Sequence[str], Mapping[str, _Mark], list[_Row]]:
    """Return labels, columns and a row a score, those of a dataset together, as `_table` takes them.

    The fields are those of a score's clean number, of its numbers by corruption, and of their mean.
    """
    clean, by_corruption, mean = fields
    datasets = list(dict.fromkeys((one.collection, one.dataset) for one in scores))
    corruptions = dict.fromkeys(name for one in scores for name in getattr(one, by_corruption))
    rows: list[_Row] = [
        (
            (one.collection, one.modality, one.dataset, with_marks(one.model, one.marks)),
            [getattr(one, clean), *map(getattr(one, by_corruption).get, corruptions), getattr(one, mean)],
            not one.marks,
        )
        for one in sorted(scores, key=lambda one: datasets.index((one.collection, one.dataset)))
    ]
    marks = dict.fromkeys(("Clean", *map(display_name, corruptions), last), mark)
    return _LABELS, marks, rows


def _table(
    name: str,
    caption: str,
    labels: Sequence[str],
    marks: Mapping[str, _Mark],
    rows: Sequence[_Row],
) -> Table:
    """Return labelled rows of numbers, best and second best marked among the models of a dataset."""
    digits = [one for _, one in marks.values()]
    return Table(
        name=name,
        caption=caption,
        columns=(
            *(Column(label, "label") for label in labels),
            *(Column(header, best=best) for header, (best, _) in marks.items()),
        ),
        rows=tuple((*texts(*names), *map(number, numbers, digits)) for names, numbers, _ in rows),
        grouped=labels.index("Model"),
    ).ranked(apart={place for place, (_, _, compared) in enumerate(rows) if not compared})
