"""The paper's Tables 2, 3 and 6, of the paper's own numbers or of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from medimeta_c.figures.exhibit import Inputs, Lacking, Mark, PrintedTable
from medimeta_c.format.display import display_name
from medimeta_c.paper import FewShotScore, ModelScores

__all__ = ["draw_table2", "draw_table3", "draw_table6"]

_FEWSHOT_COLUMNS: dict[str, tuple[Mark, Callable[[FewShotScore], float | None]]] = {
    "Clean accuracy": (Mark("high", 2), lambda one: one.clean_accuracy),
    "Clean error": (Mark("low", 1), lambda one: one.clean_error),
    "Corruption accuracy": (Mark("high", 2), lambda one: one.corruption_accuracy),
    "mCE": (Mark("low", 1), lambda one: one.mce),
    "Hours": (Mark("", 2), lambda one: one.train_hours),
    "Parameters (M)": (Mark("", 0), lambda one: one.total_params_m),
    "Trainable (%)": (Mark("", 2), lambda one: one.trainable_percent),
}


def draw_table2(inputs: Inputs) -> Iterator[PrintedTable]:
    """Yield Table 2: clean error, CE by corruption and mCE, by dataset."""
    scores = inputs.scored()
    if all(one.mce is None and one.clean_error is None for one in scores):
        raise Lacking("results have no baseline in common: evaluate all with one --baseline")
    columns = _corruptions([one.ce for one in scores])
    yield PrintedTable(
        name="table2_ce_mce",
        caption=f"Errors in percent of those of {inputs.divisor()}; lower is better. Best bold, second best "
        f"underlined, within a dataset.{_from(inputs)}",
        labels=("Collection", "Dataset", "Model"),
        columns={name: Mark("low", 1) for name in ("Clean", *map(display_name, columns), "mCE")},
        blocks=_blocks(
            scores, lambda one: (one.clean_error, *(one.ce.get(name) for name in columns), one.mce)
        ),
    )


def draw_table3(inputs: Inputs) -> Iterator[PrintedTable]:
    """Yield Table 3: top-1 accuracy, clean, by corruption and on average, by dataset."""
    scores = inputs.scored()
    columns = _corruptions([one.accuracy for one in scores])
    yield PrintedTable(
        name="table3_accuracy",
        caption="Top-1 accuracy in percent; under a corruption, the mean over severities. Best bold, second "
        f"best underlined, within a dataset.{_from(inputs)}",
        labels=("Collection", "Dataset", "Model"),
        columns={name: Mark("high", 2) for name in ("Clean", *map(display_name, columns), "Average")},
        blocks=_blocks(
            scores,
            lambda one: (
                one.clean_accuracy,
                *(one.accuracy.get(name) for name in columns),
                one.average_accuracy,
            ),
        ),
    )


def draw_table6(inputs: Inputs) -> Iterator[PrintedTable]:
    """Yield Table 6: the few-shot ablation."""
    rows = inputs.ablated()
    yield PrintedTable(
        name="table6_fewshot",
        caption="Fine-tuning on a share of the train split: accuracy, clean error and mCE in percent, "
        f"training hours, parameters. Best bold, second best underlined.{_from(inputs)}",
        labels=("Model", "Few-shot (%)"),
        columns={name: mark for name, (mark, _) in _FEWSHOT_COLUMNS.items()},
        blocks=[
            [
                ((one.variant, f"{one.percent:g}"), tuple(get(one) for _, get in _FEWSHOT_COLUMNS.values()))
                for one in rows
            ]
        ],
    )


def _blocks(
    scores: Sequence[ModelScores], numbers: Callable[[ModelScores], tuple[float | None, ...]]
) -> list[list[tuple[tuple[str, ...], tuple[float | None, ...]]]]:
    """Return a block a dataset, in the order of the scores."""
    datasets = dict.fromkeys((one.collection, one.dataset) for one in scores)
    return [
        [
            ((one.collection, one.dataset, one.model), numbers(one))
            for one in scores
            if (one.collection, one.dataset) == dataset
        ]
        for dataset in datasets
    ]


def _corruptions(rows: Sequence[Mapping[str, float | None]]) -> tuple[str, ...]:
    """Return every corruption of mappings by corruption, in order of first appearance."""
    return tuple(dict.fromkeys(name for row in rows for name in row))


def _from(inputs: Inputs) -> str:
    return f" {inputs.printed}" if inputs.printed else ""
