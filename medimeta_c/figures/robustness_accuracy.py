"""Robustness against accuracy: what models keep under corruption of what they have without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import model_looks
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar
from medimeta_c.paper import ModelScores, mean_over_datasets

__all__ = ["exhibit", "robustness_accuracy"]

_SIDE_INCHES = 2.75
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

_Pair = tuple[float | None, float | None]


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield one point a model and dataset, and each model's mean over datasets: the paper's Fig. 6."""
    scores = inputs.scored()
    rows: list[tuple[Scalar, ...]] = [
        (one.collection, one.dataset, one.model, *_accuracies(one), *_errors(one)) for one in scores
    ]
    for collection, own in _by_collection(scores).items():
        for model in dict.fromkeys(one.model for one in own):
            means = (*_mean(own, model, _accuracies), *_mean(own, model, _errors))
            rows.append((collection, "mean", model, *means))
    right = (
        f"Right: mCE against clean error, in percent of the errors of {inputs.divisor()}, both axes "
        "logarithmic; lower and further left is better; on an axis there is no error. "
        if _divided(scores)
        else ""
    )
    note = f" {inputs.printed}" if inputs.printed else ""
    yield Picture(
        name="robustness_accuracy",
        caption=f"{'Left: accuracy' if right else 'Accuracy'} under corruption (mean over severities and "
        "corruptions) against accuracy on clean images; on the line nothing is lost. "
        f"{right}Small: single datasets; large: means of the models scored on all of them.{note}",
        figure=robustness_accuracy(scores, model_looks(inputs.models())),
        header=(
            *("collection", "dataset", "model"),
            *("clean_accuracy", "corruption_accuracy", "clean_error", "mce"),
        ),
        rows=rows,
    )


def robustness_accuracy(scores: Sequence[ModelScores], looks: Mapping[str, Look]) -> Figure:
    """Draw a row a collection: accuracies and, where there is a baseline, errors.

    Parameters
    ----------
    scores : sequence of ModelScores
        Rows of Tables 2 and 3.
    looks : mapping of str to Look
        By model.
    """
    collections = _by_collection(scores)
    with_errors = _divided(scores)
    high = _SIDE_INCHES * len(collections)
    with style.context():
        figure = style.page(style.PAGE_INCHES if with_errors else style.COLUMN_INCHES, high)
        grid = figure.subplots(len(collections), 1 + with_errors, squeeze=False)
        for row, (collection, own) in enumerate(collections.items()):
            _frame_accuracy(grid[row, 0], collection)
            _scatter(grid[row, 0], own, looks, _accuracies)
            if with_errors:
                limits = _error_limits(scores)
                _frame_errors(grid[row, 1], limits)
                _scatter(grid[row, 1], own, looks, _errors, floor=limits[0])
        drawn = {model: looks[model] for model in dict.fromkeys(one.model for one in scores)}
        sizes = [
            Line2D(
                [], [], color="#888888", marker="o", linestyle="none", markersize=3.6, label="one dataset"
            ),
            Line2D(
                [],
                [],
                color="#888888",
                marker="o",
                linestyle="none",
                markersize=7.5,
                markeredgecolor="black",
                markeredgewidth=0.6,
                label="mean over datasets",
            ),
        ]
        below(figure, [*model_handles(drawn, points=6), *sizes])
    return figure


def _frame_accuracy(panel: Axes, collection: str) -> None:
    panel.plot((0, 100), (0, 100), color="#999999", linewidth=0.6, zorder=0)
    panel.set_xlim(0, 100)
    panel.set_ylim(0, 100)
    panel.set_aspect("equal")
    panel.set_xlabel("Clean accuracy (%)")
    panel.set_ylabel("Accuracy under corruption (%)")
    panel.set_title(collection)


def _error_limits(scores: Sequence[ModelScores]) -> tuple[float, float]:
    """Return one range for both axes, in all collections: of all errors and means that are not 0."""
    means = [
        _mean(own, model, _errors)
        for own in _by_collection(scores).values()
        for model in dict.fromkeys(one.model for one in own)
    ]
    known = [error for pair in (*map(_errors, scores), *means) for error in pair if error]
    return min([*known, 50]) / 1.15, max([*known, 200]) * 1.15


def _frame_errors(panel: Axes, limits: tuple[float, float]) -> None:
    ticks = [tick for tick in _TICKS if limits[0] <= tick <= limits[1]]
    panel.axvline(100, color="#999999", linewidth=0.6, zorder=0)
    panel.axhline(100, color="#999999", linewidth=0.6, zorder=0)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_box_aspect(1)
    panel.set_xlabel("Clean error (% of the baseline's)")
    panel.set_ylabel("mCE (%)")
    for limit, place in ((panel.set_xlim, panel.set_xticks), (panel.set_ylim, panel.set_yticks)):
        limit(limits)
        place(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()


def _scatter(
    panel: Axes,
    scores: Sequence[ModelScores],
    looks: Mapping[str, Look],
    pair: Callable[[ModelScores], _Pair],
    floor: float = 0.0,
) -> None:
    """Draw small points and their means; what lies below the floor is drawn on it."""
    for model in dict.fromkeys(one.model for one in scores):
        look = looks[model]
        points = [pair(one) for one in scores if one.model == model]
        for x, y in points:
            if x is None or y is None:
                continue
            panel.plot(
                max(x, floor),
                max(y, floor),
                marker=look.marker,
                color=look.colour,
                markersize=look.size(3.6),
                alpha=0.55,
                linestyle="none",
                markeredgewidth=0,
                clip_on=False,
            )
        x, y = _mean(scores, model, pair)
        if x is not None and y is not None:
            panel.plot(
                max(x, floor),
                max(y, floor),
                marker=look.marker,
                color=look.colour,
                markersize=look.size(7.5),
                linestyle="none",
                markeredgecolor="black",
                markeredgewidth=0.6,
                zorder=5,
            )


def _divided(scores: Sequence[ModelScores]) -> bool:
    return any(None not in _errors(one) for one in scores)


def _accuracies(one: ModelScores) -> _Pair:
    return one.clean_accuracy, one.average_accuracy


def _errors(one: ModelScores) -> _Pair:
    return one.clean_error, one.mce


def _mean(scores: Sequence[ModelScores], model: str, pair: Callable[[ModelScores], _Pair]) -> _Pair:
    """Return a model's means over a collection's datasets."""
    x = mean_over_datasets(scores, model, lambda one: pair(one)[0])
    return x, mean_over_datasets(scores, model, lambda one: pair(one)[1])


def _by_collection(scores: Sequence[ModelScores]) -> dict[str, list[ModelScores]]:
    found: dict[str, list[ModelScores]] = {}
    for one in scores:
        found.setdefault(one.collection, []).append(one)
    return found
