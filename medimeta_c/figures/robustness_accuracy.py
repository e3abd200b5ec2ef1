"""Robustness against accuracy: what models keep under corruption of what they have without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures import style
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar
from medimeta_c.modelscores import ModelScores

__all__ = ["exhibit", "robustness_accuracy"]

_ROW_INCHES = 2.5
_TICKS = (25, 50, 100, 200, 400)

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
    note = f" {inputs.printed}" if inputs.printed else ""
    yield Picture(
        name="robustness_accuracy",
        caption="Left: accuracy under corruption (mean over severities and corruptions) against accuracy on "
        "clean images; on the line nothing is lost. Right: mCE against clean error, in percent of the "
        "baseline's errors, both axes logarithmic; lower and further left is better. Small: single "
        f"datasets; large: their mean.{note}",
        figure=robustness_accuracy(scores, style.model_looks(inputs.models())),
        header=(
            *("collection", "dataset", "model"),
            *("clean_accuracy", "corruption_accuracy", "clean_error", "mce"),
        ),
        rows=rows,
    )


def robustness_accuracy(scores: Sequence[ModelScores], looks: Mapping[str, style.ModelLook]) -> Figure:
    """Draw two panels a collection.

    Parameters
    ----------
    scores : sequence of ModelScores
        Rows of Tables 2 and 3.
    looks : mapping of str to ModelLook
        By model.
    """
    collections = _by_collection(scores)
    with style.context():
        figure = Figure(
            figsize=(style.PAGE_INCHES * 0.86, _ROW_INCHES * len(collections) + 0.35),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        grid = figure.subplots(len(collections), 2, squeeze=False)
        for row, (collection, own) in enumerate(collections.items()):
            _frame_accuracy(grid[row, 0], collection)
            _scatter(grid[row, 0], own, looks, _accuracies)
            _frame_errors(grid[row, 1])
            _scatter(grid[row, 1], own, looks, _errors)
            _limit_errors(grid[row, 1], own)
        models = dict.fromkeys(one.model for one in scores)
        handles = [
            Line2D(
                [],
                [],
                color=looks[one].colour,
                marker=looks[one].marker,
                linestyle="none",
                label=one,
                markersize=looks[one].size(6),
            )
            for one in models
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), frameon=False)
    return figure


def _frame_accuracy(panel: Axes, collection: str) -> None:
    panel.plot((0, 100), (0, 100), color="#999999", linewidth=0.6, zorder=0)
    panel.set_xlim(0, 100)
    panel.set_ylim(0, 100)
    panel.set_aspect("equal")
    panel.set_xlabel("Clean accuracy (%)")
    panel.set_ylabel("Accuracy under corruption (%)")
    panel.set_title(collection)


def _frame_errors(panel: Axes) -> None:
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlim(50, 200)
    panel.set_ylim(50, 200)
    panel.axvline(100, color="#999999", linewidth=0.6, zorder=0)
    panel.axhline(100, color="#999999", linewidth=0.6, zorder=0)
    panel.set_xlabel("Clean error (% of the baseline's)")
    panel.set_ylabel("mCE (%)")


def _limit_errors(panel: Axes, scores: Sequence[ModelScores]) -> None:
    """Give both axes one range of round numbers."""
    known = [one for score in scores for one in _errors(score) if one is not None and one > 0]
    low, high = (min([*known, 50]) / 1.15, max([*known, 200]) * 1.15)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    for limit, place in ((panel.set_xlim, panel.set_xticks), (panel.set_ylim, panel.set_yticks)):
        limit(low, high)
        place(ticks, [str(tick) for tick in ticks])
    panel.minorticks_off()
    if not known:
        panel.text(0.5, 0.5, "no baseline", transform=panel.transAxes, ha="center", va="center")


def _scatter(
    panel: Axes,
    scores: Sequence[ModelScores],
    looks: Mapping[str, style.ModelLook],
    pair: Callable[[ModelScores], _Pair],
) -> None:
    for model in dict.fromkeys(one.model for one in scores):
        look = looks[model]
        points = [pair(one) for one in scores if one.model == model]
        for x, y in points:
            if x is None or y is None:
                continue
            panel.plot(
                x,
                y,
                marker=look.marker,
                color=look.colour,
                markersize=look.size(3.6),
                alpha=0.55,
                linestyle="none",
                markeredgewidth=0,
            )
        x, y = _mean(scores, model, pair)
        if x is not None and y is not None:
            panel.plot(
                x,
                y,
                marker=look.marker,
                color=look.colour,
                markersize=look.size(7.5),
                linestyle="none",
                markeredgecolor="black",
                markeredgewidth=0.6,
                zorder=5,
            )


def _accuracies(one: ModelScores) -> _Pair:
    return one.clean_accuracy, one.average_accuracy


def _errors(one: ModelScores) -> _Pair:
    return one.clean_error, one.mce


def _mean(scores: Sequence[ModelScores], model: str, pair: Callable[[ModelScores], _Pair]) -> _Pair:
    """Return a model's mean over datasets; None where one of them has no number."""
    xs, ys = zip(*(pair(one) for one in scores if one.model == model), strict=True)

    def mean(values: Sequence[float | None]) -> float | None:
        known = [one for one in values if one is not None]
        return float(np.mean(known)) if len(known) == len(values) else None

    return mean(xs), mean(ys)


def _by_collection(scores: Sequence[ModelScores]) -> dict[str, list[ModelScores]]:
    found: dict[str, list[ModelScores]] = {}
    for one in scores:
        found.setdefault(one.collection, []).append(one)
    return found
