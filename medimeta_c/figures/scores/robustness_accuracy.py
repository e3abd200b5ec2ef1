"""Figure of robustness against accuracy: scores under corruption over scores on clean images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, code, model_handles, sample
from medimeta_c.figures.drawing.logaxes import error_limits, frame_errors
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.pointlabels import initials, label_points
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar, grouped
from medimeta_c.paper import ModelScores, mean_over_datasets

__all__ = ["exhibit", "robustness_accuracy"]

_SIDE_INCHES = 3.1
# What stands across and up: at the left, and at the right.
_ACCURACIES = ("clean_accuracy", "average_accuracy")
_ERRORS = ("clean_error", "mce")
_SMALL, _LARGE = 3.6, 7.5  # points
_HOLLOW: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 1.1}
_LINE: dict[str, Any] = {"color": "#999999", "linewidth": 0.6, "zorder": 0}


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield one point a model and dataset, and each model's mean over datasets: the paper's Fig. 6."""
    scores = inputs.scored()
    rows: list[tuple[Scalar, ...]] = [
        attrgetter("collection", "modality", "dataset", "model", *_ACCURACIES, *_ERRORS)(one)
        for one in scores
    ]
    for collection, own in _by_collection(scores).items():
        for model, means in _means(own, *_ACCURACIES, *_ERRORS).items():
            rows.append((collection, "", "mean", model, *means))
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
        f"{right}Small: single datasets, with the letters of their modality; large and hollow: means of the "
        f"models scored on all of them.{inputs.note}",
        figure=robustness_accuracy(scores, inputs.model_looks(), inputs.model_labels()),
        header=(
            *("collection", "modality", "dataset", "model"),
            *("clean_accuracy", "corruption_accuracy", "clean_error", "mce"),
        ),
        rows=rows,
    )


def robustness_accuracy(
    scores: Sequence[ModelScores], looks: Mapping[str, Look], labels: Mapping[str, str]
) -> Figure:
    """Draw a row a collection: accuracies and, where there is a baseline, errors.

    Parameters
    ----------
    scores : sequence of ModelScores
        Rows of Tables 2 and 3.
    looks : mapping of str to Look
        By model.
    labels : mapping of str to str
        What the legend calls each model.
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
                for axis, name in zip((panels[1].xaxis, panels[1].yaxis), _ERRORS, strict=True):
                    frame_errors(axis, _error_limits(scores, name))
                panels[1].set(box_aspect=1, xlabel="Clean error (% of the baseline's)", ylabel="mCE (%)")
                _scatter(panels[1], own, looks, _ERRORS)
        grey: dict[str, Any] = {"color": "#888888", "marker": "o", "linestyle": "none"}
        sizes = [
            sample("one dataset", **grey, markersize=_SMALL),
            sample("mean over datasets", **grey, **_HOLLOW, markersize=_LARGE),
        ]
        subjects = _subjects(scores)
        letters = initials(subjects.values())
        models = model_handles(looks, labels, (one.model for one in scores), points=6)
        below(figure, [*models, *sizes, *(code(letters[name], name) for name in letters)])
        for panels, own in zip(grid, collections.values(), strict=True):
            for panel, names in zip(panels, (_ACCURACIES, _ERRORS), strict=False):
                known = [one for one in own if None not in attrgetter(*names)(one)]
                label_points(
                    panel,
                    [_inside(panel, attrgetter(*names)(one)) for one in known],
                    [letters[subjects[one.collection, one.dataset]] for one in known],
                    _SMALL,
                    [_inside(panel, (x, y)) for x, y in _means(own, *names).values() if x and y],
                )
    return figure


def _frame_accuracy(panel: Axes, collection: str) -> None:
    panel.plot((0, 100), (0, 100), **_LINE)
    panel.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    panel.set(xlabel="Clean accuracy (%)", ylabel="Accuracy under corruption (%)")
    panel.set_title(collection)


def _error_limits(scores: Sequence[ModelScores], name: str) -> tuple[float, float]:
    """Return one range for all collections: of all errors and means that are not 0."""
    means = [mean for own in _by_collection(scores).values() for (mean,) in _means(own, name).values()]
    return error_limits([*map(attrgetter(name), scores), *means])


def _inside(panel: Axes, point: tuple[float, float]) -> tuple[float, float]:
    """Return a point, moved to the panel's edge if it lies below: an error of 0 on a logarithmic axis."""
    return max(point[0], panel.get_xlim()[0]), max(point[1], panel.get_ylim()[0])


def _subjects(scores: Sequence[ModelScores]) -> dict[tuple[str, str], str]:
    """Return what the letters beside a dataset's points mean: its modality, if no other dataset has it."""
    by_dataset = {(one.collection, one.dataset): one for one in scores}
    kinds = Counter((one.collection, one.modality) for one in by_dataset.values())
    alone = {
        key: one.modality and kinds[one.collection, one.modality] == 1 for key, one in by_dataset.items()
    }
    return {key: one.modality if alone[key] else one.subject for key, one in by_dataset.items()}


def _scatter(
    panel: Axes,
    scores: Sequence[ModelScores],
    looks: Mapping[str, Look],
    names: tuple[str, str],
) -> None:
    """Draw small points and their means."""
    small: dict[str, Any] = {"markeredgewidth": 0, "clip_on": False}
    for model, mean in _means(scores, *names).items():
        look = looks[model]
        own = [attrgetter(*names)(one) for one in scores if one.model == model]
        for pair, points, how in [
            *((one, _SMALL, small) for one in own),
            (mean, _LARGE, _HOLLOW | {"clip_on": False}),
        ]:
            if None not in pair:
                x, y = _inside(panel, pair)
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
