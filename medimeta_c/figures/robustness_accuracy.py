"""Figure of robustness against accuracy: scores under corruption over scores on clean images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles, sample
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar, grouped
from medimeta_c.paper import ModelScores, mean_over_datasets

__all__ = ["exhibit", "robustness_accuracy"]

_SIDE_INCHES = 2.75
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# What stands across and up: at the left, and at the right.
_ACCURACIES = ("clean_accuracy", "average_accuracy")
_ERRORS = ("clean_error", "mce")
_SMALL, _LARGE = 3.6, 7.5  # points
_EDGE: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.6}
_LINE: dict[str, Any] = {"color": "#999999", "linewidth": 0.6, "zorder": 0}


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield one point a model and dataset, and each model's mean over datasets: the paper's Fig. 6."""
    scores = inputs.scored()
    rows: list[tuple[Scalar, ...]] = [
        attrgetter("collection", "dataset", "model", *_ACCURACIES, *_ERRORS)(one) for one in scores
    ]
    for collection, own in _by_collection(scores).items():
        for model, means in _means(own, *_ACCURACIES, *_ERRORS).items():
            rows.append((collection, "mean", model, *means))
    right = (
        f"Right: mCE against clean error, in percent of the errors of {inputs.divisor()}, both axes "
        "logarithmic; lower and further left is better; on an axis there is no error. "
        if _divided(scores)
        else ""
    )
    yield Picture(
        name="robustness_accuracy",
        caption=f"{'Left: accuracy' if right else 'Accuracy'} under corruption (mean over severities and "
        "corruptions) against accuracy on clean images; on the line nothing is lost. "
        f"{right}Small: single datasets; large: means of the models scored on all of them.{inputs.note}",
        figure=robustness_accuracy(scores, inputs.model_looks()),
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
    wide = style.PAGE_INCHES if with_errors else style.COLUMN_INCHES
    with style.context():
        figure, grid = style.page(wide, _SIDE_INCHES * len(collections), len(collections), 1 + with_errors)
        for panels, (collection, own) in zip(grid, collections.items(), strict=True):
            _frame_accuracy(panels[0], collection)
            _scatter(panels[0], own, looks, _ACCURACIES)
            if with_errors:
                limits = _error_limits(scores)
                _frame_errors(panels[1], limits)
                _scatter(panels[1], own, looks, _ERRORS, floor=limits[0])
        grey: dict[str, Any] = {"color": "#888888", "marker": "o", "linestyle": "none"}
        sizes = [
            sample("one dataset", **grey, markersize=_SMALL),
            sample("mean over datasets", **grey, **_EDGE, markersize=_LARGE),
        ]
        below(figure, [*model_handles(looks, (one.model for one in scores), points=6), *sizes])
    return figure


def _frame_accuracy(panel: Axes, collection: str) -> None:
    panel.plot((0, 100), (0, 100), **_LINE)
    panel.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    panel.set(xlabel="Clean accuracy (%)", ylabel="Accuracy under corruption (%)")
    panel.set_title(collection)


def _error_limits(scores: Sequence[ModelScores]) -> tuple[float, float]:
    """Return one range for both axes, in all collections: of all errors and means that are not 0."""
    means = [pair for own in _by_collection(scores).values() for pair in _means(own, *_ERRORS).values()]
    known = [error for pair in (*map(attrgetter(*_ERRORS), scores), *means) for error in pair if error]
    return min([*known, 50]) / 1.15, max([*known, 200]) * 1.15


def _frame_errors(panel: Axes, limits: tuple[float, float]) -> None:
    ticks = [tick for tick in _TICKS if limits[0] <= tick <= limits[1]]
    words = [f"{tick:g}" for tick in ticks]
    panel.axvline(100, **_LINE)
    panel.axhline(100, **_LINE)
    panel.set(xscale="log", yscale="log", box_aspect=1, xlim=limits, ylim=limits)
    panel.set(xlabel="Clean error (% of the baseline's)", ylabel="mCE (%)")
    panel.set(xticks=ticks, xticklabels=words, yticks=ticks, yticklabels=words)
    panel.minorticks_off()


def _scatter(
    panel: Axes,
    scores: Sequence[ModelScores],
    looks: Mapping[str, Look],
    names: tuple[str, str],
    floor: float = 0.0,
) -> None:
    """Draw small points and their means; what lies below the floor is drawn on it."""
    small: dict[str, Any] = {"alpha": 0.55, "markeredgewidth": 0, "clip_on": False}
    for model, mean in _means(scores, *names).items():
        look = looks[model]
        own = [attrgetter(*names)(one) for one in scores if one.model == model]
        for pair, points, how in [
            *((one, _SMALL, small) for one in own),
            (mean, _LARGE, {**_EDGE, "zorder": 5}),
        ]:
            if None not in pair:
                x, y = (max(one, floor) for one in pair)
                panel.plot(
                    x, y, **(look.strokes | {"linestyle": "none"}), markersize=look.size(points), **how
                )


def _divided(scores: Sequence[ModelScores]) -> bool:
    return any(None not in attrgetter(*_ERRORS)(one) for one in scores)


def _means(scores: Sequence[ModelScores], *names: str) -> dict[str, tuple[float | None, ...]]:
    """Return each model's means over a collection's datasets."""
    return {
        model: tuple(mean_over_datasets(scores, model, attrgetter(name)) for name in names)
        for model in dict.fromkeys(one.model for one in scores)
    }


def _by_collection(scores: Sequence[ModelScores]) -> dict[str, list[ModelScores]]:
    return grouped(scores, lambda one: one.collection)
